/** Reads TFLite models: a bounded reader of the file, and what each operator is as operations of a graph. */
@org.jspecify.annotations.NullMarked
package dev.qnet.formats.tflite;
