/** What {@code qnet demo} needs of its own. */
@org.jspecify.annotations.NullMarked
package dev.qnet.cli.demo;
