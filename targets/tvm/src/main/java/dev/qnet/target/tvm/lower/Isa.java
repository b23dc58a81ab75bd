package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.reinterpret;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What an x86 CPU has for sums of products of small integers. Kernels are written for one of these. */
public enum Isa {
    /** Nothing that is asked for by name: loops that LLVM makes vectors of. */
    PLAIN(1, null, null, null),
    /**
     * Vectors of 256 bits: products of 16 bits, neighbours added (vpmaddwd). Its counterpart for bytes (vpmaddubsw) limits sums
     * to 16 bits, and so is not exact.
     */
    AVX2(8, null, null, "llvm.x86.avx2.pmadd.wd"),
    /** Vectors of 256 bits, with sums of four products of bytes. */
    AVX_VNNI(8, "llvm.x86.avx512.vpdpbusd.256", "llvm.x86.avx512.vpdpwssd.256", null),
    /** Vectors of 512 bits, with vpmaddwd. */
    AVX512(16, null, null, "llvm.x86.avx512.pmaddw.d.512"),
    /** Vectors of 512 bits, with sums of four products of bytes (vpdpbusd) and of two of 16 bits (vpdpwssd). */
    AVX512_VNNI(16, "llvm.x86.avx512.vpdpbusd.512", "llvm.x86.avx512.vpdpwssd.512", null),
    /** AVX512-VNNI, and a unit that multiplies tiles of bytes (AMX), for layers that fill them. */
    AMX(16, "llvm.x86.avx512.vpdpbusd.512", "llvm.x86.avx512.vpdpwssd.512", null),
    /** Kernels for AMX with tiles in memory and loops in place of its instructions: for tests where there is none. */
    AMX_IN_LOOPS(16, "llvm.x86.avx512.vpdpbusd.512", "llvm.x86.avx512.vpdpwssd.512", null),
    /** No CPU: a GPU's threads, each of which computes few elements ({@link DeviceLowering}). */
    CUDA(1, null, null, null);

    private final int lanes;
    private final @Nullable String bytes;
    private final @Nullable String pairs;
    private final @Nullable String pairSum;

    Isa(int lanes, @Nullable String bytes, @Nullable String pairs, @Nullable String pairSum) {
        this.lanes = lanes;
        this.bytes = bytes;
        this.pairs = pairs;
        this.pairSum = pairSum;
    }

    /**
     * The best that a CPU has.
     *
     * @param has whether it has a feature, by LLVM's name for it
     */
    public static Isa of(Predicate<String> has) {
        if (has.test("avx512f") && has.test("avx512bw") && has.test("avx512vl") && has.test("avx512dq")) {
            if (has.test("avx512vnni")) {
                return has.test("amx-tile") && has.test("amx-int8") ? AMX : AVX512_VNNI;
            }
            return AVX512;
        }
        if (has.test("avx2")) {
            return has.test("avxvnni") ? AVX_VNNI : AVX2;
        }
        return PLAIN;
    }

    /** Sums of 32 bits in a vector; 1 for none. */
    int lanes() {
        return lanes;
    }

    /** Whether it multiplies unsigned by signed bytes. */
    boolean hasBytes() {
        return bytes != null;
    }

    /** Whether it multiplies tiles of unsigned by signed bytes. */
    boolean hasTiles() {
        return this == AMX || this == AMX_IN_LOOPS;
    }

    /** Whether sums of pairs may overflow on their way; LLVM is told that additions do not. */
    boolean wraps() {
        return pairs != null;
    }

    /** Vectors of sums that stay in registers, beside what is multiplied. */
    int accumulators() {
        return lanes == 16 ? 24 : 12;
    }

    /**
     * {@code acc + Σ x·w} over the four bytes in each lane, modulo 2^32.
     *
     * @param x vector of 32 bits, four unsigned bytes in each
     * @param w four signed bytes in each
     */
    Expr dotBytes(Expr acc, Expr x, Expr w) {
        if (bytes == null) {
            throw new IllegalStateException(this + " has no products of bytes");
        }
        return new Expr.Intrinsic(acc.type(), bytes, 0, true, List.of(acc, x, w));
    }

    /**
     * {@code acc + Σ x·w} over the two signed numbers of 16 bits in each lane; modulo 2^32, where they are not both
     * −32768 in all of x and w.
     */
    Expr dotPairs(Expr acc, Expr x, Expr w) {
        if (pairs != null) {
            return new Expr.Intrinsic(acc.type(), pairs, 0, true, List.of(acc, x, w));
        }
        if (pairSum == null) {
            throw new IllegalStateException(this + " has no products of pairs");
        }
        DataType halves = DataType.INT16.vector(2 * lanes);
        return add(
                acc,
                new Expr.Intrinsic(
                        acc.type(), pairSum, 0, true, List.of(reinterpret(halves, x), reinterpret(halves, w))));
    }
}
