package dev.qnet.training.data;

import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * The batches of an epoch, in order, made by a thread that runs ahead of whoever takes them. Which thread makes them, and when, changes
 * no bit: each item's changes follow from the seed and its place. Close it; for one taker.
 */
public final class Loader implements AutoCloseable {
    /** Batches that lie ready at most; with the one in use, all memory there is. */
    private static final int AHEAD = 2;

    /**
     * A batch, valid until the next one is taken.
     *
     * @param items one after another
     * @param labels one an item
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Batch(float[] items, int[] labels) {}

    private final Dataset data;
    private final int[] order;
    private final Augmentation augmentation;
    private final long seed;
    private final BlockingQueue<Batch> ready = new ArrayBlockingQueue<>(AHEAD + 1);
    private final BlockingQueue<Batch> free = new ArrayBlockingQueue<>(AHEAD + 1);
    private final Thread thread;
    private volatile @Nullable Throwable failure;
    private @Nullable Batch taken;

    /**
     * Begins to make batches.
     *
     * @param order which items, in which order; what is left after the last whole batch is left out
     * @param batch items of each
     * @param augmentation how they are changed
     * @param seed of these changes
     */
    public Loader(Dataset data, int[] order, int batch, Augmentation augmentation, long seed) {
        augmentation.check(data.source(), data.shape());
        this.data = data;
        this.order = order;
        this.augmentation = augmentation;
        this.seed = seed;
        for (int i = 0; i < AHEAD + 1; i++) {
            free.add(new Batch(new float[batch * data.shape().elements()], new int[batch]));
        }
        thread = new Thread(() -> make(batch), "qnet-loader");
        thread.setDaemon(true);
        thread.start();
    }

    private void make(int batch) {
        try {
            SplittableRandom random = new SplittableRandom(seed);
            float[] item = new float[data.shape().elements()];
            for (int from = 0; from + batch <= order.length; from += batch) {
                Batch b = free.take();
                for (int i = 0; i < batch; i++) {
                    int k = order[from + i];
                    b.labels()[i] = data.label(k);
                    if (augmentation.none()) {
                        data.copy(k, b.items(), i * item.length);
                    } else {
                        data.copy(k, item, 0);
                        augmentation.apply(item, b.items(), i * item.length, data.shape(), random);
                    }
                }
                ready.put(b);
            }
        } catch (InterruptedException e) {
            // Closed: nobody wants what is left.
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            failure = e;
            // There is room: the batch that failed is in neither queue.
            ready.add(new Batch(new float[0], new int[0]));
        }
    }

    /**
     * The next batch. There are as many as fit into the order.
     *
     * @throws IllegalStateException if it cannot be made, or this thread is interrupted
     */
    public Batch next() {
        if (taken != null && taken.labels().length > 0) {
            free.add(taken);
        }
        try {
            taken = ready.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while training", e);
        }
        if (taken.labels().length == 0) {
            throw new IllegalStateException("a batch cannot be made", failure);
        }
        return taken;
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
