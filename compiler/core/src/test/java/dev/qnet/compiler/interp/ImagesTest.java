package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** A fixed number of images is that number of items: each image op gives for [B,H,W,C] what it gives for N = B. */
class ImagesTest {
    private static final Window WINDOW = new Window(2, 3, 2, 1, 1, 1, 1, 1, 0, 1);
    private static final Quant I8 = Quant.of(Storage.I8, 0.1f, 4);

    private static Value run(Op op, Element result, Element element, Value x, Shape shape, Value... weights) {
        Nodes n = new Nodes();
        ValueId[] ids = new ValueId[1 + weights.length];
        ids[0] = n.input(new Type(element, shape), x);
        for (int i = 0; i < weights.length; i++) {
            ids[i + 1] = n.input(weights[i] instanceof Value.Floats ? Element.FLOAT : I8, weights[i]);
        }
        n.add(result, op, ids);
        return n.run();
    }

    private static Value.Ints codes(Random r, Shape s) {
        return Value.of(s, r.longs(s.elements(), -128, 128).toArray());
    }

    private static Value.Floats singles(Value.Ints v) {
        float[] x = new float[v.data().length];
        for (int i = 0; i < x.length; i++) {
            x[i] = v.data()[i] * 0.37f;
        }
        return Value.of(v.shape(), x);
    }

    @Property(tries = 100)
    void aFixedBatchIsABatch(@ForAll Random r) {
        int c = 1 + r.nextInt(3);
        Shape fixed = Shape.of(1 + r.nextInt(4), 2 + r.nextInt(4), 3 + r.nextInt(4), c);
        Shape open = new Shape(fixed.dims()).with(0, Shape.BATCH);
        Value.Ints x = codes(r, fixed);
        Value.Ints k = codes(r, Shape.of(2 * c, 2, 3, 1));
        List<DataOp> moves = List.of(
                new DataOp.MaxPool(WINDOW), new DataOp.ResizeNearest(3, 5), new DataOp.Dilate(List.of(1, 2, 2, 1), 4));
        for (DataOp op : moves) {
            assertThat(run(op, I8, I8, x, fixed)).isEqualTo(run(op, I8, I8, x, open));
            assertThat(run(op, Element.FLOAT, Element.FLOAT, singles(x), fixed))
                    .isEqualTo(run(op, Element.FLOAT, Element.FLOAT, singles(x), open));
        }
        List<IntOp> codesToCodes = List.of(
                new IntOp.AvgPool(WINDOW, Rounding.TFLITE),
                new IntOp.ResizeBilinear(4, 5, false, true),
                new IntOp.Clamp(-5, 5));
        for (IntOp op : codesToCodes) {
            assertThat(run(op, I8, I8, x, fixed)).isEqualTo(run(op, I8, I8, x, open));
        }
        IntOp conv = new IntOp.Conv2d(WINDOW, c, Element.INT32, null);
        assertThat(run(conv, Element.INT32, I8, x, fixed, k)).isEqualTo(run(conv, Element.INT32, I8, x, open, k));
        for (int groups : new int[] {1, c}) {
            FloatOp real = new FloatOp.Conv2d(WINDOW, groups);
            Value w = singles(codes(r, Shape.of(2 * c, 2, 3, c / groups)));
            assertThat(run(real, Element.FLOAT, Element.FLOAT, singles(x), fixed, w))
                    .isEqualTo(run(real, Element.FLOAT, Element.FLOAT, singles(x), open, w));
        }
        FloatOp pool = new FloatOp.AvgPool(WINDOW);
        assertThat(run(pool, Element.FLOAT, Element.FLOAT, singles(x), fixed))
                .isEqualTo(run(pool, Element.FLOAT, Element.FLOAT, singles(x), open));
    }

    private static Value bilinear(IntOp.ResizeBilinear op, Storage storage) {
        Quant q = Quant.of(storage, 1, 0);
        return Nodes.run(op, q, List.of(q), Value.of(Shape.of(1, 2, 2, 1), 127L, -128, 64, 0));
    }

    /** The example of TFLite's own test of ResizeBilinearInteger, for 8 and 16 bits. */
    @Test
    void bilinearAsTfliteResizes() {
        for (Storage storage : new Storage[] {Storage.I8, Storage.I16}) {
            assertThat(bilinear(new IntOp.ResizeBilinear(4, 6, false, false), storage))
                    .isEqualTo(Value.of(
                            Shape.of(1, 4, 6, 1),
                            127L,
                            42,
                            -43,
                            -128,
                            -128,
                            -128,
                            96,
                            42,
                            -11,
                            -64,
                            -64,
                            -64,
                            64,
                            43,
                            21,
                            0,
                            0,
                            0,
                            64,
                            43,
                            21,
                            0,
                            0,
                            0));
            assertThat(bilinear(new IntOp.ResizeBilinear(4, 6, false, true), storage))
                    .isEqualTo(Value.of(
                            Shape.of(1, 4, 6, 1),
                            127L,
                            127,
                            42,
                            -43,
                            -128,
                            -128,
                            111,
                            111,
                            42,
                            -27,
                            -96,
                            -96,
                            80,
                            80,
                            43,
                            5,
                            -32,
                            -32,
                            64,
                            64,
                            43,
                            21,
                            0,
                            0));
        }
    }

    /** With aligned corners the ends stay and a middle row is the mean: (127 + 64)/2 and (−128 + 0)/2. */
    @Test
    void bilinearWithAlignedCorners() {
        assertThat(bilinear(new IntOp.ResizeBilinear(3, 2, true, false), Storage.I8))
                .isEqualTo(Value.of(Shape.of(1, 3, 2, 1), 127L, -128, 96, -64, 64, 0));
    }

    /** 1024·3/2047 rounds to 2, so that the last rows lie at 3.99: TFLite reads outside there, we stay inside. */
    @Test
    void bilinearNeverReadsOutside() {
        Quant u8 = Quant.of(Storage.U8, 1, 0);
        Value.Ints y = (Value.Ints) Nodes.run(
                new IntOp.ResizeBilinear(2047, 1, false, false),
                u8,
                List.of(u8),
                Value.of(Shape.of(1, 3, 1, 1), 0L, 100, 255));
        assertThat(y.data()[512]).isEqualTo(100);
        assertThat(y.data()[2046]).isEqualTo(255);
    }
}
