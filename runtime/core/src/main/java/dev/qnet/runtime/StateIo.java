package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Banks;
import java.util.Arrays;

/** Keeps a value from one run to the next, in the banks of a session. */
final class StateIo {
    private final ElementType type;
    private final int offset;
    private final int next;
    private final int count;

    /** Real 0 for each element, in the array type of its bank. */
    private final Object initial;

    private StateIo(ElementType type, int offset, int next, int count, Object initial) {
        this.type = type;
        this.offset = offset;
        this.next = next;
        this.count = count;
        this.initial = initial;
    }

    static StateIo of(Descriptor.State s) {
        TensorInfo info = s.info();
        int n = info.itemElements();
        int[] zeros = zeros(info, n);
        Object initial = switch (info.type()) {
            case F32 -> new float[n];
            case BOOL, I8, U8 -> {
                byte[] a = new byte[n];
                for (int i = 0; i < n; i++) {
                    a[i] = (byte) zeros[i];
                }
                yield a;
            }
            case I16, U16 -> {
                short[] a = new short[n];
                for (int i = 0; i < n; i++) {
                    a[i] = (short) zeros[i];
                }
                yield a;
            }
            case I32 -> zeros;
            case I64 -> new long[n];
        };
        return new StateIo(info.type(), s.offset(), s.next(), n, initial);
    }

    /** Whether elements from an offset of a type's bank on are some of this state's. */
    boolean overlaps(ElementType other, int from, int n) {
        boolean sameBank = type.bytes() == other.bytes() && (type == ElementType.F32) == (other == ElementType.F32);
        return sameBank && from < offset + count && offset < from + n;
    }

    /** The code of real 0 for each element. */
    private static int[] zeros(TensorInfo info, int n) {
        int[] zeros = new int[n];
        Quantization q = info.quantization();
        if (q == null) {
            return zeros;
        }
        if (q.isBipolar()) {
            Arrays.fill(zeros, 1);
            return zeros;
        }
        int channels = q.zeroPoints().size();
        int inner = 1;
        for (int d = q.axis() + 1; d < info.shape().size() && channels > 1; d++) {
            inner *= info.shape().get(d);
        }
        for (int i = 0; i < n; i++) {
            zeros[i] = Math.clamp(q.zeroPoints().get(i / inner % channels), q.lo(), q.hi());
        }
        return zeros;
    }

    /** Makes it real 0. */
    void reset(Banks banks) {
        System.arraycopy(initial, 0, bank(banks), offset, count);
    }

    /** Makes it what the run behind has computed. */
    void advance(Banks banks) {
        if (next != offset) {
            Object bank = bank(banks);
            System.arraycopy(bank, next, bank, offset, count);
        }
    }

    private Object bank(Banks banks) {
        return switch (type) {
            case F32 -> banks.floats;
            case BOOL, I8, U8 -> banks.bytes;
            case I16, U16 -> banks.shorts;
            case I32 -> banks.ints;
            case I64 -> banks.longs;
        };
    }
}
