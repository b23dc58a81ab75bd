/** The compiler: sources, IR, quantization, passes, the oracle. */
module dev.qnet.compiler {
    requires dev.qnet.grammar;
    requires dev.qnet.runtime;
    requires com.fasterxml.jackson.databind;
    requires static org.jspecify;

    exports dev.qnet.compiler.data;
    exports dev.qnet.compiler.front;
    exports dev.qnet.compiler.front.ast;
    exports dev.qnet.compiler.front.bind;
    exports dev.qnet.compiler.front.write;
    exports dev.qnet.compiler.interp;
    exports dev.qnet.compiler.ir;
    exports dev.qnet.compiler.pass;
    exports dev.qnet.compiler.quant;
    exports dev.qnet.compiler.quant.observe;
    exports dev.qnet.compiler.source;
    exports dev.qnet.compiler.target;
}
