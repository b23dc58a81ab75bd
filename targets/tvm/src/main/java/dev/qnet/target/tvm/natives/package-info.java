/** TVM's native libraries: in which jars they are, and where they are unpacked to. */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm.natives;
