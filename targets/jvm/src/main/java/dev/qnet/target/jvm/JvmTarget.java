package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.target.Contract;
import dev.qnet.compiler.target.Legality;
import dev.qnet.compiler.target.Target;
import dev.qnet.runtime.Descriptor;
import dev.qnet.runtime.TensorInfo;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;

/** Compiles integer graphs, as all passes leave them, to JVM bytecode. */
public final class JvmTarget {
    private static final Legality LEGALITY = new JvmLegality();

    private JvmTarget() {}

    /** The target as the compiler sees it. */
    public static Target target() {
        return new Target("jvm", LEGALITY, List.of());
    }

    /** What the target accepts. */
    public static Legality legality() {
        return LEGALITY;
    }

    /**
     * Compiles a graph.
     *
     * @param graph at the integer level; float operations are compiled as float islands
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node, or the model is too large
     */
    public static CompiledArtifact compile(Graph graph) {
        LEGALITY.check(graph);
        Optional<Rounding> contract = contract(graph);
        Ports ports = Ports.of(graph, contract.orElse(Rounding.TOSA));
        WeightsWriter weights = new WeightsWriter();
        Placement placement = new Placement(graph, ports, weights);
        String api = CompiledArtifact.FOLDER + Names.className(graph.name());
        String programName = api + "$Program";
        ProgramEmitter program = new ProgramEmitter(programName, sourceName(graph));
        Layers layers = new Layers(graph, placement, weights, program);
        emit(graph, ports, layers);
        placement.moves().forEach((to, from) -> layers.move(from, to));
        Map<String, byte[]> classes = new LinkedHashMap<>(program.finish());
        byte[] weightBytes = weights.toBytes();
        CRC32 crc = new CRC32();
        crc.update(weightBytes);
        Descriptor descriptor = new Descriptor(
                graph.name(),
                Version.QNET,
                contract.map(Rounding::toString).orElse("none"),
                programName.replace('/', '.'),
                program.layers(),
                placement.banks(),
                weightBytes.length,
                crc.getValue(),
                placement.constants(),
                ports(ports.inputs(), placement),
                ports(ports.outputs(), placement),
                placement.states());
        classes.putAll(ApiEmitter.emit(api, descriptor));
        return new CompiledArtifact(api, classes, weightBytes, descriptor, layers.values());
    }

    /** What the compiled graph takes, in the order of its parameters: codes where a parameter is only quantized. */
    public static List<TensorInfo> inputs(Graph graph) {
        return Ports.of(graph, contract(graph).orElse(Rounding.TOSA)).inputs().stream()
                .map(Ports.Port::info)
                .toList();
    }

    private static void emit(Graph graph, Ports ports, Layers layers) {
        DataLayers data = new DataLayers(layers);
        QuantLayers quant = new QuantLayers(layers);
        IntLayers ints = new IntLayers(layers);
        NumLayers numbers = new NumLayers(layers);
        FloatLayers floats = new FloatLayers(layers);
        for (Node n : graph.nodes()) {
            if (ports.skips(n.id())) {
                continue;
            }
            switch (n.op()) {
                case DataOp d -> data.emit(n, d);
                case QuantOp q -> quant.emit(n, q);
                case NumOp m -> numbers.emit(n, m);
                case IntOp i -> ints.emit(n, i);
                case FloatOp f -> floats.emit(n, f);
                case TrainOp t -> throw new IllegalStateException("refused by the target's legality: " + t);
            }
        }
    }

    private static List<Descriptor.Port> ports(List<Ports.Port> ports, Placement placement) {
        return ports.stream()
                .map(p -> new Descriptor.Port(p.info(), placement.offset(p.value()), Args.runtime(p.rounding())))
                .toList();
    }

    /** The contract that the graph asks for, else the first that an operation follows. */
    public static Optional<Rounding> contract(Graph graph) {
        return Contract.of(graph);
    }

    /** The name of the file that most of the graph comes from. */
    private static String sourceName(Graph graph) {
        SourceFile file = graph.nodes().stream()
                .filter(n -> !n.span().isNone())
                .map(n -> n.span().file())
                .findFirst()
                .orElse(SourceFile.NONE);
        String name = file.name();
        return name.substring(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
    }
}
