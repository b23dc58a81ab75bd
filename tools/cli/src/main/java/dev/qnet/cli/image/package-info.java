/** Pictures in and out. */
@org.jspecify.annotations.NullMarked
package dev.qnet.cli.image;
