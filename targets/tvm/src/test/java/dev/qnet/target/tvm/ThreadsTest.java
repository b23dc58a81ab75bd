package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.target.tvm.lower.Isa;
import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Several threads give the bytes of one. */
class ThreadsTest {
    private static final List<Integer> THREADS = List.of(1, 2, 3);

    private static String weights(int count) {
        return Arrays.toString(new Random(count).ints(count, -128, 128).toArray());
    }

    private static final String DENSE = """
            graph @dense {
              param %x : u8<scale=0.5, zero=3>[Nx8x256]
              %w = constant WEIGHTS : i8<scale=0.25, zero=0>[520x256]
              %y = int.dense %x, %w {acc=i32, rescale=tosa([q31(1273741824, -12)], 7, 0, 255)} : u8<scale=1.0, zero=7>[Nx8x520]
              return y = %y
            }
            """.replace("WEIGHTS", weights(520 * 256));

    static final String DEPTHWISE = """
            graph @depthwise {
              param %x : u8<scale=0.5, zero=3>[Nx60x60x40]
              %w = constant WEIGHTS : i8<scale=0.25, zero=0>[40x3x3x1]
              %y = int.conv2d %x, %w {window=window([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]), groups=40, acc=i32, rescale=tosa([q31(1273741824, -8)], 7, 0, 255)} : u8<scale=1.0, zero=7>[Nx60x60x40]
              return y = %y
            }
            """.replace("WEIGHTS", weights(40 * 9));

    private static byte[] input(TvmModule module, int items) {
        byte[] x = new byte[(int) module.signature().inputs().getFirst().bytes(items)];
        new Random(items).nextBytes(x);
        return x;
    }

    private static byte[] run(TvmModule module, int threads, int items) {
        try (TvmSession session = module.session(threads)) {
            return session.run(items, List.of(input(module, items))).getFirst();
        }
    }

    @TestFactory
    Stream<DynamicTest> shareLargeLayers() {
        return Stream.of(DENSE, DEPTHWISE, KernelsTest.large(64, 3, 1), KernelsTest.large(20, 3, 1))
                .flatMap(text -> Stream.of(Isa.AVX2, Isa.AVX512_VNNI, Isa.AMX_IN_LOOPS)
                        .map(isa ->
                                DynamicTest.dynamicTest(text.lines().findFirst().orElseThrow() + isa, () -> {
                                    TvmHere.library();
                                    boolean small = isa == Isa.AVX2;
                                    Assumptions.assumeTrue(
                                            small || Cpu.flags().contains("avx512_vnni"),
                                            "skipped: this machine's CPU has not avx512_vnni");
                                    Cpu cpu = new Cpu(small ? "x86-64-v3" : "cascadelake");
                                    Graph graph = GraphParser.parse(text);
                                    byte[] expected;
                                    try (TvmModule module =
                                            TvmTarget.compile(graph, cpu, isa, false, Tilings.DEFAULT)) {
                                        expected = run(module, 1, 2);
                                        assertThat(module.assembly()).doesNotContain("ParallelLaunch");
                                    }
                                    try (TvmModule module = TvmTarget.compile(graph, cpu, isa, true, Tilings.DEFAULT)) {
                                        for (int threads : THREADS) {
                                            assertThat(run(module, threads, 2)).isEqualTo(expected);
                                        }
                                        // Few rows are shared by columns, which tiles are not.
                                        if (isa != Isa.AMX_IN_LOOPS || !text.equals(DENSE)) {
                                            assertThat(module.assembly()).contains("ParallelLaunch");
                                        }
                                    }
                                })));
    }

    @Test
    void shareTheItemsOfABatch() {
        TvmHere.library();
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(DEPTHWISE), Cpu.NATIVE)) {
            for (int items : new int[] {1, 4, 7}) {
                byte[] expected = run(module, 1, items);
                for (int threads : THREADS) {
                    assertThat(run(module, threads, items)).isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void sayWhatWentWrongInOneOfThem() {
        TvmHere.library();
        Graph graph = GraphParser.parse("""
                graph @divides {
                  param %x : i32[N]
                  param %d : i32[N]
                  %y = num.div %x, %d : i32[N]
                  return y = %y
                }
                """);
        byte[] dividends = new byte[16];
        byte[] divisors = {1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0};
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE);
                TvmSession session = module.session(4)) {
            assertThatThrownBy(() -> session.run(4, List.of(dividends, divisors)))
                    .hasMessageContaining("'y' divides by 0");
            divisors[8] = 1;
            assertThat(session.run(4, List.of(dividends, divisors)).getFirst()).isEqualTo(dividends);
        }
    }

    /** Each thread that asked TVM for threads would keep them. */
    @Test
    void areNotMoreThanWereAskedFor() throws InterruptedException {
        TvmHere.library();
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(DEPTHWISE), Cpu.NATIVE, true)) {
            run(module, 3, 1);
            long before = threads();
            for (int i = 0; i < 20; i++) {
                Thread other = new Thread(() -> run(module, 3, 1));
                other.start();
                other.join();
            }
            assertThat(threads()).isLessThan(before + 20);
        }
    }

    private static long threads() {
        String[] tasks = new File("/proc/self/task").list();
        return tasks == null ? 0 : tasks.length;
    }

    @Test
    void areOneOrMore() {
        TvmHere.library();
        try (TvmModule module = TvmTarget.compile(GraphParser.parse(DEPTHWISE), Cpu.NATIVE)) {
            assertThatThrownBy(() -> module.session(0)).hasMessage("a session has 1 to 512 threads, found 0");
        }
    }
}
