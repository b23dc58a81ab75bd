package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.List;

/** What has become of a value of the fake-quantized graph. */
sealed interface Lowered {
    /** It is there, as codes. */
    record OnGrid(ValueId id, Type type) implements Lowered {
        Quant quant() {
            return type.quant();
        }

        /** The one scale of an activation. */
        float scale() {
            return quant().perTensor().scale();
        }
    }

    /** It is there, in f32. */
    record Real(ValueId id) implements Lowered {}

    /** An f32 constant that nobody has needed as such yet. */
    record Literal(Node constant) implements Lowered {}

    /**
     * An operation whose integer form waits for the grid of its result.
     *
     * @param root the operation
     * @param clamps relus and clips behind it, in order
     */
    record Open(Node root, List<ScalarFn> clamps) implements Lowered {
        public Open {
            clamps = List.copyOf(clamps);
        }
    }

    /**
     * An f32 value quantized at run time, by dynamic parameters.
     *
     * @param id in f32
     * @param input as codes
     */
    record Dynamic(ValueId id, IntegerEmitter.DynamicInput input) implements Lowered {}
}
