package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.function.IntFunction;

/**
 * Numbers known at compile time that shall be codes or plain integers; exact, unlike {@link ConstTensor}, which holds f32.
 *
 * @param values row-major; what is no whole number is kept to be told
 */
@SuppressWarnings("ArrayRecordComponent") // made, read once and dropped
record WholeNumbers(Shape shape, Number[] values, String origin) {
    /** From here on an f32 skips whole numbers. */
    private static final float EXACT = 1 << 24;

    static WholeNumbers of(ConstTensor t, Span span) {
        return of(t.value(), t.origin(), span);
    }

    /** Throws {@link Rejected} where singles are too large to be exact. */
    static WholeNumbers of(Tensor tensor, String origin, Span span) {
        Number[] values = new Number[tensor.shape().elements()];
        switch (tensor) {
            case Tensor.OfFloat f -> {
                for (int i = 0; i < values.length; i++) {
                    float v = f.values()[i];
                    if (Math.abs(v) > EXACT) {
                        throw new Rejected(Diagnostic.error(
                                        "code-range",
                                        span,
                                        "'" + origin + "' holds " + v + ", beyond which f32 skips whole numbers")
                                .withFix("keep integers in a parameters file as integers, and write `= param(\"NAME\")`"
                                        + " itself"));
                    }
                    if (v == Math.rint(v)) {
                        values[i] = (long) v;
                    } else {
                        values[i] = v;
                    }
                }
            }
            case Tensor.OfInt t -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = (long) t.values()[i];
                }
            }
            case Tensor.OfLong t -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = t.values()[i];
                }
            }
        }
        return new WholeNumbers(tensor.shape(), values, origin);
    }

    /** The numbers of a nested list. Throws {@link Rejected} if it is ragged or holds something else. */
    static WholeNumbers of(Session session, Value.ListOf list, String origin, Span span) {
        Shape shape = ConstTensors.shapeOf(list, span);
        session.allocate(span, shape.elements());
        double[] wide = ConstTensors.numbers(list, shape, span);
        long[] exact = ConstTensors.integers(list, shape);
        Number[] values = new Number[wide.length];
        for (int i = 0; i < values.length; i++) {
            boolean whole = wide[i] == Math.rint(wide[i]) && Math.abs(wide[i]) <= Long.MAX_VALUE;
            values[i] = whole ? (Number) exact[i] : (Number) wide[i];
        }
        return new WholeNumbers(shape, values, origin);
    }

    WholeNumbers reshaped(Shape other) {
        return new WholeNumbers(other, values, origin);
    }

    /**
     * The numbers as elements.
     *
     * @param where the place of each
     * @throws Rejected at the first that is no such element
     */
    ConstTensor as(Element element, IntFunction<Span> where) {
        Type type = new Type(element, shape);
        return switch (element) {
            case Quant q -> new ConstTensor(codes(q, where), type, origin);
            case Element.Int i -> new ConstTensor(plain(i, where), type, origin);
            case Element.F32 _ -> throw new IllegalArgumentException("f32 is no integer");
        };
    }

    private Tensor plain(Element.Int element, IntFunction<Span> where) {
        long[] to = new long[values.length];
        for (int i = 0; i < to.length; i++) {
            if (!(values[i] instanceof Long v) || v < element.min() || v > element.max()) {
                throw new Rejected(Diagnostic.error(
                                "code-range",
                                where.apply(i),
                                "element " + i + " of '" + origin + "' is " + text(values[i]) + ", which is no "
                                        + element)
                        .withNote(element + " holds whole numbers from " + element.min() + " to " + element.max()));
            }
            to[i] = v;
        }
        return Tensor.OfLong.of(shape, to);
    }

    private Tensor codes(Quant element, IntFunction<Span> where) {
        int[] q = new int[values.length];
        for (int i = 0; i < q.length; i++) {
            if (!(values[i] instanceof Long v) || !element.storage().holds(v)) {
                throw new Rejected(Diagnostic.error(
                                "code-range",
                                where.apply(i),
                                "element " + i + " of '" + origin + "' is " + text(values[i]) + ", which is no code of "
                                        + element.storage())
                        .withNote("codes of " + element.storage() + " are whole numbers from "
                                + element.storage().min() + " to "
                                + element.storage().max()));
            }
            q[i] = (int) (long) v;
            if (q[i] < element.lo() || q[i] > element.hi()) {
                boolean narrow = element.lo() == element.storage().min() + 1
                        && element.hi() == element.storage().max();
                throw new Rejected(Diagnostic.error(
                                "narrow-range",
                                where.apply(i),
                                "element " + i + " of '" + origin + "' is " + q[i] + ", which "
                                        + (narrow
                                                ? "narrow " + element.storage()
                                                : "codes(" + element.lo() + ", " + element.hi() + ")")
                                        + " leaves out")
                        .withFix("use codes from " + element.lo() + " to " + element.hi()
                                + (narrow ? ", or write `full`" : "")));
            }
        }
        return new Tensor.OfInt(shape, q);
    }

    private static String text(Number v) {
        return v instanceof Long || v instanceof Float ? v.toString() : Double.toString(v.doubleValue());
    }
}
