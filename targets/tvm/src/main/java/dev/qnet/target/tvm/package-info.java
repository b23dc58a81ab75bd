/** The TVM target: integer graphs to tensor programs (TIR), and those through libtvm to modules for x86 CPUs. */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm;
