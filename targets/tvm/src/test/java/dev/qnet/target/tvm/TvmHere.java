package dev.qnet.target.tvm;

import dev.qnet.target.tvm.ffi.TvmLibrary;
import org.junit.jupiter.api.Assumptions;

/** For tests that need TVM's native libraries: without them they are skipped, and say so. */
public final class TvmHere {
    private TvmHere() {}

    /** The library, or the end of the test. */
    public static TvmLibrary library() {
        try {
            return TvmLibrary.compiler();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without TVM's native libraries (mvn -Ptvm-natives): " + e.getMessage());
            throw e;
        }
    }
}
