package dev.qnet.runtime.kernel;

/** The largest element under each window, of any kind; for codes, the largest code. Padding is never the largest. */
public final class MaxPool implements UnaryKernel {
    private final UnaryKernel kernel;

    private MaxPool(UnaryKernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Plans x [H,W,C] → [H',W',C].
     *
     * @param kind of the elements
     * @param height H
     * @param width W
     * @param channels C
     * @param window padded by less than its size, so that no window is all padding
     */
    public static MaxPool of(Backend backend, Kind kind, int height, int width, int channels, Window window) {
        Pooling pooling = new Pooling(height, width, channels, window);
        Loops loops = backend.loops();
        return new MaxPool(
                switch (kind) {
                    case S8, U8 -> new ByRows(pooling, new Bytes(loops, kind == Kind.S8));
                    case S16, U16, S32 -> new ByRows(pooling, new Ints(loops, Operand.plain(kind)));
                    case S64 -> new ByWindows(pooling, new Longs());
                    case F32 -> new ByRows(pooling, new Floats(loops));
                });
    }

    @Override
    public void run(Banks banks, int x, int y) {
        kernel.run(banks, x, y);
    }

    private record ByWindows(Pooling pooling, Pooling.Taps taps) implements UnaryKernel {
        @Override
        public void run(Banks banks, int x, int y) {
            pooling.run(taps, banks, x, y);
        }
    }

    private record ByRows(Pooling pooling, Pooling.Rows rows) implements UnaryKernel {
        @Override
        public void run(Banks banks, int x, int y) {
            pooling.run(rows, banks, x, y);
        }
    }

    private record Bytes(Loops loops, boolean signed) implements Pooling.Rows {
        @Override
        public void first(Banks b, int x, int n) {
            System.arraycopy(b.bytes, x, scratch(b, n), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            loops.largest(signed, scratch(b, n), b.bytes, x, n);
        }

        @Override
        public void write(Banks b, int at, int taps, int tapStep, int pixels, int step, int n, int y, int rows) {
            loops.largest(signed, b.byteScratch(0), at, taps, tapStep, pixels, step, n, b.bytes, y);
        }

        /** Vectors are read beyond a row's end. */
        private static byte[] scratch(Banks b, int n) {
            return b.byteScratch(n + RescaleLanes.PAD);
        }
    }

    private record Floats(Loops loops) implements Pooling.Rows {
        @Override
        public void first(Banks b, int x, int n) {
            System.arraycopy(b.floats, x, b.floats(0, n), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            loops.largest(b.floats(0, n), b.floats, x, n);
        }

        @Override
        public void write(Banks b, int at, int taps, int tapStep, int pixels, int step, int n, int y, int rows) {
            float[] row = b.floats(0, 0);
            for (int p = 0; p < pixels; p++) {
                System.arraycopy(row, at + p * step, b.floats, y + p * n, n);
                for (int t = 1; t < taps; t++) {
                    int from = at + p * step + t * tapStep;
                    for (int i = 0; i < n; i++) {
                        b.floats[y + p * n + i] = Math.max(b.floats[y + p * n + i], row[from + i]);
                    }
                }
            }
        }
    }

    private record Ints(Loops loops, Operand operand) implements Pooling.Rows {
        @Override
        public void first(Banks b, int x, int n) {
            loops.load(b, operand, x, b.ints(0, n + RescaleLanes.PAD), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            int[] row = b.ints(1, n + RescaleLanes.PAD);
            loops.load(b, operand, x, row, 0, n);
            loops.combine(IntBinary.Fn.MAX, b.ints(0, 0), 0, row, 0, n);
        }

        @Override
        public void write(Banks b, int at, int taps, int tapStep, int pixels, int step, int n, int y, int rows) {
            int[] max = b.ints(1, pixels * n + RescaleLanes.PAD);
            loops.across(true, b.ints(0, 0), at, taps, tapStep, pixels, step, n, max);
            loops.store(b, operand.kind(), y, max, 0, pixels * n);
        }
    }

    private record Longs() implements Pooling.Taps {
        @Override
        public void first(Banks b, int x, int n) {
            System.arraycopy(b.longs, x, b.longs(0, n), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            long[] max = b.longs(0, n);
            for (int i = 0; i < n; i++) {
                max[i] = Math.max(max[i], b.longs[x + i]);
            }
        }

        @Override
        public void write(Banks b, int y, int n, int count) {
            System.arraycopy(b.longs(0, n), 0, b.longs, y, n);
        }
    }
}
