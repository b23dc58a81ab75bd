/** The grammar of `.qnet` files and the parser that ANTLR makes of it; knows nothing of tensors or quantization. */
module dev.qnet.grammar {
    requires transitive org.antlr.antlr4.runtime;

    exports dev.qnet.grammar;
}
