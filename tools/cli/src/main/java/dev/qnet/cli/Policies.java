package dev.qnet.cli;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;

/** What a command line says of a model's scheme. */
final class Policies {
    private Policies() {}

    /**
     * A model whose scheme has other numbers of bits.
     *
     * @throws UserException if it has no scheme, or there are no integers of so many bits
     */
    static Graph withBits(Graph graph, int bits) {
        Spec.Policy p = graph.policy();
        if (p == null) {
            throw new UserException(
                    "--bits " + bits + ": the model is not quantized", "write 'quantized SCHEME' behind its results");
        }
        if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
            throw new UserException("--bits " + bits + ": training quantizes to 2, 3, 4 or 8 bits", "--bits 4");
        }
        Spec.Policy other = new Spec.Policy(withBits(p.weights(), bits), withBits(p.activations(), bits), p.rounding());
        return new Graph(
                graph.name(), graph.params(), graph.nodes(), graph.results(), other, graph.plan(), graph.states());
    }

    private static Spec withBits(Spec s, int bits) {
        if (s.quantizer() instanceof Quantizer.Codebook c) {
            // Its bits are those of the index; entries are 8-bit codes always.
            return s.withQuantizer(new Quantizer.Codebook(1 << bits, c.commitment()));
        }
        if (s.quantizer() instanceof Quantizer.Qn n && !n.levels().isEmpty()) {
            throw new UserException(
                    "--bits " + bits + ": the scheme gives the levels " + n.levels() + ", which belong to its own bits",
                    "drop --bits, or the levels");
        }
        Storage storage = Storage.valueOf((s.storage().signed() ? "I" : "U") + bits);
        return new Spec(storage, s.symmetric(), s.narrow(), s.granularity(), s.range(), s.dynamic(), s.quantizer());
    }
}
