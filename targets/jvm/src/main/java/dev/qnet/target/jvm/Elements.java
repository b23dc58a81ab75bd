package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.kernel.Kind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The compiler's elements in the runtime's terms. */
final class Elements {
    private Elements() {}

    /** How an element lies in memory. */
    static ElementType type(Element element) {
        return switch (element) {
            case Element.F32 f -> ElementType.F32;
            case Element.Int i ->
                switch (i.bits()) {
                    case 1 -> ElementType.BOOL;
                    case 8 -> i.signed() ? ElementType.I8 : ElementType.U8;
                    case 16 -> i.signed() ? ElementType.I16 : ElementType.U16;
                    case 32 -> ElementType.I32;
                    default -> ElementType.I64;
                };
            case Quant q -> type(q.storage());
        };
    }

    private static ElementType type(Storage s) {
        return switch (s.bytes()) {
            case 1 -> s.signed() ? ElementType.I8 : ElementType.U8;
            case 2 -> s.signed() ? ElementType.I16 : ElementType.U16;
            default -> ElementType.I32;
        };
    }

    static Kind kind(Element element) {
        return switch (type(element)) {
            case F32 -> Kind.F32;
            case I8 -> Kind.S8;
            case BOOL, U8 -> Kind.U8;
            case I16 -> Kind.S16;
            case U16 -> Kind.U16;
            case I32 -> Kind.S32;
            case I64 -> Kind.S64;
        };
    }

    /** What the codes of an element mean, or null if it has none. */
    static @Nullable Quantization quantization(Element element) {
        if (!(element instanceof Quant q)) {
            return null;
        }
        String storage = q.storage().toString();
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> Quantization.perTensor(storage, q.lo(), q.hi(), t.scale(), t.zero());
            case Scheme.PerAxis a ->
                new Quantization(storage, q.lo(), q.hi(), a.axis(), a.scales(), a.zeros(), 0, List.of());
            case Scheme.PerGroup g ->
                new Quantization(
                        storage,
                        q.lo(),
                        q.hi(),
                        0,
                        g.scales(),
                        g.scales().stream().map(s -> 0).toList(),
                        g.size(),
                        g.multipliers());
        };
    }

    /** Whether one scale and zero point hold for all codes, or there are no codes. */
    static boolean isUniform(Element element) {
        return !(element instanceof Quant q) || q.scheme() instanceof Scheme.PerTensor;
    }
}
