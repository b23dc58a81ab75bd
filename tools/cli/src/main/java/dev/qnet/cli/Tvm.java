package dev.qnet.cli;

import dev.qnet.target.tvm.TvmTarget;
import dev.qnet.target.tvm.TvmUnavailableException;

/** TVM, as far as commands need to know of it. */
final class Tvm {
    private Tvm() {}

    /**
     * Loads TVM's native libraries.
     *
     * @throws UserException if they are not on this machine, with what to do about it
     */
    static void require() {
        try {
            TvmTarget.load();
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix());
        }
    }
}
