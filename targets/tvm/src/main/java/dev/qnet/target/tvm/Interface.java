package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.target.Contract;
import dev.qnet.runtime.Descriptor;
import dev.qnet.runtime.DescriptorText;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a graph takes and gives as a library of C functions: as the header says it, and as the runtime's descriptor.
 *
 * @param function that runs it; the header wraps it in one that returns what went wrong
 */
record Interface(
        String name,
        String function,
        Optional<Rounding> contract,
        List<TensorInfo> inputs,
        List<TensorInfo> states,
        List<TensorInfo> outputs) {
    /** As the runtime looks for it: stores the length of the text, 64 bits. */
    static final String TEXT_BYTES = "qnet_text_bytes";

    /** Stores the text. */
    static final String TEXT = "qnet_text";

    /** What places of tensors and of memory to work in are multiples of, in elements and bytes. */
    private static final int ALIGNMENT = 64;

    static Interface of(Graph graph) {
        String identifier = identifier(graph.name());
        return new Interface(
                graph.name(),
                (Character.isDigit(identifier.charAt(0)) ? "_" : "") + identifier + "_call",
                Contract.of(graph),
                graph.params().stream().map(p -> info(p.id().name(), p.type())).toList(),
                graph.states().stream().map(s -> info(s.id().name(), s.type())).toList(),
                graph.results().stream()
                        .map(r -> info(
                                r.name(), Objects.requireNonNull(graph.types().get(r.value()))))
                        .toList());
    }

    /** A name as C allows it. */
    static String identifier(String name) {
        String letters = name.replaceAll("[^A-Za-z0-9_]", "_");
        return letters.isEmpty() ? "model" : letters;
    }

    private static TensorInfo info(String name, Type type) {
        return new TensorInfo(name, element(type.element()), type.shape().dims(), quantization(type.element()));
    }

    private static ElementType element(Element element) {
        return switch (element) {
            case Element.F32 f -> ElementType.F32;
            case Element.Int i ->
                switch (i.bits()) {
                    case 1 -> ElementType.BOOL;
                    case 8 -> i.signed() ? ElementType.I8 : ElementType.U8;
                    case 16 -> i.signed() ? ElementType.I16 : ElementType.U16;
                    case 32 -> ElementType.I32;
                    default -> ElementType.I64;
                };
            case Quant q -> {
                Storage s = q.storage();
                yield switch (s.bytes()) {
                    case 1 -> s.signed() ? ElementType.I8 : ElementType.U8;
                    case 2 -> s.signed() ? ElementType.I16 : ElementType.U16;
                    default -> ElementType.I32;
                };
            }
        };
    }

    private static @Nullable Quantization quantization(Element element) {
        if (!(element instanceof Quant q)) {
            return null;
        }
        String storage = q.storage().toString();
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> Quantization.perTensor(storage, q.lo(), q.hi(), t.scale(), t.zero());
            case Scheme.PerAxis a ->
                new Quantization(storage, q.lo(), q.hi(), a.axis(), a.scales(), a.zeros(), 0, List.of());
            case Scheme.PerGroup g ->
                new Quantization(
                        storage,
                        q.lo(),
                        q.hi(),
                        0,
                        g.scales(),
                        g.scales().stream().map(s -> 0).toList(),
                        g.size(),
                        g.multipliers());
        };
    }

    private boolean batched() {
        return inputs.stream().anyMatch(TensorInfo::batched);
    }

    /**
     * What the library carries for the runtime: the descriptor, flags of the CPU, errors, each part ended by a zero byte.
     *
     * @param workspace bytes that a run works in
     * @param flags that a CPU must have, as Linux calls them
     * @param failures that a run may end with, from 1 on
     */
    String text(long workspace, List<String> flags, List<String> failures) {
        Layout layout = new Layout();
        dev.qnet.runtime.kernel.Rounding rounding = dev.qnet.runtime.kernel.Rounding.valueOf(
                contract.orElse(Rounding.TOSA).name());
        List<Descriptor.Port> in = new ArrayList<>();
        inputs.forEach(i -> in.add(new Descriptor.Port(i, layout.place(i), rounding)));
        List<Descriptor.State> kept = new ArrayList<>();
        states.forEach(s -> kept.add(new Descriptor.State(s, layout.place(s), layout.place(s))));
        List<Descriptor.Port> out = new ArrayList<>();
        outputs.forEach(o -> out.add(new Descriptor.Port(o, layout.place(o), rounding)));
        Descriptor d = new Descriptor(
                name,
                version(),
                contract.map(Rounding::toString).orElse("none"),
                function,
                0,
                layout.banks(workspace),
                0,
                0,
                List.of(),
                in,
                out,
                kept);
        return DescriptorText.print(d) + '\0' + lines(flags) + '\0' + lines(failures) + '\0';
    }

    private static String lines(List<String> lines) {
        return lines.stream()
                .map(l -> l.replace('\n', ' ').replace('\0', ' ') + "\n")
                .collect(Collectors.joining());
    }

    /** Qnet's. */
    static String version() {
        try (InputStream in = Interface.class.getResourceAsStream("version.properties")) {
            Properties p = new Properties();
            p.load(Objects.requireNonNull(in, "version.properties is part of the build"));
            return p.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Places in the runtime's banks, one after the other. */
    private static final class Layout {
        private final int[] ends = new int[5];

        private static int bank(ElementType type) {
            return switch (type) {
                case BOOL, I8, U8 -> 0;
                case I16, U16 -> 1;
                case I32 -> 2;
                case I64 -> 3;
                case F32 -> 4;
            };
        }

        int place(TensorInfo t) {
            int bank = bank(t.type());
            int at = ends[bank];
            ends[bank] = Math.addExact(at, Math.ceilDiv(t.itemElements(), ALIGNMENT) * ALIGNMENT);
            return at;
        }

        Descriptor.Banks banks(long workspace) {
            return new Descriptor.Banks(Math.toIntExact(ends[0] + workspace), ends[1], ends[2], ends[3], ends[4]);
        }
    }

    /** The header. */
    String header(long workspace, List<String> failures) {
        String prefix = function.substring(0, function.length() - "_call".length());
        String macro = prefix.toUpperCase(Locale.ROOT);
        List<String> parameters = new ArrayList<>();
        Set<String> used = new LinkedHashSet<>();
        // A tensor of a model called "out" would hide these from the function that calls them.
        Set<String> own = Set.of(function, prefix + "_run");
        StringBuilder about = new StringBuilder();
        if (batched()) {
            about.append(" * items      N, any number\n");
            parameters.add("int32_t items");
            used.add("items");
        }
        inputs.forEach(t -> parameters.add(parameter(about, own, used, "const ", "in_", t)));
        states.forEach(t -> parameters.add(parameter(about, own, used, "", "state_", t)));
        outputs.forEach(t -> parameters.add(parameter(about, own, used, "", "out_", t)));
        parameters.add("void *workspace");
        used.add("workspace");
        String bytes = macro + "_WORKSPACE_BYTES";
        about.append(" * workspace  ")
                .append(bytes)
                .append(" bytes, aligned to ")
                .append(ALIGNMENT)
                .append("\n");
        String remember = states.isEmpty()
                ? ""
                : " States are read and changed:\n * give the same memory to each run, at first with real 0.";
        StringBuilder errors = new StringBuilder();
        for (int i = 0; i < failures.size(); i++) {
            errors.append("\n *   ").append(i + 1).append("  ").append(comment(failures.get(i)));
        }
        String listed = "(\n        " + String.join(",\n        ", parameters) + ")";
        return """
                %1$s
                #ifndef %2$s_H
                #define %2$s_H

                #include <stdint.h>

                #ifdef __cplusplus
                extern "C" {
                #endif

                /* Bytes of memory that a run works in; for one run at a time. */
                #define %3$s %4$d

                int32_t %5$s%6$s;

                /*
                 * Runs the model.
                 *
                %7$s *
                 * Tensors are row-major; each code has an element of its own.%8$s
                 *
                 * Returns 0%9$s
                 */
                static inline int32_t %10$s_run%6$s {
                    %5$s(%11$s);
                    return %12$s;
                }

                /* What Java's runtime asks for: the length of a text, and the text. */
                int32_t %13$s(int64_t *length);
                int32_t %14$s(uint8_t *text);

                #ifdef __cplusplus
                }
                #endif

                #endif
                """.formatted(
                        HeaderForm.LIBRARY.line(name),
                        macro,
                        bytes,
                        workspace,
                        function,
                        listed,
                        about,
                        remember,
                        failures.isEmpty() ? "." : ", or what went wrong; outputs are then undefined:" + errors,
                        prefix,
                        String.join(", ", used),
                        failures.isEmpty() ? "0" : "*(const int32_t *) workspace",
                        TEXT_BYTES,
                        TEXT);
    }

    private static String parameter(
            StringBuilder h, Set<String> own, Set<String> used, String constant, String prefix, TensorInfo t) {
        String base = prefix + identifier(t.name());
        String parameter = base;
        for (int i = 2; own.contains(parameter) || !used.add(parameter); i++) {
            parameter = base + "_" + i;
        }
        h.append(" * ")
                .append(parameter)
                .append("  ")
                .append(comment(t.toString().substring(t.name().length() + 2)))
                .append('\n');
        return constant + type(t.type()) + " *" + parameter;
    }

    /** C's type of an element. */
    static String type(ElementType type) {
        return switch (type) {
            case BOOL, U8 -> "uint8_t";
            case I8 -> "int8_t";
            case I16 -> "int16_t";
            case U16 -> "uint16_t";
            case I32 -> "int32_t";
            case I64 -> "int64_t";
            case F32 -> "float";
        };
    }

    /** A text in a comment. */
    static String comment(String text) {
        return text.replace("*/", "* /").replace('\n', ' ');
    }
}
