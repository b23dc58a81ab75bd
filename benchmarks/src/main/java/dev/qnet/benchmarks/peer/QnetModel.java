package dev.qnet.benchmarks.peer;

import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.pass.AccumulatorBounds;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Multipliers;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model compiled by Qnet, run as a user runs it: a session with bound tensors. */
public final class QnetModel implements Contestant {
    private final Session session;
    private final List<Tensor> outputs = new ArrayList<>();

    /**
     * Binds a model's tensors in their own types; where inputs are given as singles, in singles, as the system does
     * that the model comes from.
     *
     * @param inputs raw elements, little-endian, an array an input; they are copied
     */
    public QnetModel(Model model, List<byte[]> inputs, int items) {
        session = model.session();
        boolean real = false;
        for (int i = 0; i < inputs.size(); i++) {
            TensorInfo t = model.inputs().get(i);
            boolean singles = t.quantization() != null
                    && inputs.get(i).length == ElementType.F32.bytes() * items * t.itemElements();
            real |= singles;
            session.input(
                    i,
                    Tensor.ofBuffer(
                            singles ? ElementType.F32 : t.type(),
                            ByteBuffer.wrap(inputs.get(i)).order(ByteOrder.LITTLE_ENDIAN),
                            t.shapeFor(items)));
        }
        for (int i = 0; i < model.outputs().size(); i++) {
            TensorInfo t = model.outputs().get(i);
            Tensor y =
                    Tensor.allocate(real && t.quantization() != null ? ElementType.F32 : t.type(), t.shapeFor(items));
            session.output(i, y);
            outputs.add(y);
        }
    }

    /**
     * One layer with its codes in place, as its peers' are: in the session's own memory, which a model of one layer does
     * not use for anything else.
     */
    public static QnetModel layer(Model model, byte[] input) {
        return new QnetModel(model, input);
    }

    private QnetModel(Model model, byte[] input) {
        session = model.session();
        if (!(session.ownInput(0).buffer() instanceof ByteBuffer codes)) {
            throw new IllegalArgumentException("a layer takes codes of 8 bits");
        }
        codes.put(input);
        outputs.add(session.ownOutput(0));
    }

    /** Compiles a model of any format that the command line takes. */
    public static CompiledArtifact compile(Path file) throws IOException {
        return JvmTarget.compile(lower(file));
    }

    private static BoundModel bind(Path file) throws IOException {
        return Importer.reads(file)
                ? new BoundModel(
                        Importer.read(file, ImportOptions.NONE).graph(), Calibration.NONE, List.of(), List.of())
                : Frontend.load(file, new Frontend.Options(null));
    }

    /** A model of any format that the command line takes as a graph of integers. */
    public static Graph lower(Path file) throws IOException {
        return lower(bind(file));
    }

    /** Multiply-accumulates of an item of a model. */
    public static long macs(Graph integers) {
        return AccumulatorBounds.of(integers).values().stream()
                .mapToLong(AccumulatorBounds.Bound::macs)
                .sum();
    }

    /** Compiles an ONNX model. */
    public static CompiledArtifact compile(byte[] onnx) throws IOException {
        return JvmTarget.compile(lower(onnx));
    }

    /**
     * Compiles an ONNX model of matrix products and convolutions as if its sums were scaled under another rounding
     * contract, by the same numbers.
     */
    public static CompiledArtifact compile(byte[] onnx, Rounding rounding) throws IOException {
        Graph g = lower(onnx);
        return JvmTarget.compile(
                g.withNodes(g.nodes().stream().map(n -> rounded(n, rounding)).toList()));
    }

    /** An ONNX model as a graph of integers. */
    public static Graph lower(byte[] onnx) throws IOException {
        Path file = Files.createTempFile("layer", ".onnx");
        try {
            return lower(bind(Files.write(file, onnx)));
        } finally {
            Files.delete(file);
        }
    }

    private static Node rounded(Node n, Rounding rounding) {
        if (n.op() instanceof IntOp.Conv2d c && c.rescale() != null) {
            return n.withOp(new IntOp.Conv2d(c.window(), c.groups(), c.acc(), rounded(c.rescale(), rounding)));
        }
        if (n.op() instanceof IntOp.Dense d && d.rescale() != null) {
            return n.withOp(new IntOp.Dense(d.acc(), rounded(d.rescale(), rounding)));
        }
        if (n.op() instanceof IntOp.MatMul m && m.rescale() != null) {
            return n.withOp(new IntOp.MatMul(m.acc(), rounded(m.rescale(), rounding)));
        }
        return n.op() instanceof IntOp.Requantize r
                ? n.withOp(new IntOp.Requantize(rounded(r.rescale(), rounding)))
                : n;
    }

    private static Rescale rounded(Rescale r, Rounding rounding) {
        List<Rescale.Scale> scales = r.scales().stream()
                .map(s -> switch (s) {
                    case Rescale.Scale.Real real -> Multipliers.of(rounding, real.factor());
                    case Rescale.Scale.Fixed fixed ->
                        Multipliers.of(rounding, Math.scalb((double) fixed.multiplier(), fixed.shift() - 31));
                })
                .toList();
        return new Rescale(rounding, scales, r.zero(), r.lo(), r.hi());
    }

    private static Graph lower(BoundModel bound) {
        return Pipeline.run(
                bound.graph(), Passes.all(), new PassContext(new Diagnostics(), bound.calibration()), (pass, g) -> {});
    }

    @Override
    public String name() {
        return "Qnet";
    }

    @Override
    public void run() {
        session.run();
    }

    /** The outputs, as the last run left them. */
    public List<Tensor> outputs() {
        return outputs;
    }

    @Override
    public void close() {
        session.close();
    }
}
