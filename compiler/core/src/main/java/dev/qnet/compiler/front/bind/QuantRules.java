package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.bind.Invocation.Bound;
import dev.qnet.compiler.front.bind.Invocation.Operand;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.List;

/** Quantization written out, and tensors from files. */
final class QuantRules {
    private QuantRules() {}

    static Value quantize(Invocation call) {
        Operand x = call.operand("x");
        if (!(x.type().element() instanceof Element.F32)) {
            throw call.error("element-type", "x", "'quantize' takes f32, found " + x.type());
        }
        Spec spec = spec(call, Items.CONSTANT);
        if (!(spec.range() instanceof Spec.RangeMethod.Given given)
                || given.scales().size() != 1) {
            throw new Rejected(call.wrong("missing-scale", "as", "'quantize' needs one scale")
                    .withFix("add scale(S), and zero(Z) if it is not 0; fake_quant finds a range by calibration"));
        }
        Scheme scheme =
                new Scheme.PerTensor(given.scales().getFirst(), given.zeros().getFirst());
        Quant element = new Quant(spec.storage(), spec.lo(), spec.hi(), scheme);
        return call.emitTyped(new QuantOp.Quantize(rounding(call)), x, x.type().withElement(element));
    }

    static Value dequantize(Invocation call) {
        Operand x = call.operand("x");
        if (!x.type().isQuant()) {
            throw new Rejected(call.told(
                    call.wrong("element-type", "x", "'dequantize' takes a quantized tensor, found " + x.type()), x));
        }
        if (x.value() instanceof Value.Constant) {
            // A constant of codes enters every operation dequantized.
            return x.value();
        }
        return call.emitTyped(new QuantOp.Dequantize(), x, new Type(Element.FLOAT, x.shape()));
    }

    static Value fakeQuant(Invocation call) {
        Operand x = call.operand("x");
        if (!(x.type().element() instanceof Element.F32)) {
            throw call.error("element-type", "x", "'fake_quant' takes f32, found " + x.type());
        }
        Spec.Policy policy = call.session().policy();
        Spec spec = spec(call, policy == null ? Items.ACTIVATIONS : policy.activations());
        return call.emitTyped(new QuantOp.FakeQuant(spec, rounding(call), null), x, x.type());
    }

    private static Rounding rounding(Invocation call) {
        Spec.Policy policy = call.session().policy();
        return policy == null ? Rounding.TOSA : policy.rounding();
    }

    private static Spec spec(Invocation call, Spec base) {
        List<Item> items = new ArrayList<>();
        for (Bound b : call.all("as")) {
            Expr e = b.expr();
            if (e == null) {
                throw call.kind("as", "words of quantization", b);
            }
            items.add(Annotations.item(new Argument(null, e, b.span())));
        }
        Spec spec = Items.read(
                call.session(), call.frame(), new Evaluator(call.session()), Items.Subject.ACTIVATIONS, base, items);
        if (spec == null) {
            throw Rejected.silently();
        }
        return spec;
    }

    static Value param(Invocation call) {
        Bound bound = call.argument("name");
        if (bound == null || !(bound.value() instanceof Value.Text t)) {
            throw call.kind("name", "a string", bound == null ? new Bound(Value.ERROR, null, call.span()) : bound);
        }
        WeightFiles files = call.session().weights();
        ConstTensor found = files.find(t.value(), bound.span());
        if (found != null) {
            return new Value.Constant(found);
        }
        if (!files.isBroken()) {
            List<String> names = List.copyOf(files.names());
            Diagnostic d = Diagnostic.error(
                    files.hasFiles() ? "missing-parameter" : "missing-parameters",
                    bound.span(),
                    files.hasFiles()
                            ? "there is no parameter '" + t.value() + "' in " + files.shown()
                            : "'param' reads a parameters file, and the model names none");
            d = names.isEmpty() ? d : d.withNote("it holds " + Messages.list(names, 8));
            call.session()
                    .report(
                            call.frame(),
                            Session.suggest(
                                    d,
                                    t.value(),
                                    names,
                                    files.hasFiles() ? null : "add `parameters \"FILE.safetensors\"` to the model"));
        }
        return Value.ERROR;
    }

    static Value fill(Invocation call) {
        int[] dims = Attributes.ints(call, "shape", 1).stream().mapToInt(i -> i).toArray();
        Shape shape = call.shape("shape", dims);
        float value = Attributes.number(call, "value", 0);
        return new Value.Constant(ConstTensors.filled(call.session(), shape, value, call.span()));
    }
}
