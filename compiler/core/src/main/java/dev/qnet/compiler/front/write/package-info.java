/** From a graph back to source: what importers read, and what calibration measured, as .qnet files. */
@org.jspecify.annotations.NullMarked
package dev.qnet.compiler.front.write;
