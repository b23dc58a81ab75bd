package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Window;
import java.math.BigInteger;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Convolution, dense and matmul against their definitions, index by index. */
class ProductsTest {
    private static final Element F32 = Element.FLOAT;

    /** A convolution's geometry: input [1,h,w,groups·in], output channels groups·out. */
    record Geometry(int h, int w, int in, int out, int groups, Window window, long seed) {
        Shape input() {
            return Shape.of(1, h, w, groups * in);
        }

        Shape weights() {
            return Shape.of(groups * out, window.kernelH(), window.kernelW(), in);
        }
    }

    @Provide
    Arbitrary<Geometry> geometries() {
        return Arbitraries.longs().map(seed -> {
            Random r = new Random(seed);
            int kh = 1 + r.nextInt(4);
            int kw = 1 + r.nextInt(4);
            int dh = 1 + r.nextInt(3);
            int dw = 1 + r.nextInt(3);
            Window w = new Window(
                    kh,
                    kw,
                    1 + r.nextInt(3),
                    1 + r.nextInt(3),
                    dh,
                    dw,
                    r.nextInt(4),
                    r.nextInt(4),
                    r.nextInt(4),
                    r.nextInt(4));
            int height = (kh - 1) * dh + 1 + r.nextInt(5);
            int width = (kw - 1) * dw + 1 + r.nextInt(5);
            return new Geometry(height, width, 1 + r.nextInt(3), 1 + r.nextInt(3), 1 + r.nextInt(3), w, seed);
        });
    }

    /** What the terms of one output are: called with indices into x and w, in ascending row-major order of w's axes. */
    interface Term {
        void add(int x, int w);
    }

    private static void terms(Geometry g, int oy, int ox, int o, Term term) {
        Window k = g.window();
        int group = o / g.out();
        for (int ky = 0; ky < k.kernelH(); ky++) {
            for (int kx = 0; kx < k.kernelW(); kx++) {
                for (int i = 0; i < g.in(); i++) {
                    int y = oy * k.strideH() + ky * k.dilationH() - k.top();
                    int x = ox * k.strideW() + kx * k.dilationW() - k.left();
                    if (y >= 0 && y < g.h() && x >= 0 && x < g.w()) {
                        term.add(
                                (y * g.w() + x) * g.groups() * g.in() + group * g.in() + i,
                                ((o * k.kernelH() + ky) * k.kernelW() + kx) * g.in() + i);
                    }
                }
            }
        }
    }

    @Property(tries = 300)
    void convolutionOfSingles(@ForAll("geometries") Geometry g) {
        Random r = new Random(g.seed());
        float[] x = floats(r, g.input());
        float[] w = floats(r, g.weights());
        int channels = g.groups() * g.out();
        float[] bias = floats(r, Shape.of(channels));
        Value.Floats y = (Value.Floats) Nodes.run(
                new FloatOp.Conv2d(g.window(), g.groups()),
                F32,
                List.of(F32, F32, F32),
                Value.of(g.input(), x),
                Value.of(g.weights(), w),
                Value.of(Shape.of(channels), bias));
        for (int i = 0; i < y.data().length; i++) {
            int o = i % channels;
            int ox = i / channels % y.shape().dim(2);
            int oy = i / channels / y.shape().dim(2);
            double[] sum = {bias[o]};
            terms(g, oy, ox, o, (xi, wi) -> sum[0] += (double) x[xi] * w[wi]);
            assertThat(y.data()[i]).isEqualTo((float) sum[0]);
        }
    }

    @Property(tries = 300)
    void convolutionOfCodes(@ForAll("geometries") Geometry g) {
        Random r = new Random(g.seed());
        int channels = g.groups() * g.out();
        List<Integer> zeros =
                IntStream.range(0, channels).mapToObj(i -> r.nextInt(-9, 9)).toList();
        Quant xType = Quant.of(Storage.U8, 1, r.nextInt(256));
        Quant wType = new Quant(Storage.I8, -128, 127, new Scheme.PerAxis(0, scales(channels), zeros));
        long[] x = r.longs(g.input().elements(), 0, 256).toArray();
        long[] w = r.longs(g.weights().elements(), -128, 128).toArray();
        long[] bias = r.longs(channels, -5000, 5000).toArray();
        Rescale rescale = new Rescale(
                Rounding.TOSA,
                IntStream.range(0, channels)
                        .mapToObj(
                                i -> (Scale) new Scale.Fixed(r.nextInt(1 << 30, Integer.MAX_VALUE), -r.nextInt(4, 10)))
                        .toList(),
                3,
                -100,
                100);
        Quant yType =
                new Quant(Storage.I8, -100, 100, Quant.of(Storage.I8, 1, 3).scheme());
        Value.Ints y = (Value.Ints) Nodes.run(
                new IntOp.Conv2d(g.window(), g.groups(), Element.INT32, rescale),
                yType,
                List.of(xType, wType, Element.INT32),
                Value.of(g.input(), x),
                Value.of(g.weights(), w),
                Value.of(Shape.of(channels), bias));
        for (int i = 0; i < y.data().length; i++) {
            int o = i % channels;
            int ox = i / channels % y.shape().dim(2);
            int oy = i / channels / y.shape().dim(2);
            BigInteger[] sum = {BigInteger.valueOf(bias[o])};
            terms(
                    g,
                    oy,
                    ox,
                    o,
                    (xi, wi) -> sum[0] = sum[0].add(
                            BigInteger.valueOf(x[xi] - xType.perTensor().zero())
                                    .multiply(BigInteger.valueOf(w[wi] - zeros.get(o)))));
            assertThat(y.data()[i]).isEqualTo(Definitions.rescale(rescale, sum[0].longValueExact(), o, false));
        }
    }

    /** A 2×2 window over a 3×2 image with one row of padding on top: real 0 is code 5 there. */
    @Test
    void paddingContributesNothing() {
        Quant x = Quant.of(Storage.U8, 1, 5);
        Quant w = Quant.of(Storage.I16, 1, 0);
        Window window = new Window(2, 2, 1, 1, 1, 1, 1, 0, 0, 0);
        Value y = Nodes.run(
                new IntOp.Conv2d(window, 1, Element.INT32, null),
                Element.INT32,
                List.of(x, w),
                Value.of(Shape.of(1, 3, 2, 1), 6L, 7, 8, 9, 10, 11),
                Value.of(Shape.of(1, 2, 2, 1), 1000L, 100, 10, 1));
        assertThat(y).isEqualTo(Value.of(Shape.of(1, 3, 1, 1), 12L, 1234, 3456));
    }

    /** 2^24 + 1 is no single: only a sum in double, rounded once, sees the 1. */
    @Test
    void sumsAreKeptInDouble() {
        Value x = Value.of(Shape.of(1, 3), 16777216f, 1, -16777216f);
        Value w = Value.of(Shape.of(1, 3), 1f, 1, 1);
        assertThat(Nodes.run(new FloatOp.Dense(), F32, List.of(F32, F32), x, w))
                .isEqualTo(Value.of(Shape.of(1, 1), 1f));
    }

    @Test
    void denseOverTheLastAxis() {
        Value x = Value.of(Shape.of(1, 2, 2), 1f, 2, 3, 4);
        Value w = Value.of(Shape.of(3, 2), 1f, 0, 0, 1, 1, 1);
        Value b = Value.of(Shape.of(3), 0f, 10, 20);
        assertThat(Nodes.run(new FloatOp.Dense(), F32, List.of(F32, F32, F32), x, w, b))
                .isEqualTo(Value.of(Shape.of(1, 2, 3), 1f, 12, 23, 3, 14, 27));
    }

    @Property(tries = 200)
    void matmulBroadcastsLeadingAxes(@ForAll long seed) {
        Random r = new Random(seed);
        int m = 1 + r.nextInt(3);
        int k = 1 + r.nextInt(4);
        int n = 1 + r.nextInt(3);
        int p = 1 + r.nextInt(3);
        int q = 1 + r.nextInt(3);
        boolean wideLeft = r.nextBoolean();
        Shape a = wideLeft ? Shape.of(p, q, m, k) : Shape.of(1, q, m, k);
        Shape b = wideLeft ? Shape.of(q, k, n) : Shape.of(p, 1, k, n);
        float[] x = floats(r, a);
        float[] y = floats(r, b);
        long[] xi = r.longs(a.elements(), -128, 128).toArray();
        long[] yi = r.longs(b.elements(), 0, 256).toArray();
        float[] expected = new float[p * q * m * n];
        long[] expectedCodes = new long[expected.length];
        for (int i = 0; i < expected.length; i++) {
            int col = i % n;
            int row = i / n % m;
            int iq = i / n / m % q;
            int ip = i / n / m / q;
            double sum = 0;
            long codes = 0;
            for (int j = 0; j < k; j++) {
                int ai = (((wideLeft ? ip : 0) * q + iq) * m + row) * k + j;
                int bi = ((wideLeft ? iq : ip) * k + j) * n + col;
                sum += (double) x[ai] * y[bi];
                codes += (xi[ai] - 3) * (yi[bi] - 128);
            }
            expected[i] = (float) sum;
            expectedCodes[i] = codes;
        }
        Shape shape = Shape.of(p, q, m, n);
        assertThat(Nodes.run(new FloatOp.MatMul(), F32, List.of(F32, F32), Value.of(a, x), Value.of(b, y)))
                .isEqualTo(Value.of(shape, expected));
        assertThat(Nodes.run(
                        new IntOp.MatMul(Element.INT32, null),
                        Element.INT32,
                        List.of(Quant.of(Storage.I8, 1, 3), Quant.of(Storage.U8, 1, 128)),
                        Value.of(a, xi),
                        Value.of(b, yi)))
                .isEqualTo(Value.of(shape, expectedCodes));
    }

    private static float[] floats(Random r, Shape shape) {
        float[] x = new float[shape.elements()];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) r.nextGaussian() * (r.nextInt(8) == 0 ? 1e6f : 1);
        }
        return x;
    }

    private static List<Float> scales(int n) {
        return IntStream.range(0, n).mapToObj(i -> 1f).collect(Collectors.toList());
    }
}
