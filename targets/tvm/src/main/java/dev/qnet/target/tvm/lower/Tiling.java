package dev.qnet.target.tvm.lower;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a layer's sums are computed; each way gives the same bytes.
 *
 * @param form what is multiplied
 * @param rows the most rows of sums in registers; of convolutions that keep channels apart, pixels
 * @param vectors the most vectors of columns
 * @param rowsFirst whether all columns of some rows are computed before the next rows, not all rows of some columns
 */
public record Tiling(Form form, int rows, int vectors, boolean rowsFirst) {
    /** What the kernels choose where nothing was measured. */
    public static final Tiling DEFAULT = new Tiling(Form.DEFAULT, 0, 0, false);

    private static final Pattern TEXT = Pattern.compile("(bytes|pairs) (\\d{1,2})x(\\d{1,2})( rows first)?");
    private static final int MOST = 16;

    /** What is multiplied. */
    public enum Form {
        /** What the CPU and the layer suggest. */
        DEFAULT,
        /** Bytes, by the vector unit. */
        BYTES,
        /** Numbers of 16 bits. */
        PAIRS
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        return form == Form.DEFAULT
                ? "default"
                : form.name().toLowerCase(Locale.ROOT) + " " + rows + "x" + vectors + (rowsFirst ? " rows first" : "");
    }

    /**
     * Reads {@link #toString}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Tiling parse(String text) {
        if (text.equals("default")) {
            return DEFAULT;
        }
        Matcher m = TEXT.matcher(text);
        if (m.matches()) {
            int rows = Integer.parseInt(m.group(2));
            int vectors = Integer.parseInt(m.group(3));
            if (rows >= 1 && rows <= MOST && vectors >= 1 && vectors <= MOST) {
                return new Tiling(Form.valueOf(m.group(1).toUpperCase(Locale.ROOT)), rows, vectors, m.group(4) != null);
            }
        }
        throw new IllegalArgumentException("'" + text + "' is no way to tile a layer");
    }
}
