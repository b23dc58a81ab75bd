/** Functions of real numbers as tensor programs, to the last bit as Java has them. They know nothing of layers. */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm.lower.math;
