/** CUDA: compilers of kernels, how modules carry them, and the GPU of this machine. */
@org.jspecify.annotations.NullMarked
package dev.qnet.target.tvm.cuda;
