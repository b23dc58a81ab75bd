/** Training: gradients as graphs, learned quantizers, the loop that ends as integer code. */
module dev.qnet.training {
    requires transitive dev.qnet.compiler;
    requires dev.qnet.runtime;
    requires static jdk.incubator.vector;
    requires static org.jspecify;

    exports dev.qnet.training.data;
    exports dev.qnet.training.fit;
    exports dev.qnet.training.grad;
    exports dev.qnet.training.optimize;
    exports dev.qnet.training.quantizer;
    exports dev.qnet.training.run;
}
