package dev.qnet.target.tvm.natives;

import dev.qnet.target.tvm.TvmUnavailableException;
import java.util.Locale;

/** What this machine is, in the terms of the jars' classifiers. */
final class Platform {
    private static final String LINUX = "linux-x86_64";

    private Platform() {}

    /**
     * The classifier of the jars for this machine.
     *
     * @throws TvmUnavailableException if there are none
     */
    static String classifier() {
        return classifier(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    }

    static String classifier(String os, String arch) {
        boolean linux = os.toLowerCase(Locale.ROOT).startsWith("linux");
        boolean x86 = arch.equals("amd64") || arch.equals("x86_64");
        if (!linux || !x86) {
            throw new TvmUnavailableException(
                    "TVM's libraries exist for Linux on x86-64 only, and this is " + os + " on " + arch,
                    "compile on a Linux machine, or for the JVM: --target jvm runs everywhere");
        }
        return LINUX;
    }
}
