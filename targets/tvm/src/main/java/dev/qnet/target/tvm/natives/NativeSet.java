package dev.qnet.target.tvm.natives;

/** Which of the libraries are wanted. */
public enum NativeSet {
    /** What runs a compiled module: 73 MB of jars. */
    RUNTIME,
    /** What compiles and links, and the runtime: 213 MB of jars. */
    COMPILER;

    String folder() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
