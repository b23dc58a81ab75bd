package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Banks;

/**
 * The code of a model: the base of every generated class. A program has no state of its own: what its layers need
 * beyond the activations (packed weights, tables, rescale parameters) is prepared once into plans.
 */
public abstract class Program {
    protected Program() {}

    /**
     * Fills the plans, one a layer, from the weights. Called once, before any run.
     *
     * @param weights the weights resource
     * @param backend whose loops the kernels use
     * @param plans where the kernel of layer k goes to index k
     */
    protected abstract void prepare(WeightsReader weights, Backend backend, Object[] plans);

    /** Runs one item: inputs and constants lie in the banks already, outputs lie there afterwards. */
    protected abstract void run(Banks banks, Object[] plans);
}
