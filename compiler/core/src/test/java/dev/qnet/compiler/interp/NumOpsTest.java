package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

/** Arithmetic of plain numbers against unbounded integers, and its edges by hand. */
class NumOpsTest {
    private static final Element F32 = Element.FLOAT;
    private static final float NAN = Float.NaN;
    private static final float INFINITY = Float.POSITIVE_INFINITY;

    @Provide
    Arbitrary<Element.Int> integers() {
        return Arbitraries.of(
                Element.BOOL, Element.INT8, Element.UINT8, Element.INT16, Element.UINT16, Element.INT32, Element.INT64);
    }

    /** A number of an element, often a small one or near an end. */
    private static long draw(Element.Int e, Random r) {
        return switch (r.nextInt(4)) {
            case 0 -> e.wrap(r.nextInt(7) - 3);
            case 1 -> e.min() + (e.bits() == 1 ? 0 : r.nextInt(2));
            case 2 -> e.max() - (e.bits() == 1 ? 0 : r.nextInt(2));
            default -> e.wrap(r.nextLong());
        };
    }

    private static long one(NumOp op, Element.Int e, long... operands) {
        Value[] values = new Value[operands.length];
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            values[i] = Value.of(Shape.of(1), operands[i]);
            elements.add(e);
        }
        return ((Value.Ints) Nodes.run(op, e, elements, values)).data()[0];
    }

    /** The number with the same low bits, computed modulo 2^bits. */
    private static long modulo(BigInteger x, Element.Int e) {
        if (e.bits() == 1) {
            return x.signum() == 0 ? 0 : 1;
        }
        BigInteger low = x.mod(BigInteger.TWO.pow(e.bits()));
        boolean negative = e.signed() && low.testBit(e.bits() - 1);
        return (negative ? low.subtract(BigInteger.TWO.pow(e.bits())) : low).longValueExact();
    }

    @Property(tries = 3000)
    void binaryFunctionsAreThoseOfUnboundedIntegersModuloTheWidth(
            @ForAll NumOp.Binary.Fn fn, @ForAll("integers") Element.Int e, @ForAll Random random) {
        long x = draw(e, random);
        long y = draw(e, random);
        if (fn == NumOp.Binary.Fn.POW) {
            y = Math.floorMod(y, 70);
            y = y <= e.max() ? y : 1;
        }
        BigInteger a = BigInteger.valueOf(x);
        BigInteger b = BigInteger.valueOf(y);
        if (b.signum() == 0 && (fn == NumOp.Binary.Fn.DIV || fn == NumOp.Binary.Fn.MOD)) {
            assertThatThrownBy(() -> one(new NumOp.Binary(fn), e, x, 0))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessage("%y0: " + x + " is divided by 0");
            return;
        }
        BigInteger exact = switch (fn) {
            case ADD -> a.add(b);
            case SUB -> a.subtract(b);
            case MUL -> a.multiply(b);
            case DIV -> a.divide(b);
            case MIN -> a.min(b);
            case MAX -> a.max(b);
            case POW -> a.pow(b.intValueExact());
            // x − y·⌊x/y⌋, the quotient as a real number.
            case MOD -> {
                BigInteger[] parts = a.divideAndRemainder(b);
                boolean below = parts[1].signum() != 0 && a.signum() != b.signum();
                yield below ? parts[1].add(b) : parts[1];
            }
            case AND -> a.and(b);
            case OR -> a.or(b);
            case XOR -> a.xor(b);
        };
        assertThat(one(new NumOp.Binary(fn), e, x, y)).isEqualTo(modulo(exact, e));
    }

    @Test
    void powersOfNegativeExponents() {
        NumOp pow = new NumOp.Binary(NumOp.Binary.Fn.POW);
        assertThat(one(pow, Element.INT32, 1, -3)).isEqualTo(1);
        assertThat(one(pow, Element.INT32, -1, -3)).isEqualTo(-1);
        assertThat(one(pow, Element.INT32, -1, -4)).isEqualTo(1);
        assertThat(one(pow, Element.INT32, 2, -1)).isZero();
        assertThat(one(pow, Element.INT32, 0, -1)).isZero();
    }

    @Test
    void binaryFunctionsBroadcast() {
        Value x = Value.of(Shape.of(2, 1), 100L, 5);
        Value y = Value.of(Shape.of(3), 1L, 100, 28);
        assertThat(Nodes.run(
                        new NumOp.Binary(NumOp.Binary.Fn.ADD), Element.INT8, List.of(Element.INT8, Element.INT8), x, y))
                .isEqualTo(Value.of(Shape.of(2, 3), 101L, -56, -128, 6, 105, 33));
    }

    /** Codes are compared as they are, whatever they stand for. */
    @Test
    void theSmallerOfTwoCodes() {
        Quant a = Quant.of(Storage.I8, 0.5f, 3);
        assertThat(Nodes.run(
                        new NumOp.Binary(NumOp.Binary.Fn.MIN),
                        a,
                        List.of(a, a),
                        Value.of(Shape.of(2), -128L, 7),
                        Value.of(Shape.of(1), 3L)))
                .isEqualTo(Value.of(Shape.of(2), -128L, 3));
    }

    @Test
    void unaryFunctions() {
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.NEG), Element.INT8, -128)).isEqualTo(-128);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.NEG), Element.UINT8, 1)).isEqualTo(255);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.ABS), Element.INT32, -7)).isEqualTo(7);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.ABS), Element.INT64, Long.MIN_VALUE))
                .isEqualTo(Long.MIN_VALUE);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.SIGN), Element.INT64, Long.MIN_VALUE))
                .isEqualTo(-1);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.SIGN), Element.UINT16, 65535))
                .isEqualTo(1);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.NOT), Element.BOOL, 1)).isZero();
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.NOT), Element.BOOL, 0)).isEqualTo(1);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.NOT), Element.UINT8, 5)).isEqualTo(250);
        assertThat(one(new NumOp.Unary(NumOp.Unary.Fn.NOT), Element.INT8, 5)).isEqualTo(-6);
    }

    private static List<Long> compare(NumOp.Compare.Fn fn, float... pairs) {
        int n = pairs.length / 2;
        float[] x = new float[n];
        float[] y = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = pairs[2 * i];
            y[i] = pairs[2 * i + 1];
        }
        Value.Ints result = (Value.Ints) Nodes.run(
                new NumOp.Compare(fn),
                Element.BOOL,
                List.of(F32, F32),
                Value.of(Shape.of(n), x),
                Value.of(Shape.of(n), y));
        return java.util.Arrays.stream(result.data()).boxed().toList();
    }

    @Test
    void comparesSingles() {
        float[] pairs = {1, 2, 2, 1, 3, 3, -0f, 0, NAN, 1, NAN, NAN, INFINITY, INFINITY};
        assertThat(compare(NumOp.Compare.Fn.EQ, pairs)).containsExactly(0L, 0L, 1L, 1L, 0L, 0L, 1L);
        assertThat(compare(NumOp.Compare.Fn.NE, pairs)).containsExactly(1L, 1L, 0L, 0L, 1L, 1L, 0L);
        assertThat(compare(NumOp.Compare.Fn.LT, pairs)).containsExactly(1L, 0L, 0L, 0L, 0L, 0L, 0L);
        assertThat(compare(NumOp.Compare.Fn.LE, pairs)).containsExactly(1L, 0L, 1L, 1L, 0L, 0L, 1L);
        assertThat(compare(NumOp.Compare.Fn.GT, pairs)).containsExactly(0L, 1L, 0L, 0L, 0L, 0L, 0L);
        assertThat(compare(NumOp.Compare.Fn.GE, pairs)).containsExactly(0L, 1L, 1L, 1L, 0L, 0L, 1L);
    }

    @Test
    void comparesWideIntegersExactly() {
        // Neighbours that are one number as doubles.
        Value x = Value.of(Shape.of(1), Long.MAX_VALUE);
        Value y = Value.of(Shape.of(1), Long.MAX_VALUE - 1);
        assertThat(Nodes.run(
                        new NumOp.Compare(NumOp.Compare.Fn.GT),
                        Element.BOOL,
                        List.of(Element.INT64, Element.INT64),
                        x,
                        y))
                .isEqualTo(Value.of(Shape.of(1), 1L));
    }

    private static Value cast(Element from, Element to, Value x) {
        return Nodes.run(new NumOp.Cast(), to, List.of(from), x);
    }

    @Test
    void castsSinglesToIntegers() {
        Value x = Value.of(Shape.of(8), -1.9f, 1.9f, 300, -300, NAN, INFINITY, -0f, 0.4f);
        assertThat(cast(F32, Element.INT8, x)).isEqualTo(Value.of(Shape.of(8), -1L, 1, 127, -128, 0, 127, 0, 0));
        assertThat(cast(F32, Element.UINT8, x)).isEqualTo(Value.of(Shape.of(8), 0L, 1, 255, 0, 0, 255, 0, 0));
        assertThat(cast(F32, Element.BOOL, x)).isEqualTo(Value.of(Shape.of(8), 1L, 1, 1, 1, 1, 1, 0, 1));
        assertThat(cast(F32, Element.INT64, Value.of(Shape.of(2), 1e30f, -INFINITY)))
                .isEqualTo(Value.of(Shape.of(2), Long.MAX_VALUE, Long.MIN_VALUE));
        assertThat(cast(F32, F32, x)).isEqualTo(x);
    }

    @Property(tries = 1000)
    void castsIntegers(
            @ForAll("integers") Element.Int from, @ForAll("integers") Element.Int to, @ForAll Random random) {
        long x = draw(from, random);
        assertThat(cast(from, to, Value.of(Shape.of(1), x)))
                .isEqualTo(Value.of(Shape.of(1), modulo(BigInteger.valueOf(x), to)));
        assertThat(cast(from, F32, Value.of(Shape.of(1), x)))
                .isEqualTo(Value.of(Shape.of(1), new BigDecimal(x).floatValue()));
    }

    @Test
    void reinterpretingKeepsTheNumber() {
        Quant from = Quant.of(Storage.I8, 0.5f, 3);
        Quant to = new Quant(Storage.I8, -128, 127, new Scheme.PerTensor(2, -1));
        Value x = Value.of(Shape.of(2), -128L, 5);
        assertThat(Nodes.run(new NumOp.Reinterpret(), to, List.of(from), x)).isEqualTo(x);
        assertThat(Nodes.run(new NumOp.Reinterpret(), Element.INT8, List.of(from), x))
                .isEqualTo(x);
    }

    @Test
    void reducesIntegersWithWraps() {
        Value x = Value.of(Shape.of(2, 3), 100L, 50, -3, 4, 5, -128);
        List<Element> i8 = List.of(Element.INT8);
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.SUM, List.of(1), false), Element.INT8, i8, x))
                .isEqualTo(Value.of(Shape.of(2), -109L, -119));
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.PROD, List.of(0), true), Element.INT8, i8, x))
                .isEqualTo(Value.of(Shape.of(1, 3), -112L, -6, -128));
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.MIN, List.of(0, 1), false), Element.INT8, i8, x))
                .isEqualTo(Value.of(Shape.SCALAR, -128L));
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.MAX, List.of(1), false), Element.INT8, i8, x))
                .isEqualTo(Value.of(Shape.of(2), 100L, 5));
    }

    @Test
    void reducesSinglesInDouble() {
        Value x = Value.of(Shape.of(2, 3), 16777216f, 1, -16777216f, 1e30f, 1e30f, 1e-30f);
        List<Element> f = List.of(F32);
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.SUM, List.of(1), false), F32, f, x))
                .isEqualTo(Value.of(Shape.of(2), 1f, 2e30f));
        // 1e60 is no single, but the product is.
        assertThat(((Value.Floats) Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.PROD, List.of(1), false), F32, f, x))
                        .data()[1])
                .isEqualTo(1e30f);
        Value odd = Value.of(Shape.of(3, 2), 0f, 1, -0f, NAN, 0, 2);
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.MIN, List.of(0), false), F32, f, odd))
                .isEqualTo(Value.of(Shape.of(2), -0f, NAN));
        assertThat(Nodes.run(new NumOp.Reduce(NumOp.Reduce.Fn.MAX, List.of(0), false), F32, f, odd))
                .isEqualTo(Value.of(Shape.of(2), 0f, NAN));
    }

    @Test
    void reducesNothing() {
        Value none = Value.of(Shape.of(1, 0), new long[0]);
        List<Element> u8 = List.of(Element.UINT8);
        List<Long> found = new ArrayList<>();
        for (NumOp.Reduce.Fn fn : NumOp.Reduce.Fn.values()) {
            Value y = Nodes.run(new NumOp.Reduce(fn, List.of(1), false), Element.UINT8, u8, none);
            found.add(((Value.Ints) y).data()[0]);
        }
        assertThat(found).containsExactly(0L, 1L, 255L, 0L);
        assertThat(Nodes.run(
                        new NumOp.Reduce(NumOp.Reduce.Fn.MAX, List.of(1), false),
                        F32,
                        List.of(F32),
                        Value.of(Shape.of(1, 0), new float[0])))
                .isEqualTo(Value.of(Shape.of(1), -INFINITY));
    }

    @Test
    void topKByHand() {
        Value x = Value.of(Shape.of(1, 6), 3f, NAN, -0f, 3, 0, -5);
        List<Element> f = List.of(F32);
        assertThat(Nodes.run(new NumOp.TopK(1, 4, true, false), F32, f, x))
                .isEqualTo(Value.of(Shape.of(1, 4), NAN, 3, 3, -0f));
        assertThat(Nodes.run(new NumOp.TopK(1, 6, true, true), Element.INT64, f, x))
                .isEqualTo(Value.of(Shape.of(1, 6), 1L, 0, 3, 2, 4, 5));
        assertThat(Nodes.run(new NumOp.TopK(1, 6, false, true), Element.INT64, f, x))
                .isEqualTo(Value.of(Shape.of(1, 6), 5L, 2, 4, 0, 3, 1));
    }

    @Property(tries = 300)
    void topKIsTheHeadOfASortedLine(@ForAll Random r, @ForAll boolean largest) {
        int outer = 1 + r.nextInt(3);
        int n = 1 + r.nextInt(6);
        int inner = 1 + r.nextInt(3);
        int k = 1 + r.nextInt(n);
        Shape shape = Shape.of(outer, n, inner);
        long[] x = r.longs(shape.elements(), -3, 4).toArray();
        Value v = Value.of(shape, x);
        List<Element> i32 = List.of(Element.INT32);
        Value.Ints at = (Value.Ints) Nodes.run(new NumOp.TopK(1, k, largest, true), Element.INT64, i32, v);
        Value.Ints y = (Value.Ints) Nodes.run(new NumOp.TopK(1, k, largest, false), Element.INT32, i32, v);
        assertThat(y.shape()).isEqualTo(Shape.of(outer, k, inner));
        for (int o = 0; o < outer; o++) {
            for (int c = 0; c < inner; c++) {
                int line = o * n * inner + c;
                Comparator<Integer> byValue =
                        Comparator.comparingLong(i -> largest ? -x[line + i * inner] : x[line + i * inner]);
                List<Integer> order = IntStream.range(0, n)
                        .boxed()
                        .sorted(byValue.thenComparing(Comparator.naturalOrder()))
                        .toList();
                for (int i = 0; i < k; i++) {
                    int to = (o * k + i) * inner + c;
                    assertThat(at.data()[to]).isEqualTo((long) order.get(i));
                    assertThat(y.data()[to]).isEqualTo(x[line + order.get(i) * inner]);
                }
            }
        }
    }
}
