package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.kernel.Backend;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models loaded for several threads: the same bytes, nothing allocated, nothing left behind. */
@Timeout(600)
final class ThreadsTest {
    /** Large enough for its layers to be worth other threads; x is u8 [N, 24, 24, 16]. */
    private static final CompiledArtifact LARGE = Fixtures.large();

    private static final int ITEM = 24 * 24 * 16;

    @ParameterizedTest
    @EnumSource
    void anyNumberOfThreadsGivesTheSameBytes(Backend backend) {
        for (int items : new int[] {1, 2, 3, 9}) {
            byte[] x = codes(items, items);
            byte[] expected;
            try (Model one = LARGE.load(backend)) {
                assertThat(one.threads()).isEqualTo(1);
                expected = run(one, x);
            }
            for (int threads = 2; threads <= 4; threads++) {
                try (Model model = LARGE.load(LoadOptions.defaults().withThreads(threads), backend)) {
                    assertThat(model.threads()).isEqualTo(threads);
                    for (int round = 0; round < 3; round++) {
                        assertThat(run(model, x)).isEqualTo(expected);
                    }
                }
            }
        }
    }

    @Test
    void manyCallersAtOnce() throws Exception {
        int callers = 6;
        try (Model one = LARGE.load();
                Model model = LARGE.load(LoadOptions.defaults().withThreads(3));
                ExecutorService pool = Executors.newFixedThreadPool(callers)) {
            List<Future<?>> done = new ArrayList<>();
            for (int c = 0; c < callers; c++) {
                byte[] x = codes(1 + c % 4, c);
                byte[] expected = run(one, x);
                done.add(pool.submit(() -> {
                    for (int i = 0; i < 30; i++) {
                        assertThat(run(model, x)).isEqualTo(expected);
                    }
                }));
            }
            for (Future<?> f : done) {
                f.get();
            }
        }
    }

    @Test
    void closingWhileOthersRunDisturbsNobody() throws Exception {
        byte[] x = codes(2, 1);
        byte[] expected;
        try (Model one = LARGE.load()) {
            expected = run(one, x);
        }
        for (int round = 0; round < 10; round++) {
            Model model = LARGE.load(LoadOptions.defaults().withThreads(3));
            try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
                List<Future<?>> done = new ArrayList<>();
                for (int c = 0; c < 2; c++) {
                    done.add(pool.submit(() -> {
                        for (int i = 0; i < 5; i++) {
                            assertThat(run(model, x)).isEqualTo(expected);
                        }
                    }));
                }
                Thread.sleep(round);
                model.close();
                for (Future<?> f : done) {
                    f.get();
                }
            }
            assertThat(run(model, x)).as("a closed model runs on its caller").isEqualTo(expected);
        }
    }

    @Test
    void closingLeavesNoThread() {
        Set<Thread> before = workers();
        Model model = LARGE.load(LoadOptions.defaults().withThreads(4));
        assertThat(workers()).as("none before the first run").isEqualTo(before);
        run(model, codes(8, 1));
        Set<Thread> own = workers();
        own.removeAll(before);
        assertThat(own).hasSize(3).allMatch(Thread::isDaemon);
        model.close();
        model.close();
        assertThat(own).noneMatch(Thread::isAlive);
    }

    /** What is wrong with the first item that is, is said, as one thread would. */
    @Test
    void failuresOfAnyThreadReachTheCaller() {
        try (Model model = Fixtures.tiny().load(LoadOptions.defaults().withThreads(2))) {
            byte[] image = new byte[64 * 4];
            for (int round = 0; round < 100; round++) {
                assertThatThrownBy(() -> model.runRaw(Map.of(
                                "image",
                                Tensor.ofUint8(image, 64, 2, 2, 1),
                                "gain",
                                Tensor.ofInt8(new byte[] {1, -128, 1}, 3))))
                        .isInstanceOf(ModelException.class)
                        .hasMessage("input 'gain' takes codes -127 to 127, found -128 at element 1 of an item");
            }
        }
    }

    @Test
    void theSteadyStateAllocatesNothingOnAnyThread() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int items : new int[] {1, 6}) {
            try (Model model = LARGE.load(LoadOptions.defaults().withThreads(2), Backend.SCALAR);
                    Session s = model.session()) {
                s.input("x", Tensor.ofUint8(codes(items, 1), items, 24, 24, 16));
                s.output("y", Tensor.ofUint8(new byte[items * 12 * 12 * 32], items, 12, 12, 32));
                long least = Long.MAX_VALUE;
                for (int i = 0; i < 2000 && least > 0; i++) {
                    long before = threads.getTotalThreadAllocatedBytes();
                    s.run();
                    least = Math.min(least, threads.getTotalThreadAllocatedBytes() - before);
                }
                assertThat(least).isZero();
            }
        }
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> LoadOptions.defaults().withThreads(0))
                .isInstanceOf(ModelException.class)
                .hasMessage("a model runs on 1 to 256 threads, not 0");
        assertThat(LoadOptions.defaults()).isEqualTo(new LoadOptions(1, true));
        assertThat(LoadOptions.defaults().withWarmUp(false).withThreads(3)).isEqualTo(new LoadOptions(3, false));
    }

    @Test
    void withoutWarmUpTheBytesAreTheSame() {
        byte[] x = codes(1, 7);
        try (Model cold = LARGE.load(LoadOptions.defaults().withWarmUp(false));
                Model model = LARGE.load()) {
            assertThat(run(cold, x)).isEqualTo(run(model, x));
        }
    }

    private static byte[] codes(int items, long seed) {
        byte[] x = new byte[items * ITEM];
        new Random(seed).nextBytes(x);
        return x;
    }

    private static byte[] run(Model model, byte[] x) {
        Map<String, Tensor> out = model.runRaw(Map.of("x", Tensor.ofUint8(x, x.length / ITEM, 24, 24, 16)));
        return Objects.requireNonNull(out.get("y")).bytes();
    }

    private static Set<Thread> workers() {
        Set<Thread> threads = new HashSet<>(Thread.getAllStackTraces().keySet());
        threads.removeIf(t -> !t.getName().startsWith("qnet-worker"));
        return threads;
    }
}
