package dev.qnet.target.tvm;

import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Threads that run compiled modules. TVM keeps memory, and a pool of threads where a module asks for one, for every thread that
 * ever ran one, and never gives it back; so there are few, which all sessions share and which live as long as the process.
 */
final class TvmThreads {
    /** The most that a session may ask for. */
    static final int MOST = 512;

    /** Bytes of the stack of a thread that computes a part of a layer itself. */
    private static final long STACK = 8 << 20;

    private static final List<ExecutorService> WORKERS = new ArrayList<>();
    private static final Map<Integer, ExecutorService> POOLS = new HashMap<>();

    private TvmThreads() {}

    private static ExecutorService one(String name) {
        return Executors.newSingleThreadExecutor(task -> {
            Thread t = new Thread(null, task, name, STACK);
            t.setDaemon(true);
            return t;
        });
    }

    /** A thread that takes a share of the items of a batch. */
    static synchronized ExecutorService worker(int number) {
        while (WORKERS.size() <= number) {
            WORKERS.add(one("qnet-tvm-worker-" + WORKERS.size()));
        }
        return WORKERS.get(number);
    }

    /** A thread with a pool of TVM's that has so many threads, itself among them. */
    static synchronized ExecutorService pool(TvmLibrary library, int threads) {
        return POOLS.computeIfAbsent(threads, n -> {
            ExecutorService thread = one("qnet-tvm-pool-of-" + n);
            await(thread.submit(() -> configure(library, n)));
            return thread;
        });
    }

    /** Says how many threads the pool of this thread is to have, before it is made. */
    private static void configure(TvmLibrary library, int threads) {
        try (Scope scope = library.scope()) {
            Object[] cpus = new Object[threads];
            for (int i = 0; i < threads; i++) {
                cpus[i] = scope.ref("runtime.String", Integer.toString(i));
            }
            // Of all kinds of cores; the list is there for its length, which limits the pool.
            scope.run("runtime.config_threadpool", 1, threads, scope.ref("runtime.Array", cpus));
        }
    }

    /** Waits, whatever interrupts this thread: the task works in memory that is freed afterwards. */
    static void await(Future<?> task) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    task.get();
                    return;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException("a thread that runs a module failed", e.getCause());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
