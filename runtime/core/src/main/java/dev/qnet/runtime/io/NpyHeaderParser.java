package dev.qnet.runtime.io;

import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the dictionary literal of an npy header. Only what NumPy writes is accepted: string keys, a string, a boolean
 * and a tuple of integers; so the parser neither recurses nor evaluates.
 */
final class NpyHeaderParser {
    private static final int MAX_RANK = 64;

    private final String text;
    private final String source;
    private int at;

    NpyHeaderParser(String text, String source) {
        this.text = text;
        this.source = source;
    }

    NpyHeader parse(ReadLimits limits, int headerBytes) {
        String descr = null;
        Boolean fortran = null;
        long[] shape = null;
        expect('{');
        while (!accept('}')) {
            String key = string();
            expect(':');
            switch (key) {
                case "descr" -> descr = once(key, descr, descr());
                case "fortran_order" -> fortran = once(key, fortran, bool());
                case "shape" -> shape = once(key, shape, tuple());
                default -> throw wrong("the keys 'descr', 'fortran_order' and 'shape'", "'" + key + "'");
            }
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        if (peek() != '\0') {
            throw wrong("nothing after the dictionary", found());
        }
        if (descr == null || fortran == null || shape == null) {
            String missing = descr == null ? "descr" : fortran == null ? "fortran_order" : "shape";
            throw new TensorFormatException(source, "the npy header has no '" + missing + "'");
        }
        return checked(descr, fortran, shape, limits, headerBytes);
    }

    private NpyHeader checked(String descr, boolean fortran, long[] shape, ReadLimits limits, int headerBytes) {
        char order = descr.isEmpty() ? '\0' : descr.charAt(0);
        NpyType type = (order == '<' || order == '>' || order == '|') ? NpyType.ofCode(descr.substring(1)) : null;
        if (type == null || (order == '|' && type.bytes() > 1)) {
            throw wrong("an element type of " + NpyType.codes(), "'" + descr + "'");
        }
        boolean empty = false;
        for (long dim : shape) {
            empty |= dim == 0;
        }
        long elements = 1;
        List<Integer> dims = new ArrayList<>();
        for (long dim : shape) {
            if (dim > Integer.MAX_VALUE) {
                throw wrong("dimensions up to " + Integer.MAX_VALUE, "" + dim);
            }
            dims.add((int) dim);
            elements = empty ? 0 : elements * dim;
            // Checked at each step: the product of two checked factors fits a long, that of all might not.
            limits.check(source, elements, type.bytes());
        }
        ByteOrder bytes = order == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        return new NpyHeader(type, bytes, fortran, List.copyOf(dims), headerBytes);
    }

    private <T> T once(String key, @Nullable T before, T now) {
        if (before != null) {
            throw new TensorFormatException(source, "the npy header states '" + key + "' twice");
        }
        return now;
    }

    private String descr() {
        if (peek() == '[') {
            throw wrong("one element type", "a structured type");
        }
        return string();
    }

    private String string() {
        char quote = peek();
        int end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
        if (end < 0) {
            throw wrong("a quoted string", found());
        }
        String s = text.substring(at + 1, end);
        at = end + 1;
        return s;
    }

    private boolean bool() {
        peek();
        for (String word : new String[] {"True", "False"}) {
            if (text.startsWith(word, at)) {
                at += word.length();
                return word.equals("True");
            }
        }
        throw wrong("True or False", found());
    }

    private long[] tuple() {
        long[] dims = new long[MAX_RANK];
        int n = 0;
        expect('(');
        while (!accept(')')) {
            if (n == MAX_RANK) {
                throw wrong("at most " + MAX_RANK + " dimensions", "more");
            }
            dims[n++] = integer();
            if (!accept(',')) {
                expect(')');
                break;
            }
        }
        return Arrays.copyOf(dims, n);
    }

    private long integer() {
        peek();
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        if (at == start || at - start > 18) {
            at = start;
            throw wrong("a dimension", found());
        }
        long value = Long.parseLong(text, start, at, 10);
        // Python 2 wrote long integers with this suffix.
        accept('L');
        return value;
    }

    private boolean accept(char c) {
        if (peek() == c) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char c) {
        if (!accept(c)) {
            throw wrong("'" + c + "'", found());
        }
    }

    /** The next character that is not white space, or NUL at the end. */
    private char peek() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private String found() {
        if (at >= text.length()) {
            return "its end";
        }
        String rest = text.substring(at, Math.min(text.length(), at + 12));
        StringBuilder shown = new StringBuilder();
        rest.chars().forEach(c -> shown.append(c >= ' ' && c < 127 ? (char) c : '?'));
        return "'" + shown + "'";
    }

    private TensorFormatException wrong(String expected, String found) {
        return TensorFormatException.expected(source, expected + " in the npy header", found);
    }
}
