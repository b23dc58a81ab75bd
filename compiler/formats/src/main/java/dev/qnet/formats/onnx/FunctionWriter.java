package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.ScalarFn;
import java.util.List;
import java.util.Map;

/** Writes functions of one variable as ONNX operators. */
final class FunctionWriter {
    private final Emitter to;

    FunctionWriter(Emitter to) {
        this.to = to;
    }

    /** Writes a function, and gives the result's name, like {@code name}. */
    String write(ScalarFn fn, String x, String name) {
        return switch (fn) {
            case ScalarFn.Relu f -> to.node("Relu", name, x);
            case ScalarFn.LeakyRelu f -> with("LeakyRelu", x, name, Map.of("alpha", Emitter.real(f.alpha())));
            case ScalarFn.Clip f -> to.node("Clip", name, x, to.scalar(f.lo()), to.scalar(f.hi()));
            case ScalarFn.Sigmoid f -> to.node("Sigmoid", name, x);
            case ScalarFn.Tanh f -> to.node("Tanh", name, x);
            case ScalarFn.HardSwish f -> newer(14, "HardSwish", x, name, Map.of());
            case ScalarFn.Gelu f -> newer(20, "Gelu", x, name, Map.of("approximate", Emitter.text("tanh")));
            case ScalarFn.GeluErf f -> newer(20, "Gelu", x, name, Map.of("approximate", Emitter.text("none")));
            case ScalarFn.Elu f -> with("Elu", x, name, Map.of("alpha", Emitter.real(f.alpha())));
            case ScalarFn.Selu f ->
                with("Selu", x, name, Map.of("alpha", Emitter.real(f.alpha()), "gamma", Emitter.real(f.gamma())));
            case ScalarFn.Celu f -> with("Celu", x, name, Map.of("alpha", Emitter.real(f.alpha())));
            case ScalarFn.Mish f -> newer(18, "Mish", x, name, Map.of());
            case ScalarFn.HardSigmoid f ->
                with("HardSigmoid", x, name, Map.of("alpha", Emitter.real(f.alpha()), "beta", Emitter.real(f.beta())));
            case ScalarFn.Softplus f -> to.node("Softplus", name, x);
            case ScalarFn.Softsign f -> to.node("Softsign", name, x);
            case ScalarFn.ThresholdedRelu f ->
                with("ThresholdedRelu", x, name, Map.of("alpha", Emitter.real(f.alpha())));
            case ScalarFn.Affine f ->
                to.node("Add", name, to.node("Mul", name + ".scaled", x, to.scalar(f.alpha())), to.scalar(f.beta()));
            case ScalarFn.ScaledTanh f -> {
                String inner = to.node("Mul", name + ".scaled", x, to.scalar(f.beta()));
                yield to.node("Mul", name, to.node("Tanh", name + ".tanh", inner), to.scalar(f.alpha()));
            }
            case ScalarFn.Silu f -> to.node("Mul", name, x, to.node("Sigmoid", name + ".gate", x));
            case ScalarFn.Erf f -> to.node("Erf", name, x);
            case ScalarFn.Sqrt f -> to.node("Sqrt", name, x);
            case ScalarFn.Exp f -> to.node("Exp", name, x);
            case ScalarFn.Log f -> to.node("Log", name, x);
            case ScalarFn.Sin f -> to.node("Sin", name, x);
            case ScalarFn.Cos f -> to.node("Cos", name, x);
            case ScalarFn.Abs f -> to.node("Abs", name, x);
            case ScalarFn.Neg f -> to.node("Neg", name, x);
            case ScalarFn.Sign f -> to.node("Sign", name, x);
            case ScalarFn.Floor f -> to.node("Floor", name, x);
            case ScalarFn.Ceil f -> to.node("Ceil", name, x);
            case ScalarFn.Round f -> to.node("Round", name, x);
            case ScalarFn.Reciprocal f -> to.node("Reciprocal", name, x);
        };
    }

    private String with(String op, String x, String name, Map<String, Proto.Attribute> attributes) {
        return to.node(op, name, List.of(x), attributes);
    }

    private String newer(int version, String op, String x, String name, Map<String, Proto.Attribute> attributes) {
        to.needs(version);
        return with(op, x, name, attributes);
    }
}
