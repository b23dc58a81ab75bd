package dev.qnet.runtime.kernel;

/**
 * Vector code that C2 compiles apart, and how to have it compiled; {@link Warmup} does that.
 *
 * <p>HotSpot compiles a method after some thousand calls. Until then each vector operation is a call into Java code
 * that works lane by lane, and some hundreds of those have C2 compile that code first, to no use. So nearly all calls
 * are made with nothing to do. Some do a little: C2 leaves out what never ran. ({@link SimdPrimer} has it know the
 * classes of vectors.)
 */
abstract class Step {
    /** Vectors that a call goes through which does something: few, for they are what has useless code compiled. */
    static final int ROUNDS = 4;

    /** Nanoseconds: compiled, a vector operation takes about one; otherwise hundreds. */
    private static final int LIMIT = 15;

    /** What the call and the clock take. */
    private static final int OVERHEAD = 500;

    /** Calls in a row. */
    private static final int CALLS = 64;

    /** Rows at a time. */
    private static final int ROWS = 8;

    /** C2 compiles what was called 5,000 times, and looks at each 1,024th call; the first calls do not count. */
    private static final int EARLIEST_ROWS = 6144 / CALLS;

    /**
     * So many rows are made at most. {@link #call} must not be compiled by C2, which might put the code into it: then
     * the code alone never would be. C2 leaves a method alone that is called less than 600 times and loops less than
     * 40,000 times. Where that was not enough, as on a machine that is busy elsewhere, it is better to go on, if
     * slowly, than to stay with plain code: then the kernel's own calls will have the code compiled.
     */
    private static final int MOST_ROWS = 560;

    /** Turns after which a step is looked at, whatever its calls take. */
    private static final int LOOK_TURNS = 64;

    /** How often it may be given up until it is asked for no more. */
    private static final int MOST_DROPS = 3;

    private final int operations;
    private final int every;
    private int rows;
    private int turns;
    private int nextLook = LOOK_TURNS;

    /** The least that some calls with nothing to do have taken: where that falls, something was compiled. */
    private long row = Long.MAX_VALUE;

    private volatile boolean hot;

    /** Racy: asking twice is harmless. */
    private volatile boolean asked;

    private int drops;

    /**
     * Makes a step.
     *
     * @param operations about how many vector operations a call with {@value #ROUNDS} rounds takes
     */
    Step(int operations) {
        this(operations, 4);
    }

    /**
     * Makes a step of long calls.
     *
     * @param operations about how many vector operations a call with {@value #ROUNDS} rounds takes
     * @param every in one of so many rows, a call does something
     */
    Step(int operations, int every) {
        this.operations = operations;
        this.every = every;
    }

    /** The rounds of call i: all but the first have nothing to do. */
    static int rounds(int i, int rounds) {
        return i == 0 ? rounds : 0;
    }

    /**
     * Calls the code, in a loop of its own.
     *
     * @param s made-up data
     * @param times how often
     * @param rounds how many vectors to go through in those calls that {@link #rounds} says
     */
    abstract void call(Scratch s, int times, int rounds);

    /** Whether the code is compiled, as far as is known. */
    final boolean isHot() {
        return hot;
    }

    /** As {@link #isHot()}; who asks first has the code compiled. */
    final boolean hot() {
        if (!hot && !asked) {
            asked = true;
            Warmup.add(this);
        }
        return hot;
    }

    /** Says that it is given up: who asks next has another try, a few times. */
    final void drop() {
        if (++drops < MOST_DROPS) {
            asked = false;
        }
    }

    /** Calls the code some hundred times, more rarely later on, and finds out whether it is compiled. */
    final void advance(Scratch s) {
        turns++;
        boolean enough = rows >= EARLIEST_ROWS;
        if (turns % (!enough ? 1 : rows < MOST_ROWS ? 4 : 64) != 0) {
            return;
        }
        if (enough) {
            call(s, 1, ROUNDS);
        }
        long least = Long.MAX_VALUE;
        for (int i = 0; i < ROWS; i++, rows++) {
            if (!enough && rows % every == 0) {
                call(s, CALLS, ROUNDS);
            } else {
                call(s, CALLS, 0);
            }
        }
        for (int i = 0; i < 3; i++) {
            long begin = System.nanoTime();
            call(s, CALLS / 8, 0);
            least = Math.min(least, System.nanoTime() - begin);
        }
        if (rows >= EARLIEST_ROWS && (least < row - row / 4 || turns >= nextLook)) {
            check(s);
            nextLook = turns + LOOK_TURNS;
        }
        row = Math.min(row, least);
    }

    /** Turns in which it has been called. */
    final int turns() {
        return turns;
    }

    /** Compiled code takes less than a limit. */
    private void check(Scratch s) {
        long limit = (long) operations * LIMIT + OVERHEAD;
        for (int i = 0; i < 3 && !hot; i++) {
            long begin = System.nanoTime();
            call(s, 1, ROUNDS);
            long time = System.nanoTime() - begin;
            hot = time < limit;
            if (time > 10 * limit) {
                break; // not just interrupted
            }
        }
    }

    /** Made-up data: zeros. */
    static final class Scratch {
        static final int SIZE = 1 << 12;

        /** Singles from row to row of a block. */
        static final int ROW = 1 << 11;

        final Banks banks = new Banks(SIZE, SIZE, SIZE, 1, SIZE);
        /** A block of left operands. */
        final float[] a = new float[1 << 15];

        final float[] b = new float[SIZE];
        final float[] c = new float[SIZE];
        final int[] p = new int[SIZE];
        final int[] q = new int[SIZE];
    }
}
