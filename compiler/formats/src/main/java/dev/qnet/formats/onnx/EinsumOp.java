package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.NumOp;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Einstein's summation, operand by operand, as products of matrices. */
final class EinsumOp {
    private final Build b;
    private final Map<Character, Integer> extents = new HashMap<>();

    private EinsumOp(Build b) {
        this.b = b;
    }

    /** A value whose axes have labels, each once. */
    private record Labelled(Val value, List<Character> labels) {}

    static void lower(Call c) {
        String equation = c.text("equation", "").replace(" ", "");
        int arrow = equation.indexOf("->");
        String left = arrow < 0 ? equation : equation.substring(0, arrow);
        String[] terms = left.split(",", -1);
        List<Val> operands = c.all();
        if (terms.length != operands.size()) {
            throw c.refuse("has " + operands.size() + " operands for the equation '" + equation + "'");
        }
        if (operands.stream().anyMatch(v -> v.shape().hasBatch() || !v.isFloat())) {
            throw c.refuse("takes real numbers without an open batch");
        }
        // The axes of an ellipsis are labelled by digits, counted from the last.
        int dots = 0;
        for (int i = 0; i < terms.length; i++) {
            if (terms[i].contains("...")) {
                dots = Math.max(dots, operands.get(i).rank() - (terms[i].length() - 3));
            }
        }
        if (dots > 9) {
            throw c.refuse("has too many axes");
        }
        new EinsumOp(c.build()).run(c, terms, operands, output(equation, arrow, left, dots), dots);
    }

    private static List<Character> output(String equation, int arrow, String left, int dots) {
        if (arrow >= 0) {
            return labels(equation.substring(arrow + 2), dots);
        }
        // Without an arrow: the ellipsis, then what occurs once, in the alphabet's order.
        List<Character> result = labels(left.contains("...") ? "..." : "", dots);
        left.chars()
                .filter(Character::isLetter)
                .filter(l -> left.indexOf(l) == left.lastIndexOf(l))
                .sorted()
                .forEach(l -> result.add((char) l));
        return result;
    }

    /** The labels of a term. */
    private static List<Character> labels(String term, int dots) {
        List<Character> labels = new ArrayList<>();
        String spread = term;
        if (term.contains("...")) {
            StringBuilder digits = new StringBuilder();
            for (int i = dots; i > 0; i--) {
                digits.append((char) ('0' + i));
            }
            spread = term.replace("...", digits);
        }
        for (int i = 0; i < spread.length(); i++) {
            char l = spread.charAt(i);
            if (!Character.isLetterOrDigit(l)) {
                throw new Refusal("has the unknown label '" + l + "' in its equation");
            }
            labels.add(l);
        }
        return labels;
    }

    private void run(Call c, String[] terms, List<Val> operands, List<Character> result, int dots) {
        List<Labelled> all = new ArrayList<>();
        for (int i = 0; i < terms.length; i++) {
            Val v = operands.get(i);
            int own = terms[i].contains("...") ? v.rank() - (terms[i].length() - 3) : 0;
            List<Character> labels = labels(terms[i], Math.max(0, own));
            if (labels.size() != v.rank()) {
                throw c.refuse("has the term '" + terms[i] + "' for " + v.shape());
            }
            for (int k = 0; k < labels.size(); k++) {
                int extent = v.dim(k);
                int known = extents.merge(labels.get(k), extent, Math::max);
                if (extent != known && extent != 1) {
                    throw c.refuse("has two extents for '" + labels.get(k) + "': " + extent + " and " + known);
                }
            }
            all.add(new Labelled(v, labels));
        }
        if (dots < 0 || !extents.keySet().containsAll(result) || new HashSet<>(result).size() != result.size()) {
            throw c.refuse("has a result that its terms do not give");
        }
        Labelled sum = null;
        for (int i = 0; i < all.size(); i++) {
            Set<Character> later = new HashSet<>(result);
            for (Labelled other : all.subList(i + 1, all.size())) {
                later.addAll(other.labels());
            }
            Labelled next = whole(diagonal(all.get(i)));
            Set<Character> kept = new HashSet<>(later);
            if (sum != null) {
                kept.addAll(sum.labels());
            }
            next = reduced(next, kept);
            sum = sum == null ? next : product(sum, next, later);
        }
        if (sum == null) {
            throw c.refuse("has no operands");
        }
        Labelled last = reduced(sum, new HashSet<>(result));
        c.out(b.transpose(
                last.value(), result.stream().map(l -> last.labels().indexOf(l)).toList()));
    }

    /** Takes the diagonal where a label occurs twice. */
    private Labelled diagonal(Labelled x) {
        for (int i = 0; i < x.labels().size(); i++) {
            int other = x.labels().lastIndexOf(x.labels().get(i));
            if (other == i) {
                continue;
            }
            int n = x.value().dim(i);
            if (x.value().dim(other) != n) {
                throw new Refusal("takes the diagonal of " + x.value().shape());
            }
            List<Integer> order = new ArrayList<>(List.of(i, other));
            List<Character> labels = new ArrayList<>(List.of(x.labels().get(i)));
            List<Integer> dims = new ArrayList<>(List.of(n * n));
            for (int k = 0; k < x.labels().size(); k++) {
                if (k != i && k != other) {
                    order.add(k);
                    labels.add(x.labels().get(k));
                    dims.add(x.value().dim(k));
                }
            }
            int[] picked = new int[n];
            for (int k = 0; k < n; k++) {
                picked[k] = k * (n + 1);
            }
            Val merged = b.reshape(b.transpose(x.value(), order), dims);
            return diagonal(new Labelled(b.pick(merged, 0, picked), labels));
        }
        return x;
    }

    /** Repeats axes of extent 1 that are longer elsewhere. */
    private Labelled whole(Labelled x) {
        List<Integer> dims = x.labels().stream().map(this::extent).toList();
        return new Labelled(b.broadcast(x.value(), new dev.qnet.compiler.ir.Shape(dims)), x.labels());
    }

    private int extent(char label) {
        return extents.getOrDefault(label, 1);
    }

    /** Sums over the labels that are not kept. */
    private Labelled reduced(Labelled x, Set<Character> kept) {
        List<Integer> axes = new ArrayList<>();
        List<Character> labels = new ArrayList<>();
        for (int i = 0; i < x.labels().size(); i++) {
            if (kept.contains(x.labels().get(i))) {
                labels.add(x.labels().get(i));
            } else {
                axes.add(i);
            }
        }
        return new Labelled(b.reduce(NumOp.Reduce.Fn.SUM, x.value(), axes, false), labels);
    }

    private Labelled product(Labelled x, Labelled y, Set<Character> later) {
        List<Character> batch = new ArrayList<>();
        List<Character> summed = new ArrayList<>();
        List<Character> left = new ArrayList<>();
        List<Character> right = new ArrayList<>();
        for (char l : x.labels()) {
            (!y.labels().contains(l) ? left : later.contains(l) ? batch : summed).add(l);
        }
        for (char l : y.labels()) {
            if (!x.labels().contains(l)) {
                right.add(l);
            }
        }
        Val p = b.matmul(matrix(x, batch, left, summed), matrix(y, batch, summed, right));
        List<Character> labels = new ArrayList<>(batch);
        labels.addAll(left);
        labels.addAll(right);
        return new Labelled(b.reshape(p, labels.stream().map(this::extent).toList()), labels);
    }

    /** [batch, rows, columns], each of several labels. */
    private Val matrix(Labelled x, List<Character> batch, List<Character> rows, List<Character> columns) {
        List<Integer> order = new ArrayList<>();
        List<Integer> dims = new ArrayList<>();
        for (List<Character> group : List.of(batch, rows, columns)) {
            int extent = 1;
            for (char l : group) {
                order.add(x.labels().indexOf(l));
                extent = Math.multiplyExact(extent, extent(l));
            }
            dims.add(extent);
        }
        return b.reshape(b.transpose(x.value(), order), dims);
    }
}
