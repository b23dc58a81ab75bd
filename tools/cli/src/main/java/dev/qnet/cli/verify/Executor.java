package dev.qnet.cli.verify;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.CudaTarget;
import dev.qnet.target.tvm.HostModel;
import dev.qnet.target.tvm.TvmModule;
import dev.qnet.target.tvm.TvmSession;
import dev.qnet.target.tvm.TvmTarget;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** Something that runs graphs and is to be checked. */
public sealed interface Executor {
    /** As reports and {@code --target} call it. */
    String name();

    /** The graph that it runs: after all passes, unless it says otherwise. */
    default Graph graph(Program program) {
        return program.lowered();
    }

    /**
     * Gets ready to run a program.
     *
     * @throws dev.qnet.compiler.source.CompileException if it cannot run here
     */
    Prepared prepare(Program program);

    /** A program, ready to run. */
    interface Prepared extends AutoCloseable {
        /** Frees what it holds. */
        @Override
        default void close() {}

        /**
         * Runs the steps of one sample, from the first state.
         *
         * @param steps for each run a value for each parameter
         * @return the results of the last run, in the graph's order
         */
        List<Value> run(List<List<Value>> steps);
    }

    /** All that this JVM has. */
    static List<Executor> all() {
        List<Executor> all = new ArrayList<>();
        all.add(new Oracle());
        all.add(new Jvm(Backend.SCALAR));
        if (Backend.vectorPresent()) {
            all.add(new Jvm(Backend.VECTOR));
        }
        return List.copyOf(all);
    }

    /** The reference interpreter, on the graph as it was imported. */
    record Oracle() implements Executor {
        @Override
        public String name() {
            return "oracle";
        }

        @Override
        public Graph graph(Program program) {
            return program.source();
        }

        @Override
        public Prepared prepare(Program program) {
            return prepare(program.source());
        }

        static Prepared prepare(Graph graph) {
            Interpreter interpreter = Interpreter.prepare(graph);
            return steps -> {
                Map<String, Value> out = Map.of();
                Interpreter.State state = interpreter.newState();
                for (List<Value> inputs : steps) {
                    out = interpreter.run(named(graph, inputs), state);
                }
                List<Value> results = new ArrayList<>();
                for (Graph.Result r : graph.results()) {
                    results.add(Objects.requireNonNull(out.get(r.name()), r.name()));
                }
                return results;
            };
        }

        private static Map<String, Value> named(Graph graph, List<Value> inputs) {
            Map<String, Value> named = new LinkedHashMap<>();
            for (int i = 0; i < inputs.size(); i++) {
                named.put(graph.params().get(i).id().name(), inputs.get(i));
            }
            return named;
        }
    }

    /** The reference interpreter, on the graph written as a source and read back. Not among {@link #all}. */
    record Source() implements Executor {
        @Override
        public String name() {
            return "source";
        }

        @Override
        public Graph graph(Program program) {
            return readBack(program.source());
        }

        @Override
        public Prepared prepare(Program program) {
            return Oracle.prepare(graph(program));
        }

        private static Graph readBack(Graph graph) {
            try {
                Path folder = Files.createTempDirectory("qnet");
                Path source = folder.resolve("model.qnet");
                try {
                    SourceWriter.save(graph, Calibration.NONE, source);
                    return Frontend.load(source).graph();
                } finally {
                    Files.deleteIfExists(source);
                    Files.deleteIfExists(folder.resolve("model.safetensors"));
                    Files.delete(folder);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Compiled code, after all passes. */
    record Jvm(Backend backend) implements Executor {
        @Override
        public String name() {
            return "jvm-" + backend.name().toLowerCase(Locale.ROOT);
        }

        @Override
        public Prepared prepare(Program program) {
            Graph graph = program.lowered();
            Map<ValueId, Type> types = graph.types();
            // A real result that is made of codes is handed over as codes unless it is asked for as singles.
            List<Boolean> real = graph.results().stream()
                    .map(r -> Objects.requireNonNull(types.get(r.value())).isFloat())
                    .toList();
            Model model = program.artifact().load(backend);
            return steps -> {
                try (Session session = model.session()) {
                    List<Tensor> out = List.of();
                    for (List<Value> inputs : steps) {
                        out = run(model, session, inputs, real);
                    }
                    return out.stream().map(Tensors::value).toList();
                }
            };
        }

        /** One run in a session, which keeps the states. */
        private static List<Tensor> run(Model model, Session session, List<Value> inputs, List<Boolean> real) {
            int items = 1;
            for (int i = 0; i < inputs.size(); i++) {
                TensorInfo info = model.inputs().get(i);
                Tensor t = Tensors.of(inputs.get(i), info.type());
                session.input(i, t);
                items = info.batched() ? t.dim(0) : items;
            }
            List<Tensor> out = new ArrayList<>();
            for (int i = 0; i < model.outputs().size(); i++) {
                TensorInfo info = model.outputs().get(i);
                Tensor t = Tensor.allocate(real.get(i) ? ElementType.F32 : info.type(), info.shapeFor(items));
                session.output(i, t);
                out.add(t);
            }
            session.run();
            return out;
        }
    }

    /** Code of TVM's for this machine's CPU, after all passes. Not among {@link #all}: it needs native libraries. */
    record Tvm() implements Executor {
        @Override
        public String name() {
            return TvmTarget.CPU;
        }

        @Override
        public Prepared prepare(Program program) {
            Graph graph = program.lowered();
            return prepare(graph, TvmTarget.compile(graph, Cpu.NATIVE));
        }

        static Prepared prepare(Graph graph, TvmModule module) {
            return new Prepared() {
                @Override
                public List<Value> run(List<List<Value>> steps) {
                    List<Value> out = List.of();
                    try (TvmSession session = module.session()) {
                        for (List<Value> inputs : steps) {
                            out = TvmValues.run(graph, session, inputs);
                        }
                    }
                    return out;
                }

                @Override
                public void close() {
                    module.close();
                }
            };
        }
    }

    /**
     * C for microcontrollers, compiled for this machine by LLVM's compiler, after all passes. Not among {@link #all}: that
     * compiler has to be there.
     */
    record TvmC() implements Executor {
        @Override
        public String name() {
            return CTarget.NAME;
        }

        @Override
        public Prepared prepare(Program program) {
            Graph graph = program.lowered();
            HostModel model;
            try {
                model = HostModel.of(CTarget.compile(graph));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new Prepared() {
                @Override
                public List<Value> run(List<List<Value>> steps) {
                    model.reset();
                    List<Value> out = List.of();
                    for (List<Value> inputs : steps) {
                        out = TvmValues.run(graph, (TvmValues.Runner) model::run, inputs);
                    }
                    return out;
                }

                @Override
                public void close() {
                    model.close();
                }
            };
        }
    }

    /**
     * Code of TVM's for this machine's GPU, or what it is made of on this CPU. Not among {@link #all}.
     *
     * @param emulated whether it runs on the CPU
     */
    record Cuda(boolean emulated) implements Executor {
        @Override
        public String name() {
            return (emulated ? "emulated-" : "") + CudaTarget.CUDA;
        }

        @Override
        public Prepared prepare(Program program) {
            Graph graph = program.lowered();
            try {
                return Tvm.prepare(graph, emulated ? CudaTarget.emulate(graph) : CudaTarget.load(graph));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
