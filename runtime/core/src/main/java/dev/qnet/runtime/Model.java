package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Banks;
import dev.qnet.runtime.kernel.Workers;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A compiled model. Immutable and safe for use by many threads at once, each with a {@link Session} of its own; it
 * holds no file open.
 *
 * <pre>{@code
 * Model model = Model.load(Path.of("resnet8.jar"));
 * Map<String, Tensor> out = model.run(Map.of("image", Tensor.ofFloats(pixels, 1, 32, 32, 3)));
 * float[] scores = out.get("scores").floats();
 * }</pre>
 *
 * <p>A model may have {@linkplain #states() states}; a session keeps them.
 *
 * <p>{@link #run(Map)} is for convenience; {@link #session()} runs without allocating.
 *
 * <p>A model that is {@linkplain LoadOptions#threads() loaded for several threads} spreads the items of a batch over
 * them, or the work of large layers where there are fewer items than threads. One caller at a time has their help;
 * others run alone meanwhile. Closing the model ends these threads. It need not be closed: they end by themselves when
 * nothing runs.
 */
public final class Model implements AutoCloseable {
    private final Descriptor descriptor;
    private final Program program;
    private final Object[] plans;
    private final List<TensorInfo> inputs;
    private final List<TensorInfo> outputs;
    private final List<TensorInfo> states;
    private final PortIo[] inputPorts;
    private final PortIo[] outputPorts;
    private final StateIo[] stateIo;
    private final List<BankConstant> constants;
    private final int floatsWithStaging;
    private final @Nullable Workers workers;
    private final ArrayDeque<Banks> idle = new ArrayDeque<>();
    private final int idleLimit = Runtime.getRuntime().availableProcessors();

    private Model(Descriptor descriptor, Program program, byte[] weights, Backend backend, int threads) {
        this.descriptor = descriptor;
        this.program = program;
        // Loops, not streams: their first use takes a JVM some 20 ms, for which the first answer would wait.
        inputs = infos(descriptor.inputs());
        outputs = infos(descriptor.outputs());
        List<TensorInfo> stateInfos = new ArrayList<>();
        List<StateIo> io = new ArrayList<>();
        for (Descriptor.State s : descriptor.states()) {
            stateInfos.add(s.info());
            io.add(StateIo.of(s));
        }
        states = List.copyOf(stateInfos);
        stateIo = io.toArray(new StateIo[0]);
        plans = new Object[descriptor.layers()];
        WeightsReader reader = new WeightsReader(weights);
        List<BankConstant> read = new ArrayList<>();
        for (Descriptor.Constant c : descriptor.constants()) {
            read.add(BankConstant.read(c, reader));
        }
        constants = List.copyOf(read);
        program.prepare(reader, backend, plans);
        int staging = descriptor.banks().floats();
        inputPorts = ports(descriptor.inputs(), descriptor, staging, "input", backend);
        outputPorts = ports(descriptor.outputs(), descriptor, staging, "output", backend);
        int most = 0;
        for (TensorInfo t : inputs) {
            most = t.quantization() == null ? most : Math.max(most, t.itemElements());
        }
        for (TensorInfo t : outputs) {
            most = t.quantization() == null ? most : Math.max(most, t.itemElements());
        }
        floatsWithStaging = Math.addExact(staging, most);
        workers = threads > 1 ? new Workers(threads) : null;
    }

    private static List<TensorInfo> infos(List<Descriptor.Port> ports) {
        List<TensorInfo> infos = new ArrayList<>();
        for (Descriptor.Port p : ports) {
            infos.add(p.info());
        }
        return List.copyOf(infos);
    }

    private static PortIo[] ports(
            List<Descriptor.Port> ports, Descriptor descriptor, int staging, String kind, Backend backend) {
        PortIo[] io = new PortIo[ports.size()];
        for (int i = 0; i < io.length; i++) {
            io[i] = PortIo.of(ports.get(i), descriptor, staging, kind, backend);
        }
        return io;
    }

    /**
     * Loads a model from a jar that {@code qnet compile} wrote, from a directory with the jar's content, or from a shared
     * library that {@code qnet compile --target tvm-cpu --abi c} wrote, through the foreign-function API (which wants
     * {@code --enable-native-access}). The model's code is run: load only models that you trust as you trust a library.
     *
     * @throws ModelException if the path holds no model, or a damaged one, or one for another version of this runtime
     */
    public static Model load(Path model) {
        return load(model, LoadOptions.defaults());
    }

    /** As {@link #load(Path)}, for so many threads: {@link LoadOptions#threads()}. */
    public static Model load(Path model, int threads) {
        return load(model, LoadOptions.defaults().withThreads(threads));
    }

    /** As {@link #load(Path)}, with options. */
    public static Model load(Path model, LoadOptions options) {
        return ModelLoader.load(model, options);
    }

    /**
     * Loads a model from memory.
     *
     * @param files what a model's jar holds below {@code dev/qnet/generated}: content by path in the jar
     * @throws ModelException if the files hold no model, or a damaged one
     */
    public static Model load(Map<String, byte[]> files) {
        return load(files, LoadOptions.defaults());
    }

    /** As {@link #load(Map)}, with options. */
    public static Model load(Map<String, byte[]> files, LoadOptions options) {
        return load(files, options, options.backend());
    }

    /** As {@link #load(Map)}, with a given backend instead of the best that this JVM has. */
    public static Model load(Map<String, byte[]> files, Backend backend) {
        return load(files, LoadOptions.defaults(), backend);
    }

    /** As {@link #load(Map, LoadOptions)}, with a given backend instead of the best that this JVM has. */
    public static Model load(Map<String, byte[]> files, LoadOptions options, Backend backend) {
        return ModelLoader.load(Map.copyOf(files), "<memory>", backend, options.threads());
    }

    /**
     * Loads a model on the class path, by its generated class.
     *
     * @param api {@code dev.qnet.generated.NAME}, beside which the model's resources lie
     * @throws ModelException if the resources are missing or damaged
     */
    public static Model load(Class<?> api) {
        return load(api, LoadOptions.defaults());
    }

    /** As {@link #load(Class)}, with options. */
    public static Model load(Class<?> api, LoadOptions options) {
        return ModelLoader.load(api, options);
    }

    /**
     * Loads a model on the class path, by the name of its generated class.
     *
     * @param loader sees the model
     * @param className {@code dev.qnet.generated.NAME}
     * @throws ModelException if there is no such class, or the resources are missing or damaged
     */
    public static Model load(ClassLoader loader, String className) {
        return load(loader, className, LoadOptions.defaults());
    }

    /** As {@link #load(ClassLoader, String)}, with options. */
    public static Model load(ClassLoader loader, String className, LoadOptions options) {
        try {
            return ModelLoader.load(Class.forName(className, false, loader), options);
        } catch (ClassNotFoundException | LinkageError e) {
            throw new ModelException("no model " + className + " on the class path: " + e.getMessage(), e);
        }
    }

    /**
     * A model from its checked parts.
     *
     * @throws ModelException if the program does not fit the weights
     */
    static Model of(Descriptor descriptor, Program program, byte[] weights, Backend backend, int threads) {
        try {
            return new Model(descriptor, program, weights, backend, threads);
        } catch (ModelException e) {
            throw e;
        } catch (RuntimeException | LinkageError e) {
            throw new ModelException("model '" + descriptor.name() + "' is damaged: " + e.getMessage(), e);
        }
    }

    /** The model's name in its source. */
    public String name() {
        return descriptor.name();
    }

    /** Its inputs, in order. */
    public List<TensorInfo> inputs() {
        return inputs;
    }

    /** Its outputs, in order. */
    public List<TensorInfo> outputs() {
        return outputs;
    }

    /**
     * What it remembers from run to run, in order; empty for most models. A model with states has no N: the runs of a
     * {@link Session} follow one another, and each begins with what the one before has left.
     */
    public List<TensorInfo> states() {
        return states;
    }

    /**
     * The rounding contract of its integer arithmetic: {@code tflite}, {@code tosa}, {@code onnx} or {@code xnnpack}.
     */
    public String roundingContract() {
        return descriptor.rounding();
    }

    /** The Qnet version that compiled it. */
    public String compilerVersion() {
        return descriptor.version();
    }

    /** How many threads run it together, a caller among them. */
    public int threads() {
        return workers == null ? 1 : workers.threads();
    }

    /** Bytes of activations that a session holds. Kernels may keep scratch memory beyond that. */
    public long sessionBytes() {
        return descriptor.banks().total()
                + 4L * (floatsWithStaging - descriptor.banks().floats());
    }

    /** A session, with memory of its own until it is closed. */
    public Session session() {
        return new Session(this);
    }

    /**
     * Runs a batch of any size, in memory allocated for it. The states of a model with states are real 0 at first, each
     * time: a model remembers nothing, a {@link #session()} does.
     *
     * @param given a tensor for each input, by name
     * @return a tensor for each output, by name; f32 for quantized ones
     * @throws ModelException if a name, shape or type is not as expected
     */
    public Map<String, Tensor> run(Map<String, Tensor> given) {
        return run(given, false);
    }

    /** As {@link #run(Map)}; quantized outputs are left as codes. */
    public Map<String, Tensor> runRaw(Map<String, Tensor> given) {
        return run(given, true);
    }

    /**
     * Runs a batch of real numbers, given and taken in the order of inputs and outputs; N follows from the lengths.
     * States are real 0 at first, as in {@link #run(Map)}.
     *
     * @throws ModelException if a length is not as expected, or an input or output is a plain integer
     */
    public float[][] runFloats(float[]... given) {
        if (given.length != inputs.size()) {
            throw new ModelException("the model has " + inputs.size() + " inputs, found " + given.length + " arrays");
        }
        try (Session s = session()) {
            for (int i = 0; i < given.length; i++) {
                s.bindInput(i, given[i]);
            }
            int items = s.items();
            float[][] results = new float[outputs.size()][];
            for (int i = 0; i < results.length; i++) {
                Tensor t = Tensor.allocate(ElementType.F32, outputs.get(i).shapeFor(items));
                s.output(i, t);
                results[i] = t.floats();
            }
            s.run();
            return results;
        }
    }

    private Map<String, Tensor> run(@Nullable Map<String, Tensor> given, boolean raw) {
        if (given == null) {
            throw new ModelException("the model runs on a map of its inputs by name, found null");
        }
        try (Session s = session()) {
            for (Map.Entry<String, Tensor> e : given.entrySet()) {
                s.input(e.getKey(), e.getValue());
            }
            int items = s.items();
            Map<String, Tensor> results = new LinkedHashMap<>();
            for (int i = 0; i < outputs.size(); i++) {
                TensorInfo o = outputs.get(i);
                boolean real = !raw && o.quantization() != null;
                Tensor t = Tensor.allocate(real ? ElementType.F32 : o.type(), o.shapeFor(items));
                s.output(i, t);
                results.put(o.name(), t);
            }
            s.run();
            return results;
        }
    }

    void execute(Banks banks) {
        program.run(banks, plans);
        Backend.answered();
    }

    /** Makes the states in the banks real 0. */
    void reset(Banks banks) {
        for (StateIo s : stateIo) {
            s.reset(banks);
        }
    }

    /** Makes the states in the banks what the run behind has computed. */
    void advance(Banks banks) {
        for (StateIo s : stateIo) {
            s.advance(banks);
        }
    }

    PortIo inputPort(int i) {
        return inputPorts[i];
    }

    PortIo outputPort(int i) {
        return outputPorts[i];
    }

    /** Whether an output lies where a state does, which changes once the outputs are there. */
    boolean isState(int output) {
        for (StateIo s : stateIo) {
            if (outputPorts[output].lies(s)) {
                return true;
            }
        }
        return false;
    }

    /** Memory for a session: what a closed one handed back, or new. */
    Banks borrow() {
        @Nullable Banks b;
        synchronized (idle) {
            b = idle.poll();
        }
        Banks banks = b != null ? b : allocate();
        reset(banks);
        return banks;
    }

    void giveBack(Banks banks) {
        synchronized (idle) {
            if (idle.size() < idleLimit) {
                idle.push(banks);
            }
        }
    }

    /** Those that help its callers; null where callers run alone. */
    @Nullable Workers workers() {
        return workers;
    }

    /**
     * Ends the threads that help callers, and returns when they have ended. Runs under way are finished, and the model
     * can still be used: callers do all work themselves from then on. Of no effect for a model loaded for one thread.
     */
    @Override
    public void close() {
        if (workers != null) {
            workers.close();
        }
    }

    private Banks allocate() {
        Descriptor.Banks n = descriptor.banks();
        Banks banks = new Banks(n.bytes(), n.shorts(), n.ints(), n.longs(), floatsWithStaging);
        for (BankConstant c : constants) {
            c.write(banks);
        }
        if (workers != null) {
            banks.share(workers);
        }
        return banks;
    }

    @Override
    public String toString() {
        return "model '" + name() + "' " + inputs + " -> " + outputs;
    }
}
