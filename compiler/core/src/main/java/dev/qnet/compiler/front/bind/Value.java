package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.List;

/** What an expression stands for while a model is bound. */
sealed interface Value {
    /** The value of what was already reported as wrong; whatever is made of it is silently wrong too. */
    Value ERROR = new Failed();
    /** The extent of the batch axis. */
    Value N = new Batch();

    /** For messages: {@code the int 3}, {@code a tensor f32[Nx8]}. */
    String describe();

    record Int(long value) implements Value {
        @Override
        public String describe() {
            return "the int " + value;
        }
    }

    record Real(double value) implements Value {
        @Override
        public String describe() {
            return "the float " + value;
        }
    }

    record Bool(boolean value) implements Value {
        @Override
        public String describe() {
            return Boolean.toString(value);
        }
    }

    record Text(String value) implements Value {
        @Override
        public String describe() {
            return "the string \"" + (value.length() > 40 ? value.substring(0, 37) + "..." : value) + "\"";
        }
    }

    /** {@code N}, known only at run time. */
    record Batch() implements Value {
        @Override
        public String describe() {
            return "the batch N";
        }
    }

    /** From the first up to, not including, the last. */
    record Range(long from, long to) implements Value {
        @Override
        public String describe() {
            return "the range " + from + ".." + to;
        }
    }

    /**
     * A list; also an inline tensor before it meets a use.
     *
     * @param size elements all told, those of nested lists counted
     */
    record ListOf(List<Value> elements, long size) implements Value {
        @Override
        public String describe() {
            return "a list of " + elements.size();
        }
    }

    /** Several values, of a split or of a block with several results. */
    record Tuple(List<Value> values) implements Value {
        @Override
        public String describe() {
            return values.size() + " values";
        }
    }

    /** A tensor known at compile time; it becomes a node where it is used. */
    record Constant(ConstTensor tensor) implements Value {
        @Override
        public String describe() {
            return "a constant " + tensor.type();
        }
    }

    /** A tensor computed at run time: an input or a node. */
    record Computed(ValueId id, Type type, Span span) implements Value {
        Shape shape() {
            return type.shape();
        }

        @Override
        public String describe() {
            return "a tensor " + type;
        }
    }

    /** See {@link #ERROR}. */
    record Failed() implements Value {
        @Override
        public String describe() {
            return "an error";
        }
    }
}
