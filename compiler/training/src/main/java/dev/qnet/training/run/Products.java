package dev.qnet.training.run;

import dev.qnet.compiler.ir.Shape;
import java.util.List;

/** Dense layers and products of matrices. */
final class Products {
    private Products() {}

    static Runnable dense(List<Shape> shapes, List<float[]> in, float[] y, Crew crew) {
        int k = shapes.get(1).dim(1);
        int o = shapes.get(1).dim(0);
        int rows = y.length / Math.max(1, o);
        float[] turned = new float[k * o];
        float[] x = in.get(0);
        return () -> {
            SimdGemm.transpose(in.get(1), o, k, turned);
            boolean biased = in.size() > 2;
            for (int i = 0; biased && i < rows; i++) {
                System.arraycopy(in.get(2), 0, y, i * o, o);
            }
            crew.share(rows, (who, from, to) -> SimdGemm.multiply(x, 0, k, 1, turned, 0, y, 0, from, to, k, o, biased));
        };
    }

    static Runnable matmul(List<Shape> shapes, List<float[]> in, Shape out, float[] y, Crew crew) {
        Shape a = shapes.get(0);
        Shape b = shapes.get(1);
        int m = a.dim(-2);
        int k = a.dim(-1);
        int n = b.dim(-1);
        Strides left = Strides.of(lead(a), lead(out));
        Strides right = Strides.of(lead(b), lead(out));
        int pairs = lead(out).elements();
        return () -> {
            for (int pair = 0; pair < pairs; pair++) {
                int a0 = left.index(pair) * m * k;
                int b0 = right.index(pair) * k * n;
                int c0 = pair * m * n;
                crew.share(
                        m,
                        (who, from, to) ->
                                SimdGemm.multiply(in.get(0), a0, k, 1, in.get(1), b0, y, c0, from, to, k, n, false));
            }
        };
    }

    private static Shape lead(Shape s) {
        return new Shape(s.dims().subList(0, s.rank() - 2));
    }
}
