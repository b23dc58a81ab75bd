package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Banks;
import dev.qnet.runtime.kernel.Workers;
import java.nio.ByteBuffer;
import java.nio.ShortBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs a model, one thread at a time. A session owns the memory of the activations; closing it hands that back to the
 * model for the next session.
 *
 * <pre>{@code
 * float[] image = new float[32 * 32 * 3];
 * float[] scores = new float[10];
 * try (Session session = model.session()) {
 *     session.input("image", Tensor.ofFloats(image, 1, 32, 32, 3));
 *     session.output("scores", Tensor.ofFloats(scores, 1, 10));
 *     while (next(image)) {
 *         session.run();              // reads image, writes scores, allocates nothing
 *     }
 * }
 * }</pre>
 *
 * <p>Tensors stay bound until others take their place. f32 for a quantized input is quantized with the input's own
 * parameters and the model's rounding contract; codes are taken as they are. An output bound as f32 is dequantized, one
 * bound with its own type receives codes; one that is not bound is not copied out. The N of all bound tensors must
 * agree; items are run one after another, or at once where the model is loaded for several threads.
 *
 * <p>The states of a model that has some are real 0 in a new session, and kept from run to run until {@link #reset()}. A
 * run that fails leaves them as they were.
 */
public class Session implements AutoCloseable {
    private final Model model;
    private final @Nullable Tensor[] inputs;
    private final @Nullable Tensor[] outputs;
    private @Nullable Banks banks;

    /** Whether the caller may hold tensors within the banks: no other session is to have those later. */
    private boolean lent;

    /** Null until a run that may use several threads. */
    private @Nullable Batch batch;

    protected Session(Model model) {
        this.model = model;
        inputs = new Tensor[model.inputs().size()];
        outputs = new Tensor[model.outputs().size()];
        banks = model.borrow();
    }

    /**
     * Binds the tensor that an input is read from.
     *
     * @throws ModelException if there is no such input, or it expects another type or shape
     * @throws IllegalStateException if the session is closed
     */
    public Session input(String name, Tensor tensor) {
        return input(index(model.inputs(), name, "input"), tensor);
    }

    /** As {@link #input(String, Tensor)}, by position. */
    public Session input(int index, Tensor tensor) {
        check(model.inputs().get(index), tensor, "input", "ownInput");
        inputs[index] = tensor;
        return this;
    }

    /**
     * Binds the tensor that an output is written to.
     *
     * @throws ModelException if there is no such output, or it has another type or shape
     * @throws IllegalStateException if the session is closed
     */
    public Session output(String name, Tensor tensor) {
        return output(index(model.outputs(), name, "output"), tensor);
    }

    /** As {@link #output(String, Tensor)}, by position. */
    public Session output(int index, Tensor tensor) {
        check(model.outputs().get(index), tensor, "output", "ownOutput");
        if (tensor.data().isReadOnly()) {
            throw SessionMessages.readOnly(model.outputs().get(index));
        }
        outputs[index] = tensor;
        return this;
    }

    /**
     * Binds an input to memory of the session's own, where layers read it: what is written to the tensor's
     * {@link Tensor#buffer()} before a run is not copied any more. For one item (N is 1), in the input's own type:
     * codes, where it is quantized. Layers share this memory, so that it is written anew before each run, and once the
     * results of the one before have been read. No other session ever gets the memory of one that has lent some, so
     * that such a session is worth keeping.
     *
     * @throws ModelException if there is no such input
     * @throws IllegalStateException if the session is closed
     */
    public Tensor ownInput(String name) {
        return ownInput(index(model.inputs(), name, "input"));
    }

    /** As {@link #ownInput(String)}, by position. */
    public Tensor ownInput(int index) {
        Tensor t = model.inputPort(index).place(lend());
        inputs[index] = t;
        return t;
    }

    /**
     * Binds an output to memory of the session's own, where layers write it, as {@link #ownInput(String)} does with an
     * input: it holds one item's result, codes where it is quantized, until the next run, or until something is written
     * to an input's own memory. It is not to be written to.
     *
     * @throws ModelException if there is no such output, or it is the value of a state, which each run changes at its
     *     end
     * @throws IllegalStateException if the session is closed
     */
    public Tensor ownOutput(String name) {
        return ownOutput(index(model.outputs(), name, "output"));
    }

    /** As {@link #ownOutput(String)}, by position. */
    public Tensor ownOutput(int index) {
        Banks b = lend();
        if (model.isState(index)) {
            throw SessionMessages.state(model.outputs().get(index));
        }
        Tensor t = model.outputPort(index).place(b);
        outputs[index] = t;
        return t;
    }

    private Banks lend() {
        lent = true;
        return open();
    }

    /** Binds an array to an input; N follows from its length. For generated code, as the following methods. */
    protected final void bindInput(int index, float[] values) {
        input(index, Tensor.ofFloats(values, shape(model.inputs().get(index), values.length)));
    }

    protected final void bindInput(int index, byte[] codes) {
        TensorInfo t = model.inputs().get(index);
        input(index, Tensor.of(t.type(), ByteBuffer.wrap(codes), shape(t, codes.length)));
    }

    protected final void bindInput(int index, short[] codes) {
        TensorInfo t = model.inputs().get(index);
        input(index, Tensor.of(t.type(), ShortBuffer.wrap(codes), shape(t, codes.length)));
    }

    protected final void bindInput(int index, int[] codes) {
        input(index, Tensor.ofInt32(codes, shape(model.inputs().get(index), codes.length)));
    }

    protected final void bindInput(int index, long[] values) {
        input(index, Tensor.ofInt64(values, shape(model.inputs().get(index), values.length)));
    }

    protected final void bindOutput(int index, float[] values) {
        output(index, Tensor.ofFloats(values, shape(model.outputs().get(index), values.length)));
    }

    protected final void bindOutput(int index, byte[] codes) {
        TensorInfo t = model.outputs().get(index);
        output(index, Tensor.of(t.type(), ByteBuffer.wrap(codes), shape(t, codes.length)));
    }

    protected final void bindOutput(int index, short[] codes) {
        TensorInfo t = model.outputs().get(index);
        output(index, Tensor.of(t.type(), ShortBuffer.wrap(codes), shape(t, codes.length)));
    }

    protected final void bindOutput(int index, int[] codes) {
        output(index, Tensor.ofInt32(codes, shape(model.outputs().get(index), codes.length)));
    }

    protected final void bindOutput(int index, long[] values) {
        output(index, Tensor.ofInt64(values, shape(model.outputs().get(index), values.length)));
    }

    /** The shape of an array that holds whole items of a tensor. */
    static int[] shape(TensorInfo info, int length) {
        int item = info.itemElements();
        boolean whole = info.batched() ? item > 0 && length % item == 0 : length == item;
        if (!whole) {
            throw SessionMessages.length(info, length);
        }
        return info.shapeFor(info.batched() ? length / item : 1);
    }

    /**
     * Runs the model on the bound tensors.
     *
     * @throws ModelException if an input is not bound, the numbers of items differ, or a code is out of its range
     * @throws IllegalStateException if the session is closed
     */
    public void run() {
        Banks b = open();
        int items = items();
        if (items != 1) {
            refuseOwn(inputs, model.inputs(), "input", b, items);
            refuseOwn(outputs, model.outputs(), "output", b, items);
        }
        Workers w = model.workers();
        if (w == null) {
            run(b, 0, items);
            return;
        }
        w.begin();
        try {
            Batch many = batch;
            if (many == null) {
                many = new Batch(b, w.threads());
                batch = many;
            }
            many.run(w, items);
        } finally {
            w.end();
        }
    }

    /** What lies in the session's memory is one item's, which the others would not find there any more. */
    private static void refuseOwn(@Nullable Tensor[] bound, List<TensorInfo> infos, String kind, Banks own, int items) {
        for (int i = 0; i < bound.length; i++) {
            Tensor t = bound[i];
            if (t != null && t.isWithin(own)) {
                throw SessionMessages.oneItem(infos.get(i), kind, items);
            }
        }
    }

    /** Runs some items of the bound tensors. */
    private void run(Banks b, int from, int to) {
        for (int item = from; item < to; item++) {
            for (int i = 0; i < inputs.length; i++) {
                Tensor t = inputs[i];
                if (t != null) {
                    model.inputPort(i).read(t, item, b);
                }
            }
            model.execute(b);
            for (int i = 0; i < outputs.length; i++) {
                Tensor t = outputs[i];
                if (t != null) {
                    model.outputPort(i).write(t, item, b);
                }
            }
            model.advance(b);
        }
    }

    /** Spreads items over threads, where there are enough of both. */
    private final class Batch implements Workers.Task {
        /** Items that take less than this together are done sooner than another thread wakes up. */
        private static final long WORTH_NANOS = 20_000;

        /** Pieces that a batch is cut into, a thread. */
        private static final int PIECES = 4;

        /** By the worker's number: the first is the session's own, others come when they are needed. */
        private final @Nullable Banks[] banks;

        /** What an item took one thread lately. */
        private long itemNanos = WORTH_NANOS;

        Batch(Banks own, int threads) {
            banks = new Banks[threads];
            banks[0] = own;
        }

        void run(Workers workers, int items) {
            long begin = System.nanoTime();
            int threads = banks.length;
            // With fewer items than threads, each item's large layers are spread instead.
            boolean spread = items >= threads
                    && itemNanos * items > WORTH_NANOS
                    && workers.run(this, items, Math.max(1, items / (PIECES * threads)));
            if (!spread) {
                run(0, 0, items);
            }
            if (items > 0) {
                itemNanos = (System.nanoTime() - begin) * (spread ? threads : 1) / items;
            }
        }

        @Override
        public void run(int worker, int from, int to) {
            Banks b = banks[worker];
            if (b == null) {
                b = model.borrow();
                banks[worker] = b;
            }
            Session.this.run(b, from, to);
        }

        /** Hands back what the session does not own itself. */
        void close() {
            for (int i = 1; i < banks.length; i++) {
                Banks b = banks[i];
                if (b != null) {
                    banks[i] = null;
                    model.giveBack(b);
                }
            }
        }
    }

    /**
     * Makes the states real 0, as in a new session; of no effect for a model without states.
     *
     * @throws IllegalStateException if the session is closed
     */
    public void reset() {
        model.reset(open());
    }

    private Banks open() {
        Banks b = banks;
        if (b == null) {
            throw new IllegalStateException("the session is closed");
        }
        return b;
    }

    /** Hands the memory back to the model. Closing twice does nothing. */
    @Override
    public void close() {
        Banks b = banks;
        if (b != null) {
            banks = null;
            if (!lent) {
                model.giveBack(b);
            }
            Batch many = batch;
            if (many != null) {
                batch = null;
                many.close();
            }
        }
    }

    /** The N that all bound tensors agree on; 1 where nothing has an N. */
    int items() {
        int items = -1;
        String first = "";
        for (int i = 0; i < inputs.length; i++) {
            Tensor t = inputs[i];
            TensorInfo info = model.inputs().get(i);
            if (t == null) {
                throw SessionMessages.missing(info);
            }
            if (info.batched()) {
                if (items >= 0 && t.dim(0) != items) {
                    throw SessionMessages.disagree(first, items, "input", info, t);
                }
                items = t.dim(0);
                first = info.name();
            }
        }
        for (int i = 0; i < outputs.length; i++) {
            Tensor t = outputs[i];
            TensorInfo info = model.outputs().get(i);
            if (t != null && info.batched()) {
                if (items >= 0 && t.dim(0) != items) {
                    throw SessionMessages.disagree(first, items, "output", info, t);
                }
                items = t.dim(0);
                first = info.name();
            }
        }
        return items < 0 ? 1 : items;
    }

    static int index(List<TensorInfo> infos, String name, String kind) {
        for (int i = 0; i < infos.size(); i++) {
            if (infos.get(i).name().equals(name)) {
                return i;
            }
        }
        throw SessionMessages.unknown(infos, name, kind);
    }

    private void check(TensorInfo info, @Nullable Tensor t, String kind, String own) {
        Banks b = open();
        if (t == null) {
            throw SessionMessages.isNull(info, kind);
        }
        boolean fits = t.rank() == info.shape().size();
        for (int i = 0; fits && i < t.rank(); i++) {
            fits = info.shape().get(i) == TensorInfo.BATCH || info.shape().get(i) == t.dim(i);
        }
        if (t.isWithin(b)) {
            throw SessionMessages.shared(info, kind, own);
        }
        if (!fits || !info.accepts(t.type())) {
            throw SessionMessages.unfit(info, t, kind, !model.states().isEmpty());
        }
    }
}
