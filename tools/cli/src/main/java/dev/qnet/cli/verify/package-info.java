/** Checks models against outputs that others computed for them. */
@org.jspecify.annotations.NullMarked
package dev.qnet.cli.verify;
