package dev.qnet.runtime;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A model as a shared library with plain C functions, as {@code qnet compile --abi c} writes it. It carries its
 * {@linkplain DescriptorText descriptor}, whose program is the function that runs it and whose banks end, in the bank of
 * bytes, with the memory that this function works in. The library is unloaded when nothing refers to the model.
 */
final class NativeLibrary {
    /** Gives the length of the text that a library carries. */
    static final String TEXT_BYTES = "qnet_text_bytes";

    /**
     * Gives the text: the descriptor, the flags that a CPU must have, and the message of each error that a run may give,
     * the first for 1; each part ends with a zero byte, what it lists with a line feed.
     */
    static final String TEXT = "qnet_text";

    private NativeLibrary() {}

    @SuppressWarnings("restricted") // calling native code is what this class is for
    static Model load(Path path, LoadOptions options) {
        ElfFile.check(path);
        Arena memory = Arena.ofAuto();
        SymbolLookup library;
        try {
            library = SymbolLookup.libraryLookup(path.toAbsolutePath(), memory);
        } catch (IllegalArgumentException e) {
            throw new ModelException(path + ": cannot be loaded here: " + e.getMessage(), e);
        }
        String[] text = text(library, path).split("\0", -1);
        if (text.length != 4) {
            throw new ModelException(path + ": the library's description is damaged");
        }
        requireCpu(path, lines(text[1]));
        Descriptor d = DescriptorText.parse(text[0], path.toString());
        try {
            ModelLoader.checkParts(d, new byte[0]);
            Program program = program(library, d, lines(text[2]), memory);
            return Model.of(d, program, new byte[0], options.silentBackend(), options.threads());
        } catch (ModelException e) {
            throw new ModelException(path + ": " + e.getMessage(), e.getCause() == null ? e : e.getCause());
        }
    }

    private static List<String> lines(String part) {
        List<String> lines = new ArrayList<>();
        for (int from = 0, end; (end = part.indexOf('\n', from)) >= 0; from = end + 1) {
            lines.add(part.substring(from, end));
        }
        return lines;
    }

    private static String text(SymbolLookup library, Path path) {
        FunctionDescriptor pointer = FunctionDescriptor.of(JAVA_INT, ADDRESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(JAVA_LONG);
            int _ = (int) function(library, TEXT_BYTES, pointer, path).invokeExact(size);
            long n = size.get(JAVA_LONG, 0);
            if (n < 0 || n > DescriptorText.MAX_BYTES) {
                throw new ModelException(path + ": the library's description is damaged");
            }
            MemorySegment bytes = arena.allocate(n);
            int _ = (int) function(library, TEXT, pointer, path).invokeExact(bytes);
            return new String(bytes.toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new ModelException(path + ": " + e, e);
        }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle function(SymbolLookup library, String name, FunctionDescriptor type, Path path) {
        MemorySegment address = library.find(name)
                .orElseThrow(() -> new ModelException(path
                        + ": no library that 'qnet compile --target tvm-cpu --abi c' wrote; those for TVM's runtime are "
                        + "loaded by tvm4j"));
        return Linker.nativeLinker().downcallHandle(address, type);
    }

    /** A library for a newer CPU would end the process at its first instruction that this one does not know. */
    private static void requireCpu(Path path, List<String> flags) {
        List<String> missing = CpuFlags.missing(flags);
        if (!missing.isEmpty()) {
            throw new ModelException(path + ": compiled for a CPU with " + String.join(", ", missing)
                    + ", which this one has not or Linux does not allow; compile it with another --cpu");
        }
    }

    @SuppressWarnings("restricted")
    private static Program program(SymbolLookup library, Descriptor d, List<String> failures, Arena memory) {
        List<NativeProgram.Part> parts = new ArrayList<>();
        boolean batched = false;
        for (Descriptor.Port p : d.inputs()) {
            parts.add(part(p.info(), p.offset()));
            batched |= p.info().batched();
        }
        int states = parts.size();
        for (Descriptor.State s : d.states()) {
            parts.add(part(s.info(), s.next()));
        }
        int[] before = new int[d.states().size()];
        for (int i = 0; i < before.length; i++) {
            before[i] = d.states().get(i).offset();
        }
        for (Descriptor.Port p : d.outputs()) {
            parts.add(part(p.info(), p.offset()));
        }
        int end = 0;
        for (NativeProgram.Part p : parts) {
            if (p.type() == ElementType.I8 || p.type() == ElementType.U8 || p.type() == ElementType.BOOL) {
                end = Math.max(end, p.offset() + p.elements());
            }
        }
        for (NativeProgram.Part p : parts) {
            if (p.offset() < 0 || (long) p.offset() + p.elements() > d.banks().of(p.type())) {
                throw new ModelException("a tensor lies outside its bank");
            }
        }
        // The memory to work in is what is left of the bank of bytes.
        int work = Math.ceilDiv(end, NativeProgram.ALIGNMENT) * NativeProgram.ALIGNMENT;
        if (work > d.banks().bytes()) {
            throw new ModelException("the library's description is damaged");
        }
        parts.add(new NativeProgram.Part(ElementType.U8, work, d.banks().bytes() - work));
        MemoryLayout[] arguments = new MemoryLayout[parts.size() + (batched ? 1 : 0)];
        Arrays.fill(arguments, ADDRESS);
        if (batched) {
            arguments[0] = JAVA_INT;
        }
        MemorySegment address = library.find(d.program())
                .orElseThrow(() -> new ModelException("the library has no function " + d.program()));
        // Arrays of Java's are handed over where they lie.
        MethodHandle run = Linker.nativeLinker()
                .downcallHandle(address, FunctionDescriptor.of(JAVA_INT, arguments), Linker.Option.critical(true));
        if (batched) {
            run = MethodHandles.insertArguments(run, 0, 1);
        }
        run = run.asSpreader(MemorySegment[].class, parts.size())
                .asType(MethodType.methodType(int.class, MemorySegment[].class));
        return new NativeProgram(run, parts, states, before, failures, memory);
    }

    private static NativeProgram.Part part(TensorInfo info, int offset) {
        return new NativeProgram.Part(info.type(), offset, info.itemElements());
    }
}
