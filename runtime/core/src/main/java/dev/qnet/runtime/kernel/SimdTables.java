package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Tables of 256 bytes in registers: 64 codes find their entries among 128 in one instruction, where the machine has one
 * (AVX-512 VBMI). C2 does not say whether it has; where it has not, the same code is Java that takes microseconds a
 * vector. So until one vector was fast, one is all that is looked up so, and seldom, and if none ever is, plain Java remains.
 */
final class SimdTables {
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_PREFERRED.withShape(VectorShape.S_512_BIT);
    private static final int LANES = 64;

    /** Nanoseconds for a vector, the clock included: a call of compiled code takes a tenth, of Java ten times as long. */
    private static final int LIMIT = 300;

    /** So many calls have a vector each tried, so that C2 compiles the code; then one in so many. */
    static final int TRIALS = 10_000;

    private static final int SELDOM = 1 << 10;

    /** Racy: what is lost are trials. */
    private static int calls;

    private static boolean fast;

    private SimdTables() {}

    /** As {@link Loops#look}. */
    static void look(byte[] table, byte[] x, int xAt, byte[] y, int yAt, int n) {
        if (Simd.BITS >= 512 && n >= LANES) {
            if (fast) {
                vectors(table, x, xAt, y, yAt, n);
                return;
            }
            int call = next(calls);
            calls = call;
            if (call < TRIALS || call % SELDOM == 0) {
                long begin = System.nanoTime();
                vectors(table, x, xAt, y, yAt, LANES);
                fast = System.nanoTime() - begin < LIMIT;
                Table.look(x, xAt + LANES, y, yAt + LANES, table, n - LANES);
                return;
            }
        }
        Table.look(x, xAt, y, yAt, table, n);
    }

    /** The count of calls behind another, which never comes back to the trials. */
    static int next(int count) {
        return count == Integer.MAX_VALUE ? TRIALS : count + 1;
    }

    /** Whether vectors are taken, as far as is known. */
    static boolean fast() {
        return fast;
    }

    /** Of n codes, at least the lanes, or none. May run in place: the last vector, which overlaps, is made first. */
    static void vectors(byte[] table, byte[] x, int xAt, byte[] y, int yAt, int n) {
        if (n == 0) {
            return;
        }
        ByteVector t0 = ByteVector.fromArray(B, table, 0);
        ByteVector t1 = ByteVector.fromArray(B, table, LANES);
        ByteVector t2 = ByteVector.fromArray(B, table, 2 * LANES);
        ByteVector t3 = ByteVector.fromArray(B, table, 3 * LANES);
        ByteVector last = ByteVector.fromArray(B, x, xAt + n - LANES);
        ByteVector end =
                last.selectFrom(t0, t1).blend(last.selectFrom(t2, t3), last.compare(VectorOperators.LT, (byte) 0));
        for (int i = 0; i < n - LANES; i += LANES) {
            ByteVector v = ByteVector.fromArray(B, x, xAt + i);
            v.selectFrom(t0, t1)
                    .blend(v.selectFrom(t2, t3), v.compare(VectorOperators.LT, (byte) 0))
                    .intoArray(y, yAt + i);
        }
        end.intoArray(y, yAt + n - LANES);
    }
}
