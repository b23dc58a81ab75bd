/**
 * Tensor programs in TVM's terms (TIR), as plain records: built and printed without TVM, which only compiling needs.
 */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm.tir;
