package dev.qnet.formats.onnx;

import java.util.Arrays;

/**
 * Where a window lies over the spatial axes of [N, C, ...]: kernel, strides, dilations and the padding that the
 * attributes come to.
 *
 * @param kernel extents of the window, an axis each
 * @param begin padding in front
 * @param end padding behind, as the attributes give it
 * @param extra further room behind that only the last window of ceil_mode reaches
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Frame(int[] kernel, int[] strides, int[] dilations, int[] begin, int[] end, int[] extra) {
    /** How many spatial axes there are. */
    int rank() {
        return kernel.length;
    }

    /** The extent that a window covers. */
    int span(int axis) {
        return (kernel[axis] - 1) * dilations[axis] + 1;
    }

    /** How many windows there are for an extent. */
    int out(int axis, int in) {
        return (in + begin[axis] + end[axis] + extra[axis] - span(axis)) / strides[axis] + 1;
    }

    /** The same window without padding; the operand holds it already. */
    Frame bare() {
        int[] none = new int[rank()];
        return new Frame(kernel, strides, dilations, none, none, none);
    }

    /**
     * The frame of a node.
     *
     * @param x its operand [N, C, ...]
     * @param kernel the extents of the window
     */
    static Frame of(Call c, Val x, int[] kernel) {
        int n = x.rank() - 2;
        int[] strides = ints(c, "strides", n, 1);
        int[] dilations = ints(c, "dilations", n, 1);
        if (kernel.length != n) {
            throw c.refuse("has a window of " + kernel.length + " axes over " + x.shape());
        }
        int[] begin = new int[n];
        int[] end = new int[n];
        int[] extra = new int[n];
        String auto = c.text("auto_pad", "NOTSET");
        boolean ceil = c.flag("ceil_mode", false);
        for (int i = 0; i < n; i++) {
            int in = x.dim(i + 2);
            int span = Math.addExact(Math.multiplyExact(kernel[i] - 1, dilations[i]), 1);
            switch (auto) {
                case "NOTSET" -> {
                    int[] pads = ints(c, "pads", 2 * n, 0);
                    begin[i] = pads[i];
                    end[i] = pads[n + i];
                }
                case "SAME_UPPER", "SAME_LOWER" -> {
                    int out = (in + strides[i] - 1) / strides[i];
                    int total = Math.max(0, (out - 1) * strides[i] + span - in);
                    begin[i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
                    end[i] = total - begin[i];
                }
                case "VALID" -> {}
                default -> throw c.refuse("has the unknown auto_pad '" + auto + "'");
            }
            if (begin[i] < 0 || end[i] < 0) {
                throw c.refuse("has negative pads");
            }
            int room = in + begin[i] + end[i] - span;
            if (room < 0 && !(ceil && room + strides[i] > 0)) {
                throw c.refuse("has a window of " + Arrays.toString(kernel) + " that does not fit " + x.shape());
            }
            if (ceil) {
                int out = -Math.floorDiv(-room, strides[i]) + 1;
                // A window that would begin behind the operand and its front padding is left out.
                if ((out - 1) * strides[i] >= in + begin[i]) {
                    out--;
                }
                extra[i] = Math.max(0, (out - 1) * strides[i] - room);
            }
        }
        return new Frame(kernel, strides, dilations, begin, end, extra);
    }

    /** Integers of an attribute, one an axis. */
    static int[] ints(Call c, String name, int count, int otherwise) {
        long[] given = c.integers(name);
        int[] v = new int[count];
        Arrays.fill(v, otherwise);
        if (given != null) {
            if (given.length != count) {
                throw c.refuse("needs " + count + " numbers as its attribute '" + name + "', found " + given.length);
            }
            for (int i = 0; i < count; i++) {
                v[i] = Math.toIntExact(given[i]);
                if (v[i] > 1 << 20 || (v[i] < 1 && !name.equals("pads") && !name.equals("output_padding"))) {
                    throw c.refuse("has " + v[i] + " in its attribute '" + name + "'");
                }
            }
        }
        return v;
    }
}
