package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vector code that is compiled in the background. */
@Timeout(600)
class WarmupTest {
    private static final Kind[] KINDS = {Kind.S8, Kind.U8, Kind.S16, Kind.U16};
    private static final Rounding[] ROUNDINGS = {Rounding.TOSA, Rounding.TFLITE, Rounding.ONNX};

    /** Whatever a model may need: kernels of all kinds, contracts and sizes. */
    private static List<Object> kernels() {
        List<Object> kernels = new ArrayList<>();
        for (Kind kind : KINDS) {
            for (Rounding rounding : ROUNDINGS) {
                for (int size : new int[] {1, 2, 5, 12, 13, 17, 23}) {
                    for (int filters : new int[] {8, 16, 24, 32, 40, 64}) {
                        ConvSpec spec = conv(kind, rounding, size, 4, filters, Window.POINT);
                        kernels.add(Objects.requireNonNull(SimdConv.of(spec)));
                    }
                }
                Operand x = Operand.codes(kind, 0, 0, 15);
                Output out = Output.codes(Kind.S32, RowSteps.sample(rounding, 40), Kind.U8);
                kernels.add(Objects.requireNonNull(SimdMatMul.of(new MatMulSpec(x, x, 13, 20, 40, out))));
            }
        }
        for (ConvSpec spec : windows()) {
            kernels.add(Objects.requireNonNull(SimdConv.of(spec), spec::toString));
        }
        return kernels;
    }

    /** Windows of several pixels, groups, few channels and many, and products of rows so few that weights stay packed. */
    private static List<ConvSpec> windows() {
        Window same = new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1);
        Window halves = new Window(3, 3, 2, 2, 1, 1, 1, 1, 1, 1);
        Window five = new Window(5, 5, 1, 1, 1, 1, 2, 2, 2, 2);
        Window apart = new Window(3, 3, 1, 1, 2, 2, 2, 2, 2, 2);
        List<ConvSpec> specs = new ArrayList<>();
        for (Kind kind : KINDS) {
            for (Rounding rounding : ROUNDINGS) {
                for (Window w : new Window[] {same, halves, five, apart}) {
                    for (int channels : new int[] {1, 3, 8, 40, 64}) {
                        specs.add(conv(kind, rounding, 12, channels, 8, w, 1, 8));
                    }
                    for (int channels : new int[] {3, 8, 24, 64}) {
                        specs.add(conv(kind, rounding, 12, channels, channels, w, channels, 8));
                        specs.add(conv(kind, rounding, 12, channels, 2 * channels, w, channels, 8));
                    }
                    specs.add(conv(kind, rounding, 12, 16, 32, w, 4, 8));
                }
                specs.add(conv(kind, rounding, 6, 300, 40, same, 1, 8));
                for (int bits : new int[] {1, 2, 4, 8}) {
                    specs.add(conv(kind, rounding, 1, 512, 256, Window.POINT, 1, bits));
                    specs.add(conv(kind, rounding, 1, 512, 256, Window.POINT, 2, bits));
                }
            }
        }
        specs.add(groupedRuns());
        specs.add(integers());
        return specs;
    }

    /** A dense layer with weights of 4 bits, and a multiplier for each 64 of them. */
    private static ConvSpec groupedRuns() {
        int[] weights = new int[256 * 512];
        Random random = new Random(2);
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (random.nextInt(16) - 8) * (1 + i / 64 % 7);
        }
        Output out = Output.codes(Kind.S32, RowSteps.sample(Rounding.TOSA, 256), Kind.U8);
        Operand x = Operand.codes(Kind.U8, 1, 0, 15);
        return ConvSpec.of(x, 1, 1, 512, 256, Window.POINT, 1, weights, null, out);
    }

    /** A depthwise convolution whose sums become codes of 16 bits, so not at once. */
    private static ConvSpec integers() {
        int[] weights = new int[9 * 64];
        Arrays.fill(weights, 3);
        Output out = Output.codes(Kind.S32, RowSteps.sample(Rounding.TOSA, 64), Kind.U16);
        Window w = new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1);
        return ConvSpec.of(Operand.codes(Kind.U8, 1, 0, 15), 12, 12, 64, 64, w, 64, weights, null, out);
    }

    /** Weights of so many bits; of one bit, −1 and 1. */
    private static ConvSpec conv(
            Kind kind, Rounding rounding, int size, int channels, int filters, Window w, int groups, int bits) {
        int[] weights = new int[filters * w.kernelH() * w.kernelW() * (channels / groups)];
        Random random = new Random(weights.length);
        for (int i = 0; i < weights.length; i++) {
            int v = random.nextInt(1 << bits);
            weights[i] = bits == 1 ? 2 * v - 1 : v - (1 << (bits - 1));
        }
        Output out = Output.codes(Kind.S32, RowSteps.sample(rounding, filters), Kind.U8);
        Operand x = bits == 1 && kind == Kind.S8 ? Operand.codes(kind, 0, -1, 1) : Operand.codes(kind, 1, 0, 15);
        return ConvSpec.of(x, size, size, channels, filters, w, groups, weights, null, out);
    }

    private static ConvSpec conv(Kind kind, Rounding rounding, int pixels, int channels, int filters, Window w) {
        int[] weights = new int[filters * w.kernelH() * w.kernelW() * channels];
        Arrays.fill(weights, 3);
        Output out = Output.codes(Kind.S32, RowSteps.sample(rounding, filters), Kind.U8);
        return ConvSpec.of(Operand.codes(kind, 1, 0, 15), 1, pixels, channels, filters, w, 1, weights, null, out);
    }

    @Test
    void everyStepRunsOnMadeUpData() {
        Set<Step> steps = new LinkedHashSet<>();
        for (Object k : kernels()) {
            Set<Step> own = new LinkedHashSet<>();
            ((Warmable) k).steps(own);
            assertThat(own).isNotEmpty();
            steps.addAll(own);
        }
        // Else something above is about kernels that are not made that way any more.
        Set<String> found = new TreeSet<>();
        for (Step s : steps) {
            String name = s.getClass().getName();
            found.add(name.substring(name.lastIndexOf('.') + 1));
        }
        assertThat(found)
                .contains(
                        "DepthwiseSteps$Load",
                        "DepthwiseSteps$Strip",
                        "DepthwiseSteps$StripCodes",
                        "DepthwiseSteps$Windows",
                        "DepthwiseSteps$Integers",
                        "SimdGemvSteps$Differences",
                        "SimdGemvSteps$Finish",
                        "SimdGemvSteps$Grouped",
                        "SimdGemvSteps$Prepare",
                        "SimdGemvSteps$Sums",
                        "SimdSteps$Add",
                        "SimdSteps$Begin",
                        "SimdSteps$Codes",
                        "SimdSteps$Gather",
                        "SimdSteps$Load",
                        "SimdSteps$Singles",
                        "SimdSteps$Tile");
        for (Kind kind : KINDS) {
            steps.add(RowSteps.ALL.load(kind));
            steps.add(RowSteps.ALL.store(kind));
        }
        for (FloatBinary.Fn fn : FloatBinary.Fn.values()) {
            steps.add(RowSteps.ALL.combine(fn));
        }
        steps.addAll(List.of(RowSteps.ALL.limit(), RowSteps.ALL.affine(), RowSteps.ALL.extremes()));
        for (IntBinary.Fn fn : IntBinary.Fn.values()) {
            if (fn != IntBinary.Fn.DIV && fn != IntBinary.Fn.POW && fn != IntBinary.Fn.MOD) {
                steps.add(RowSteps.ALL.combine(fn));
            }
        }
        for (Rounding rounding : ROUNDINGS) {
            Rescale r = RowSteps.sample(rounding, 1);
            Operand x = Operand.plain(Kind.U8);
            steps.add(RowSteps.ALL.rescale(r));
            steps.add(RowSteps.ALL.largest());
            steps.add(RowSteps.ALL.largestSingles());
            steps.add(RowSteps.ALL.product());
            steps.add(RowSteps.ALL.add(new AddSpec(false, 0, x, x, r, r, r, Kind.U8)));
            steps.add(RowSteps.ALL.ofBytes(rounding));
        }
        for (boolean away : new boolean[] {true, false}) {
            steps.add(RowSteps.ALL.quantize(new QuantizeSpec(away, new float[] {1}, new int[] {0}, 0, 255, Kind.U8)));
        }
        Step.Scratch scratch = new Step.Scratch();
        for (Step s : steps) {
            s.call(scratch, 40, Step.ROUNDS);
            s.call(scratch, 1, 0);
        }
    }

    /** A kernel becomes its vector twin by itself, and its bytes stay what they are. */
    @Test
    void kernelsBecomeVectors() throws InterruptedException {
        assumeThat(SimdShape.worthwhile())
                .as("vectors with a fused multiply-add")
                .isTrue();
        int failures = Warmup.failures();
        ConvSpec spec = conv(Kind.U8, Rounding.TOSA, 100, 16, 24, Window.POINT);
        UnaryKernel kernel = Backend.ADAPTIVE.loops().conv(spec);
        Banks b = new Banks(1 << 14, 0, 0, 0, 0);
        new Random(1).nextBytes(b.bytes);
        for (int i = 0; i < 1600; i++) {
            b.bytes[i] &= 15;
        }
        kernel.run(b, 0, 4096);
        byte[] expected = Arrays.copyOfRange(b.bytes, 4096, 4096 + 2400);
        Backend.answered();
        while (!(((Warmup.Candidate) kernel).plain() instanceof SimdConv)) {
            kernel.run(b, 0, 4096);
            assertThat(Arrays.copyOfRange(b.bytes, 4096, 4096 + 2400)).isEqualTo(expected);
            Thread.sleep(1);
        }
        kernel.run(b, 0, 4096);
        assertThat(Arrays.copyOfRange(b.bytes, 4096, 4096 + 2400)).isEqualTo(expected);
        assertThat(Warmup.failures()).isEqualTo(failures);
    }

    /** Whatever a kernel is rehearsed on does for it, too. */
    @Test
    void everyKernelIsRehearsed() throws InterruptedException {
        assumeThat(SimdShape.worthwhile())
                .as("vectors with a fused multiply-add")
                .isTrue();
        int failures = Warmup.failures();
        int asked = Warmup.asked();
        List<ConvSpec> specs = windows();
        int n = 0;
        // Some of each kind and contract: all would take long.
        for (int i = 0; i < specs.size(); i += 13, n++) {
            Backend.ADAPTIVE.loops().conv(specs.get(i));
        }
        int before = Warmup.tookOver();
        Backend.answered();
        while (Warmup.asked() < asked + n || Warmup.tookOver() < before + n / 2) {
            assertThat(Warmup.failures()).isEqualTo(failures);
            Thread.sleep(10);
        }
        assertThat(Warmup.failures()).isEqualTo(failures);
    }

    /** A kernel that names no steps is judged as a whole. */
    @Test
    void otherKernelsBecomeVectorsToo() throws InterruptedException {
        Timed kernel = new Timed();
        Warmup.add(kernel);
        Backend.answered();
        assertThat(kernel.fate()).isEqualTo("fast");
    }

    /** Whatever a kernel throws, and wherever, it alone stays as it is. */
    @ParameterizedTest
    @ValueSource(strings = {"make", "steps", "step", "banks", "run"})
    void failuresConcernOneKernelAlone(String where) throws InterruptedException {
        assumeThat(SimdShape.worthwhile())
                .as("vectors with a fused multiply-add")
                .isTrue();
        int before = Warmup.failures();
        List<Timed> good = new ArrayList<>();
        List<Timed> bad = new ArrayList<>();
        for (Throwable e : new Throwable[] {
            new IllegalStateException("on purpose"),
            new AssertionError("on purpose"),
            new StackOverflowError("on purpose"),
            new NoClassDefFoundError("on purpose")
        }) {
            good.add(new Timed());
            bad.add(new Failing(where, e));
            Warmup.add(good.getLast());
            Warmup.add(bad.getLast());
        }
        Backend.answered();
        for (Timed t : bad) {
            assertThat(t.fate()).isEqualTo("slow");
        }
        for (Timed t : good) {
            assertThat(t.fate()).isEqualTo("fast");
        }
        assertThat(Warmup.failures()).isEqualTo(before + bad.size());
        // The thread goes on, or another one does.
        Timed later = new Timed();
        Warmup.add(later);
        assertThat(later.fate()).isEqualTo("fast");
    }

    /** A step that was given up is asked for again, but not for ever. */
    @Test
    void stepsAreAskedForAgain() throws InterruptedException {
        assumeThat(SimdShape.worthwhile())
                .as("vectors with a fused multiply-add")
                .isTrue();
        int before = Warmup.failures();
        AtomicInteger calls = new AtomicInteger();
        Step step = new Step(1) {
            @Override
            void call(Scratch s, int times, int rounds) {
                calls.incrementAndGet();
                throw new IllegalStateException("on purpose");
            }
        };
        for (int i = 1; i <= 3; i++) {
            Backend.answered();
            while (calls.get() < i) {
                assertThat(step.hot()).isFalse();
                Thread.sleep(1);
            }
        }
        Timed next = new Timed();
        for (int i = 0; i < 100; i++) {
            assertThat(step.hot()).isFalse();
        }
        Warmup.add(next);
        assertThat(next.fate()).isEqualTo("fast");
        assertThat(calls.get()).isEqualTo(3);
        assertThat(Warmup.failures()).isEqualTo(before + 3);
    }

    /** A vector kernel that is as slow as the plain one is given up. */
    @Test
    void whatGainsNothingIsGivenUp() throws InterruptedException {
        assumeThat(SimdShape.worthwhile())
                .as("vectors with a fused multiply-add")
                .isTrue();
        Timed kernel = new Timed() {
            @Override
            public void run(Object kernel, Banks banks) {
                spin(kernel.equals("fast") ? 200_000 : 1_000);
            }
        };
        Warmup.add(kernel);
        Backend.answered();
        assertThat(kernel.fate()).isEqualTo("slow");
    }

    /** A kernel whose vector twin takes a hundredth of the time. */
    private static class Timed implements Warmup.Candidate {
        private @Nullable String fate;

        /** Which of the two stays in the end. */
        synchronized String fate() throws InterruptedException {
            while (fate == null) {
                wait();
            }
            return fate;
        }

        private synchronized void end(String kernel) {
            assertThat(fate).isNull();
            fate = kernel;
            notifyAll();
        }

        static void spin(long nanos) {
            long until = System.nanoTime() + nanos;
            while (System.nanoTime() < until) {
                Thread.onSpinWait();
            }
        }

        @Override
        public Object make() {
            return "fast";
        }

        @Override
        public Object plain() {
            return "slow";
        }

        @Override
        public void become(Object kernel) {
            end((String) kernel);
        }

        @Override
        public void giveUp() {
            end("slow");
        }

        @Override
        public void run(Object kernel, Banks banks) {
            spin(kernel.equals("fast") ? 1_000 : 100_000);
        }

        @Override
        public Banks banks(Banks banks) {
            return banks;
        }

        @Override
        public long work() {
            return 1;
        }
    }

    /** Throws something at some point on its way. */
    private static final class Failing extends Timed implements Warmable {
        private final String where;
        private final Throwable error;

        Failing(String where, Throwable error) {
            this.where = where;
            this.error = error;
        }

        private void at(String place) {
            if (place.equals(where)) {
                if (error instanceof RuntimeException e) {
                    throw e;
                }
                throw (Error) error;
            }
        }

        @Override
        public Object make() {
            at("make");
            return where.startsWith("step") ? this : super.make();
        }

        @Override
        public void steps(Set<Step> steps) {
            at("steps");
            steps.add(new Step(1) {
                @Override
                void call(Scratch s, int times, int rounds) {
                    at("step");
                }
            });
        }

        @Override
        public Banks banks(Banks banks) {
            at("banks");
            return super.banks(banks);
        }

        @Override
        public void run(Object kernel, Banks banks) {
            at("run");
            super.run(kernel, banks);
        }
    }
}
