package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Banks;

/**
 * A constant that layers read as an activation, or that is an output: it has a place of its own in the banks, written
 * when they are allocated and never overwritten.
 *
 * @param place where it lies
 * @param data its elements, in the array type of its bank
 */
record BankConstant(Descriptor.Constant place, Object data) {
    static BankConstant read(Descriptor.Constant c, WeightsReader weights) {
        Object data = switch (c.type()) {
            case F32 -> weights.floats(c.weightsOffset(), c.count());
            case BOOL, I8, U8 -> weights.codes(c.weightsOffset(), c.count(), c.bits(), c.type() == ElementType.I8);
            case I16, U16 -> weights.shorts(c.weightsOffset(), c.count());
            case I32 -> weights.ints(c.weightsOffset(), c.count());
            case I64 -> weights.longs(c.weightsOffset(), c.count());
        };
        return new BankConstant(c, data);
    }

    void write(Banks banks) {
        Object bank = switch (place.type()) {
            case F32 -> banks.floats;
            case BOOL, I8, U8 -> banks.bytes;
            case I16, U16 -> banks.shorts;
            case I32 -> banks.ints;
            case I64 -> banks.longs;
        };
        System.arraycopy(data, 0, bank, place.offset(), place.count());
    }
}
