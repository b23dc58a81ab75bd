package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Codebooks;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.quant.RangeException;
import dev.qnet.compiler.quant.WeightParameters;
import dev.qnet.compiler.source.Diagnostics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Wraps constants in fake quantization, each once for each way in which it is asked for. */
final class ConstantQuantizer {
    private record Key(ValueId constant, Spec spec) {}

    private final Rounding rounding;
    private final Diagnostics diagnostics;
    private final Names names;
    private final Consumer<Node> emit;
    private final Map<Key, Node> done = new HashMap<>();

    private final boolean training;

    /** @param training whether even constants whose codes are not the nearest ones of a grid stay in f32 */
    ConstantQuantizer(Rounding rounding, Diagnostics diagnostics, Names names, Consumer<Node> emit, boolean training) {
        this.training = training;
        this.rounding = rounding;
        this.diagnostics = diagnostics;
        this.names = names;
        this.emit = emit;
    }

    /** A constant of an elementwise operation: at least 8 bits, one scale, the range of its elements. */
    static Spec elementSpec(Spec activations) {
        Storage s = activations.storage();
        Storage wide = s.bits() >= 8 ? s : s.signed() ? Storage.I8 : Storage.U8;
        return new Spec(
                wide,
                activations.symmetric() && wide.signed(),
                false,
                new Granularity.PerTensor(),
                new RangeMethod.MinMax(),
                false);
    }

    /**
     * The wrapped constant, as a new f32 node, and how its codes are stored.
     *
     * @param constant an f32 constant
     * @param user what it is for
     */
    Node wrap(Node constant, Node user, Spec spec) {
        Key key = new Key(constant.id(), spec);
        Node known = done.get(key);
        if (known != null) {
            return known;
        }
        Node wrapped = decide(constant, user, spec);
        emit.accept(wrapped);
        done.put(key, wrapped);
        return wrapped;
    }

    private Node decide(Node constant, Node user, Spec spec) {
        Tensor.OfFloat value = (Tensor.OfFloat) ((DataOp.Constant) constant.op()).value();
        ValueId id = names.fresh(constant.id().name() + ".fq");
        Quant q;
        try {
            q = WeightParameters.choose(value, spec);
        } catch (RangeException e) {
            diagnostics.add(QuantDiagnostics.badParameters(
                    user.span(),
                    "the weights " + QuantDiagnostics.name(constant.id()) + " of " + Role.name(user.op()),
                    e));
            return node(id, constant, new QuantOp.FakeQuant(spec, rounding, null));
        }
        inspect(constant, user, spec, value, q);
        if (!training && spec.quantizer() instanceof Quantizer.Codebook book) {
            return looked(id, constant, Codebooks.choose(value, spec, book));
        }
        if (!training && q.storage() == Storage.TERNARY && !(spec.range() instanceof RangeMethod.Given)) {
            return looked(id, constant, new Codebooks.Coded(WeightParameters.ternaryCodes(value, q), q));
        }
        return node(id, constant, new QuantOp.FakeQuant(spec, rounding, q));
    }

    /** Codes that are not the nearest ones of a grid, so that they cannot be left to fake quantization. */
    private Node looked(ValueId id, Node constant, Codebooks.Coded coded) {
        Node codes = new Node(
                names.fresh(constant.id().name() + ".codes"),
                new DataOp.Constant(coded.codes()),
                List.of(),
                new Type(coded.quant(), constant.type().shape()),
                constant.span());
        emit.accept(codes);
        return new Node(id, new QuantOp.Dequantize(), List.of(codes.id()), constant.type(), constant.span());
    }

    private static Node node(ValueId id, Node constant, QuantOp.FakeQuant op) {
        return new Node(id, op, List.of(constant.id()), constant.type().withElement(Element.FLOAT), constant.span());
    }

    private void inspect(Node constant, Node user, Spec spec, Tensor.OfFloat value, Quant q) {
        int channels = value.shape().rank() == 0 ? 1 : value.shape().dim(0);
        if (spec.granularity() instanceof Granularity.PerGroup g && channels > 0) {
            int row = value.values().length / channels;
            if (row % g.size() != 0 || g.size() >= row) {
                diagnostics.add(QuantDiagnostics.groupSize(user, g.size(), row));
            }
        }
        boolean imposed = spec.range() instanceof RangeMethod.Fixed || spec.range() instanceof RangeMethod.Given;
        if (imposed && q.storage().bits() >= 4 && value.values().length > 0) {
            // A range holds 0, whether or not the elements do.
            int lo = q.scheme().channelZero(0);
            int hi = lo;
            for (int code : Codes.quantize(value, q, rounding).values()) {
                lo = Math.min(lo, code);
                hi = Math.max(hi, code);
            }
            if (((long) hi - lo + 1) * 4 < (long) q.hi() - q.lo() + 1) {
                diagnostics.add(QuantDiagnostics.unusedCodes(
                        user.span(),
                        "the weights " + QuantDiagnostics.name(constant.id()) + " of " + Role.name(user.op()),
                        lo,
                        hi,
                        q));
            }
        }
    }
}
