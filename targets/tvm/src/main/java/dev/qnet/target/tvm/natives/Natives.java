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
        return folder(NativeCache.ofUser(), set, JarSource.here());
    }

    /** Where a user says where the jars are, they have to be there, unpacked or not: else a wrong folder would go unnoticed. */
    static Path folder(NativeCache cache, NativeSet set, JarSource source) {
        if (source.isNamed()) {
            source.find(set);
        }
        return cache.folder(set, () -> source);
    }
}
