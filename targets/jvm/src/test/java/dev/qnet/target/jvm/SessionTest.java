package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.kernel.Backend;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The runtime's API, on compiled models. */
final class SessionTest {
    private static final byte[] IMAGE = {3, 4, 5, 9};
    private final Model tiny = Fixtures.tiny().load();

    @Test
    void describesItself() {
        assertThat(tiny.name()).isEqualTo("tiny");
        assertThat(tiny.roundingContract()).isEqualTo("tosa");
        assertThat(tiny.inputs())
                .map(TensorInfo::toString)
                .containsExactly("image: u8 [N, 2, 2, 1] (u8 scale 0.5 zero 3)", "gain: i8 [3] (i8 scale 0.25 zero 0)");
        assertThat(tiny.outputs())
                .map(TensorInfo::toString)
                .containsExactly("scores: u8 [N, 3] (u8 scale 2.0 zero 5)", "sums: i32 [N, 3]");
    }

    @Test
    void realNumbersAndCodesMeanTheSame() {
        Map<String, Tensor> codes = tiny.runRaw(
                Map.of("image", Tensor.ofUint8(IMAGE, 1, 2, 2, 1), "gain", Tensor.ofInt8(new byte[] {4, 8, 12}, 3)));
        Map<String, Tensor> real = tiny.run(Map.of(
                "image", Tensor.ofFloats(new float[] {0, 0.5f, 1, 3}, 1, 2, 2, 1),
                "gain", Tensor.ofFloats(new float[] {1, 2, 3}, 3)));
        assertThat(get(codes, "scores").bytes()).containsExactly(7, 11, 7);
        assertThat(get(codes, "sums").ints()).containsExactly(28, 40, 9);
        assertThat(get(real, "scores").floats()).containsExactly(4, 12, 4);
        assertThat(get(real, "sums").ints()).containsExactly(28, 40, 9);
    }

    @Test
    void bordersOfAFloatModelAreQuantized() {
        CompiledArtifact artifact = Fixtures.floatBorders();
        Model m = artifact.load();
        assertThat(artifact.descriptor().layers()).isEqualTo(1);
        assertThat(m.inputs().getFirst().expectation()).isEqualTo("u8 or f32 [N, 4]");
        float[] x = {-1, 0.25f, 0.75f, Float.NaN};
        // TFLite rounds ties away from zero: 0.5 and 1.5 become 1 and 2.
        assertThat(m.runFloats(x)[0]).containsExactly(0, 0.5f, 1, 0);
        Tensor codes = Tensor.ofUint8(new byte[] {1, 4, 5, -1}, 1, 4);
        assertThat(get(m.runRaw(Map.of("x", codes)), "y").bytes()).containsExactly(3, 4, 5, -1);
    }

    @ParameterizedTest
    @EnumSource(ByteOrderCase.class)
    void buffersOfAnyKind(ByteOrderCase order) {
        ByteBuffer in = order.direct ? ByteBuffer.allocateDirect(20) : ByteBuffer.allocate(20);
        in.order(order.order).position(4);
        in.duplicate().order(order.order).putFloat(0).putFloat(0.5f).putFloat(1).putFloat(3);
        ByteBuffer out = ByteBuffer.allocateDirect(12).order(order.order);
        try (Session s = tiny.session()) {
            s.input("image", Tensor.ofBuffer(ElementType.F32, in, 1, 2, 2, 1));
            s.input("gain", Tensor.ofBuffer(ElementType.I8, ByteBuffer.wrap(new byte[] {4, 8, 12}), 3));
            s.output("sums", Tensor.ofBuffer(ElementType.I32, out, 1, 3));
            s.run();
        }
        assertThat(List.of(out.getInt(0), out.getInt(4), out.getInt(8))).containsExactly(28, 40, 9);
    }

    enum ByteOrderCase {
        HEAP_BIG(false, ByteOrder.BIG_ENDIAN),
        HEAP_LITTLE(false, ByteOrder.LITTLE_ENDIAN),
        DIRECT_BIG(true, ByteOrder.BIG_ENDIAN),
        DIRECT_LITTLE(true, ByteOrder.LITTLE_ENDIAN);

        private final boolean direct;
        private final ByteOrder order;

        ByteOrderCase(boolean direct, ByteOrder order) {
            this.direct = direct;
            this.order = order;
        }
    }

    @Test
    void wrongNamesShapesAndTypes() {
        try (Session s = tiny.session()) {
            says(
                    () -> s.input("img", floats(1, 2, 2, 1)),
                    "the model has no input 'img'; its inputs are 'image', 'gain'");
            says(() -> s.output("x", floats(1)), "the model has no output 'x'; its outputs are 'scores', 'sums'");
            says(
                    () -> s.input("image", floats(1, 28, 28, 1)),
                    "input 'image' expects u8 or f32 [N, 2, 2, 1], found f32 [1, 28, 28, 1]");
            says(
                    () -> s.input("image", floats(2, 2, 1)),
                    "input 'image' expects u8 or f32 [N, 2, 2, 1], found f32 [2, 2, 1]; add the axis N in front: [1, 2, 2, 1]");
            says(
                    () -> s.input("image", floats(1, 1, 2, 2)),
                    "input 'image' expects u8 or f32 [N, 2, 2, 1], found f32 [1, 1, 2, 2]; it has as many elements in"
                            + " another shape: NHWC is expected for images");
            says(
                    () -> s.input("image", Tensor.ofInt8(IMAGE, 1, 2, 2, 1)),
                    "input 'image' expects u8 or f32 [N, 2, 2, 1], found i8 [1, 2, 2, 1]; give real numbers as f32, or"
                            + " codes as u8");
            says(
                    () -> s.output("sums", floats(1, 3)),
                    "output 'sums' expects i32 [N, 3], found f32 [1, 3]; convert it to i32");
            says(s::run, "input 'image' is missing: expected u8 or f32 [N, 2, 2, 1]");
            s.input("image", floats(2, 2, 2, 1));
            s.input("gain", Tensor.ofInt8(new byte[] {1, -128, 1}, 3));
            says(s::run, "input 'gain' takes codes -127 to 127, found -128 at element 1 of an item");
            s.output("sums", Tensor.ofInt32(new int[3], 1, 3));
            says(s::run, "'image' has N = 2, output 'sums' has N = 1 (i32 [1, 3]): all must be equal");
        }
        says(() -> tiny.runFloats(), "the model has 2 inputs, found 0 arrays");
        says(
                () -> tiny.runFloats(new float[7], new float[3]),
                "'image' is u8 or f32 [N, 2, 2, 1]: expected a multiple of 4 elements, found 7");
        says(() -> Tensor.ofFloats(new float[3], 2, 2), "a tensor f32 [2, 2] has 4 elements, the data has 3");
    }

    @Test
    void aClosedSessionDoesNotRun() {
        Session s = tiny.session();
        s.close();
        s.close();
        assertThatThrownBy(s::run).isInstanceOf(IllegalStateException.class).hasMessage("the session is closed");
        Tensor any = Tensor.ofFloats(new float[1], 1);
        assertThatThrownBy(() -> s.input(0, any)).hasMessage("the session is closed");
        assertThatThrownBy(() -> s.output(0, any)).hasMessage("the session is closed");
    }

    @Test
    void codesLieInTheSessionsOwnMemory() {
        Session s = tiny.session();
        ByteBuffer image = (ByteBuffer) s.ownInput("image").buffer();
        Tensor scores = s.ownOutput("scores");
        s.input("gain", Tensor.ofFloats(new float[] {1, 2, 3}, 3));
        image.put(0, IMAGE);
        s.run();
        assertThat(scores.bytes()).containsExactly(7, 11, 7);
        // An own input is one item.
        s.output("scores", Tensor.allocate(ElementType.U8, 2, 3));
        says(s::run, "'image' has N = 1, output 'scores' has N = 2 (u8 [2, 3]): all must be equal");
        // Nor has it any other where N does not show.
        s.output("scores", Tensor.allocate(ElementType.U8, 2, 3));
        s.input("image", Tensor.allocate(ElementType.U8, 2, 2, 2, 1));
        s.ownInput("gain");
        says(
                s::run,
                "input 'gain' lies in the session's own memory, which holds one item, and the others have 2:"
                        + " bind memory of your own");
        s.ownInput("image");
        Tensor sums = s.ownOutput("sums");
        says(
                () -> s.output("sums", sums),
                "output 'sums' cannot be bound to a part of the session's own memory, which layers use: copy it, or call"
                        + " ownOutput(\"sums\")");
        ByteBuffer fixed = ByteBuffer.allocate(3).asReadOnlyBuffer();
        says(
                () -> s.output("scores", Tensor.ofBuffer(ElementType.U8, fixed, 1, 3)),
                "output 'scores' is written, and its buffer is read-only: bind one that is not");
        // What is no code in use is found there, too.
        s.ownOutput("scores");
        ((ByteBuffer) s.ownInput("gain").buffer()).put(1, (byte) -128);
        says(s::run, "input 'gain' takes codes -127 to 127, found -128 at element 1 of an item");
        s.close();
        // Whoever still holds the tensor holds nobody else's memory.
        try (Session other = tiny.session()) {
            Tensor theirs = other.ownInput("image");
            image.put(0, (byte) 77);
            assertThat(theirs.bytes()[0]).isNotEqualTo((byte) 77);
        }
        assertThatThrownBy(() -> s.ownInput("image")).hasMessage("the session is closed");
    }

    @Test
    void anEmptyBatchGivesAnEmptyResult() {
        Map<String, Tensor> out = tiny.run(Map.of("image", floats(0, 2, 2, 1), "gain", floats(3)));
        assertThat(get(out, "scores").shape()).containsExactly(0, 3);
    }

    @ParameterizedTest
    @MethodSource("dev.qnet.target.jvm.OperationsTest#cases")
    void theSteadyStateAllocatesNothing(String name) {
        CompiledArtifact artifact = JvmTarget.compile(OperationsTest.graph(name));
        for (Backend backend : Backend.values()) {
            Model model = artifact.load(backend);
            try (Session s = model.session()) {
                for (TensorInfo t : model.inputs()) {
                    s.input(t.name(), Tensor.allocate(realOrPlain(t), t.shapeFor(2)));
                }
                for (TensorInfo t : model.outputs()) {
                    s.output(t.name(), Tensor.allocate(realOrPlain(t), t.shapeFor(2)));
                }
                assertThat(leastAllocated(s))
                        .as("bytes a run of %s with %s", name, backend)
                        .isZero();
            }
        }
    }

    private static ElementType realOrPlain(TensorInfo t) {
        return t.quantization() == null ? t.type() : ElementType.F32;
    }

    /** Operations of imported models, on inputs that they do not refuse. */
    @ParameterizedTest
    @EnumSource
    void noOperationAllocates(RandomOperationsTest.Sort sort) {
        OneOperation.Case c = sort == RandomOperationsTest.Sort.SCALAR_FN
                ? RandomOperationsTest.withoutSines()
                : RandomOperationsTest.make(sort, 0);
        Model model = JvmTarget.compile(c.graph()).load(Backend.ADAPTIVE);
        try (Session s = model.session()) {
            int items = 1;
            for (Graph.Param p : c.graph().params()) {
                Value v = Objects.requireNonNull(c.inputs().get(p.id().name()));
                items = p.type().shape().hasBatch() ? v.shape().dim(0) : items;
                s.input(p.id().name(), Judge.tensor(v, p.type().element()));
            }
            for (TensorInfo t : model.outputs()) {
                s.output(t.name(), Tensor.allocate(t.type(), t.shapeFor(items)));
            }
            assertThat(leastAllocated(s)).isZero();
        }
    }

    /** The least that any of many runs allocated: the JIT compiler removes some allocations only after a while. */
    private static long leastAllocated(Session s) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 400_000 && least > 0; i++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            s.run();
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return least;
    }

    @Test
    void manyThreadsShareAModel() throws Exception {
        Model model = JvmTarget.compile(OperationsTest.graph("conv2d")).load();
        int threads = 8;
        List<float[][]> inputs = new ArrayList<>();
        List<float[][]> expected = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            inputs.add(new float[][] {
                random(model.inputs().get(0), i), random(model.inputs().get(1), i)
            });
            expected.add(codes(model, inputs.get(i)));
        }
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int own = t;
                done.add(pool.submit(() -> {
                    for (int i = 0; i < 200; i++) {
                        assertThat(codes(model, inputs.get(own))).isDeepEqualTo(expected.get(own));
                    }
                }));
            }
            for (Future<?> f : done) {
                f.get();
            }
        }
    }

    private static float[] random(TensorInfo t, int seed) {
        float[] f = new float[t.itemElements()];
        Random r = new Random(seed);
        for (int i = 0; i < f.length; i++) {
            f[i] = r.nextFloat(-20, 100);
        }
        return f;
    }

    private static float[][] codes(Model model, float[][] inputs) {
        Map<String, Tensor> out = model.run(Map.of(
                "x", Tensor.ofFloats(inputs[0], model.inputs().get(0).shapeFor(1)),
                "v", Tensor.ofFloats(inputs[1], model.inputs().get(1).shapeFor(1))));
        return new float[][] {
            get(out, "strided").floats(), get(out, "depthwise").floats()
        };
    }

    private static Tensor floats(int... shape) {
        return Tensor.allocate(ElementType.F32, shape);
    }

    private static Tensor get(Map<String, Tensor> tensors, String name) {
        return Objects.requireNonNull(tensors.get(name));
    }

    private static void says(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(ModelException.class).hasMessage(message);
    }
}
