package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Resizing, axis by axis: nearest picks elements by constant numbers; linear and cubic multiply the axis by a constant
 * matrix, a row for each element of the result. The formulas are those of ONNX's operator documentation.
 */
final class ResizeOps {
    private ResizeOps() {}

    static void register(Operators ops) {
        ops.add("Resize", ResizeOps::resize);
        ops.add("Upsample", ResizeOps::upsample);
    }

    /**
     * How an axis is resized.
     *
     * @param in its extent
     * @param out the result's extent
     * @param scale the ratio that coordinates are computed with
     * @param from where the region of tf_crop_and_resize begins, in units of the extent
     * @param to where it ends
     */
    private record Axis(int in, int out, double scale, double from, double to) {}

    private record Mode(
            String interpolation,
            String coordinates,
            String nearest,
            float cubic,
            boolean excludeOutside,
            boolean antialias,
            float outside) {}

    private static void upsample(Call c) {
        Val x = c.need(0);
        float[] scales = c.opset() < 9 ? c.reals("scales") : c.floats(1);
        if (scales == null && x.rank() == 4) {
            scales = new float[] {1, 1, c.real("height_scale", 1), c.real("width_scale", 1)};
        }
        if (scales == null || scales.length != x.rank()) {
            throw c.refuse("needs a scale for each of " + x.rank() + " axes");
        }
        Mode mode = new Mode(c.text("mode", "nearest"), "asymmetric", "floor", -0.75f, false, false, 0);
        c.out(run(c, x, mode, scaled(x, scales)));
    }

    private static @Nullable Axis[] scaled(Val x, float[] scales) {
        @Nullable Axis[] axes = new @Nullable Axis[x.rank()];
        for (int i = 0; i < axes.length; i++) {
            int in = x.dim(i);
            axes[i] = in == Shape.BATCH && scales[i] == 1
                    ? null
                    : new Axis(in, extent(Math.floor((double) in * scales[i])), scales[i], 0, 1);
        }
        return axes;
    }

    private static int extent(double out) {
        if (!(out >= 1 && out <= 1 << 22)) {
            throw new Refusal("resizes an axis to " + out + " elements");
        }
        return (int) out;
    }

    private static void resize(Call c) {
        Val x = c.need(0);
        if (c.opset() < 11) {
            Mode mode = new Mode(c.text("mode", "nearest"), "asymmetric", "floor", -0.75f, false, false, 0);
            float[] scales = c.floats(1);
            if (scales.length != x.rank()) {
                throw c.refuse("needs a scale for each of " + x.rank() + " axes");
            }
            c.out(run(c, x, mode, scaled(x, scales)));
            return;
        }
        String coordinates = c.text("coordinate_transformation_mode", "half_pixel");
        if (coordinates.equals("tf_crop_and_resize")) {
            c.known(1, 2, 3);
        } else {
            c.known(2, 3);
        }
        long[] given = c.integers("axes");
        int[] axes = given == null
                ? IntStream.range(0, x.rank()).toArray()
                : Arrays.stream(given).mapToInt(a -> c.axis(a, x.rank())).toArray();
        float[] roi = coordinates.equals("tf_crop_and_resize") && c.has(1) ? c.floats(1) : new float[0];
        if (roi.length != 0 && roi.length != 2 * axes.length) {
            throw c.refuse("needs a region of " + 2 * axes.length + " numbers, found " + roi.length);
        }
        @Nullable Axis[] all = new @Nullable Axis[x.rank()];
        double[] scales = new double[axes.length];
        int[] outs = new int[axes.length];
        ratios(c, x, axes, scales, outs);
        for (int k = 0; k < axes.length; k++) {
            int in = x.dim(axes[k]);
            if (in == Shape.BATCH) {
                continue;
            }
            double from = roi.length == 0 ? 0 : roi[k];
            double to = roi.length == 0 ? 1 : roi[axes.length + k];
            all[axes[k]] = new Axis(in, outs[k], scales[k], from, to);
        }
        Mode mode = new Mode(
                c.text("mode", "nearest"),
                coordinates,
                c.text("nearest_mode", "round_prefer_floor"),
                c.real("cubic_coeff_a", -0.75f),
                c.flag("exclude_outside", false),
                c.flag("antialias", false),
                c.real("extrapolation_value", 0));
        c.out(run(c, x, mode, all));
    }

    /** The ratio and the result's extent for each named axis, from scales or sizes. */
    private static void ratios(Call c, Val x, int[] axes, double[] scales, int[] outs) {
        boolean bySize = c.has(3) && c.need(3).elements() > 0;
        if (!bySize && !(c.has(2) && c.need(2).elements() > 0)) {
            throw c.refuse("needs scales or sizes");
        }
        if (bySize) {
            long[] sizes = c.longs(3);
            if (sizes.length != axes.length) {
                throw c.refuse("needs " + axes.length + " sizes, found " + sizes.length);
            }
            double common = -1;
            String policy = c.text("keep_aspect_ratio_policy", "stretch");
            for (int k = 0; k < axes.length; k++) {
                int in = x.dim(axes[k]);
                if (in == Shape.BATCH) {
                    if (sizes[k] != Build.BATCH) {
                        throw c.refuse("resizes the batch axis, which the model leaves open");
                    }
                    continue;
                }
                scales[k] = (double) sizes[k] / in;
                outs[k] = extent((double) sizes[k]);
                common = common < 0
                        ? scales[k]
                        : policy.equals("not_larger") ? Math.min(common, scales[k]) : Math.max(common, scales[k]);
            }
            if (!policy.equals("stretch")) {
                for (int k = 0; k < axes.length; k++) {
                    scales[k] = common;
                    outs[k] = extent(Math.floor(common * x.dim(axes[k]) + 0.5));
                }
            }
            return;
        }
        float[] given = c.floats(2);
        if (given.length != axes.length) {
            throw c.refuse("needs " + axes.length + " scales, found " + given.length);
        }
        for (int k = 0; k < axes.length; k++) {
            int in = x.dim(axes[k]);
            if (in == Shape.BATCH) {
                if (given[k] != 1) {
                    throw c.refuse("resizes the batch axis, which the model leaves open");
                }
                continue;
            }
            scales[k] = given[k];
            outs[k] = extent(Math.floor((double) in * given[k]));
        }
    }

    private static Val run(Call c, Val x, Mode mode, @Nullable Axis[] axes) {
        Build b = c.build();
        boolean crops = mode.coordinates().equals("tf_crop_and_resize");
        if (mode.interpolation().equals("nearest") && !crops) {
            return nearest(c, x, mode, axes);
        }
        if (!x.isFloat()) {
            throw c.refuse("interpolates real numbers, found " + x.type());
        }
        Val y = x;
        boolean[][] beyond = new boolean[axes.length][];
        boolean any = false;
        for (int i = 0; i < axes.length; i++) {
            Axis axis = axes[i];
            if (axis == null) {
                continue;
            }
            double[] at = coordinates(c, mode, axis);
            beyond[i] = new boolean[axis.out()];
            float[][] rows = new float[axis.out()][];
            if ((long) axis.out() * axis.in() > 1 << 24) {
                throw c.refuse("interpolates " + axis.in() + " elements to " + axis.out() + ", which is too many");
            }
            for (int o = 0; o < at.length; o++) {
                beyond[i][o] = crops && (at[o] < 0 || at[o] > axis.in() - 1);
                any |= beyond[i][o];
                rows[o] = beyond[i][o] ? new float[axis.in()] : row(c, mode, axis, at[o]);
            }
            y = identity(rows) ? y : b.alongAxis(y, i, rows);
        }
        return any && mode.outside() != 0 ? extrapolated(b, y, beyond, mode.outside()) : y;
    }

    private static boolean identity(float[][] rows) {
        for (int i = 0; i < rows.length; i++) {
            for (int k = 0; k < rows[i].length; k++) {
                if (rows.length != rows[i].length || rows[i][k] != (i == k ? 1 : 0)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Adds the value where a coordinate lies outside; the products are 0 there. */
    private static Val extrapolated(Build b, Val y, boolean[][] beyond, float value) {
        Val inside = null;
        for (int i = 0; i < beyond.length; i++) {
            if (beyond[i] == null) {
                continue;
            }
            float[] v = new float[beyond[i].length];
            for (int k = 0; k < v.length; k++) {
                v[k] = beyond[i][k] ? 0 : 1;
            }
            Integer[] dims = new Integer[y.rank()];
            Arrays.fill(dims, 1);
            dims[i] = v.length;
            Val axis = b.floats(List.of(dims), v);
            inside = inside == null ? axis : b.mul(inside, axis);
        }
        return inside == null ? y : b.add(y, b.mul(b.sub(b.scalar(1), inside), b.scalar(value)));
    }

    private static Val nearest(Call c, Val x, Mode mode, @Nullable Axis[] axes) {
        Build b = c.build();
        int[][] picks = new int[axes.length][];
        boolean plain = x.rank() == 4;
        for (int i = 0; i < axes.length; i++) {
            Axis axis = axes[i];
            if (axis == null) {
                continue;
            }
            double[] at = coordinates(c, mode, axis);
            int[] pick = new int[axis.out()];
            boolean spatial = i >= 2;
            for (int o = 0; o < pick.length; o++) {
                double p = switch (mode.nearest()) {
                    case "round_prefer_floor" -> Math.ceil(at[o] - 0.5);
                    case "round_prefer_ceil" -> Math.floor(at[o] + 0.5);
                    case "floor" -> Math.floor(at[o]);
                    case "ceil" -> Math.ceil(at[o]);
                    default -> throw c.refuse("has the unknown nearest_mode '" + mode.nearest() + "'");
                };
                pick[o] = (int) Math.clamp(p, 0, axis.in() - 1);
                long simple = spatial ? (long) o * axis.in() / axis.out() : o;
                plain &= pick[o] == simple && (spatial || axis.in() == axis.out());
            }
            picks[i] = pick;
        }
        if (plain && picks[2] != null && picks[3] != null) {
            List<Integer> layout = Build.channelsLast(4);
            return b.emit(
                            new DataOp.ResizeNearest(picks[2].length, picks[3].length),
                            x.element(),
                            b.as(x, layout).held())
                    .in(layout);
        }
        Val y = x;
        for (int i = 0; i < picks.length; i++) {
            y = picks[i] == null ? y : b.pick(y, i, picks[i]);
        }
        return y;
    }

    /** Where each element of the result lies in the operand. */
    private static double[] coordinates(Call c, Mode mode, Axis a) {
        double[] at = new double[a.out()];
        double length = a.scale() * a.in();
        for (int i = 0; i < at.length; i++) {
            at[i] = switch (mode.coordinates()) {
                case "half_pixel" -> (i + 0.5) / a.scale() - 0.5;
                case "half_pixel_symmetric" -> {
                    double centre = a.in() / 2.0;
                    yield centre * (1 - a.out() / length) + (i + 0.5) / a.scale() - 0.5;
                }
                case "pytorch_half_pixel" -> a.out() > 1 ? (i + 0.5) / a.scale() - 0.5 : 0;
                case "align_corners" -> a.out() == 1 ? 0 : i * (a.in() - 1.0) / (length - 1);
                case "asymmetric" -> i / a.scale();
                case "tf_half_pixel_for_nn" -> (i + 0.5) / a.scale();
                case "tf_crop_and_resize" ->
                    a.out() > 1
                            ? a.from() * (a.in() - 1) + i * (a.to() - a.from()) * (a.in() - 1) / (length - 1)
                            : 0.5 * (a.from() + a.to()) * (a.in() - 1);
                default ->
                    throw c.refuse("has the unknown coordinate_transformation_mode '" + mode.coordinates() + "'");
            };
        }
        return at;
    }

    /** The weights of the operand's elements for one of the result. */
    private static float[] row(Call c, Mode mode, Axis axis, double at) {
        double floor = Math.floor(at);
        // A coordinate that is an element's own belongs to the interval on its left.
        double left = at == floor ? floor - 1 : floor;
        double ratio = at - left;
        double scale = mode.antialias() ? Math.min(1, axis.scale()) : 1;
        double reach = switch (mode.interpolation()) {
            case "linear" -> 1;
            case "cubic" -> 2;
            case "nearest" -> 0;
            default -> throw c.refuse("has the unknown mode '" + mode.interpolation() + "'");
        };
        float[] row = new float[axis.in()];
        if (reach == 0) {
            double p = switch (mode.nearest()) {
                case "round_prefer_ceil" -> Math.floor(at + 0.5);
                case "floor" -> floor;
                case "ceil" -> Math.ceil(at);
                default -> Math.ceil(at - 0.5);
            };
            row[(int) Math.clamp(p, 0, axis.in() - 1)] = 1;
            return row;
        }
        int start = (int) Math.floor(-reach / scale) + 1;
        int count = 2 - 2 * start;
        if (count > 1 << 20) {
            throw c.refuse("reads " + count + " elements for one");
        }
        double[] weights = new double[count];
        double sum = 0;
        for (int k = 0; k < count; k++) {
            double place = left + start + k;
            boolean outside = place < 0 || place > axis.in() - 1;
            double distance = Math.abs((start + k - ratio) * scale);
            weights[k] = mode.excludeOutside() && outside ? 0 : weight(reach, distance, mode.cubic());
            sum += weights[k];
        }
        boolean normal = mode.excludeOutside() || mode.antialias();
        double[] exact = new double[axis.in()];
        for (int k = 0; k < count; k++) {
            int place = (int) Math.clamp(left + start + k, 0, axis.in() - 1);
            exact[place] += normal ? weights[k] / sum : weights[k];
        }
        for (int i = 0; i < row.length; i++) {
            row[i] = (float) exact[i];
        }
        return row;
    }

    /** The triangle for linear; Keys' cubic convolution with coefficient a. */
    private static double weight(double reach, double distance, double a) {
        if (reach == 1) {
            return Math.max(0, 1 - distance);
        }
        double square = distance * distance;
        double cube = square * distance;
        if (distance <= 1) {
            return (a + 2) * cube - (a + 3) * square + 1;
        }
        return distance < 2 ? a * cube - 5 * a * square + 8 * a * distance - 4 * a : 0;
    }
}
