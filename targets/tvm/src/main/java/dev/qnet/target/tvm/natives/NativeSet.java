package dev.qnet.target.tvm.natives;

/** Which of the libraries are wanted. */
public enum NativeSet {
    /** What runs a compiled module. */
    RUNTIME(73),
    /** What compiles and links, and the runtime. */
    COMPILER(213),
    /** LLVM's compiler of C and its linker, without TVM. */
    CLANG(140),
    /** TVM with CUDA, beside {@link #COMPILER}, for those who run on a GPU. */
    GPU(42);

    private final int megabytes;

    NativeSet(int megabytes) {
        this.megabytes = megabytes;
    }

    /** The size of its jars. */
    int megabytes() {
        return megabytes;
    }

    String folder() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
