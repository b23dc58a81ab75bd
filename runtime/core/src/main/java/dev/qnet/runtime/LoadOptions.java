package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Workers;

/**
 * How a model is loaded.
 *
 * <pre>{@code
 * Model model = Model.load(path, LoadOptions.defaults().withThreads(4));
 * }</pre>
 *
 * @param threads how many threads run a model together, the caller among them: 1 for the caller alone. Results are the
 *     same bytes for any number. Threads beyond the caller's start with the first run that needs them, sleep between
 *     runs, and end after ten seconds without one, or with {@link Model#close()}
 * @param warmUp true: the first answers come from plain Java, while a background thread has the vector code compiled,
 *     which takes over, with the same bytes, as soon as it is faster. False: vector code runs from the first answer
 *     on, and no background thread is started; HotSpot compiles it while it runs, so that the first answers take
 *     longer, by a factor of 10 and more
 */
public record LoadOptions(int threads, boolean warmUp) {
    private static final LoadOptions DEFAULTS = new LoadOptions(1, true);

    public LoadOptions {
        if (threads < 1 || threads > Workers.MOST) {
            throw new ModelException("a model runs on 1 to " + Workers.MOST + " threads, not " + threads);
        }
    }

    /** One thread, with warm-up. */
    public static LoadOptions defaults() {
        return DEFAULTS;
    }

    /** As these, with so many threads. */
    public LoadOptions withThreads(int n) {
        return new LoadOptions(n, warmUp);
    }

    /** As these, with or without warm-up. */
    public LoadOptions withWarmUp(boolean wanted) {
        return new LoadOptions(threads, wanted);
    }

    /**
     * The backend to use.
     *
     * @throws ModelException if the system property asks for what the JVM does not have
     */
    Backend backend() {
        return warmed(VectorModule.backend());
    }

    /** As {@link #backend()}, for a model whose kernels are not Java's: without a word if the JVM has no vectors. */
    Backend silentBackend() {
        return warmed(VectorModule.silentBackend());
    }

    private Backend warmed(Backend b) {
        return b == Backend.ADAPTIVE && !warmUp ? Backend.VECTOR : b;
    }
}
