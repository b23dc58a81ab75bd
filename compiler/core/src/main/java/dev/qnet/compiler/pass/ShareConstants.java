package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Keeps one of constants with the same type and elements, the first: repeated zero biases, tables of scales, weights of
 * repeated blocks. It runs when quantization is done, since until then each constant may be quantized in its own way.
 */
public final class ShareConstants implements Pass {
    public static final String NAME = "share-constants";

    /** What makes two constants one. Hashed once each, so that the pass is linear in their elements. */
    private record Content(Type type, Tensor value) {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(LowerToIntegers.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        Map<Content, ValueId> first = new HashMap<>();
        return Rewriter.rewrite(graph, (n, to) -> {
            if (!(n.op() instanceof DataOp.Constant(Tensor value))) {
                return to.emit(n);
            }
            ValueId same = first.putIfAbsent(new Content(n.type(), value), n.id());
            return same != null ? same : to.emit(n);
        });
    }

    @Override
    public void check(Graph graph) {
        Set<Content> seen = new HashSet<>();
        for (Node n : graph.nodes()) {
            if (n.op() instanceof DataOp.Constant(Tensor value) && !seen.add(new Content(n.type(), value))) {
                throw new IllegalStateException(n.id() + " is there twice");
            }
        }
    }
}
