package dev.qnet.compiler.ir;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the text form that {@link GraphPrinter} writes. Comments run from {@code //} to the end of a line. */
public final class GraphParser {
    private static final int MAX_DEPTH = 32;

    private final SourceFile file;
    private final String text;
    private int at;

    private GraphParser(SourceFile file) {
        this.file = file;
        this.text = file.text();
    }

    /**
     * The graph that a text holds, verified.
     *
     * @throws CompileException at the first thing that is wrong, with its place
     */
    public static Graph parse(SourceFile file) {
        GraphParser p = new GraphParser(file);
        Graph g;
        try {
            g = p.graph();
            p.skip();
            if (p.at < p.text.length()) {
                throw p.error("expected the end of the text");
            }
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw p.error(String.valueOf(e.getMessage()));
        }
        Verifier.verify(g);
        return g;
    }

    public static Graph parse(String text) {
        return parse(new SourceFile("<text>", text));
    }

    private Graph graph() {
        expect("graph");
        expect("@");
        String name = name();
        expect("{");
        Spec.Policy policy = null;
        long arena = -1;
        Map<ValueId, Long> offsets = new TreeMap<>();
        List<Graph.Param> params = new ArrayList<>();
        List<Node> nodes = new ArrayList<>();
        List<Graph.State> states = new ArrayList<>();
        while (!peek("return")) {
            if (accept("policy")) {
                policy = policy();
            } else if (accept("arena")) {
                arena = Long.parseLong(word());
            } else if (accept("param")) {
                params.add(param(offsets));
            } else if (accept("state")) {
                states.add(state(offsets));
            } else {
                nodes.add(node(offsets));
            }
        }
        expect("return");
        List<Graph.Result> results = new ArrayList<>();
        do {
            String result = name();
            expect("=");
            results.add(new Graph.Result(result, value()));
        } while (accept(","));
        expect("}");
        Graph.MemoryPlan plan = arena < 0 ? null : new Graph.MemoryPlan(arena, offsets);
        return new Graph(name, params, nodes, results, policy, plan, states);
    }

    private Graph.State state(Map<ValueId, Long> offsets) {
        skip();
        int start = at;
        ValueId id = value();
        expect(":");
        Type type = type();
        expect("becomes");
        ValueId next = value();
        Span span = span(start);
        offset(id, offsets);
        return new Graph.State(id, type, next, span);
    }

    private Spec.Policy policy() {
        expect("weights");
        Spec weights = spec();
        expect("activations");
        Spec activations = spec();
        expect("rounding");
        expect("(");
        Rounding rounding = OpAttrs.rounding(new Attr.Atom(word()));
        expect(")");
        return new Spec.Policy(weights, activations, rounding);
    }

    private Spec spec() {
        expect("(");
        Spec s = SpecText.decode(attr(0));
        expect(")");
        return s;
    }

    private Graph.Param param(Map<ValueId, Long> offsets) {
        skip();
        int start = at;
        ValueId id = value();
        expect(":");
        Type type = type();
        Spec activations = accept("activations") ? spec() : null;
        Span span = span(start);
        offset(id, offsets);
        return new Graph.Param(id, type, activations, span);
    }

    private Node node(Map<ValueId, Long> offsets) {
        skip();
        int start = at;
        ValueId id = value();
        expect("=");
        String mnemonic = word();
        List<ValueId> operands = new ArrayList<>();
        if (peek("%")) {
            do {
                operands.add(value());
            } while (accept(","));
        }
        Attr literal = mnemonic.equals("constant") ? attr(0) : null;
        Map<String, Attr> attrs = new LinkedHashMap<>();
        if (accept("{")) {
            do {
                String key = word();
                expect("=");
                attrs.put(key, attr(0));
            } while (accept(","));
            expect("}");
        }
        expect(":");
        Type type = type();
        Spec weights = accept("weights") ? spec() : null;
        Spec activations = accept("activations") ? spec() : null;
        boolean keepFloat = accept("float");
        Span span = span(start);
        offset(id, offsets);
        Op op = OpCodec.decode(mnemonic, attrs, type, literal == null ? null : tensor(literal, type));
        return new Node(id, op, operands, type, new Spec.Intent(weights, activations, keepFloat), span);
    }

    /** From a place to here, without the blanks that looking for more has skipped. */
    private Span span(int start) {
        int end = at;
        while (end > start && Character.isWhitespace(text.charAt(end - 1))) {
            end--;
        }
        return new Span(file, start, end);
    }

    private void offset(ValueId id, Map<ValueId, Long> offsets) {
        if (accept("at")) {
            offsets.put(id, Long.parseLong(word()));
        }
    }

    private static Tensor tensor(Attr literal, Type type) {
        int n = type.shape().elements();
        if (literal instanceof Attr.Call c
                && c.name().equals("base64")
                && c.args().size() == 1
                && c.args().getFirst() instanceof Attr.Text t) {
            ByteBuffer b =
                    ByteBuffer.wrap(Base64.getDecoder().decode(t.value())).order(ByteOrder.LITTLE_ENDIAN);
            boolean wide = type.element().equals(Element.INT64) && b.capacity() == 8L * n;
            if (wide) {
                long[] values = new long[n];
                b.asLongBuffer().get(values);
                return new Tensor.OfLong(type.shape(), values);
            }
            if (b.capacity() != 4L * n) {
                throw new IllegalArgumentException("a constant " + type.shape() + " has " + n + " elements");
            }
            if (type.isFloat()) {
                float[] values = new float[n];
                b.asFloatBuffer().get(values);
                return new Tensor.OfFloat(type.shape(), values);
            }
            int[] values = new int[n];
            b.asIntBuffer().get(values);
            return new Tensor.OfInt(type.shape(), values);
        }
        List<Attr> items = literal.items();
        if (items.size() != n) {
            throw new IllegalArgumentException(
                    "a constant " + type.shape() + " has " + n + " elements, found " + items.size());
        }
        if (type.isFloat()) {
            float[] values = new float[n];
            for (int i = 0; i < n; i++) {
                values[i] = items.get(i).asFloat();
            }
            return new Tensor.OfFloat(type.shape(), values);
        }
        if (type.element().equals(Element.INT64)) {
            return Tensor.OfLong.of(
                    type.shape(), items.stream().mapToLong(Attr::asLong).toArray());
        }
        return new Tensor.OfInt(
                type.shape(), items.stream().mapToInt(Attr::asInt).toArray());
    }

    private Type type() {
        String word = word();
        Element plain = word.equals("f32") ? Element.FLOAT : peek("<") ? null : Element.plain(word);
        Element element = plain == null ? quant(word) : plain;
        return new Type(element, shape());
    }

    private Shape shape() {
        expect("[");
        List<Integer> dims = new ArrayList<>();
        String all = accept("]") ? "" : word();
        if (!all.isEmpty()) {
            for (String d : all.split("x", -1)) {
                dims.add(d.equals("N") ? Shape.BATCH : Integer.parseInt(d));
            }
            expect("]");
        }
        return new Shape(dims);
    }

    private Quant quant(String storageName) {
        Storage storage = OpAttrs.storage(storageName);
        int lo = storage.min();
        int hi = storage.max();
        expect("<");
        if (!peek("scale") && !peek("axis") && !peek("group")) {
            lo = Integer.parseInt(word());
            expect(":");
            hi = Integer.parseInt(word());
            expect(",");
        }
        Scheme scheme;
        if (accept("scale")) {
            expect("=");
            float scale = Float.parseFloat(word());
            expect(",");
            expect("zero");
            expect("=");
            scheme = new Scheme.PerTensor(scale, Integer.parseInt(word()));
        } else if (accept("axis")) {
            expect("=");
            int axis = Integer.parseInt(word());
            expect(",");
            expect("{");
            List<Float> scales = new ArrayList<>();
            List<Integer> zeros = new ArrayList<>();
            do {
                scales.add(Float.parseFloat(word()));
                zeros.add(accept(":") ? Integer.parseInt(word()) : 0);
            } while (accept(","));
            expect("}");
            scheme = new Scheme.PerAxis(axis, scales, zeros);
        } else {
            expect("group");
            expect("=");
            int size = Integer.parseInt(word());
            List<Float> scales = new ArrayList<>();
            List<Integer> multipliers = new ArrayList<>();
            expect(",");
            expect("{");
            do {
                scales.add(Float.parseFloat(word()));
            } while (accept(","));
            expect("}");
            expect(",");
            expect("{");
            do {
                multipliers.add(Integer.parseInt(word()));
            } while (accept(","));
            expect("}");
            scheme = new Scheme.PerGroup(size, scales, multipliers);
        }
        expect(">");
        return new Quant(storage, lo, hi, scheme);
    }

    private Attr attr(int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException("attributes nest more than " + MAX_DEPTH + " deep");
        }
        if (peek("\"")) {
            return new Attr.Text(string());
        }
        if (accept("[")) {
            return new Attr.Items(list("]", depth));
        }
        String word = word();
        if (accept("(")) {
            return new Attr.Call(word, list(")", depth));
        }
        return peek("<") ? new Attr.OfQuant(quant(word)) : new Attr.Atom(word);
    }

    private List<Attr> list(String close, int depth) {
        List<Attr> items = new ArrayList<>();
        if (!accept(close)) {
            do {
                items.add(attr(depth + 1));
            } while (accept(","));
            expect(close);
        }
        return items;
    }

    private ValueId value() {
        expect("%");
        return new ValueId(name());
    }

    private String name() {
        skip();
        return text.startsWith("\"", at) ? string() : word();
    }

    private String string() {
        skip();
        StringBuilder s = new StringBuilder();
        int i = at + 1;
        while (i < text.length() && text.charAt(i) != '"') {
            if (text.charAt(i) == '\\' && i + 1 < text.length()) {
                i++;
            }
            s.append(text.charAt(i++));
        }
        if (i >= text.length()) {
            throw error("a string without its closing quote");
        }
        at = i + 1;
        return s.toString();
    }

    private String word() {
        skip();
        int start = at;
        while (at < text.length()
                && (Character.isLetterOrDigit(text.charAt(at)) || "_.$/-+".indexOf(text.charAt(at)) >= 0)) {
            at++;
        }
        if (start == at) {
            throw error("expected a word or a number");
        }
        return text.substring(start, at);
    }

    private boolean peek(String token) {
        skip();
        if (!text.startsWith(token, at)) {
            return false;
        }
        int end = at + token.length();
        return !Character.isLetter(token.charAt(0))
                || end == text.length()
                || !(Character.isLetterOrDigit(text.charAt(end)) || text.charAt(end) == '_');
    }

    private boolean accept(String token) {
        if (!peek(token)) {
            return false;
        }
        at += token.length();
        return true;
    }

    private void expect(String token) {
        if (!accept(token)) {
            throw error("expected '" + token + "'");
        }
    }

    private void skip() {
        while (at < text.length()) {
            if (Character.isWhitespace(text.charAt(at))) {
                at++;
            } else if (text.startsWith("//", at)) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else {
                return;
            }
        }
    }

    private CompileException error(@Nullable String message) {
        int start = Math.min(at, text.length());
        return new CompileException(Diagnostic.error(
                "graph-text", new Span(file, start, Math.min(start + 1, text.length())), String.valueOf(message)));
    }
}
