/** The {@code qnet} command. */
@org.jspecify.annotations.NullMarked
package dev.qnet.cli;
