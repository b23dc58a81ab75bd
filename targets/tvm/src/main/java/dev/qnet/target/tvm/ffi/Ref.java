package dev.qnet.target.tvm.ffi;

/** A handle of TVM's that a {@link Scope} owns: an object, a module, a function or an array. */
public final class Ref {
    /** What it refers to, with the code that TVM passes it by. */
    enum Kind {
        OBJECT(8),
        MODULE(9),
        FUNCTION(10),
        ARRAY(13);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        int code() {
            return code;
        }
    }

    private final Scope owner;
    private final long address;
    private final Kind kind;

    Ref(Scope owner, long address, Kind kind) {
        this.owner = owner;
        this.address = address;
        this.kind = kind;
    }

    Kind kind() {
        return kind;
    }

    /**
     * The address.
     *
     * @throws IllegalStateException if its scope is closed, so that nothing is there any more
     */
    long address() {
        if (owner.isClosed()) {
            throw new IllegalStateException("a handle of TVM is used after its scope was closed");
        }
        return address;
    }

    /** The address, for its owner to free. */
    long lastAddress() {
        return address;
    }
}
