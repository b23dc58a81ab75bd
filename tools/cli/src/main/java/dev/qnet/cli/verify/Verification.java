package dev.qnet.cli.verify;

import dev.qnet.cli.verify.CaseResult.Outcome;
import dev.qnet.cli.verify.CaseResult.Status;
import dev.qnet.compiler.interp.InputException;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.runtime.ModelException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Checks cases on executors. A case never stops the next: whatever it throws, and if it takes too long, is its own outcome.
 */
public final class Verification {
    /** Deep graphs recurse. */
    private static final long STACK_BYTES = 64L << 20;

    /** Characters of a message that are shown. */
    private static final int LONGEST = 240;

    private final List<Executor> executors;
    private final Duration limit;

    /**
     * @param executors what is checked
     * @param limit how long a case may take
     */
    public Verification(List<Executor> executors, Duration limit) {
        this.executors = List.copyOf(executors);
        this.limit = limit;
    }

    /** Checks one case. */
    public CaseResult check(Case c) {
        Work work = new Work(c);
        CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        work.run();
                        done.complete(null);
                    } catch (Throwable t) {
                        done.completeExceptionally(t);
                    }
                },
                "qnet-verify",
                STACK_BYTES);
        thread.setDaemon(true);
        thread.start();
        try {
            done.get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return work.result();
        } catch (TimeoutException e) {
            thread.interrupt();
            return work.ended("took longer than " + limit.toSeconds() + " s");
        } catch (ExecutionException e) {
            return work.ended(describe(e.getCause() == null ? e : e.getCause()));
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
            return work.ended("interrupted");
        }
    }

    /** One case on its way. Another thread may take its result before it ends. */
    private final class Work {
        private final Case checked;
        private final List<Outcome> outcomes = new ArrayList<>();
        private List<String> operators = List.of();
        private int samples;
        private String at = CaseResult.ALL;
        private boolean closed;

        Work(Case checked) {
            this.checked = checked;
        }

        synchronized CaseResult result() {
            return new CaseResult(checked, outcomes, operators, samples);
        }

        /** The result where the thread that works on it is given up. */
        synchronized CaseResult ended(String why) {
            closed = true;
            outcomes.add(new Outcome(at, Status.FAILED, why));
            return result();
        }

        private synchronized void begin(String executor) {
            at = executor;
        }

        private synchronized void add(Status status, String text) {
            if (!closed) {
                outcomes.add(new Outcome(at, status, text));
            }
        }

        private synchronized void describe(List<String> names, int count) {
            operators = names;
            samples = count;
        }

        void run() {
            Subject subject;
            try {
                Loaded loaded = Reader.read(checked);
                subject = loaded.subject();
                describe(loaded.operators(), subject.samples().size());
            } catch (CompileException e) {
                refuse(e);
                return;
            } catch (CaseException e) {
                add(Status.FAILED, String.valueOf(e.getMessage()));
                return;
            } catch (IOException e) {
                add(Status.FAILED, Verification.describe(e));
                return;
            }
            Program program = new Program(subject.graph());
            for (Executor e : executors) {
                begin(e.name());
                try {
                    Optional<String> difference = compare(e, subject, program);
                    add(difference.isEmpty() ? Status.PASSED : Status.FAILED, difference.orElse(""));
                } catch (CompileException x) {
                    refuse(x);
                } catch (OutOfMemoryError x) {
                    // The next executor may need less.
                    add(Status.FAILED, "out of memory");
                } catch (RuntimeException | LinkageError | StackOverflowError x) {
                    add(Status.FAILED, Verification.describe(x));
                }
            }
        }

        private void refuse(CompileException e) {
            boolean bug = e.diagnostics().stream().anyMatch(d -> d.code().equals("invalid-graph"));
            boolean damaged = e.diagnostics().stream().anyMatch(d -> Reader.DAMAGED.contains(d.code()));
            String text = reason(e);
            add(bug || damaged ? Status.FAILED : Status.UNSUPPORTED, bug ? "internal error: " + text : text);
        }
    }

    /** The first difference of any sample, or nothing. */
    private static Optional<String> compare(Executor executor, Subject subject, Program program) {
        try (Executor.Prepared prepared = executor.prepare(program)) {
            for (Subject.Sample sample : subject.samples()) {
                List<Value> found = prepared.run(sample.steps());
                Optional<String> difference = sample.outputs().isEmpty()
                        ? againstOracle(executor, sample, found, subject, program)
                        : difference(subject.graph(), sample.outputs(), found, subject.tolerance());
                if (difference.isPresent()) {
                    String where = sample.name().isEmpty() ? "" : "sample " + sample.name() + ", ";
                    return Optional.of(where + difference.get());
                }
            }
        }
        return Optional.empty();
    }

    /** Nobody knows the outputs: they are the oracle's, of the same graph bit for bit, and nearly those before all passes. */
    private static Optional<String> againstOracle(
            Executor executor, Subject.Sample sample, List<Value> found, Subject subject, Program program) {
        Graph graph = executor.graph(program);
        if (executor instanceof Executor.Oracle) {
            return Optional.empty();
        }
        Optional<String> same = difference(graph, oracle(graph, sample), found, Tolerance.EXACT);
        return same.isPresent() ? same : difference(graph, oracle(subject.graph(), sample), found, subject.tolerance());
    }

    private static List<List<Value>> oracle(Graph graph, Subject.Sample sample) {
        return Executor.Oracle.prepare(graph).run(sample.steps()).stream()
                .map(List::of)
                .toList();
    }

    private static Optional<String> difference(
            Graph graph, List<List<Value>> expected, List<Value> found, Tolerance tolerance) {
        List<Graph.Result> results = graph.results();
        if (expected.size() != found.size()) {
            return Optional.of("expected " + expected.size() + " outputs, the model has " + found.size());
        }
        for (int i = 0; i < found.size(); i++) {
            Optional<String> nearest = Optional.empty();
            for (Value alternative : expected.get(i)) {
                Optional<String> d = tolerance.difference(alternative, found.get(i));
                if (d.isEmpty()) {
                    nearest = d;
                    break;
                }
                nearest = nearest.isPresent() ? nearest : d;
            }
            if (nearest.isPresent()) {
                return Optional.of("output '" + results.get(i).name() + "' " + nearest.get());
            }
        }
        return Optional.empty();
    }

    /** All errors of an exception in one line, without the name of the model's file in front. */
    static String reason(CompileException e) {
        List<String> errors = e.diagnostics().stream()
                .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                .map(d -> d.message()
                        .strip()
                        .replaceFirst("^\\S*\\.(?:tflite|onnx)(?: cannot be imported)?:?\\s+", "")
                        .replaceAll("\\s*\\R\\s*", "; "))
                .distinct()
                .toList();
        int shown = Math.min(errors.size(), 3);
        return String.join("; ", errors.subList(0, shown))
                + (errors.size() > shown ? "; and " + (errors.size() - shown) + " more" : "");
    }

    /** An exception in one line. */
    private static String describe(Throwable t) {
        String message = t.getMessage() == null ? "" : t.getMessage().strip().replaceAll("\\s*\\R\\s*", "; ");
        if (message.length() > LONGEST) {
            message = message.substring(0, LONGEST) + "…";
        }
        return switch (t) {
            case CaseException c -> message;
            case java.nio.file.NoSuchFileException n -> n.getFile() + ": there is no such file";
            case IOException io -> message;
            // The runtime's and the oracle's word for values that the model cannot take.
            case ModelException m -> message;
            case InputException i -> message;
            case ArithmeticException a -> message;
            case OutOfMemoryError o -> "out of memory";
            default -> "internal error: " + t.getClass().getSimpleName() + (message.isEmpty() ? "" : ": " + message);
        };
    }
}
