package dev.qnet.cli;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.target.tvm.CSource;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.Footprint;
import dev.qnet.target.tvm.Footprint.Piece;
import dev.qnet.target.tvm.TvmUnavailableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A model for a microcontroller: C or an object file, and a header; written only if it fits the device's memory. */
final class DeviceOutput {
    /** What a message names of what is large. */
    private static final int NAMED = 3;

    private static final Pattern SIZE = Pattern.compile("(\\d{1,12})([kKmM]?)[bB]?");

    private final Console console;
    private final Path output;
    private final boolean object;

    DeviceOutput(Console console, Path output) {
        this.console = console;
        this.output = output;
        this.object = output.toString().endsWith(".o");
    }

    /** Whether a file can be written at this path. */
    static boolean takes(Path output) {
        return output.toString().endsWith(".c") || output.toString().endsWith(".o");
    }

    /** The header's place, beside the source or the object. */
    Path header() {
        return output.resolveSibling(output.getFileName().toString().replaceFirst("\\.[co]$", ".h"));
    }

    /**
     * Compiles a graph and writes it.
     *
     * @param cpu as LLVM calls it, for an object file; null for none
     * @param flash bytes that the device has
     * @param ram likewise
     */
    void write(Graph graph, @Nullable String cpu, OptionalLong flash, OptionalLong ram) throws IOException {
        CSource source = CTarget.compile(graph);
        Footprint footprint = source.footprint();
        AtomicFiles.File content = file -> Files.writeString(file, source.text(String.valueOf(header().getFileName())));
        if (object) {
            CTarget.DeviceObject compiled = compile(source, cpu == null ? "" : cpu);
            footprint = compiled.footprint();
            content = file -> Files.write(file, compiled.bytes());
        }
        console.out().print(table(footprint));
        if (!object) {
            console.out()
                    .println(
                            "the sizes of the code and of its stack are known once it is compiled: -o model.o tells them");
        }
        console.out().println();
        check(footprint, flash, ram);
        AtomicFiles.writeBoth(output, content, header(), file -> Files.writeString(file, source.header()));
        console.out().println("wrote " + header());
        console.out().println("wrote " + output + " (" + Sizes.text(Files.size(output)) + ")");
    }

    private static CTarget.DeviceObject compile(CSource source, String cpu) throws IOException {
        try {
            return CTarget.object(source, cpu);
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()), "--cpu cortex-m4");
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix() + "\nor write C, which needs none of it: -o model.c");
        }
    }

    private static Table table(Footprint f) {
        Table table = new Table("", ">flash", ">RAM");
        table.row("code", f.code().isPresent() ? Sizes.text(f.code().getAsLong()) : "?", "-");
        table.row("weights", Sizes.text(f.weights()), "-");
        table.row("arena", "-", Sizes.text(f.arena()));
        if (f.states() > 0) {
            table.row("states", "-", Sizes.text(f.states()));
        }
        table.row("inputs", "-", Sizes.text(f.inputs()));
        table.row("outputs", "-", Sizes.text(f.outputs()));
        f.stack().ifPresent(bytes -> table.row("stack", "-", Sizes.text(bytes)));
        table.row(
                "total",
                (f.code().isPresent() ? "" : "? + ") + Sizes.text(f.flash()),
                Sizes.text(f.ram()) + (f.stack().isPresent() ? "" : " + stack"));
        return table;
    }

    private static void check(Footprint f, OptionalLong flash, OptionalLong ram) {
        List<String> errors = new ArrayList<>();
        if (flash.isPresent() && f.flash() > flash.getAsLong()) {
            errors.add("the model takes " + Sizes.text(f.flash()) + " of flash"
                    + (f.code().isPresent() ? "" : " for weights alone") + ", " + Sizes.text(flash.getAsLong())
                    + " are there; the largest weights: " + named(f.tables()));
        }
        if (ram.isPresent() && f.ram() > ram.getAsLong()) {
            List<Piece> values = new ArrayList<>(f.values());
            values.add(new Piece("the inputs", f.inputs()));
            values.add(new Piece("the outputs", f.outputs()));
            f.stack().ifPresent(bytes -> values.add(new Piece("the stack", bytes)));
            errors.add("the model takes " + Sizes.text(f.ram()) + " of RAM, " + Sizes.text(ram.getAsLong())
                    + " are there; the largest parts, of which values share the arena: " + named(values));
        }
        if (!errors.isEmpty()) {
            throw new UserException(
                    String.join("\n", errors),
                    "weights of fewer bits take less flash, smaller or earlier reduced images less RAM; nothing was written");
        }
    }

    private static String named(List<Piece> pieces) {
        return Footprint.largest(pieces).stream()
                .limit(NAMED)
                .map(p -> p.name() + " " + Sizes.text(p.bytes()))
                .collect(Collectors.joining(", "));
    }

    /**
     * A size as people write it.
     *
     * @param option for messages
     */
    static OptionalLong size(String option, @Nullable String text) {
        if (text == null) {
            return OptionalLong.empty();
        }
        Matcher m = SIZE.matcher(text);
        if (!m.matches()) {
            throw new UserException(option + " takes a size, such as 256k, 1m or 65536, found '" + text + "'");
        }
        int shift = switch (m.group(2).toLowerCase(Locale.ROOT)) {
            case "k" -> 10;
            case "m" -> 20;
            default -> 0;
        };
        return OptionalLong.of(Long.parseLong(m.group(1)) << shift);
    }
}
