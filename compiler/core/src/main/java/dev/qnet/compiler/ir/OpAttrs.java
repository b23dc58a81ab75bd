package dev.qnet.compiler.ir;

import static dev.qnet.compiler.ir.Attr.call;
import static dev.qnet.compiler.ir.Attr.of;
import static dev.qnet.compiler.ir.Attr.ofInts;

import java.util.ArrayList;
import java.util.List;

/** What attributes of operations are made of, as text and back: shapes, windows, rescales. */
final class OpAttrs {
    private OpAttrs() {}

    /** {@code q31(multiplier, shift)}. */
    static Attr q31(Rescale.Scale.Fixed f) {
        return call("q31", of(f.multiplier()), of(f.shift()));
    }

    static Rescale.Scale.Fixed readQ31(Attr a) {
        if (a instanceof Attr.Call q && q.name().equals("q31") && q.args().size() == 2) {
            return new Rescale.Scale.Fixed(
                    q.args().get(0).asInt(), q.args().get(1).asInt());
        }
        throw new IllegalArgumentException("expected q31(multiplier, shift), found " + a);
    }

    static Storage storage(String name) {
        for (Storage s : Storage.values()) {
            if (s.toString().equals(name)) {
                return s;
            }
        }
        throw new IllegalArgumentException("there is no storage '" + name + "'");
    }

    static Rounding rounding(Attr a) {
        return rounding(a.atom().text());
    }

    private static Rounding rounding(String name) {
        for (Rounding r : Rounding.values()) {
            if (r.toString().equals(name)) {
                return r;
            }
        }
        throw new IllegalArgumentException("there is no rounding contract '" + name + "'");
    }

    static Attr shape(Shape s) {
        return new Attr.Items(
                s.dims().stream().map(d -> d == Shape.BATCH ? of("N") : of(d)).toList());
    }

    static Shape readShape(Attr a) {
        return new Shape(a.items().stream()
                .map(d -> d.atom().text().equals("N") ? Shape.BATCH : d.asInt())
                .toList());
    }

    /** {@code window(kernel, stride, dilation, padding)}, each a list of rows and columns; padding top left bottom right. */
    static Attr window(Window w) {
        return call(
                "window",
                ofInts(w.kernelH(), w.kernelW()),
                ofInts(w.strideH(), w.strideW()),
                ofInts(w.dilationH(), w.dilationW()),
                ofInts(w.top(), w.left(), w.bottom(), w.right()));
    }

    static Window readWindow(Attr a) {
        Attr.Call c = a.asCall();
        if (!c.name().equals("window") || c.args().size() != 4) {
            throw new IllegalArgumentException(
                    "expected window([kernel], [stride], [dilation], [padding]), found " + shown(a));
        }
        List<Integer> n = new ArrayList<>();
        c.args().forEach(x -> n.addAll(x.asInts()));
        if (n.size() != 10) {
            throw new IllegalArgumentException("a window has 2 + 2 + 2 + 4 numbers, found " + shown(a));
        }
        return new Window(
                n.get(0), n.get(1), n.get(2), n.get(3), n.get(4), n.get(5), n.get(6), n.get(7), n.get(8), n.get(9));
    }

    static Attr rescale(Rescale r) {
        return rescale(r.rounding(), r.scales(), r.zero(), r.lo(), r.hi());
    }

    /** An attribute for a message, which a long one would drown. */
    private static String shown(Attr a) {
        String text = a.toString();
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }

    /** {@code tosa([q31(m, s), …], zero, lo, hi)} or {@code onnx([factor, …], zero, lo, hi)}. */
    static Attr rescale(Rounding rounding, List<Rescale.Scale> scales, int zero, int lo, int hi) {
        List<Attr> items = scales.stream()
                .map(s -> switch (s) {
                    case Rescale.Scale.Fixed f -> q31(f);
                    case Rescale.Scale.Real x -> of(x.factor());
                })
                .toList();
        return call(rounding.toString(), new Attr.Items(items), of(zero), of(lo), of(hi));
    }

    static Rescale readRescale(Attr a) {
        Attr.Call c = a.asCall();
        if (c.args().size() != 4) {
            throw new IllegalArgumentException("expected CONTRACT([scales], zero, lo, hi), found " + shown(a));
        }
        List<Rescale.Scale> scales = new ArrayList<>();
        for (Attr s : c.args().get(0).items()) {
            scales.add(s instanceof Attr.Call ? readQ31(s) : new Rescale.Scale.Real(s.asFloat()));
        }
        return new Rescale(
                rounding(c.name()),
                scales,
                c.args().get(1).asInt(),
                c.args().get(2).asInt(),
                c.args().get(3).asInt());
    }
}
