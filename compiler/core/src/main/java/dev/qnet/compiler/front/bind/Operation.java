package dev.qnet.compiler.front.bind;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An operation of the language: its name, its arguments and how a call of it becomes nodes. The table in
 * {@link Operations} drives the checks of calls, their messages and the reference in docs/language.md alike.
 *
 * @param name as called
 * @param summary what it computes, one sentence
 * @param parameters in the order of positional arguments
 * @param rule makes the nodes
 */
record Operation(String name, String summary, List<Parameter> parameters, Rule rule) {

    /** What an argument may be. */
    enum Kind {
        /** A tensor, computed or constant. */
        TENSOR("tensor"),
        /** Any number of tensors; takes all positional arguments from here on. */
        TENSORS("tensors"),
        /** A tensor, or a number that stands for one. */
        OPERAND("tensor or number"),
        /** A tensor known at compile time: a constant, {@code param(...)}, or the name of a parameter. */
        WEIGHT("constant tensor"),
        /** As {@link #WEIGHT}, or whether there is one. */
        BIAS("bool or constant tensor"),
        INT("int"),
        NUMBER("float"),
        BOOL("bool"),
        TEXT("string"),
        /** Two ints, or one that stands for both. */
        PAIR("int or [height, width]"),
        PADDING("same, valid, int, [height, width] or [top, left, bottom, right]"),
        INTS("list of ints"),
        /** Ints, of which the first may be N and one may be −1. */
        SHAPE("list of ints or N"),
        /** Words of quantization, all positional arguments from here on. */
        ITEMS("items");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /** As shown to the user. */
        String text() {
            return text;
        }

        /** Whether it takes all positional arguments that are left. */
        boolean takesRest() {
            return this == TENSORS || this == ITEMS;
        }
    }

    /**
     * One argument.
     *
     * @param standard what holds where it is left out, in the user's words; null where it must be given
     * @param meaning what it is, a phrase
     */
    record Parameter(String name, Kind kind, @Nullable String standard, String meaning) {
        boolean required() {
            return standard == null;
        }
    }

    /** Turns one call into nodes. */
    @FunctionalInterface
    interface Rule {
        /**
         * The call's value.
         *
         * @throws Rejected if the arguments do not fit
         */
        Value bind(Invocation call);
    }

    Operation {
        parameters = List.copyOf(parameters);
    }

    static Parameter required(String name, Kind kind, String meaning) {
        return new Parameter(name, kind, null, meaning);
    }

    static Parameter optional(String name, Kind kind, String standard, String meaning) {
        return new Parameter(name, kind, standard, meaning);
    }

    /** {@code max_pool(x, kernel, stride = the kernel, padding = valid)}. */
    String signature() {
        return parameters.stream()
                .map(p -> p.name() + (p.kind().takesRest() ? ", …" : "") + (p.required() ? "" : " = " + p.standard()))
                .collect(Collectors.joining(", ", name + "(", ")"));
    }
}
