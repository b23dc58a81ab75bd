package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Attr;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Rescales that follow from types alone, so that a source need not write their constants. */
public final class Rescales {
    private Rescales() {}

    /** The attribute of an operation that holds its rescale, or null if it has none. */
    public static @Nullable String attribute(String mnemonic) {
        return switch (mnemonic) {
            case "int.conv2d", "int.dense", "int.matmul", "int.mul", "int.requantize" -> "rescale";
            case "int.add", "int.sub" -> "sum";
            default -> null;
        };
    }

    /**
     * The rescale of an operation under a contract, with the zero point and all codes of its result. Empty where the types do
     * not determine it: an operand or the result has no scale, or one per channel where there may be none.
     *
     * @param attributes those of the operation that are known, the left shift of an addition among them
     */
    public static Optional<Rescale> standard(
            String mnemonic, Rounding rounding, Map<String, Attr> attributes, List<Type> operands, Type result) {
        if (!(result.element() instanceof Quant to) || !(to.scheme() instanceof Scheme.PerTensor y)) {
            return Optional.empty();
        }
        if (operands.isEmpty() || !(operands.getFirst().element() instanceof Quant from)) {
            return Optional.empty();
        }
        if (!(from.scheme() instanceof Scheme.PerTensor x)) {
            return Optional.empty();
        }
        Optional<List<Rescale.Scale>> scales;
        try {
            scales = switch (mnemonic) {
                case "int.conv2d", "int.dense", "int.matmul", "int.mul" ->
                    second(operands).map(w -> products(rounding, x.scale(), w, y.scale()));
                case "int.requantize" -> Optional.of(List.of(Multipliers.of(rounding, (double) x.scale() / y.scale())));
                case "int.add", "int.sub" -> {
                    int shift = attributes.containsKey("left_shift")
                            ? attributes.get("left_shift").asInt()
                            : 0;
                    yield second(operands)
                            .filter(w -> w instanceof Scheme.PerTensor && shift >= 0 && shift < 32)
                            .map(w -> Multipliers.add(rounding, x.scale(), w.channelScale(0), y.scale(), shift));
                }
                default -> Optional.empty();
            };
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        return scales.map(s -> new Rescale(rounding, s, y.zero(), to.lo(), to.hi()));
    }

    private static Optional<Scheme> second(List<Type> operands) {
        return operands.size() > 1 && operands.get(1).element() instanceof Quant q
                ? Optional.of(q.scheme())
                : Optional.empty();
    }

    private static List<Rescale.Scale> products(Rounding rounding, float x, Scheme weights, float y) {
        int channels = switch (weights) {
            case Scheme.PerTensor _ -> 1;
            case Scheme.PerAxis a -> a.scales().size();
            case Scheme.PerGroup g -> g.scales().size();
        };
        List<Rescale.Scale> scales = new ArrayList<>(channels);
        for (int c = 0; c < channels; c++) {
            scales.add(Multipliers.product(rounding, x, weights.channelScale(c), y));
        }
        return scales;
    }
}
