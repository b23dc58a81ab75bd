package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.data.ParameterSource;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The parameters files of a model, in the order in which they are searched, and the parameters that were looked for in
 * vain. Each tensor is read once.
 */
final class WeightFiles implements AutoCloseable {
    /** A parameter that no file has, or that has the wrong shape. */
    private record Missing(
            String name,
            Shape shape,
            Span span,
            Frame frame,
            @Nullable String hint) {}

    private static final int TOLD_ONE_BY_ONE = 4;
    private static final int LISTED = 8;
    private static final int MAX_BESIDE = 1000;

    private final List<ParameterSource> files = new ArrayList<>();
    private final Map<String, ConstTensor> read = new HashMap<>();
    private final List<Missing> missing = new ArrayList<>();
    private boolean broken;
    private long elements;

    private final @Nullable InitialWeights initial;

    /**
     * No files yet.
     *
     * @param initial what stands in for parameters that no file has, or null if they must be there
     */
    WeightFiles(@Nullable InitialWeights initial) {
        this.initial = initial;
    }

    /** What stands in for parameters that no file has, or null. */
    @Nullable InitialWeights initial() {
        return initial;
    }

    /** Opens one more file; why it cannot be read is reported. */
    void open(Session session, Frame frame, Path file, String shown, Span span) {
        try {
            files.add(ParameterSource.open(file));
        } catch (TensorFormatException e) {
            unreadable(session, frame, span, String.valueOf(e.getMessage()), null);
        } catch (IOException e) {
            boolean absent = !Files.exists(file);
            if (absent && initial != null) {
                return;
            }
            unreadable(
                    session,
                    frame,
                    span,
                    absent
                            ? "there is no parameters file '" + shown + "'"
                            : "the parameters file '" + shown + "' cannot be read",
                    absent ? absent(file) : null);
        }
    }

    private static String absent(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        List<String> beside = List.of();
        if (folder != null && Files.isDirectory(folder)) {
            try (Stream<Path> all = Files.list(folder)) {
                beside = all.limit(MAX_BESIDE)
                        .map(p -> name(p.toString()))
                        .sorted()
                        .toList();
            } catch (IOException e) {
                beside = List.of();
            }
        }
        String near = Session.didYouMean(name(file.toString()), beside);
        return near != null ? near : "the path is relative to this source: it leads to " + file;
    }

    /** Reports a path that names no file. */
    void unreadable(Session session, Frame frame, Span span, String message, @Nullable String fix) {
        Diagnostic d = Diagnostic.error("parameters-file", span, message);
        session.report(frame, fix == null ? d : d.withFix(fix));
        broken = true;
    }

    /** Whether a file could not be opened, so that what is missing says nothing new. */
    boolean isBroken() {
        return broken;
    }

    boolean hasFiles() {
        return !files.isEmpty();
    }

    /** Every name in every file. */
    Set<String> names() {
        Set<String> names = new LinkedHashSet<>();
        files.forEach(f -> names.addAll(f.names()));
        return names;
    }

    boolean has(String name) {
        return files.stream().anyMatch(f -> f.names().contains(name));
    }

    /** The files, as shown to the user. */
    String shown() {
        return String.join(", ", files.stream().map(f -> name(f.source())).toList());
    }

    private static String name(String source) {
        Path last = Path.of(source).getFileName();
        return last == null ? source : last.toString();
    }

    /**
     * A tensor, read on first use.
     *
     * @return null if no file has it
     * @throws Rejected if its file cannot be read
     */
    @Nullable ConstTensor find(String name, Span span) {
        ConstTensor known = read.get(name);
        if (known != null) {
            return known;
        }
        for (ParameterSource file : files) {
            if (file.names().contains(name)) {
                ConstTensor found = ConstTensor.of(read(file, name, span, () -> file.tensor(name)), name);
                read.put(name, found);
                return found;
            }
        }
        return null;
    }

    /**
     * A tensor with its integers as they are, read each time.
     *
     * @return null if no file has it
     * @throws Rejected if its file cannot be read
     */
    @Nullable Tensor exact(String name, Span span) {
        for (ParameterSource file : files) {
            if (file.names().contains(name)) {
                return read(file, name, span, () -> file.exact(name));
            }
        }
        return null;
    }

    /** Reads a tensor. */
    private interface Reading<T> {
        T read() throws IOException;
    }

    private <T> T read(ParameterSource file, String name, Span span, Reading<T> reading) {
        try {
            elements += file.shape(name).elements();
            if (elements > Limits.PARAMETER_ELEMENTS) {
                throw new Rejected(Messages.limit(
                        span, "the parameters have more than " + Limits.PARAMETER_ELEMENTS + " elements"));
            }
            return reading.read();
        } catch (TensorFormatException e) {
            throw new Rejected(Diagnostic.error("parameters-file", span, String.valueOf(e.getMessage())));
        } catch (IOException e) {
            throw new Rejected(
                    Diagnostic.error("parameters-file", span, name(file.source()) + " cannot be read any more"));
        }
    }

    /** Notes a parameter that is needed and not there, to be reported with the others. */
    void missing(String name, Shape shape, Span span, Frame frame, @Nullable String hint) {
        missing.add(new Missing(name, shape, span, frame, hint));
    }

    /**
     * Reports what is missing: one by one if it is little, else in one message, for then the names in the file follow
     * another pattern.
     */
    void reportMissing(Session session, String model, Span at) {
        if (missing.isEmpty() || broken) {
            return;
        }
        if (!hasFiles()) {
            session.report(
                    Frame.top(),
                    Diagnostic.error(
                                    Frontend.NO_PARAMETERS,
                                    at,
                                    "model '" + model + "' needs " + Messages.plural(missing.size(), "parameter")
                                            + ", and names no file to read them from")
                            .withNote(needed())
                            .withFix("add `parameters \"FILE.safetensors\"` (or .npz) to the model, give weights in"
                                    + " place: weight: [...], or train them: qnet train"));
            return;
        }
        List<String> names = List.copyOf(names());
        if (missing.size() <= TOLD_ONE_BY_ONE) {
            for (Missing m : missing) {
                Diagnostic d = Diagnostic.error(
                                "missing-parameter", m.span(), "there is no parameter '" + m.name() + "' in " + shown())
                        .labelled("needs f32" + m.shape());
                d = names.isEmpty() ? d : d.withNote("it holds " + Messages.list(names, LISTED));
                session.report(m.frame(), Session.suggest(d, m.name(), names, m.hint()));
            }
            return;
        }
        session.report(
                Frame.top(),
                Diagnostic.error(
                                "missing-parameters",
                                at,
                                missing.size() + " parameters of model '" + model + "' are not in " + shown())
                        .withNote(needed())
                        .withNote("it holds " + Messages.list(names, LISTED))
                        .withFix("rename them in the file, or say where they are: conv2d(…, params: \"PREFIX\") reads"
                                + " PREFIX.weight and PREFIX.bias"));
    }

    private String needed() {
        return "it needs "
                + Messages.list(
                        missing.stream().map(m -> m.name() + " f32" + m.shape()).toList(), LISTED);
    }

    @Override
    public void close() {
        for (ParameterSource f : files) {
            try {
                f.close();
            } catch (IOException e) {
                // Every tensor that was asked for has been read: a file that cannot be closed harms no one.
                broken = true;
            }
        }
    }
}
