package dev.qnet.compiler.ir;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** An attribute's value in the text form of a graph: see {@link OpText}. */
public sealed interface Attr {
    /** A number or a word, as written. */
    record Atom(String text) implements Attr {
        @Override
        public int asInt() {
            try {
                return Integer.parseInt(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("expected an integer, found '" + text + "'", e);
            }
        }

        @Override
        public float asFloat() {
            try {
                return Float.parseFloat(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("expected a number, found '" + text + "'", e);
            }
        }

        double asDouble() {
            try {
                return Double.parseDouble(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("expected a number, found '" + text + "'", e);
            }
        }

        @Override
        public String toString() {
            return text;
        }
    }

    /** A quoted string. */
    record Text(String value) implements Attr {
        @Override
        public String toString() {
            return '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
        }
    }

    /** {@code [a, b]}. */
    record Items(List<Attr> items) implements Attr {
        @Override
        public String toString() {
            return items.stream().map(Attr::toString).collect(Collectors.joining(", ", "[", "]"));
        }
    }

    /** {@code name(a, b)}. */
    record Call(String name, List<Attr> args) implements Attr {
        @Override
        public String toString() {
            return args.stream().map(Attr::toString).collect(Collectors.joining(", ", name + "(", ")"));
        }
    }

    /** {@code u8<scale=0.5, zero=3>}. */
    record OfQuant(Quant quant) implements Attr {
        @Override
        public String toString() {
            return quant.toString();
        }
    }

    static Attr of(int value) {
        return new Atom(Integer.toString(value));
    }

    static Attr of(long value) {
        return new Atom(Long.toString(value));
    }

    static Attr of(float value) {
        return new Atom(Float.toString(value));
    }

    static Attr of(double value) {
        return new Atom(Double.toString(value));
    }

    static Attr of(boolean value) {
        return new Atom(Boolean.toString(value));
    }

    static Attr of(String word) {
        return new Atom(word);
    }

    static Attr ofInts(List<Integer> values) {
        return new Items(values.stream().map(Attr::of).toList());
    }

    static Attr ofInts(int... values) {
        return ofInts(Arrays.stream(values).boxed().toList());
    }

    static Attr call(String name, Attr... args) {
        return new Call(name, List.of(args));
    }

    default Atom atom() {
        if (this instanceof Atom a) {
            return a;
        }
        throw new IllegalArgumentException("expected a word or a number, found " + this);
    }

    default int asInt() {
        return atom().asInt();
    }

    default long asLong() {
        String text = atom().text();
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("expected an integer, found '" + text + "'", e);
        }
    }

    default float asFloat() {
        return atom().asFloat();
    }

    default boolean asBoolean() {
        return switch (atom().text()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("expected true or false, found " + this);
        };
    }

    default List<Attr> items() {
        if (this instanceof Items i) {
            return i.items();
        }
        throw new IllegalArgumentException("expected a list, found " + this);
    }

    default List<Integer> asInts() {
        return items().stream().map(Attr::asInt).toList();
    }

    /** This as a call; a bare word is a call without arguments. */
    default Call asCall() {
        return switch (this) {
            case Call c -> c;
            case Atom a -> new Call(a.text(), List.of());
            case Text t -> throw new IllegalArgumentException("expected a word, found " + this);
            case Items i -> throw new IllegalArgumentException("expected a word, found " + this);
            case OfQuant q -> throw new IllegalArgumentException("expected a word, found " + this);
        };
    }
}
