/** Pictures in and out: 8-bit levels, NHWC tensors, and the scaling between them. */
@org.jspecify.annotations.NullMarked
package dev.qnet.cli.image;
