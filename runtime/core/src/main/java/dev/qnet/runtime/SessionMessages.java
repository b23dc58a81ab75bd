package dev.qnet.runtime;

import java.util.Arrays;
import java.util.List;

/**
 * What a session refuses, in words. Apart from it, for joined strings take a JVM some milliseconds when they are first
 * used, and an answer needs none.
 */
final class SessionMessages {
    private SessionMessages() {}

    static ModelException unknown(List<TensorInfo> infos, String name, String kind) {
        List<String> names = infos.stream().map(i -> "'" + i.name() + "'").toList();
        return new ModelException("the model has no " + kind + " '" + name + "'; its " + kind
                + (names.size() == 1 ? " is " : "s are ")
                + (names.isEmpty() ? "none" : String.join(", ", names.subList(0, Math.min(20, names.size()))))
                + (names.size() > 20 ? ", …" : ""));
    }

    static ModelException readOnly(TensorInfo info) {
        return new ModelException(
                "output '" + info.name() + "' is written, and its buffer is read-only: bind one that is not");
    }

    static ModelException state(TensorInfo info) {
        return new ModelException("output '" + info.name()
                + "' is the value of a state, which each run changes at its end: bind memory of your own");
    }

    static ModelException length(TensorInfo info, int length) {
        return new ModelException("'" + info.name() + "' is " + info.expectation() + ": expected "
                + (info.batched() ? "a multiple of " : "") + info.itemElements() + " elements, found " + length);
    }

    static ModelException oneItem(TensorInfo info, String kind, int items) {
        return new ModelException(kind + " '" + info.name()
                + "' lies in the session's own memory, which holds one item, and the others have " + items
                + ": bind memory of your own");
    }

    static ModelException missing(TensorInfo info) {
        return new ModelException("input '" + info.name() + "' is missing: expected " + info.expectation());
    }

    static ModelException disagree(String first, int items, String kind, TensorInfo info, Tensor t) {
        return new ModelException("'" + first + "' has N = " + items + ", " + kind + " '" + info.name() + "' has N = "
                + t.dim(0) + " (" + t + "): all must be equal");
    }

    static ModelException isNull(TensorInfo info, String kind) {
        return new ModelException(kind + " '" + info.name() + "' expects " + info.expectation() + ", found null");
    }

    static ModelException shared(TensorInfo info, String kind, String own) {
        return new ModelException(kind + " '" + info.name() + "' cannot be bound to a part of the session's own memory,"
                + " which layers use: copy it, or call " + own + "(\"" + info.name() + "\")");
    }

    static ModelException unfit(TensorInfo info, Tensor t, String kind, boolean states) {
        return new ModelException(
                kind + " '" + info.name() + "' expects " + info.expectation() + ", found " + t + hint(info, t, states));
    }

    /** What the user most likely has to do. */
    private static String hint(TensorInfo info, Tensor t, boolean states) {
        if (!info.accepts(t.type())) {
            return info.quantization() == null
                    ? "; convert it to " + info.type()
                    : "; give real numbers as f32, or codes as " + info.type();
        }
        if (info.batched()
                && Arrays.equals(
                        t.shape(),
                        Arrays.copyOfRange(info.shapeFor(1), 1, info.shape().size()))) {
            return "; add the axis N in front: " + Arrays.toString(info.shapeFor(1));
        }
        if (states && t.size() != info.itemElements()) {
            return "; the model has states, so that it has no batches: run item after item in one session";
        }
        if (t.size() == info.itemElements()) {
            return "; it has as many elements in another shape: NHWC is expected for images";
        }
        return "";
    }
}
