package dev.qnet.target.tvm.ffi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.qnet.target.tvm.TvmUnavailableException;
import dev.qnet.target.tvm.cuda.Gpu;
import dev.qnet.target.tvm.natives.NativeSet;
import dev.qnet.target.tvm.natives.Natives;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The loaded libtvm (which compiles) or libtvm_runtime (which only runs): one of them in a JVM. Safe for many threads;
 * what is made with it belongs to a {@link Scope}.
 */
public final class TvmLibrary {
    /** The one of this JVM. The libraries share names so that a second one would end the process. */
    private static @Nullable TvmLibrary loaded;

    private final NativeSet set;
    private final Linker linker = Linker.nativeLinker();
    private final Path folder;
    private final SymbolLookup symbols;
    /** Addresses of TVM's global functions, which it lends and never frees. */
    private final Map<String, Long> globals = new ConcurrentHashMap<>();

    private final MethodHandle getGlobal;
    private final MethodHandle call;
    private final MethodHandle lastError;
    private final MethodHandle moduleFunction;
    private final MethodHandle loadModule;
    private final MethodHandle allocateArray;
    private final MethodHandle fillArray;
    private final MethodHandle readArray;
    private final MethodHandle createFunction;
    private final MethodHandle registerGlobal;
    private final MethodHandle removeGlobal;
    private final Map<Ref.Kind, MethodHandle> frees;

    private TvmLibrary(NativeSet set, String file) {
        this(set, Natives.folder(set), Natives.folder(set).resolve(file));
    }

    @SuppressWarnings("restricted") // calling native code is what this class is for
    private TvmLibrary(NativeSet set, Path folder, Path path) {
        this.set = set;
        this.folder = folder;
        try {
            symbols = SymbolLookup.libraryLookup(path, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new TvmUnavailableException(
                    "TVM's library " + path + " cannot be loaded: " + e.getMessage(),
                    "it needs a glibc of 2017 or newer and libstdc++; remove " + folder + " to have it unpacked again",
                    e);
        }
        getGlobal = function("TVMFuncGetGlobal", ADDRESS, ADDRESS);
        call = function("TVMFuncCall", JAVA_LONG, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
        lastError = linker.downcallHandle(symbols.findOrThrow("TVMGetLastError"), FunctionDescriptor.of(ADDRESS));
        moduleFunction = function("TVMModGetFunction", JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS);
        loadModule = function("TVMModLoadFromFile", ADDRESS, ADDRESS, ADDRESS);
        allocateArray =
                function("TVMArrayAlloc", ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
        fillArray = function("TVMArrayCopyFromBytes", JAVA_LONG, ADDRESS, JAVA_LONG);
        readArray = function("TVMArrayCopyToBytes", JAVA_LONG, ADDRESS, JAVA_LONG);
        createFunction = function("TVMFuncCreateFromCFunc", ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
        registerGlobal = function("TVMFuncRegisterGlobal", ADDRESS, JAVA_LONG, JAVA_INT);
        removeGlobal = function("TVMFuncRemoveGlobal", ADDRESS);
        frees = Map.of(
                Ref.Kind.OBJECT, function("TVMObjectFree", JAVA_LONG),
                Ref.Kind.MODULE, function("TVMModFree", JAVA_LONG),
                Ref.Kind.FUNCTION, function("TVMFuncFree", JAVA_LONG),
                Ref.Kind.ARRAY, function("TVMArrayFree", JAVA_LONG));
    }

    @SuppressWarnings("restricted")
    private MethodHandle function(String name, MemoryLayout... arguments) {
        return linker.downcallHandle(symbols.findOrThrow(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /**
     * The library that compiles, and runs what it has compiled.
     *
     * @throws TvmUnavailableException if it is not on this machine, or this JVM has loaded the other one
     */
    public static synchronized TvmLibrary compiler() {
        TvmLibrary library = loaded;
        if (library == null) {
            library = new TvmLibrary(NativeSet.COMPILER, "libtvm.so");
            loaded = library;
        }
        if (library.set == NativeSet.RUNTIME) {
            throw new TvmUnavailableException(
                    "this JVM has loaded TVM's runtime without its compiler, and can load no second one",
                    "compile before a compiled module is loaded, or in a process of its own");
        }
        return library;
    }

    /**
     * The library that compiles, and runs on GPUs what it has compiled. Only where there is a GPU: without CUDA's libraries it can
     * be loaded, but ends the process when it asks for a device.
     *
     * @throws TvmUnavailableException if it is not on this machine, or this JVM has loaded another one
     */
    public static synchronized TvmLibrary gpu() {
        TvmLibrary library = loaded;
        if (library == null) {
            Path gpu = Natives.folder(NativeSet.GPU).resolve("libtvm.so");
            Path others = Natives.folder(NativeSet.COMPILER);
            preload(others);
            Gpu.loadLibraries();
            library = new TvmLibrary(NativeSet.GPU, others, gpu);
            loaded = library;
        }
        if (library.set != NativeSet.GPU) {
            throw new TvmUnavailableException(
                    "this JVM has loaded TVM without CUDA, and can load no second one",
                    "run on the GPU in a process of its own");
        }
        return library;
    }

    /** Loads what libtvm is linked with, from another folder than its own; each library before those that need it. */
    @SuppressWarnings("restricted")
    private static void preload(Path folder) {
        for (String name : java.util.List.of(
                "libgomp.so.1",
                "libquadmath.so.0",
                "libgfortran.so.5",
                "libopenblas.so.0",
                "libdnnl.so.2",
                "libOpenCL.so.1",
                "libLLVM.so.19.1")) {
            SymbolLookup.libraryLookup(folder.resolve(name), Arena.global());
        }
    }

    /**
     * The library that runs compiled modules: the one that is loaded already, or else the one that only runs.
     *
     * @throws TvmUnavailableException if it is not on this machine
     */
    public static synchronized TvmLibrary runtime() {
        TvmLibrary library = loaded;
        if (library == null) {
            library = new TvmLibrary(NativeSet.RUNTIME, "libtvm_runtime.so");
            loaded = library;
        }
        return library;
    }

    /** Where its files are; those of the compiler have the linker beside them. */
    public Path folder() {
        return folder;
    }

    /** A new scope. */
    public Scope scope() {
        return new Scope(this);
    }

    /** A global function's address, 0 if there is none. */
    long global(String name) {
        Long known = globals.get(name);
        if (known != null) {
            return known;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            check(name, (int) getGlobal.invokeExact(arena.allocateFrom(name), out));
            long address = out.get(JAVA_LONG, 0);
            if (address != 0) {
                globals.put(name, address);
            }
            return address;
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** Calls a function with packed arguments. */
    void call(String what, long function, MemorySegment values, MemorySegment codes, int count, MemorySegment result) {
        try {
            check(what, (int) call.invokeExact(function, values, codes, count, result, result.asSlice(Long.BYTES)));
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** A module's function, 0 if it has none of that name. */
    long moduleFunction(long module, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            check(name, (int) moduleFunction.invokeExact(module, arena.allocateFrom(name), 0, out));
            return out.get(JAVA_LONG, 0);
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /**
     * Makes a function known by a name, to what compiled modules call by names.
     *
     * @param function {@code int (TVMValue *, int *codes, int count, TVMRetValueHandle, void *)}
     */
    public void register(String name, MemorySegment function) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            check(name, (int) createFunction.invokeExact(function, 0L, 0L, out));
            long made = out.get(JAVA_LONG, 0);
            try {
                check(name, (int) registerGlobal.invokeExact(arena.allocateFrom(name), made, 1));
            } finally {
                free(Ref.Kind.FUNCTION, made);
            }
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** Forgets what {@link #register} made known. */
    public void forget(String name) {
        try (Arena arena = Arena.ofConfined()) {
            check(name, (int) removeGlobal.invokeExact(arena.allocateFrom(name)));
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** Loads a shared library that TVM has written. */
    long loadModule(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            check("loading " + file, (int) loadModule.invokeExact(
                    arena.allocateFrom(file.toAbsolutePath().toString()), arena.allocateFrom("so"), out));
            return out.get(JAVA_LONG, 0);
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** A new array, with a copy of the elements. */
    long array(int device, int typeCode, int bits, long[] shape, MemorySegment elements) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            MemorySegment extents = arena.allocate(JAVA_LONG, Math.max(shape.length, 1));
            MemorySegment.copy(shape, 0, extents, JAVA_LONG, 0, shape.length);
            check("TVMArrayAlloc", (int)
                    allocateArray.invokeExact(extents, shape.length, typeCode, bits, 1, device, 0, out));
            long array = out.get(JAVA_LONG, 0);
            check("TVMArrayCopyFromBytes", (int) fillArray.invokeExact(array, elements, elements.byteSize()));
            return array;
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** Copies an array's elements. */
    void read(long array, MemorySegment to) {
        try {
            check("TVMArrayCopyToBytes", (int) readArray.invokeExact(array, to, to.byteSize()));
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    /** Gives a handle up. */
    void free(Ref.Kind kind, long address) {
        try {
            MethodHandle free = java.util.Objects.requireNonNull(frees.get(kind));
            check("freeing", (int) free.invokeExact(address));
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    private void check(String what, int status) throws Throwable {
        if (status != 0) {
            MemorySegment message = (MemorySegment) lastError.invokeExact();
            throw new TvmException(what, text(message.address()));
        }
    }

    /** A copy of a C string. */
    @SuppressWarnings("restricted")
    static String text(long address) {
        return MemorySegment.ofAddress(address).reinterpret(Long.MAX_VALUE).getString(0);
    }

    private static RuntimeException unchecked(Throwable t) {
        return switch (t) {
            case RuntimeException r -> r;
            case Error e -> throw e;
            default -> new IllegalStateException(t);
        };
    }
}
