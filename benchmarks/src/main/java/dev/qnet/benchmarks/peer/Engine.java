package dev.qnet.benchmarks.peer;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.target.tvm.CLibrary;
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.TvmTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Qnet compiles a graph of integers to; both are then models like any other to the runtime. */
public sealed interface Engine {
    /** Compiles and loads. */
    Model load(Graph integers) throws IOException;

    /** What tables call Qnet with it. */
    String label();

    /** Bytecode, with some of its kernels. */
    record Jvm(Backend backend) implements Engine {
        @Override
        public Model load(Graph integers) {
            return JvmTarget.compile(integers).load(backend);
        }

        @Override
        public String label() {
            return "Qnet";
        }
    }

    /** A library of plain C functions for this machine's CPU. */
    record TvmCpu() implements Engine {
        @Override
        public Model load(Graph integers) throws IOException {
            Path file = Files.createTempFile("model", ".so");
            try (CLibrary library = TvmTarget.compileForC(integers, Cpu.NATIVE)) {
                library.save(file);
                return Model.load(file);
            } finally {
                Files.delete(file);
            }
        }

        @Override
        public String label() {
            return "Qnet tvm-cpu";
        }
    }
}
