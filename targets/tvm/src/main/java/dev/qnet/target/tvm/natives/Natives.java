package dev.qnet.target.tvm.natives;

import java.nio.file.Path;

/** The native libraries, unpacked. */
public final class Natives {
    private Natives() {}

    /**
     * A folder with the libraries of a set, unpacked if need be.
     *
     * @throws dev.qnet.target.tvm.TvmUnavailableException if they are not on this machine
     */
    public static Path folder(NativeSet set) {
        Platform.classifier();
        return NativeCache.ofUser().folder(set, JarSource::here);
    }
}
