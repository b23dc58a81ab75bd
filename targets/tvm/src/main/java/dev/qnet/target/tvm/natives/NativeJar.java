package dev.qnet.target.tvm.natives;

import java.util.List;

/**
 * A jar of Maven Central with native libraries.
 *
 * @param artifact its artifact id, in the group {@code org.bytedeco}
 * @param version its version
 * @param variant what follows the platform in its classifier
 * @param runtime the entries that running a compiled module needs, by the end of their path
 * @param compiler the entries that only compiling needs
 * @param clang the entries that compiling C needs
 */
record NativeJar(
        String artifact,
        String version,
        String variant,
        List<String> runtime,
        List<String> compiler,
        List<String> clang) {
    static final String GROUP = "org.bytedeco";

    /** All of them. TVM comes first: its version names the cache. The others are what libtvm is linked with. */
    static final List<NativeJar> ALL = List.of(
            new NativeJar(
                    "tvm", "0.18.0-1.5.11", List.of("linux-x86_64/libtvm_runtime.so"), List.of("python/tvm/libtvm.so")),
            new NativeJar(
                    "openblas",
                    "0.3.28-1.5.11",
                    List.of("libopenblas.so.0", "libgfortran.so.5", "libquadmath.so.0"),
                    List.of()),
            new NativeJar("dnnl", "2.7.1-1.5.8", List.of("libdnnl.so.2", "libgomp.so.1"), List.of()),
            new NativeJar("opencl", "3.0-1.5.8", List.of("libOpenCL.so.1"), List.of()),
            new NativeJar(
                    "llvm",
                    "19.1.3-1.5.11",
                    "",
                    List.of(),
                    List.of("libLLVM.so.19.1", "linux-x86_64/lld"),
                    List.of(
                            "linux-x86_64/clang",
                            "libclang-cpp.so.19.1",
                            "libLLVM.so.19.1",
                            "linux-x86_64/lld",
                            "lib/clang/19/include/stdint.h",
                            "lib/clang/19/include/float.h")));

    /** TVM with CUDA, which takes the place of {@code tvm}. */
    static final NativeJar GPU = new NativeJar(
            "tvm", ALL.getFirst().version(), "-gpu", List.of(), List.of("python/tvm/libtvm.so"), List.of());

    private NativeJar(String artifact, String version, List<String> runtime, List<String> compiler) {
        this(artifact, version, "", runtime, compiler, List.of());
    }

    /** The jars that a set of libraries is taken from. */
    static List<NativeJar> of(NativeSet set) {
        return set == NativeSet.GPU
                ? List.of(GPU)
                : ALL.stream().filter(j -> !j.entries(set).isEmpty()).toList();
    }

    /** The entries that a set of libraries takes from it. */
    List<String> entries(NativeSet set) {
        return switch (set) {
            case RUNTIME -> runtime;
            case COMPILER ->
                java.util.stream.Stream.concat(runtime.stream(), compiler.stream())
                        .toList();
            case CLANG -> clang;
            case GPU -> artifact.equals("tvm") ? compiler : List.of();
        };
    }

    /** Where it is in a Maven repository. */
    String path(String platform) {
        return GROUP.replace('.', '/') + "/" + artifact + "/" + version + "/" + fileName(platform);
    }

    String fileName(String platform) {
        return artifact + "-" + version + "-" + platform + variant + ".jar";
    }

    /** As {@code mvn dependency:get -Dartifact=} takes it. */
    String coordinates(String platform) {
        return GROUP + ":" + artifact + ":" + version + ":jar:" + platform + variant;
    }
}
