package dev.qnet.runtime.kernel;

/** The loops in plain Java, written so that C2 vectorizes them where it can. */
final class ScalarLoops implements Loops {
    static final ScalarLoops INSTANCE = new ScalarLoops();

    private ScalarLoops() {}

    @Override
    public void rescale(Rescale r, int[] a, int at, int n, int channel) {
        r.applyRow(a, at, n, channel);
    }

    @Override
    public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        Rows.load(b, x, from, to, at, n);
    }

    @Override
    public void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        Rows.store(b, kind, to, from, at, n);
    }

    @Override
    public void add(AddSpec spec, int[] p, int[] q, int n) {
        spec.apply(p, 0, q, n);
    }

    @Override
    public void add(AddSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        int[] p = b.ints(0, Rows.CHUNK);
        int[] q = b.ints(1, Rows.CHUNK);
        for (int i = 0; i < n; i += Rows.CHUNK) {
            int length = Math.min(Rows.CHUNK, n - i);
            Rows.load(x, spec.x(), xAt + i, p, 0, length);
            Rows.load(y, spec.y(), yAt + i, q, 0, length);
            spec.apply(p, 0, q, length);
            Rows.store(b, spec.kind(), zAt + i, p, 0, length);
        }
    }

    @Override
    public void combine(IntBinary.Fn fn, int[] p, int at, int[] q, int from, int n) {
        switch (fn) {
            case ADD -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] += q[from + i];
                }
            }
            case SUB -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] -= q[from + i];
                }
            }
            case MUL -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] *= q[from + i];
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] = Math.min(p[at + i], q[from + i]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] = Math.max(p[at + i], q[from + i]);
                }
            }
            case AND -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] &= q[from + i];
                }
            }
            case OR -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] |= q[from + i];
                }
            }
            case XOR -> {
                for (int i = 0; i < n; i++) {
                    p[at + i] ^= q[from + i];
                }
            }
            case DIV, POW, MOD -> throw new AssertionError(fn);
        }
    }

    @Override
    public void accumulate(Banks b, Operand x, int from, int[] sums, int n) {
        int z = x.zero();
        for (int i = 0; i < n; i++) {
            sums[i] += Rows.one(b, x.kind(), from + i) - z;
        }
    }

    @Override
    public void largest(boolean signed, byte[] max, byte[] x, int at, int n) {
        int flip = signed ? 0 : 0x80;
        for (int i = 0; i < n; i++) {
            max[i] = (byte) (Math.max((byte) (max[i] ^ flip), (byte) (x[at + i] ^ flip)) ^ flip);
        }
    }

    @Override
    public void largest(
            boolean signed, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt) {
        int flip = signed ? 0 : 0x80;
        for (int p = 0; p < pixels; p++) {
            for (int i = 0; i < n; i++) {
                int from = at + p * step + i;
                int max = (byte) (x[from] ^ flip);
                for (int t = 1; t < taps; t++) {
                    max = Math.max(max, (byte) (x[from + t * tapStep] ^ flip));
                }
                y[yAt + p * n + i] = (byte) (max ^ flip);
            }
        }
    }

    @Override
    public void across(
            boolean largest, int[] row, int at, int taps, int tapStep, int pixels, int step, int n, int[] to) {
        for (int p = 0; p < pixels; p++) {
            System.arraycopy(row, at + p * step, to, p * n, n);
            for (int t = 1; t < taps; t++) {
                int from = at + p * step + t * tapStep;
                combine(largest ? IntBinary.Fn.MAX : IntBinary.Fn.ADD, to, p * n, row, from, n);
            }
        }
    }

    @Override
    public int largest(boolean signed, byte[] a, int at, int n) {
        int flip = signed ? 0 : 0x80;
        int max = Byte.MIN_VALUE;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, (byte) (a[at + i] ^ flip));
        }
        return max;
    }

    @Override
    public void largest(float[] max, float[] x, int at, int n) {
        for (int i = 0; i < n; i++) {
            max[i] = Math.max(max[i], x[at + i]);
        }
    }

    @Override
    public float largest(float[] a, int at, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, a[at + i]);
        }
        return max;
    }

    @Override
    public void exp(double[] a, int n) {
        for (int i = 0; i < n; i++) {
            a[i] = StrictMath.exp(a[i]);
        }
    }

    @Override
    public void tanh(double[] a, int n) {
        for (int i = 0; i < n; i++) {
            a[i] = StrictMath.tanh(a[i]);
        }
    }

    @Override
    public void quantize(QuantizeSpec spec, int c, float[] x, int at, int[] codes, int n) {
        spec.apply(c, x, at, codes, 0, n);
    }

    @Override
    public void product(double[] a, int rows, int k, float[] w, int at, int n, double[] first, double[] c, int step) {
        for (int r = 0; r < rows; r++) {
            System.arraycopy(first, 0, c, r * step, n);
            for (int j = 0; j < k; j++) {
                FloatConv2d.axpy(c, r * step, a[r * k + j], w, at + j * n, n);
            }
        }
    }

    @Override
    public void limit(float[] a, int x, int y, int n, float lo, float hi) {
        for (int i = 0; i < n; i++) {
            a[y + i] = Math.min(Math.max(a[x + i], lo), hi);
        }
    }

    @Override
    public void combine(FloatBinary.Fn fn, float[] p, int x, float[] q, int y, float[] to, int z, int n) {
        switch (fn) {
            case ADD -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = p[x + i] + q[y + i];
                }
            }
            case SUB -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = p[x + i] - q[y + i];
                }
            }
            case MUL -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = p[x + i] * q[y + i];
                }
            }
            case DIV -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = p[x + i] / q[y + i];
                }
            }
            case POW -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = (float) StrictMath.pow(p[x + i], q[y + i]);
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = Math.min(p[x + i], q[y + i]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = Math.max(p[x + i], q[y + i]);
                }
            }
            case MOD -> {
                for (int i = 0; i < n; i++) {
                    to[z + i] = p[x + i] % q[y + i];
                }
            }
        }
    }

    @Override
    public void affine(int[] a, int x, float[] factor, float[] offset, float[] to, int y, int n) {
        for (int i = 0; i < n; i++) {
            to[y + i] = a[x + i] * factor[i] + offset[i];
        }
    }

    @Override
    public void extremes(float[] a, int x, int n, float[] to) {
        float lo = 0;
        float hi = 0;
        for (int i = 0; i < n; i++) {
            float v = a[x + i];
            // A NaN compares false, and so does not count.
            lo = v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
        to[0] = lo;
        to[1] = hi;
    }

    @Override
    public void quantize(float s, int lo, int hi, float[] x, int at, int[] codes, int n) {
        for (int i = 0; i < n; i++) {
            codes[i] = Math.max(lo, Math.min(hi, (int) Math.rint(x[at + i] / s)));
        }
    }

    @Override
    public void widen(float[] from, int at, double[] to, int y, int n) {
        for (int i = 0; i < n; i++) {
            to[y + i] = from[at + i];
        }
    }

    @Override
    public UnaryKernel conv(ConvSpec spec) {
        return ScalarConv.of(spec, this);
    }

    @Override
    public BinaryKernel matmul(MatMulSpec spec) {
        return new ScalarMatMul(spec, this);
    }
}
