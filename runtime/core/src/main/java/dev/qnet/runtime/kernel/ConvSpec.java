package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * A convolution of one item, checked: x [H,W,C], weights [O,KH,KW,C/groups], bias [O] → [H',W',O]. A dense layer is a
 * convolution of a 1×M image by a 1×1 window.
 *
 * @param x the operand's element, of at most 16 bits
 * @param height H
 * @param width W
 * @param channels C
 * @param filters O
 * @param window the window
 * @param groups output channel o reads the input channels of group {@code o / (O/groups)}
 * @param weights effective integers: zero points subtracted, group multipliers multiplied in; or none, where they are
 *     kept in another form
 * @param bias one an output channel, zeros where the layer has none; the low 32 bits, which are all that a 32-bit
 *     accumulator keeps
 * @param wideBias the same, whole
 * @param out what becomes of the accumulators
 */
@SuppressWarnings("ArrayRecordComponent") // a bundle of arguments, never compared
record ConvSpec(
        Operand x,
        int height,
        int width,
        int channels,
        int filters,
        Window window,
        int groups,
        int[] weights,
        int[] bias,
        long[] wideBias,
        Output out) {
    ConvSpec {
        if (x.kind().bytes() > 2) {
            throw new IllegalArgumentException("a convolution of " + x.kind());
        }
        if (groups < 1 || channels % groups != 0 || filters % groups != 0) {
            throw new IllegalArgumentException(
                    channels + " channels and " + filters + " filters in " + groups + " groups");
        }
        long size = (long) filters * window.kernelH() * window.kernelW() * (channels / groups);
        if ((weights.length != size && weights.length != 0) || bias.length != filters) {
            throw new IllegalArgumentException("expected " + size + " weights and " + filters + " biases, found "
                    + weights.length + " and " + bias.length);
        }
        if (window.outHeight(height) < 1 || window.outWidth(width) < 1) {
            throw new IllegalArgumentException("the window does not fit " + height + "x" + width);
        }
        Rescale.checkChannels(out.rescale(), filters);
    }

    static ConvSpec of(
            Operand x,
            int height,
            int width,
            int channels,
            int filters,
            Window window,
            int groups,
            int[] weights,
            int @Nullable [] bias,
            Output out) {
        int[] b = bias == null ? new int[filters] : bias;
        long[] wide = new long[filters];
        for (int i = 0; i < Math.min(filters, b.length); i++) {
            wide[i] = b[i]; // the canonical constructor checks the length
        }
        return new ConvSpec(x, height, width, channels, filters, window, groups, weights, b, wide, out);
    }

    /** As above, with biases that need more than 32 bits. */
    static ConvSpec withLongBias(
            Operand x,
            int height,
            int width,
            int channels,
            int filters,
            Window window,
            int groups,
            int[] weights,
            long[] bias,
            Output out) {
        int[] low = new int[bias.length];
        for (int i = 0; i < low.length; i++) {
            low[i] = (int) bias[i];
        }
        return new ConvSpec(x, height, width, channels, filters, window, groups, weights, low, bias.clone(), out);
    }

    /** The same for a kernel that has its own copy of the weights. */
    ConvSpec withoutWeights() {
        return new ConvSpec(x, height, width, channels, filters, window, groups, new int[0], bias, wideBias, out);
    }

    int outHeight() {
        return window.outHeight(height);
    }

    int outWidth() {
        return window.outWidth(width);
    }

    /** Input channels of a group. */
    int groupChannels() {
        return channels / groups;
    }

    /** Output channels of a group. */
    int groupFilters() {
        return filters / groups;
    }

    /** Products under the window for one output. */
    int taps() {
        return window.kernelH() * window.kernelW() * groupChannels();
    }

    /** One filter a channel. */
    boolean depthwise() {
        return groups == channels && filters == channels;
    }

    /** Whether each filter reads one channel of several. */
    boolean channelwise() {
        return groups == channels && channels > 1;
    }

    /** Whether the window always lies on one whole row of channels: then an output pixel is a row of inputs. */
    boolean pointwise() {
        return window.equals(Window.POINT) && groups == 1;
    }

    /** The rows of the filters [O][K] as columns [groups*K][O/groups]. */
    int[][] weightColumns() {
        int k = taps();
        int n = groupFilters();
        int[][] t = new int[groups * k][n];
        for (int o = 0; o < filters; o++) {
            for (int j = 0; j < k; j++) {
                t[o / n * k + j][o % n] = weights[o * k + j];
            }
        }
        return t;
    }
}
