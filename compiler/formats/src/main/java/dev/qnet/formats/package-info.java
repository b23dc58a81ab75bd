/** Reads models of other systems as graphs, and writes graphs as such models. */
@org.jspecify.annotations.NullMarked
package dev.qnet.formats;
