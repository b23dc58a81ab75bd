package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Type;
import dev.qnet.runtime.kernel.Copy;
import dev.qnet.runtime.kernel.Gather;
import dev.qnet.runtime.kernel.MaxPool;
import dev.qnet.runtime.kernel.ResizeNearest;
import dev.qnet.runtime.kernel.Select;
import java.util.ArrayList;
import java.util.List;

/** Emits the layers of {@link DataOp}s. */
final class DataLayers {
    private final Layers layers;

    DataLayers(Layers layers) {
        this.layers = layers;
    }

    void emit(Node n, DataOp op) {
        switch (op) {
            case DataOp.Constant c -> {
                // It lies in the banks, or in a kernel.
            }
            case DataOp.Reshape r -> {
                // It lies where its operand does.
            }
            case DataOp.Transpose t -> {
                Type x = layers.operand(n, 0);
                layers.unary(
                        n,
                        a -> a.kind(x.element()).shape(x).ints(t.permutation()).call(Copy.class, "transpose"));
            }
            case DataOp.Concat c -> concat(n, c.axis());
            case DataOp.Slice s -> {
                Type x = layers.operand(n, 0);
                boolean batch = x.shape().hasBatch();
                layers.unary(
                        n,
                        a -> a.kind(x.element())
                                .shape(x)
                                .ints(front(s.begin(), batch, 0))
                                .ints(front(s.end(), batch, 1))
                                .ints(front(s.step(), batch, 1))
                                .call(Copy.class, "slice"));
            }
            case DataOp.Pad p -> {
                Type x = layers.operand(n, 0);
                layers.unary(
                        n,
                        a -> a.kind(x.element())
                                .shape(x)
                                .ints(p.before())
                                .ints(p.after())
                                .number(p.value())
                                .call(Copy.class, "pad"));
            }
            case DataOp.MaxPool p -> {
                Type x = layers.operand(n, 0);
                layers.image(
                        n,
                        a -> IntLayers.image(a.backend().kind(x.element()), x)
                                .window(p.window())
                                .call(MaxPool.class, "of"));
            }
            case DataOp.ResizeNearest r -> {
                Type x = layers.operand(n, 0);
                layers.image(
                        n,
                        a -> IntLayers.image(a.kind(x.element()), x)
                                .number(r.height())
                                .number(r.width())
                                .call(ResizeNearest.class, "of"));
            }
            case DataOp.Gather g -> {
                Type x = layers.operand(n, 0);
                Type indices = layers.operand(n, 1);
                layers.binary(
                        n,
                        a -> a.kind(x.element())
                                .shape(x)
                                .number(g.axis())
                                .kind(indices.element())
                                .number(indices.shape().elements())
                                .text(n.id().name())
                                .call(Gather.class, "of"));
            }
            case DataOp.Broadcast b -> {
                Type x = layers.operand(n, 0);
                layers.unary(
                        n, a -> a.kind(x.element()).shape(x).shape(n.type()).call(Copy.class, "broadcast"));
            }
            case DataOp.Dilate d -> {
                Type x = layers.operand(n, 0);
                layers.unary(
                        n,
                        a -> a.kind(x.element())
                                .shape(x)
                                .ints(d.factors())
                                .number(d.value())
                                .call(Copy.class, "dilate"));
            }
            case DataOp.Select _ ->
                layers.ternary(
                        n,
                        0,
                        1,
                        2,
                        a -> a.kind(n.type().element())
                                .shape(layers.operand(n, 0))
                                .shape(layers.operand(n, 1))
                                .shape(layers.operand(n, 2))
                                .call(Select.class, "of"));
        }
    }

    /** Each operand is copied by a kernel of its own, so that any number of them fits small methods. */
    private void concat(Node n, int axis) {
        int total = n.type().shape().dim(axis);
        int start = 0;
        for (int i = 0; i < n.operands().size(); i++) {
            Type x = layers.operand(n, i);
            int at = start;
            layers.part(
                    n,
                    i,
                    a -> a.kind(x.element())
                            .shape(x)
                            .number(axis)
                            .number(total)
                            .number(at)
                            .call(Copy.class, "concatPart"));
            start += x.shape().dim(axis);
        }
    }

    /** The numbers with the batch axis taken whole: one item. */
    private static List<Integer> front(List<Integer> numbers, boolean batch, int first) {
        List<Integer> out = new ArrayList<>(numbers);
        if (batch) {
            out.set(0, first);
        }
        return out;
    }
}
