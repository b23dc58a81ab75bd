package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One instance of a block, or the model, or the top of the files: its variables, the path that its values' names begin
 * with, and the call that made it. A body has one scope: what an {@code if} or a {@code repeat} assigns is seen after it.
 */
final class Frame {
    private static final int NOTES = 6;

    private final @Nullable Frame caller;
    private final String callee;
    private final Span call;
    private final String path;
    private final Marks inherited;
    private final Map<String, Value> variables = new LinkedHashMap<>();
    private final Map<String, Integer> counters = new HashMap<>();
    private final Set<String> fixed = new HashSet<>();
    private final int depth;

    private final boolean global;

    private Frame(@Nullable Frame caller, String callee, Span call, String path, Marks inherited, boolean global) {
        this.global = global;
        this.caller = caller;
        this.callee = callee;
        this.call = call;
        this.path = path;
        this.inherited = inherited;
        this.depth = caller == null ? 0 : caller.depth + 1;
    }

    /** The top of the files, where nothing computes at run time. */
    static Frame top() {
        return new Frame(null, "", Span.NONE, "", Marks.NONE, true);
    }

    /** A model's body. */
    static Frame model() {
        return new Frame(null, "", Span.NONE, "", Marks.NONE, false);
    }

    /**
     * An instance of a block.
     *
     * @param path the instance's name with its own path
     * @param marks what annotations of the call mean for every operation inside
     */
    Frame instance(String block, Span call, String path, Marks marks) {
        return new Frame(this, block, call, path + ".", marks, global);
    }

    /** Whether nothing may compute at run time here. */
    boolean isGlobal() {
        return global;
    }

    /** Names that may not be assigned: constants and the counters of repeats. */
    Set<String> fixed() {
        return fixed;
    }

    Map<String, Value> variables() {
        return variables;
    }

    /** What annotations of the calls around say about every operation here. */
    Marks inherited() {
        return inherited;
    }

    int depth() {
        return depth;
    }

    /** The value's full name under this instance. */
    String pathOf(String name) {
        return path + name;
    }

    /** The next name that counts uses of an operation: {@code residual_1.conv2d_2}. */
    String next(String operation, GraphBuilder graph) {
        while (true) {
            String name = path + operation + "_" + counters.merge(operation, 1, Integer::sum);
            if (!graph.taken(name)) {
                return name;
            }
        }
    }

    /** Whether an instance of the block is this frame or around it. */
    boolean isInside(String block) {
        for (Frame f = this; f != null; f = f.caller) {
            if (f.callee.equals(block)) {
                return true;
            }
        }
        return false;
    }

    /** Adds the calls that led here to what is said about a place inside a block. */
    Diagnostic trace(Diagnostic d) {
        Diagnostic traced = d;
        int told = 0;
        for (Frame f = this; f.caller != null; f = f.caller) {
            if (++told > NOTES) {
                return traced.withNote("… and " + f.depth + " more calls around");
            }
            traced = traced.withNote(f.call, "in " + f.path.substring(0, f.path.length() - 1) + ", called here");
        }
        return traced;
    }
}
