package dev.qnet.target.jvm;

import java.util.Locale;
import java.util.Set;
import javax.lang.model.SourceVersion;

/** Names in generated code, from names in sources, which may hold anything. */
final class Names {
    private static final int LONGEST = 60;

    private Names() {}

    /** A class name for a model: {@code mnist_cnn} becomes {@code MnistCnn}. Never empty, never a keyword, ASCII. */
    static String className(String model) {
        String name = camel(model);
        name = name.isEmpty() ? "Model" : name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
        return Character.isDigit(name.charAt(0)) ? "Model" + name : name;
    }

    /** What follows {@code set} or {@code into} in a method's name: {@code input_1} becomes {@code Input1}. */
    static String suffix(String tensor) {
        String name = camel(tensor);
        return name.isEmpty() ? "Tensor" : name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    }

    /** A parameter name: {@code input_1} becomes {@code input1}. */
    static String parameter(String tensor) {
        String s = suffix(tensor);
        String name = s.substring(0, 1).toLowerCase(Locale.ROOT) + s.substring(1);
        return SourceVersion.isName(name) ? name : "_" + name;
    }

    /** A part of a method's name, for stack traces and profilers: ASCII letters, digits and underscores, short. */
    static String plain(String value) {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < Math.min(value.length(), LONGEST); i++) {
            s.append(isPlain(value.charAt(i)) ? value.charAt(i) : '_');
        }
        return s.toString();
    }

    /** A name not yet in the set, by a number behind it where needed; it is added. */
    static String unique(String name, Set<String> taken) {
        String candidate = name;
        for (int i = 2; !taken.add(candidate); i++) {
            candidate = name + "_" + i;
        }
        return candidate;
    }

    private static String camel(String name) {
        StringBuilder s = new StringBuilder();
        boolean upper = false;
        for (int i = 0; i < name.length() && s.length() < LONGEST; i++) {
            char c = name.charAt(i);
            if (!isPlain(c) || c == '_') {
                upper = !s.isEmpty();
            } else {
                s.append(upper ? Character.toUpperCase(c) : c);
                upper = false;
            }
        }
        return s.toString();
    }

    private static boolean isPlain(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
}
