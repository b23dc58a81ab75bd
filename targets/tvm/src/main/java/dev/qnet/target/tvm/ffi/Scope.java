package dev.qnet.target.tvm.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Owns the handles that TVM gives out, and frees them when closed, the last one first. For one thread at a time.
 *
 * <p>Arguments of calls are {@link Ref}, {@link String}, {@link Long}, {@link Integer}, {@link Double}, {@link Boolean},
 * a {@link MemorySegment} with a {@link DlTensor}, or {@link #NONE}. TVM ends the process where it meets a null that it
 * does not expect; so Java's null is refused, and TVM's has to be asked for.
 */
public final class Scope implements AutoCloseable {
    /** TVM's null, for arguments that may be absent: spans, predicates, annotations. */
    public static final Object NONE = new Object() {
        @Override
        public String toString() {
            return "none";
        }
    };

    /** Codes of values that are no handles: TVMArgTypeCode. */
    private static final int INTEGER = 0;

    private static final int DOUBLE = 2;
    private static final int NULL = 4;
    private static final int DL_TENSOR = 7;
    private static final int TEXT = 11;
    private static final int BOOLEAN = 15;

    private final TvmLibrary library;
    private final Arena memory = Arena.ofShared();
    private final MemorySegment result = memory.allocate(2L * Long.BYTES, Long.BYTES);
    private final List<Ref> owned = new ArrayList<>();
    private MemorySegment values = memory.allocate(JAVA_LONG, 16);
    private MemorySegment codes = memory.allocate(JAVA_INT, 16);
    private int capacity = 16;
    private boolean closed;

    Scope(TvmLibrary library) {
        this.library = library;
    }

    /** The library that it calls. */
    public TvmLibrary library() {
        return library;
    }

    /** Calls a global function that gives an object, a module, a function or an array. */
    public Ref ref(String function, Object... arguments) {
        if (global(function, arguments) instanceof Ref r) {
            return r;
        }
        throw new IllegalStateException(function + " gave no handle");
    }

    /** Calls a global function that gives an integer or a truth value. */
    public long integer(String function, Object... arguments) {
        return switch (global(function, arguments)) {
            case Long l -> l;
            case Boolean b -> b ? 1 : 0;
            case null, default -> throw new IllegalStateException(function + " gave no integer");
        };
    }

    /** Calls a global function that gives a string. */
    public String text(String function, Object... arguments) {
        return switch (global(function, arguments)) {
            case String s -> s;
            // A string of C++ comes as an object.
            case Ref r -> text("runtime.GetFFIString", r);
            case null, default -> throw new IllegalStateException(function + " gave no text");
        };
    }

    /** Calls a global function for what it does. */
    public void run(String function, Object... arguments) {
        global(function, arguments);
    }

    /** Calls a function of a module. */
    public void call(Ref function, Object... arguments) {
        require(function, Ref.Kind.FUNCTION);
        call("a compiled function", function.address(), arguments);
    }

    /** A function of a module, if it has one of that name. */
    public Optional<Ref> function(Ref module, String name) {
        require(module, Ref.Kind.MODULE);
        long address = library.moduleFunction(module.address(), name);
        return address == 0 ? Optional.empty() : Optional.of(own(address, Ref.Kind.FUNCTION));
    }

    /** Loads a module from a shared library. */
    public Ref load(Path file) {
        return own(library.loadModule(file), Ref.Kind.MODULE);
    }

    /**
     * An array on the CPU with a copy of elements.
     *
     * @param typeCode 0 signed, 1 unsigned, 2 float
     * @param bits of an element
     */
    public Ref array(int typeCode, int bits, long[] shape, MemorySegment elements) {
        return array(DlTensor.CPU, typeCode, bits, shape, elements);
    }

    /** As {@link #array(int, int, long[], MemorySegment)}, on another device, by DLPack's number for it. */
    public Ref array(int device, int typeCode, int bits, long[] shape, MemorySegment elements) {
        return own(library.array(device, typeCode, bits, shape, elements), Ref.Kind.ARRAY);
    }

    /** Copies an array's elements to memory of as many bytes. */
    public void read(Ref array, MemorySegment to) {
        require(array, Ref.Kind.ARRAY);
        library.read(array.address(), to);
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Ref r : owned.reversed()) {
            library.free(r.kind(), r.lastAddress());
        }
        owned.clear();
        memory.close();
    }

    private static void require(Ref ref, Ref.Kind kind) {
        if (ref.kind() != kind) {
            throw new IllegalArgumentException("expected a " + kind + ", found a " + ref.kind());
        }
    }

    private @Nullable Object global(String function, Object... arguments) {
        long address = library.global(function);
        if (address == 0) {
            throw new IllegalStateException("this libtvm has no function " + function);
        }
        return call(function, address, arguments);
    }

    private @Nullable Object call(String what, long function, Object... arguments) {
        if (closed) {
            throw new IllegalStateException("the scope is closed");
        }
        int n = arguments.length;
        if (n > capacity) {
            capacity = Math.max(n, 2 * capacity);
            values = memory.allocate(JAVA_LONG, capacity);
            codes = memory.allocate(JAVA_INT, capacity);
        }
        try (Arena texts = Arena.ofConfined()) {
            for (int i = 0; i < n; i++) {
                pack(what, i, arguments[i], texts);
            }
            library.call(what, function, values, codes, n, result);
            return unpack(what, result.get(JAVA_LONG, 0), result.get(JAVA_INT, Long.BYTES));
        }
    }

    private void pack(String what, int i, @Nullable Object argument, Arena texts) {
        switch (argument) {
            case Ref r -> set(i, r.address(), r.kind().code());
            case String s -> set(i, texts.allocateFrom(s).address(), TEXT);
            case Long l -> set(i, l, INTEGER);
            case Integer l -> set(i, l, INTEGER);
            case Double d -> set(i, Double.doubleToRawLongBits(d), DOUBLE);
            case Boolean b -> set(i, b ? 1 : 0, BOOLEAN);
            case MemorySegment tensor -> set(i, tensor.address(), DL_TENSOR);
            case null -> throw new IllegalArgumentException("argument " + i + " of " + what + " is null");
            default -> {
                if (!argument.equals(NONE)) {
                    throw new IllegalArgumentException("argument " + i + " of " + what + " is a "
                            + argument.getClass().getName());
                }
                set(i, 0, NULL);
            }
        }
    }

    private void set(int i, long value, int code) {
        values.setAtIndex(JAVA_LONG, i, value);
        codes.setAtIndex(JAVA_INT, i, code);
    }

    private @Nullable Object unpack(String what, long value, int code) {
        return switch (code) {
            case INTEGER -> value;
            case BOOLEAN -> (value & 0xff) != 0;
            case DOUBLE -> Double.longBitsToDouble(value);
            case NULL -> null;
            case TEXT -> TvmLibrary.text(value);
            default -> {
                for (Ref.Kind kind : Ref.Kind.values()) {
                    if (kind.code() == code) {
                        yield own(value, kind);
                    }
                }
                throw new IllegalStateException(what + " gave a value of type code " + code);
            }
        };
    }

    private Ref own(long address, Ref.Kind kind) {
        if (address == 0) {
            throw new IllegalStateException("TVM gave a null handle");
        }
        Ref ref = new Ref(this, address, kind);
        owned.add(ref);
        return ref;
    }

    /** Bytes in native memory, for {@link #array}. */
    public MemorySegment bytes(byte[] data) {
        return memory.allocateFrom(JAVA_BYTE, data);
    }
}
