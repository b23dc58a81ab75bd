package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitXor;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.evaluate;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Window;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * An operand as kernels read it: images [B,H,W,C] with their padding in memory, so that no window has to be looked at. Where an
 * operand has what is needed it is read where it lies; else it is copied once, which is little beside the products.
 *
 * @param prepare copies it; nothing where it is read in place
 * @param row elements between rows of an image
 * @param image elements between images
 * @param offset what is to be subtracted from each element
 */
record Source(Buffer elements, Optional<Stmt> prepare, int row, int image, int offset) {
    /** The most elements of a copy. */
    private static final long MOST = 1L << 30;

    /** What kernels multiply. */
    enum Kind {
        /** Unsigned bytes. */
        BYTES,
        /** Signed numbers of 16 bits, which are centred already. */
        PAIRS,
        /** Bytes of either sign as they are. */
        CODES
    }

    /**
     * Images and what is to be around them.
     *
     * @param top rows of padding before the first
     * @param left columns
     * @param rows that are read, with padding
     * @param columns likewise
     */
    record Images(int count, int height, int width, int channels, int top, int left, int rows, int columns) {
        /** What windows see of images. */
        static Images under(Window w, int[] x) {
            int rows = (w.outHeight(x[1]) - 1) * w.strideH() + (w.kernelH() - 1) * w.dilationH() + 1;
            int columns = (w.outWidth(x[2]) - 1) * w.strideW() + (w.kernelW() - 1) * w.dilationW() + 1;
            return new Images(x[0], x[1], x[2], x[3], w.top(), w.left(), rows, columns);
        }

        /** A matrix: rows of elements side by side. */
        static Images matrix(int rows, int elements) {
            return new Images(1, 1, rows, elements, 0, 0, 1, rows);
        }

        private boolean padded() {
            return top > 0 || left > 0 || rows > height || columns > width;
        }

        private long elements() {
            return (long) count * rows * columns * channels;
        }
    }

    /** The one zero point of an operand: 0 of plain integers. */
    static OptionalInt zero(Layer layer, int operand) {
        return switch (layer.type(operand).element()) {
            case Element.F32 f -> OptionalInt.empty();
            case Element.Int i -> OptionalInt.of(0);
            case Quant q ->
                switch (q.scheme()) {
                    case Scheme.PerTensor t -> OptionalInt.of(t.zero());
                    case Scheme.PerAxis a ->
                        a.zeros().stream().allMatch(z -> z == 0) ? OptionalInt.of(0) : OptionalInt.empty();
                    case Scheme.PerGroup g -> OptionalInt.empty();
                };
        };
    }

    /** The lowest and the highest value that an operand's memory can stand for, less its zero point. */
    static long[] range(Layer layer, int operand) {
        DataType type = Elements.type(layer.type(operand).element());
        boolean signed = type.kind() == DataType.Kind.INT;
        long z = zero(layer, operand).orElseThrow();
        long lo = signed ? -1L << (type.bits() - 1) : 0;
        long hi = signed ? ~lo : (1L << type.bits()) - 1;
        return new long[] {lo - z, hi - z};
    }

    /**
     * An operand for a kernel.
     *
     * @param excess elements that the kernel reads beyond the last one
     * @return empty where its elements cannot be had like that
     */
    static Optional<Source> of(Layer layer, int operand, Kind kind, Images images, int excess) {
        OptionalInt zero = zero(layer, operand);
        DataType type = Elements.type(layer.type(operand).element());
        if (zero.isEmpty() || type.isFloat() || images.elements() + excess > MOST) {
            return Optional.empty();
        }
        int z = zero.getAsInt();
        boolean whole = excess == 0 && !images.padded();
        return switch (kind) {
            case BYTES -> {
                boolean signed = type.equals(DataType.INT8);
                int offset = signed ? z + 128 : z;
                if (type.bits() != 8 || offset < 0 || offset > 255) {
                    yield Optional.empty();
                }
                yield Optional.of(
                        whole && !signed
                                ? inPlace(layer, operand, images, offset)
                                : copy(
                                        layer,
                                        images,
                                        excess,
                                        DataType.UINT8,
                                        offset,
                                        offset,
                                        i -> unsigned(layer.at(operand, i))));
            }
            case PAIRS -> {
                long[] range = range(layer, operand);
                if (range[0] < Short.MIN_VALUE || range[1] > Short.MAX_VALUE) {
                    yield Optional.empty();
                }
                yield Optional.of(
                        whole && z == 0 && type.equals(DataType.INT16)
                                ? inPlace(layer, operand, images, 0)
                                : copy(
                                        layer,
                                        images,
                                        excess,
                                        DataType.INT16,
                                        0,
                                        0,
                                        i -> cast(DataType.INT16, sub(cast(DataType.INT32, layer.at(operand, i)), z))));
            }
            case CODES -> {
                int lowest = type.equals(DataType.INT8) ? -128 : 0;
                if (type.bits() != 8 || z < lowest || z > lowest + 255) {
                    yield Optional.empty();
                }
                yield Optional.of(
                        whole
                                ? inPlace(layer, operand, images, z)
                                : copy(layer, images, excess, type, z, z, i -> layer.at(operand, i)));
            }
        };
    }

    private static Expr unsigned(Expr code) {
        return code.type().equals(DataType.UINT8)
                ? code
                : cast(DataType.UINT8, bitXor(code, imm(DataType.INT8, Byte.MIN_VALUE)));
    }

    private static Source inPlace(Layer layer, int operand, Images x, int offset) {
        int row = x.width() * x.channels();
        return new Source(layer.in(operand), Optional.empty(), row, x.height() * row, offset);
    }

    private static Source copy(
            Layer layer, Images x, int excess, DataType type, int fill, int offset, Function<Expr, Expr> element) {
        Buffer to = layer.scratch("padded", type, x.elements() + excess);
        int row = x.columns() * x.channels();
        Expr padding = imm(type, fill);
        int first = x.left() * x.channels();
        int there = Math.max(Math.min(x.width(), x.columns() - x.left()), 0) * x.channels();
        int rows = Math.max(Math.min(x.height(), x.rows() - x.top()), 0);
        int above = Math.min(x.top(), x.rows());
        int end = above + rows;
        Stmt prepare = loop("b", x.count(), b -> {
            Expr image = mul(b, (long) x.rows() * row);
            List<Stmt> steps = new ArrayList<>();
            filled(to, image, (long) above * row, padding, steps);
            if (rows > 0) {
                Expr from = mul(b, (long) x.height() * x.width() * x.channels());
                Expr at = add(image, (long) above * row);
                steps.add(
                        there == row && x.width() == x.columns()
                                ? copied(to, at, from, (long) rows * row, element)
                                : loop("y", rows, y -> {
                                    Expr line = add(at, mul(y, row));
                                    Expr source = add(from, mul(y, (long) x.width() * x.channels()));
                                    List<Stmt> parts = new ArrayList<>();
                                    filled(to, line, Math.min(first, row), padding, parts);
                                    if (there > 0) {
                                        parts.add(copied(to, add(line, first), source, there, element));
                                    }
                                    filled(to, add(line, first + there), row - first - there, padding, parts);
                                    return seq(parts);
                                }));
            }
            filled(to, add(image, (long) end * row), (long) (x.rows() - end) * row, padding, steps);
            return steps.isEmpty() ? evaluate(i32(0)) : seq(steps);
        });
        return new Source(to, Optional.of(prepare), row, x.rows() * row, offset);
    }

    private static void filled(Buffer to, Expr at, long count, Expr padding, List<Stmt> steps) {
        if (count > 0) {
            steps.add(loop("i", count, i -> store(to, padding, add(at, i))));
        }
    }

    private static Stmt copied(Buffer to, Expr at, Expr from, long count, Function<Expr, Expr> element) {
        return loop("i", count, i -> store(to, element.apply(add(from, i)), add(at, i)));
    }

    /** Windows over it, pixel after pixel. */
    Tiles.Rows windows(Window w, int count, int outHeight, int outWidth, int channels, Expr first) {
        Source source = this;
        return new Tiles.Rows() {
            @Override
            public int count() {
                return count * outHeight * outWidth;
            }

            @Override
            public Expr start(Expr row) {
                long column = (long) w.strideW() * channels;
                long line = (long) w.strideH() * source.row();
                if ((outHeight == 1 || column * outWidth == line)
                        && (count == 1 || line * outHeight == source.image())) {
                    return add(first, mul(row, column));
                }
                Expr y = Tir.div(row, i32(outWidth));
                Expr x = sub(row, mul(y, outWidth));
                Expr start = add(first, mul(x, column));
                if (count == 1) {
                    return add(start, mul(y, line));
                }
                Expr b = Tir.div(y, i32(outHeight));
                return add(add(start, mul(sub(y, mul(b, outHeight)), line)), mul(b, source.image()));
            }
        };
    }
}
