/** ONNX models: the file format, its operators as a graph's operations, and test data. */
@org.jspecify.annotations.NullMarked
package dev.qnet.formats.onnx;
