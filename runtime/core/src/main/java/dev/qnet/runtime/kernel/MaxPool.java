package dev.qnet.runtime.kernel;

/** The largest element under each window, of any kind; for codes, the largest code. Padding is never the largest. */
public final class MaxPool implements UnaryKernel {
    private final Pooling pooling;
    private final Pooling.Taps taps;

    private MaxPool(Pooling pooling, Pooling.Taps taps) {
        this.pooling = pooling;
        this.taps = taps;
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
        return new MaxPool(
                pooling,
                switch (kind) {
                    case S8, U8 -> new Bytes(backend.loops(), kind == Kind.S8);
                    case S16, U16, S32 -> new Ints(backend.loops(), Operand.plain(kind));
                    case S64 -> new Longs();
                    case F32 -> new Floats();
                });
    }

    @Override
    public void run(Banks banks, int x, int y) {
        pooling.run(taps, banks, x, y);
    }

    private record Bytes(Loops loops, boolean signed) implements Pooling.Taps {
        @Override
        public void first(Banks b, int x, int n) {
            System.arraycopy(b.bytes, x, b.byteScratch(n), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            loops.largest(signed, b.byteScratch(n), b.bytes, x, n);
        }

        @Override
        public void write(Banks b, int y, int n, int count) {
            System.arraycopy(b.byteScratch(n), 0, b.bytes, y, n);
        }
    }

    private record Ints(Loops loops, Operand operand) implements Pooling.Taps {
        @Override
        public void first(Banks b, int x, int n) {
            loops.load(b, operand, x, b.ints(0, n), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            int[] max = b.ints(0, n);
            int[] row = b.ints(1, n);
            loops.load(b, operand, x, row, 0, n);
            for (int i = 0; i < n; i++) {
                max[i] = Math.max(max[i], row[i]);
            }
        }

        @Override
        public void write(Banks b, int y, int n, int count) {
            loops.store(b, operand.kind(), y, b.ints(0, n), 0, n);
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

    private record Floats() implements Pooling.Taps {
        @Override
        public void first(Banks b, int x, int n) {
            System.arraycopy(b.floats, x, b.floats(0, n), 0, n);
        }

        @Override
        public void next(Banks b, int x, int n) {
            float[] max = b.floats(0, n);
            for (int i = 0; i < n; i++) {
                max[i] = Math.max(max[i], b.floats[x + i]);
            }
        }

        @Override
        public void write(Banks b, int y, int n, int count) {
            System.arraycopy(b.floats(0, n), 0, b.floats, y, n);
        }
    }
}
