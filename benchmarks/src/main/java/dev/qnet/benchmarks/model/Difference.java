package dev.qnet.benchmarks.model;

import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;

/** How far two systems' answers lie apart. */
public final class Difference {
    private Difference() {}

    /** The largest difference of two outputs, in codes, or relative to the largest number where they are real. */
    public static double of(Tensor found, byte[] expected) {
        ByteBuffer b = ByteBuffer.wrap(expected).order(ByteOrder.LITTLE_ENDIAN);
        double worst = 0;
        double largest = 1e-30;
        for (int i = 0; i < found.size(); i++) {
            double x = number(found, i);
            double y = switch (found.type()) {
                case F32 -> b.getFloat();
                case BOOL, I8 -> b.get();
                case U8 -> b.get() & 0xff;
                case I16 -> b.getShort();
                case U16 -> b.getShort() & 0xffff;
                case I32 -> b.getInt();
                case I64 -> b.getLong();
            };
            worst = Math.max(worst, Math.abs(x - y));
            largest = Math.max(largest, Math.abs(y));
        }
        return found.type() == ElementType.F32 ? worst / largest : worst;
    }

    private static double number(Tensor t, int i) {
        return switch (t.type()) {
            case F32 -> t.floats()[i];
            case BOOL, I8 -> t.bytes()[i];
            case U8 -> t.bytes()[i] & 0xff;
            case I16 -> t.shorts()[i];
            case U16 -> t.shorts()[i] & 0xffff;
            case I32 -> t.ints()[i];
            case I64 -> t.longs()[i];
        };
    }

    /** In words. */
    public static String text(Tensor found, double difference) {
        if (difference == 0) {
            return "none";
        }
        return found.type() == ElementType.F32
                ? String.format(Locale.ROOT, "%.0e of the largest", difference)
                : String.format(Locale.ROOT, "%.0f codes", difference);
    }
}
