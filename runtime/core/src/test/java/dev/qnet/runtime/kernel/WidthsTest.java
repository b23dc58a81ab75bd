package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What is fixed when a JVM starts, so that each case needs a JVM of its own: the size of vectors, and whether there
 * are any.
 */
class WidthsTest {
    /** Runs every kind of check a few times, or prints the backend. */
    public static void main(String[] args) {
        if (args.length == 0) {
            System.out.println(Backend.selected());
            return;
        }
        Backend[] one = {Backend.selected()};
        for (long seed = 1; seed <= Integer.parseInt(args[0]); seed++) {
            LinearCases.conv(new Random(seed), one);
            LinearCases.convOfFewFilters(new Random(seed), one);
            LinearCases.convOfColumns(new Random(seed), one);
            LinearCases.depthwise(new Random(seed), one);
            LinearCases.strips(new Random(seed), one);
            LinearCases.dense(new Random(seed), one);
            LinearCases.empty(new Random(seed), one);
            LinearCases.matmul(new Random(seed), one);
            GemvCases.check(new Random(seed), one[0]);
            ElementwiseCases.add(new Random(seed), one);
            ElementwiseCases.mul(new Random(seed), one);
            ElementwiseCases.requantize(new Random(seed), one);
            ElementwiseCases.quantize(new Random(seed), one);
            SpatialCases.maxPool(new Random(seed), one);
            SpatialCases.avgPool(new Random(seed), one);
            SpatialCases.means(new Random(seed), one[0]);
            LinearCases.gate(new Random(seed), one);
            ElementwiseCases.intBinary(new Random(seed), one);
            ElementwiseCases.lstmCell(new Random(seed), one);
            ElementwiseCases.table(new Random(seed), one);
            ElementwiseCases.sum(new Random(seed), one);
            new ByteCodesTest().few(seed, one[0]);
            SimdMathTest.check(seed, one[0]);
            SoftmaxTest.check(new Random(seed), one);
            FloatCases.matmul(new Random(seed), one);
            FloatCases.functions(new Random(seed), one);
            FloatCases.softmax(new Random(seed), one);
            RecurrentCases.check(new Random(seed), one);
            if (one[0] == Backend.VECTOR) {
                new FloatKernelsTest().conv(seed);
            }
        }
        System.out.println(one[0] + " " + (one[0] == Backend.VECTOR ? Simd.BITS : 0));
    }

    private static String run(List<String> options, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.addAll(options);
        command.addAll(List.of("-ea", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path")));
        command.add(WidthsTest.class.getName());
        command.addAll(List.of(args));
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        p.waitFor();
        return out.replace("WARNING: Using incubator modules: jdk.incubator.vector", "")
                .strip();
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 256})
    void narrowerVectorsGiveTheSame(int bits) throws Exception {
        Assumptions.assumeTrue(Simd.BITS >= bits, "this machine has no vectors of " + bits + " bits");
        List<String> options = List.of("--add-modules", "jdk.incubator.vector", "-D" + Backend.PROPERTY + "=" + bits);
        assertThat(run(options, "10")).isEqualTo("VECTOR " + bits);
    }

    /** On a machine with AVX-512, where narrower vectors alone leave what is chosen for that. */
    @Test
    void anAvx2MachineGivesTheSame() throws Exception {
        String arch = System.getProperty("os.arch", "");
        Assumptions.assumeTrue(arch.equals("amd64") || arch.equals("x86_64"), "AVX2 is x86's, this machine is " + arch);
        Assumptions.assumeTrue(Simd.BITS >= 256, "this machine has no AVX2");
        List<String> options =
                List.of("-XX:UseAVX=2", "--add-modules", "jdk.incubator.vector", "-D" + Backend.PROPERTY + "=vector");
        assertThat(run(options, "10")).isEqualTo("VECTOR 256");
    }

    @Test
    void withoutTheModulePlainJavaRuns() throws Exception {
        assertThat(run(List.of(), "3")).isEqualTo("SCALAR 0");
        assertThat(run(List.of("-D" + Backend.PROPERTY + "=vector")))
                .contains("dev.qnet.kernels=vector needs the module jdk.incubator.vector: "
                        + "start java with --add-modules jdk.incubator.vector");
    }

    @Test
    void theChoiceCanBeForced() throws Exception {
        List<String> module = List.of("--add-modules", "jdk.incubator.vector");
        List<String> scalar = new ArrayList<>(module);
        scalar.add("-D" + Backend.PROPERTY + "=scalar");
        assertThat(run(scalar)).isEqualTo("SCALAR");
        List<String> nonsense = new ArrayList<>(module);
        nonsense.add("-D" + Backend.PROPERTY + "=fast");
        assertThat(run(nonsense)).contains("dev.qnet.kernels=fast: expected scalar, adaptive, vector, 128, 256 or 512");
    }
}
