package dev.qnet.compiler.ir;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations on integers. An operand's zero point (and group multiplier) is in its type: wherever a quantized operand takes
 * part in arithmetic, it enters as {@code q − z}, weights per group as {@code m·q}; a plain integer enters as it is.
 * Padding contributes nothing.
 *
 * <p>Operations with an optional {@link Rescale} give the plain accumulator (i32 or i64, as {@code acc} says) without it, and
 * codes of the node's quantized type with it. Accumulation is exact: {@code acc} is wide enough for the actual weights
 * (pass accumulator-bounds proves it). With an i64 accumulator the fixed-point contracts use a 16-bit multiplier:
 * {@code m16 = m < 0x7FFF0000 ? (m + 2^15) >> 16 : 0x7FFF}, {@code y = ((a·m16 >> (14 − s)) + 1) >> 1}.
 */
public sealed interface IntOp extends Op {
    /** As {@link FloatOp.Conv2d}, with codes x and w and a plain i32 or i64 bias. */
    record Conv2d(
            Window window,
            int groups,
            Element.Int acc,
            @Nullable Rescale rescale) implements IntOp {}

    /** As {@link FloatOp.Dense}, with codes x and w and a plain i32 or i64 bias. */
    record Dense(Element.Int acc, @Nullable Rescale rescale) implements IntOp {}

    /** As {@link FloatOp.MatMul}, of two activations, or an activation and a per-tensor constant. */
    record MatMul(Element.Int acc, @Nullable Rescale rescale) implements IntOp {}

    /** x, y, broadcast: {@code (x − zx)·(y − zy)}. */
    record Mul(Element.Int acc, @Nullable Rescale rescale) implements IntOp {}

    /**
     * x, y quantized, broadcast: sum or difference under a common scale, per tensor.
     *
     * <p>Fixed point: {@code a = scale_x((x − zx) << leftShift)}, b likewise, {@code clamp(scale_out(a ± b) + zero)}.
     * Otherwise, in f32, with {@code factor_x = sx/sy}: {@code clamp(round_half_even((x − zx)·factor_x ± (y − zy)·factor_y) + zero)}
     * and {@code scales.get(2)} is unused and 1.
     *
     * @param subtract difference instead of sum
     * @param leftShift 20 for 8-bit codes and less, 15 for 16-bit, with t = 2·max(sx, sy), factors sx/t, sy/t and
     *     t/(2^leftShift·s_out); 0 otherwise
     * @param rounding the contract
     * @param scales of x, of y, of the sum
     */
    record Add(boolean subtract, int leftShift, Rounding rounding, List<Rescale.Scale> scales, int zero, int lo, int hi)
            implements IntOp {
        public Add {
            scales = List.copyOf(scales);
            if (scales.size() != 3) {
                throw new IllegalArgumentException("add has three scales");
            }
        }
    }

    /** x: {@code Σ (x − z)} over axes; the mean's 1/n is in the rescale. */
    record Sum(
            List<Integer> axes,
            boolean keepDims,
            Element.Int acc,
            @Nullable Rescale rescale) implements IntOp {
        public Sum {
            axes = List.copyOf(axes);
        }
    }

    /** x, plain or quantized (then {@code a = q − z}, an i32): scaled to the node's quantized type. */
    record Requantize(Rescale rescale) implements IntOp {}

    /**
     * x quantized; the result has its parameters. With n the number of codes under the window that are not padding and S
     * their sum: {@code tflite}: (S ± n/2)/n, + for S &gt; 0, truncated; {@code tosa}: ⌊(2S + n)/(2n)⌋; {@code onnx},
     * {@code xnnpack}: round_half_even((float) S / (float) n).
     */
    record AvgPool(Window window, Rounding rounding) implements IntOp {}

    /** x quantized, result has its parameters: codes limited to lo..hi. */
    record Clamp(int lo, int hi) implements IntOp {}

    /**
     * x with a storage of 16 bits or fewer → the node's quantized type: {@code entries[q − storage.min()]}.
     *
     * @param entries codes of the result, one for each code of the operand's storage
     */
    record Table(List<Integer> entries) implements IntOp {
        public Table {
            entries = List.copyOf(entries);
        }
    }

    /**
     * x with storage i16 → i16 codes, interpolated: with u = q + 32768, i = u >> 7 and r = u & 127,
     * {@code e[i] + (((e[i+1] − e[i])·r + 64) >> 7)}, clamped to lo..hi of the node's type.
     *
     * @param entries 513 codes
     */
    record InterpolatedTable(List<Integer> entries) implements IntOp {
        public InterpolatedTable {
            entries = List.copyOf(entries);
            if (entries.size() != 513) {
                throw new IllegalArgumentException("an interpolated table has 513 entries");
            }
        }
    }

    /**
     * x, 8-bit storage or fewer, along an axis → 8-bit codes with scale 1/256 (zero 0 for u8, −128 for i8), or i16 codes with
     * scale 1/65536 and zero −32768. gemmlowp fixed point,
     * 5 integer bits for the scaled difference, 12 for the sum, as in TFLite's reference kernel: {@code multiplier} and
     * {@code leftShift} scale {@code q − max} to Q5.26; differences below {@code diffMin} count as 0.
     */
    record Softmax(int axis, int multiplier, int leftShift, int diffMin) implements IntOp {
        /** The longest axis: each addend of the sum is at most 2^19, and the sum stays below 2^31. */
        public static final int MAX_EXTENT = 4095;
    }

    /**
     * x f32, one item → f32 [2]: scale and zero point for its range, chosen at run time. With lo = min(0, min x),
     * hi = max(0, max x), in f32: asymmetric {@code s = (hi − lo)/(max − min)}, {@code z = min + saturate(round_half_even(−lo/s))} within the
     * storage; symmetric {@code s = max(−lo, hi)/max}, z = 0. s is 1 where it would be 0.
     * NaN does not count.
     *
     * @param storage u8 or i8 codes
     * @param symmetric whether z is 0
     */
    record DynamicParams(Storage storage, boolean symmetric) implements IntOp {}

    /**
     * x f32, p f32 [2] from {@link DynamicParams} → plain i16 {@code q − z}, with
     * {@code q = clamp(round_half_even(x/s) + z, storage.min, storage.max)}: centred codes, so that what follows needs no run-time zero
     * point.
     */
    record DynamicQuantize(Storage storage) implements IntOp {}

    /**
     * a plain i32/i64 accumulator [..,C], p f32 [2], scales f32 [C] or [1], optional bias f32 [C] → f32:
     * {@code (float) a · (p.scale · scales[c]) + bias[c]}, each operation rounded to f32.
     */
    record DynamicDequantize() implements IntOp {}

    /**
     * x i16 codes along an axis → i16 codes with scale 1/32768, zero 0: TFLite's SoftmaxInt16. With
     * d = tflite_scale(q − max) by multiplier and leftShift, saturated at d + 32767 to i16: e = exp table at it; over the
     * axis S = Σ e; h = leading zeros of S as 32 bits, 1 to 31; r = reciprocal table at
     * saturate16(((S·2^(h−1) + 2^13) >> 14) − 98304); {@code (e·r + 2^(30−h)) >> (31−h)}, clamped to 0..32767 (for h = 31,
     * e·r). S below 1, which only tables that are no exponentials give, is an error. A table is read as {@link InterpolatedTable} says.
     *
     * @param exp 513 entries, exp on [−10, 0]
     * @param reciprocal 513 entries, 1/(1+x) on [0, 1]
     */
    record Softmax16(int axis, int multiplier, int leftShift, List<Integer> exp, List<Integer> reciprocal)
            implements IntOp {
        public Softmax16 {
            exp = List.copyOf(exp);
            reciprocal = List.copyOf(reciprocal);
            if (exp.size() != 513 || reciprocal.size() != 513) {
                throw new IllegalArgumentException("the tables of a 16-bit softmax have 513 entries");
            }
        }
    }

    /**
     * x quantized [N,H,W,C] → the same element [N,height,width,C], bilinear, in TFLite's fixed point
     * (reference_ops::ResizeBilinearInteger): positions and weights have 10 fraction bits, divisions truncate. Rows (and
     * columns likewise): with n = H, m = height, or both less 1 where alignCorners and height &gt; 1, the scale is
     * {@code k = (1024·n + m/2)/m}; result row o lies at {@code p = o·k}, or with halfPixelCenters
     * {@code o·k + k/2 − 512}; between rows {@code lo = min(max(p/1024, 0), H − 1)} and {@code hi = min((p + 1023)/1024, H − 1)}
     * with weights {@code 1024 − f} and {@code f = p − 1024·lo}. (f is below 0 in front of the first row, where lo = hi.
     * TFLite does not limit lo to H − 1, and reads outside where rounding of k leads there.) The weighted sum S of the four
     * codes, not centred, has 20 fraction bits: {@code (S ± 2^19)/2^20}, + for S &gt; 0, clamped to the storage.
     */
    record ResizeBilinear(int height, int width, boolean alignCorners, boolean halfPixelCenters) implements IntOp {}

    /**
     * x plain i32 or i64, or codes (which enter as q − z), [..,C]; t i32 or i64, plain, [C,T] or [1,T], ascending along T → the
     * node's quantized type: {@code entries[number of t[c][..] ≤ x]}, c the index along x's last axis. How a staircase, such as batch norm followed by a
     * low-bit quantizer, ends as integers.
     *
     * @param entries T + 1 codes
     */
    record Thresholds(List<Integer> entries) implements IntOp {
        public Thresholds {
            entries = List.copyOf(entries);
        }
    }

    /**
     * A gate of TFLite's 8x8_16 LSTM before its activation: x codes [..,I], h codes [..,J], w codes [H,I], r codes [H,J], optional
     * plain i32 bias [H] → i16 codes [..,H]: {@code sat16(sat16(scale_x(Σ w·x + bias)) + scale_h(Σ r·h))}, where each
     * scale is a tflite contract's of one multiplier. Both sums fit i32.
     *
     * @param input scales the product with x
     * @param recurrent scales the product with h
     */
    record LstmGate(Rescale.Scale.Fixed input, Rescale.Scale.Fixed recurrent) implements IntOp {}

    /**
     * The cell state of TFLite's 8x8_16 LSTM: f, c, i, g i16 codes [..,H] → c's element:
     * {@code sat16(rdp(f·c, 15) + sat16(rdp(i·g, inputShift)))}, then limited to ±clip; rdp(a, n) divides by 2^n, ties away from
     * zero, and the first term is saturated too. (TFLite's CwiseMul does not saturate, but wraps where |a|·2^-n can reach 2^15:
     * for gates in Q0.15 never with n = 15, and for the other product only with inputShift below 15.)
     *
     * @param inputShift 30 + log2 of the cell state's scale, 1 to 31
     * @param clip in codes, 0 for none
     */
    record LstmCell(int inputShift, int clip) implements IntOp {}
}
