package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(600)
class WorkersTest {
    @ParameterizedTest
    @CsvSource({"2, 2, 1", "2, 7, 2", "3, 100, 7", "4, 1000, 1", "4, 5, 4"})
    void everyUnitIsDoneOnce(int threads, int units, int chunk) {
        AtomicIntegerArray done = new AtomicIntegerArray(units);
        try (Workers w = new Workers(threads)) {
            for (int round = 1; round <= 200; round++) {
                assertThat(w.run((worker, from, to) -> count(done, from, to), units, chunk))
                        .isTrue();
                for (int i = 0; i < units; i++) {
                    assertThat(done.get(i)).isEqualTo(round);
                }
            }
        }
    }

    private static void count(AtomicIntegerArray done, int from, int to) {
        for (int i = from; i < to; i++) {
            done.incrementAndGet(i);
        }
    }

    @Test
    void workersDoHelp() throws Exception {
        try (Workers w = new Workers(3)) {
            // Each unit waits for the others, so that this ends only if three threads are at it.
            CountDownLatch all = new CountDownLatch(3);
            AtomicIntegerArray numbers = new AtomicIntegerArray(3);
            w.run(
                    (worker, from, to) -> {
                        numbers.incrementAndGet(worker);
                        all.countDown();
                        await(all);
                    },
                    3,
                    1);
            assertThat(numbers).hasToString("[1, 1, 1]");
        }
    }

    @Test
    void oneUnitOrNoneNeedsNoHelp() {
        try (Workers w = new Workers(2)) {
            assertThat(w.run((worker, from, to) -> {}, 0, 1)).isFalse();
            assertThat(w.run((worker, from, to) -> {}, 1, 1)).isFalse();
            assertThat(w.run((worker, from, to) -> {}, 8, 8)).isFalse();
        }
    }

    @Test
    void whoFindsThemTakenIsToldSo() throws Exception {
        try (Workers w = new Workers(2)) {
            CountDownLatch inside = new CountDownLatch(1);
            CountDownLatch over = new CountDownLatch(1);
            Thread first = Thread.ofPlatform()
                    .start(() -> w.run(
                            (worker, from, to) -> {
                                inside.countDown();
                                await(over);
                            },
                            2,
                            1));
            inside.await();
            AtomicBoolean called = new AtomicBoolean();
            assertThat(w.run((worker, from, to) -> called.set(true), 2, 1)).isFalse();
            over.countDown();
            first.join();
            assertThat(called).isFalse();
            assertThat(w.run((worker, from, to) -> called.set(true), 2, 1)).isTrue();
        }
    }

    @Test
    void asManyCallersAsThreadsNeedNoHelp() {
        try (Workers w = new Workers(2)) {
            w.begin();
            assertThat(w.run((worker, from, to) -> {}, 2, 1)).isTrue();
            w.begin();
            assertThat(w.run((worker, from, to) -> {}, 2, 1)).isFalse();
            w.end();
            assertThat(w.run((worker, from, to) -> {}, 2, 1)).isTrue();
            w.end();
        }
    }

    @Test
    void theEarliestFailureReachesTheCaller() {
        try (Workers w = new Workers(4)) {
            for (int round = 0; round < 300; round++) {
                assertThatThrownBy(() -> w.run(
                                (worker, from, to) -> {
                                    if (from % 3 == 2) {
                                        throw new IllegalStateException("unit " + from);
                                    }
                                },
                                50,
                                1))
                        .hasMessage("unit 2");
                AtomicInteger sum = new AtomicInteger();
                assertThat(w.run((worker, from, to) -> sum.addAndGet(from), 50, 1))
                        .isTrue();
                assertThat(sum).hasValue(1225);
            }
        }
    }

    @Test
    void errorsOfWorkersReachTheCallerToo() {
        try (Workers w = new Workers(2)) {
            CountDownLatch both = new CountDownLatch(2);
            assertThatThrownBy(() -> w.run(
                            (worker, from, to) -> {
                                both.countDown();
                                await(both);
                                if (worker == 1) {
                                    throw new StackOverflowError("deep");
                                }
                            },
                            2,
                            1))
                    .isInstanceOf(StackOverflowError.class)
                    .hasMessage("deep");
        }
    }

    @Test
    void closingEndsTheThreads() {
        Set<Thread> others = workers();
        Workers w = new Workers(4);
        assertThat(workers()).as("before the first job").isEqualTo(others);
        w.run((worker, from, to) -> LockSupport.parkNanos(1_000_000), 8, 1);
        Set<Thread> threads = workers();
        threads.removeAll(others);
        assertThat(threads).hasSize(3).allMatch(Thread::isDaemon);
        w.close();
        w.close();
        assertThat(threads).noneMatch(Thread::isAlive);
        assertThat(w.run((worker, from, to) -> {}, 8, 1)).isFalse();
    }

    @Test
    void closingWhileARunIsUnderWayLetsItFinish() throws Exception {
        for (int round = 0; round < 50; round++) {
            Workers w = new Workers(3);
            AtomicIntegerArray done = new AtomicIntegerArray(400);
            CountDownLatch begun = new CountDownLatch(1);
            Thread caller = Thread.ofPlatform()
                    .start(() -> w.run(
                            (worker, from, to) -> {
                                begun.countDown();
                                count(done, from, to);
                            },
                            400,
                            1));
            begun.await();
            w.close();
            caller.join();
            for (int i = 0; i < 400; i++) {
                assertThat(done.get(i)).isEqualTo(1);
            }
        }
    }

    /** Asleep, workers use no time of a processor. */
    @Test
    void idleWorkersSleep() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Workers w = new Workers(2)) {
            w.begin();
            CountDownLatch both = new CountDownLatch(2);
            long[] id = new long[1];
            w.run(
                    (worker, from, to) -> {
                        both.countDown();
                        await(both);
                        if (worker == 1) {
                            id[0] = Thread.currentThread().threadId();
                        }
                    },
                    2,
                    1);
            // Even while a run is in progress, they look for work for a short time only.
            Thread.sleep(50);
            long before = threads.getThreadCpuTime(id[0]);
            Thread.sleep(200);
            assertThat(threads.getThreadCpuTime(id[0]) - before).isLessThan(20_000_000);
            w.end();
        }
    }

    @Test
    void aJobAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (Workers w = new Workers(2)) {
            AtomicInteger sum = new AtomicInteger();
            Workers.Task task = (worker, from, to) -> sum.addAndGet(from);
            long least = Long.MAX_VALUE;
            for (int i = 0; i < 1000 && least > 0; i++) {
                long before = threads.getTotalThreadAllocatedBytes();
                w.run(task, 16, 1);
                least = Math.min(least, threads.getTotalThreadAllocatedBytes() - before);
            }
            assertThat(least).isZero();
        }
    }

    @Test
    void manyCallersShareThem() throws Exception {
        try (Workers w = new Workers(3);
                ExecutorService pool = Executors.newFixedThreadPool(6)) {
            List<Future<Integer>> helped = new ArrayList<>();
            for (int c = 0; c < 6; c++) {
                helped.add(pool.submit(() -> {
                    int times = 0;
                    for (int round = 0; round < 2000; round++) {
                        AtomicInteger sum = new AtomicInteger();
                        Workers.Task task = (worker, from, to) -> sum.addAndGet(to - from);
                        if (w.run(task, 40, 3)) {
                            times++;
                            assertThat(sum).hasValue(40);
                        } else {
                            assertThat(sum).hasValue(0);
                        }
                    }
                    return times;
                }));
            }
            int all = 0;
            for (Future<Integer> f : helped) {
                all += f.get();
            }
            assertThat(all).isPositive();
        }
    }

    private static Set<Thread> workers() {
        Set<Thread> threads = new HashSet<>(Thread.getAllStackTraces().keySet());
        threads.removeIf(t -> !t.getName().startsWith("qnet-worker"));
        return threads;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
