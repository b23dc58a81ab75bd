package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Banks;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How long each layer of a model takes.
 *
 * <pre>{@code
 * LayerTimes times = new LayerTimes();
 * Model model = times.load(files, LoadOptions.defaults());
 * ...                                       // run it, until it is warm
 * times.reset();
 * ...                                       // run it some more
 * times.nanos(0);                           // of the first layer, in all runs since
 * }</pre>
 *
 * <p>The model is loaded in a form of its own, which calls the methods of its layers one by one, with a look at the
 * clock in between (about 25 ns); a model loaded in any other way pays nothing. It gives the same bytes. On several
 * threads, the times of all of them are added.
 */
public final class LayerTimes {
    private static final Pattern LAYER = Pattern.compile("layer_(\\d+)(?:_.*)?");

    private @Nullable Timed program;

    /**
     * Loads a model from memory; once for each object of this class.
     *
     * @param files as {@link Model#load(Map)} takes them
     * @throws ModelException if the files hold no model, or a damaged one
     */
    public Model load(Map<String, byte[]> files, LoadOptions options) {
        return load(files, options, options.backend());
    }

    /** As {@link #load(Map, LoadOptions)}, with a given backend instead of the best that this JVM has. */
    public Model load(Map<String, byte[]> files, LoadOptions options, Backend backend) {
        if (program != null) {
            throw new IllegalStateException("these times are of another model already");
        }
        return ModelLoader.load(Map.copyOf(files), "<memory>", backend, options.threads(), p -> {
            Timed timed = new Timed(p);
            program = timed;
            return timed;
        });
    }

    private Timed program() {
        Timed p = program;
        if (p == null) {
            throw new IllegalStateException("no model is loaded");
        }
        return p;
    }

    /**
     * The layers in the order in which they run, by what is left of their names in the code: ASCII letters, digits and
     * underscores. Layer k is the compiler's k-th.
     */
    public List<String> names() {
        return program().names;
    }

    /** Nanoseconds that layer k took since the last {@link #reset()}, in all runs together. */
    public long nanos(int k) {
        return program().nanos.get(k);
    }

    /** How often the model was run since then; each item of a batch counts. */
    public long runs() {
        AtomicLongArray n = program().nanos;
        return n.get(n.length() - 1);
    }

    /** Makes all times and the number of runs 0. */
    public void reset() {
        AtomicLongArray n = program().nanos;
        for (int i = 0; i < n.length(); i++) {
            n.set(i, 0);
        }
    }

    /** Calls the layers of a program one by one. */
    private static final class Timed extends Program {
        private final Program program;
        private final List<String> names;
        private final MethodHandle[] layers;
        /** Of each layer; behind them, the number of runs. */
        private final AtomicLongArray nanos;

        Timed(Program program) {
            this.program = program;
            Map<Integer, Method> methods = methods(program.getClass());
            layers = new MethodHandle[methods.size()];
            String[] labels = new String[layers.length];
            for (int i = 0; i < layers.length; i++) {
                Method m = methods.get(i);
                if (m == null) {
                    throw new ModelException("the model's layers are not numbered from 0 on");
                }
                labels[i] = m.getName().replaceFirst("layer_\\d+_?", "");
                layers[i] = handle(m);
            }
            names = List.of(labels);
            nanos = new AtomicLongArray(layers.length + 1);
        }

        /** The layers' methods by number: a large program is spread over its class and further ones, from 2 on. */
        private static Map<Integer, Method> methods(Class<?> main) {
            Map<Integer, Method> methods = new HashMap<>();
            Class<?> part = main;
            for (int i = 2; part != null; i++) {
                for (Method m : part.getDeclaredMethods()) {
                    Matcher layer = LAYER.matcher(m.getName());
                    if (layer.matches()) {
                        methods.put(Integer.parseInt(layer.group(1)), m);
                    }
                }
                part = part(main, i);
            }
            return methods;
        }

        private static @Nullable Class<?> part(Class<?> main, int i) {
            try {
                return Class.forName(main.getName() + i, true, main.getClassLoader());
            } catch (ClassNotFoundException e) {
                return null; // there are no more
            }
        }

        private static MethodHandle handle(Method m) {
            try {
                m.setAccessible(true);
                return MethodHandles.lookup().unreflect(m);
            } catch (IllegalAccessException | RuntimeException e) {
                throw new ModelException("the model's layers cannot be reached: " + e.getMessage(), e);
            }
        }

        @Override
        protected void prepare(WeightsReader weights, Backend backend, Object[] plans) {
            program.prepare(weights, backend, plans);
        }

        @Override
        protected void run(Banks banks, Object[] plans) {
            long before = System.nanoTime();
            for (int i = 0; i < layers.length; i++) {
                call(layers[i], banks, plans);
                long after = System.nanoTime();
                nanos.addAndGet(i, after - before);
                before = after;
            }
            nanos.incrementAndGet(layers.length);
        }

        private static void call(MethodHandle layer, Banks banks, Object[] plans) {
            try {
                layer.invokeExact(banks, plans);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e); // layers declare no checked exceptions
            }
        }
    }
}
