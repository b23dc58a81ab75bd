/** What happens to a graph between the binder and a target. Knows no names of targets, no bytecode. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.pass;
