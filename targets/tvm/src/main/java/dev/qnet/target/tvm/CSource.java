package dev.qnet.target.tvm;

import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.target.tvm.Footprint.Piece;
import dev.qnet.target.tvm.lower.Lowering;
import dev.qnet.target.tvm.tir.CPrinter;
import dev.qnet.target.tvm.tir.PrimFunc;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A graph as C for microcontrollers: one source file, and the header that goes with it. It needs no library. */
public final class CSource {
    /** What stands in front of the programs: what C leaves open, and types that may share memory. */
    private static final String PRELUDE = """
            #include <float.h>

            #if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
            #error "-ffast-math and parts of it change results; compile this file without them"
            #endif
            #if defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
            #error "zeros have signs here, and not all numbers are finite; compile this file as if so"
            #endif
            #if FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16
            #error "float and double have to be computed as such, without more digits"
            #endif

            #if defined(__clang__)
            #pragma STDC FP_CONTRACT OFF
            #elif defined(__GNUC__) && defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
            /* Vectors of floats flush what is close to 0. */
            #pragma GCC optimize("no-tree-vectorize")
            #endif

            /* Memory that values of several types share, one after the other. */
            #if defined(__GNUC__)
            #define QNET_SHARED __attribute__((__may_alias__))
            #define QNET_LAYER __attribute__((__noinline__))
            #else
            #define QNET_SHARED
            #define QNET_LAYER
            #endif
            #if defined(__GNUC__) && defined(__ELF__)
            #define QNET_PLACE(section) __attribute__((__section__(section)))
            #else
            #define QNET_PLACE(section)
            #endif

            /* Ends a product here, where a processor can compute it as one with a sum. */
            #if defined(__GNUC__) && defined(__SSE2__)
            #define QNET_KEEP_F32(x) __asm__("" : "+x"(x))
            #define QNET_KEEP_F64(x) __asm__("" : "+x"(x))
            #elif defined(__GNUC__) && defined(__arm__)
            #if defined(__ARM_FP) && (__ARM_FP & 4)
            #define QNET_KEEP_F32(x) __asm__("" : "+t"(x))
            #else
            #define QNET_KEEP_F32(x) (void)x
            #endif
            #if defined(__ARM_FP) && (__ARM_FP & 8)
            #define QNET_KEEP_F64(x) __asm__("" : "+w"(x))
            #else
            #define QNET_KEEP_F64(x) (void)x
            #endif
            #else
            #define QNET_KEEP_F32(x) do { volatile float kept = x; x = kept; } while (0)
            #define QNET_KEEP_F64(x) do { volatile double kept = x; x = kept; } while (0)
            #endif

            typedef int16_t QNET_SHARED shared_i16;
            typedef uint16_t QNET_SHARED shared_u16;
            typedef int32_t QNET_SHARED shared_i32;
            typedef int64_t QNET_SHARED shared_i64;
            typedef float QNET_SHARED shared_f32;

            """;

    private final Interface face;
    private final Lowering.ForC program;
    private final List<TensorInfo> states;
    private final List<Integer> initials;
    private final CPrinter.Printed printed;
    private final Footprint footprint;

    // Names in C.
    private final String prefix;
    private final String macro;
    private final List<String> inputNames;
    private final List<String> stateNames;
    private final List<String> outputNames;

    CSource(Interface face, Lowering.ForDevice lowered, List<Integer> initials) {
        this.face = face;
        this.program = lowered.program();
        this.states = face.states();
        this.initials = List.copyOf(initials);
        this.printed = CPrinter.print(program.module());
        this.prefix = prefix(face);
        this.macro = prefix.toUpperCase(Locale.ROOT);
        Set<String> used = new HashSet<>(reserved(prefix));
        this.inputNames = names("in_", face.inputs(), used);
        this.stateNames = names(prefix + "_state_", face.states(), used);
        this.outputNames = names("out_", face.outputs(), used);
        this.footprint = new Footprint(
                printed.tables().entrySet().stream()
                        .map(e -> new Piece(e.getKey().replaceFirst("^layer_\\d+_", ""), e.getValue()))
                        .toList(),
                OptionalLong.empty(),
                program.workspace(),
                lowered.held().stream()
                        .map(h -> new Piece(h.value(), h.bytes()))
                        .toList(),
                bytes(face.states()),
                bytes(face.inputs()),
                bytes(face.outputs()),
                OptionalLong.empty());
    }

    /** What all names of a model begin with. */
    static String prefix(Interface face) {
        return face.function().substring(0, face.function().length() - "_call".length());
    }

    /** The file's own names, which a tensor of a model called {@code out} could have, too. */
    private static List<String> reserved(String prefix) {
        return Stream.of("_arena", "_begun", "_call", "_reset", "_run", "_run_in")
                .map(own -> key(prefix + own))
                .toList();
    }

    /** What differs between names: macros are in capitals. */
    private static String key(String name) {
        return name.toUpperCase(Locale.ROOT);
    }

    private static List<String> names(String before, List<TensorInfo> tensors, Set<String> used) {
        List<String> names = new ArrayList<>();
        for (TensorInfo t : tensors) {
            String base = before + Interface.identifier(t.name());
            String name = base;
            for (int i = 2; !used.add(key(name)); i++) {
                name = base + "_" + i;
            }
            names.add(name);
        }
        return names;
    }

    private static long bytes(List<TensorInfo> tensors) {
        return tensors.stream().mapToLong(CSource::bytes).sum();
    }

    /** Bytes of an item. */
    static long bytes(TensorInfo t) {
        return (long) t.itemElements() * size(t.type());
    }

    private static int size(ElementType type) {
        return switch (type) {
            case BOOL, I8, U8 -> 1;
            case I16, U16 -> 2;
            case I32, F32 -> 4;
            case I64 -> 8;
        };
    }

    /** What it takes of a device's memory; the code is not compiled yet. */
    public Footprint footprint() {
        return footprint;
    }

    Interface face() {
        return face;
    }

    /** The names of the functions of which one at a time runs. */
    Set<String> layers() {
        List<PrimFunc> all = program.module().functions();
        return all.subList(0, all.size() - 1).stream().map(PrimFunc::name).collect(Collectors.toSet());
    }

    Lowering.ForC program() {
        return program;
    }

    // ---- The source

    /**
     * The source file.
     *
     * @param header the name of the header's file
     */
    public String text(String header) {
        StringBuilder s = new StringBuilder();
        s.append("/* ")
                .append(Interface.comment(face.name()))
                .append(", compiled by Qnet ")
                .append(Interface.version())
                .append(": C99 for a compiler with 32-bit int; needs no library. */\n#include \"")
                .append(header)
                .append("\"\n\n")
                .append(PRELUDE)
                .append(printed.helpers())
                .append(printed.functions());
        for (int i = 0; i < states.size(); i++) {
            s.append("static ")
                    .append(Interface.type(states.get(i).type()))
                    .append(' ')
                    .append(stateNames.get(i))
                    .append('[')
                    .append(Math.max(states.get(i).itemElements(), 1))
                    .append("];\n");
        }
        if (!states.isEmpty()) {
            s.append("static uint8_t ").append(prefix).append("_begun;\n\n");
            reset(s);
        }
        run(s);
        return s.toString();
    }

    private void reset(StringBuilder s) {
        s.append("void ").append(prefix).append("_reset(void) {\n");
        for (int i = 0; i < states.size(); i++) {
            String name = stateNames.get(i);
            s.append("    for (int32_t i = 0; i < ")
                    .append(states.get(i).itemElements())
                    .append("; i++) {\n        ")
                    .append(name)
                    .append("[i] = ")
                    .append(initials.get(i))
                    .append(";\n    }\n");
        }
        s.append("    ").append(prefix).append("_begun = 1;\n}\n\n");
    }

    private void run(StringBuilder s) {
        List<String> given = new ArrayList<>(inputNames);
        given.addAll(stateNames);
        given.addAll(outputNames);
        given.add("arena");
        s.append("int32_t ")
                .append(prefix)
                .append("_run_in(void *arena")
                .append(more(parameters()))
                .append(") {\n");
        if (!states.isEmpty()) {
            s.append("    if (!")
                    .append(prefix)
                    .append("_begun) {\n        ")
                    .append(prefix)
                    .append("_reset();\n    }\n");
        }
        s.append("    ")
                .append(face.function())
                .append('(')
                .append(String.join(", ", given))
                .append(");\n    return ");
        s.append(program.failures().isEmpty() ? "0" : "*(const shared_i32 *)arena")
                .append(";\n}\n\n");
        String arena = prefix + "_arena";
        s.append("/* In a section of its own, so that a linker script can place it. */\nQNET_PLACE(\".bss.")
                .append(arena)
                .append("\") static uint64_t ")
                .append(arena)
                .append('[')
                .append(Math.ceilDiv(program.workspace(), 8L))
                .append("];\n\nint32_t ")
                .append(prefix)
                .append("_run(")
                .append(parameters().isEmpty() ? "void" : String.join(", ", parameters()))
                .append(") {\n    return ")
                .append(prefix)
                .append("_run_in(")
                .append(arena);
        inputNames.forEach(n -> s.append(", ").append(n));
        outputNames.forEach(n -> s.append(", ").append(n));
        s.append(");\n}\n");
    }

    private List<String> parameters() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < inputNames.size(); i++) {
            all.add("const " + Interface.type(face.inputs().get(i).type()) + " *" + inputNames.get(i));
        }
        for (int i = 0; i < outputNames.size(); i++) {
            all.add(Interface.type(face.outputs().get(i).type()) + " *" + outputNames.get(i));
        }
        return all;
    }

    private static String more(List<String> parameters) {
        return parameters.stream().map(p -> ", " + p).collect(Collectors.joining());
    }

    // ---- The header

    /** The header. */
    public String header() {
        StringBuilder s = new StringBuilder();
        s.append(HeaderForm.DEVICE.line(face.name()))
                .append("\n#ifndef ")
                .append(macro)
                .append("_H\n#define ")
                .append(macro);
        s.append("_H\n\n#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
        s.append("/* Bytes of RAM that a run works in, beside inputs and outputs; of constants in flash. */\n");
        define(s, "ARENA_BYTES", Long.toString(program.workspace()));
        define(s, "WEIGHTS_BYTES", Long.toString(footprint.weights()));
        s.append('\n');
        for (int i = 0; i < inputNames.size(); i++) {
            tensor(s, inputNames.get(i), face.inputs().get(i));
        }
        for (int i = 0; i < outputNames.size(); i++) {
            tensor(s, outputNames.get(i), face.outputs().get(i));
        }
        String list = parameters().isEmpty() ? "void" : "\n        " + String.join(",\n        ", parameters());
        s.append(
                "/*\n * Runs the model once. Tensors are row-major; each code has an element of its own.\n *\n * Returns 0");
        if (program.failures().isEmpty()) {
            s.append(".\n");
        } else {
            s.append(", or what went wrong; outputs are then undefined:\n");
            for (int i = 0; i < program.failures().size(); i++) {
                s.append(" *   ").append(i + 1).append("  ");
                s.append(Interface.comment(program.failures().get(i))).append('\n');
            }
        }
        s.append(" */\nint32_t ").append(prefix).append("_run(").append(list).append(");\n\n");
        s.append("/*\n * As ")
                .append(prefix)
                .append("_run, in memory of the caller's: ")
                .append(macro);
        s.append(
                "_ARENA_BYTES, aligned to 8, which models that\n * do not run at once may share. With -ffunction-sections and ");
        s.append("--gc-sections the model's own arena then takes\n * no RAM.\n */\nint32_t ")
                .append(prefix)
                .append("_run_in(\n");
        s.append("        void *arena")
                .append(parameters().isEmpty() ? "" : "," + list)
                .append(");\n");
        if (!states.isEmpty()) {
            s.append("\n/*\n * Back to the first state: real 0, which the first run begins with anyway. States (");
            s.append(footprint.states()).append(" bytes of RAM):\n");
            states.forEach(t ->
                    s.append(" *   ").append(Interface.comment(t.toString())).append('\n'));
            s.append(" */\nvoid ").append(prefix).append("_reset(void);\n");
        }
        s.append("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
        return s.toString();
    }

    private void define(StringBuilder s, String name, String value) {
        s.append("#define ")
                .append(macro)
                .append('_')
                .append(name)
                .append(' ')
                .append(value)
                .append('\n');
    }

    private void tensor(StringBuilder s, String name, TensorInfo t) {
        s.append("/* ").append(Interface.comment(t.toString())).append(t.batched() ? "; N is 1 */\n" : " */\n");
        String upper = name.toUpperCase(Locale.ROOT);
        define(s, upper + "_ELEMENTS", Integer.toString(t.itemElements()));
        Quantization q = t.quantization();
        if (q != null && q.scales().size() == 1 && q.groupSize() == 0) {
            define(s, upper + "_SCALE", Float.toString(q.scale()) + "f");
            define(s, upper + "_ZERO_POINT", Integer.toString(q.zeroPoint()));
        }
        s.append('\n');
    }
}
