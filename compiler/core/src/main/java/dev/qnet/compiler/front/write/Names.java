package dev.qnet.compiler.front.write;

import dev.qnet.compiler.ir.ValueId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Names for what is written. Values keep theirs where the language allows it; the variables that stand for them are
 * identifiers made of the same letters.
 */
final class Names {
    private static final Pattern PATH = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z0-9_]+)*");
    private static final Set<String> RESERVED = Set.of(
            "N",
            "qnet",
            "include",
            "scheme",
            "extends",
            "weights",
            "activations",
            "bias",
            "rounding",
            "block",
            "model",
            "quantized",
            "calibration",
            "const",
            "parameters",
            "input",
            "labels",
            "repeat",
            "in",
            "if",
            "else",
            "return",
            "true",
            "false");
    private static final int MAX = 190;

    private final Map<ValueId, String> paths = new HashMap<>();
    private final Set<String> taken = new HashSet<>();
    private final Set<String> variables = new HashSet<>();
    private final Map<String, Integer> counters = new HashMap<>();

    /** The name of an input: an identifier. */
    String input(ValueId id) {
        String name = variable(id.name());
        paths.put(id, name);
        taken.add(name);
        return name;
    }

    /** The name of a value: its own, or one close to it. */
    String path(ValueId id) {
        return paths.computeIfAbsent(id, k -> {
            String own = id.name();
            String name = own.length() <= MAX && PATH.matcher(own).matches() ? own : identifier(own);
            String free = name;
            for (int i = 2; !taken.add(free); i++) {
                free = name + "_" + i;
            }
            return free;
        });
    }

    /** A variable for a value, not used for another. */
    String variable(String name) {
        String base = identifier(name);
        String free = base;
        for (int i = 2; !variables.add(free); i++) {
            free = base + "_" + i;
        }
        return free;
    }

    /** Whether a call gives its value that name without saying so: the binder counts calls of each operation. */
    boolean isNext(String operation, String path) {
        int n = counters.getOrDefault(operation, 0) + 1;
        while (taken.contains(operation + "_" + n) && !path.equals(operation + "_" + n)) {
            n++;
        }
        if (!path.equals(operation + "_" + n)) {
            return false;
        }
        counters.put(operation, n);
        return true;
    }

    private static String identifier(String name) {
        String cut = name.length() > MAX ? name.substring(0, MAX) : name;
        String letters = cut.replaceAll("[^A-Za-z0-9_]", "_");
        String first = Character.isDigit(letters.charAt(0)) ? "_" + letters : letters;
        return RESERVED.contains(first) ? first + "_" : first;
    }
}
