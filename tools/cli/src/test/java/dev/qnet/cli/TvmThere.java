package dev.qnet.cli;

import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.TvmTarget;
import dev.qnet.target.tvm.TvmUnavailableException;
import org.junit.jupiter.api.Assumptions;

/** What tests of TVM's code need. */
final class TvmThere {
    private TvmThere() {}

    /** Skips a test where TVM's native libraries, or LLVM's compiler that comes with them, are not on this machine. */
    static void assume() {
        try {
            TvmTarget.load();
            CTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without TVM's native libraries: " + e.what());
        }
    }
}
