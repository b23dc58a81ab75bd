package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Rounding;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The text form of a {@link Descriptor}: a Java properties file in ASCII, keys in a fixed order, so that equal models
 * give equal bytes.
 *
 * <pre>
 * format=2
 * name=resnet8
 * rounding=tosa
 * banks=65536,0,64,0,10
 * input.0.name=image
 * input.0.type=u8
 * input.0.shape=N,32,32,3
 * input.0.scales=0.0235
 * state.0.name=h
 * state.0.next=128
 * </pre>
 */
public final class DescriptorText {
    /** No descriptor is larger: thousands of inputs with per-channel scales fit. */
    public static final int MAX_BYTES = 16 << 20;

    private static final int MAX_COUNT = 1 << 20;

    private final Properties properties;
    private final String source;

    private DescriptorText(Properties properties, String source) {
        this.properties = properties;
        this.source = source;
    }

    /** Writes a descriptor. */
    public static String print(Descriptor d) {
        StringBuilder s = new StringBuilder();
        put(s, "format", Descriptor.FORMAT);
        put(s, "name", d.name());
        put(s, "version", d.version());
        put(s, "rounding", d.rounding());
        put(s, "program", d.program());
        put(s, "layers", d.layers());
        Descriptor.Banks b = d.banks();
        put(s, "banks", join(Stream.of(b.bytes(), b.shorts(), b.ints(), b.longs(), b.floats())));
        put(s, "weights.bytes", d.weightsBytes());
        put(s, "weights.crc32", Long.toHexString(d.weightsCrc()));
        put(s, "constants", d.constants().size());
        for (int i = 0; i < d.constants().size(); i++) {
            Descriptor.Constant c = d.constants().get(i);
            put(s, "constant." + i, join(Stream.of(c.type(), c.offset(), c.weightsOffset(), c.count(), c.bits())));
        }
        ports(s, "input", d.inputs());
        ports(s, "output", d.outputs());
        put(s, "states", d.states().size());
        for (int i = 0; i < d.states().size(); i++) {
            Descriptor.State state = d.states().get(i);
            String key = "state." + i + ".";
            info(s, key, state.info());
            put(s, key + "offset", state.offset());
            put(s, key + "next", state.next());
            quantization(s, key, state.info().quantization());
        }
        return s.toString();
    }

    /**
     * Reads a descriptor.
     *
     * @param source the name that errors give
     * @throws ModelException if the text is not a descriptor, or one of another format version
     */
    public static Descriptor parse(String text, String source) {
        Properties p = new Properties();
        try {
            p.load(new StringReader(text));
        } catch (IOException | IllegalArgumentException e) {
            throw new ModelException(source + ": not a model descriptor: " + e.getMessage(), e);
        }
        return new DescriptorText(p, source).descriptor();
    }

    // Reading is what every start of a model waits for: it is written without lambdas and streams, whose first use
    // takes a JVM some 20 ms.

    private Descriptor descriptor() {
        String format = get("format");
        if (!format.equals(Integer.toString(Descriptor.FORMAT))) {
            throw new ModelException(
                    source + ": this runtime runs models of format " + Descriptor.FORMAT + ", found format "
                            + shorten(format) + "; compile the model again with the Qnet version of this runtime");
        }
        List<Integer> banks = numbers("banks");
        if (banks.size() != 5) {
            throw wrong("'banks' has five sizes, found " + banks.size());
        }
        try {
            return new Descriptor(
                    get("name"),
                    get("version"),
                    get("rounding"),
                    get("program"),
                    number("layers"),
                    new Descriptor.Banks(banks.get(0), banks.get(1), banks.get(2), banks.get(3), banks.get(4)),
                    number("weights.bytes"),
                    hexadecimal("weights.crc32"),
                    constants(),
                    ports("input"),
                    ports("output"),
                    states());
        } catch (ModelException e) {
            throw e.getMessage() != null && e.getMessage().startsWith(source) ? e : wrong(e.getMessage());
        }
    }

    private List<Descriptor.Constant> constants() {
        int count = count("constants");
        List<Descriptor.Constant> constants = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String key = "constant." + i;
            String[] parts = split(key);
            if (parts.length != 5) {
                throw wrong("'" + key + "' has five parts, found " + parts.length);
            }
            constants.add(new Descriptor.Constant(
                    type(key, parts[0]),
                    number(key, parts[1]),
                    number(key, parts[2]),
                    number(key, parts[3]),
                    number(key, parts[4])));
        }
        return constants;
    }

    private int count(String key) {
        int count = number(key);
        if (count < 0 || count > MAX_COUNT) {
            throw wrong("'" + key + "' is 0 to " + MAX_COUNT + ", found " + count);
        }
        return count;
    }

    private List<Descriptor.Port> ports(String kind) {
        int count = count(kind + "s");
        List<Descriptor.Port> ports = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String key = kind + "." + i + ".";
            ports.add(new Descriptor.Port(info(key), number(key + "offset"), rounding(key + "rounding")));
        }
        return ports;
    }

    private List<Descriptor.State> states() {
        int count = count("states");
        List<Descriptor.State> states = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String key = "state." + i + ".";
            TensorInfo info = info(key);
            if (info.batched()) {
                throw wrong("'" + key + "shape' has an N, which no state has");
            }
            states.add(new Descriptor.State(info, number(key + "offset"), number(key + "next")));
        }
        return states;
    }

    private TensorInfo info(String key) {
        ElementType type = type(key + "type", get(key + "type"));
        List<Integer> shape = new ArrayList<>();
        for (String d : split(key + "shape")) {
            shape.add(d.equals("N") ? TensorInfo.BATCH : number(key + "shape", d));
        }
        Quantization q = properties.getProperty(key + "storage") == null ? null : quantization(key);
        return new TensorInfo(get(key + "name"), type, shape, q);
    }

    private Quantization quantization(String key) {
        List<Integer> codes = numbers(key + "codes");
        if (codes.size() != 2) {
            throw wrong("'" + key + "codes' has two numbers, found " + codes.size());
        }
        List<Float> scales = new ArrayList<>();
        for (String x : split(key + "scales")) {
            scales.add(real(key + "scales", x));
        }
        return new Quantization(
                get(key + "storage"),
                codes.get(0),
                codes.get(1),
                number(key + "axis"),
                scales,
                numbers(key + "zeros"),
                number(key + "group"),
                numbers(key + "multipliers"));
    }

    private ElementType type(String key, String text) {
        try {
            return ElementType.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw malformed(key, text);
        }
    }

    private Rounding rounding(String key) {
        try {
            return Rounding.valueOf(get(key).toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw malformed(key, get(key));
        }
    }

    private int number(String key) {
        return number(key, get(key));
    }

    private int number(String key, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw malformed(key, text);
        }
    }

    private long hexadecimal(String key) {
        try {
            return Long.parseLong(get(key), 16);
        } catch (NumberFormatException e) {
            throw malformed(key, get(key));
        }
    }

    private float real(String key, String text) {
        try {
            return Float.parseFloat(text);
        } catch (NumberFormatException e) {
            throw malformed(key, text);
        }
    }

    private List<Integer> numbers(String key) {
        List<Integer> numbers = new ArrayList<>();
        for (String x : split(key)) {
            numbers.add(number(key, x));
        }
        return numbers;
    }

    /** What stands between commas; nothing in an empty value. */
    private String[] split(String key) {
        String all = get(key);
        return all.isEmpty() ? new String[0] : all.split(",", -1);
    }

    private ModelException malformed(String key, String text) {
        return wrong("'" + key + "' is malformed: " + shorten(text));
    }

    private String get(String key) {
        String value = properties.getProperty(key);
        if (value == null) {
            throw wrong("'" + key + "' is missing");
        }
        return value;
    }

    private ModelException wrong(@Nullable String problem) {
        return new ModelException(source + ": not a valid model descriptor: " + problem);
    }

    private static String shorten(String s) {
        return s.length() <= 40 ? s : s.substring(0, 40) + "…";
    }

    private static void ports(StringBuilder s, String kind, List<Descriptor.Port> ports) {
        put(s, kind + "s", ports.size());
        for (int i = 0; i < ports.size(); i++) {
            String key = kind + "." + i + ".";
            info(s, key, ports.get(i).info());
            put(s, key + "offset", ports.get(i).offset());
            put(s, key + "rounding", ports.get(i).rounding().name().toLowerCase(Locale.ROOT));
            quantization(s, key, ports.get(i).info().quantization());
        }
    }

    private static void info(StringBuilder s, String key, TensorInfo info) {
        put(s, key + "name", info.name());
        put(s, key + "type", info.type());
        put(s, key + "shape", join(info.shape().stream().map(d -> d == TensorInfo.BATCH ? "N" : d)));
    }

    private static void quantization(StringBuilder s, String key, @Nullable Quantization q) {
        if (q != null) {
            put(s, key + "storage", q.storage());
            put(s, key + "codes", q.lo() + "," + q.hi());
            put(s, key + "axis", q.axis());
            put(s, key + "scales", join(q.scales().stream()));
            put(s, key + "zeros", join(q.zeroPoints().stream()));
            put(s, key + "group", q.groupSize());
            put(s, key + "multipliers", join(q.multipliers().stream()));
        }
    }

    private static String join(Stream<?> values) {
        return values.map(String::valueOf).collect(Collectors.joining(","));
    }

    private static void put(StringBuilder s, String key, Object value) {
        s.append(key).append('=').append(escape(value.toString())).append('\n');
    }

    /** Escapes as {@link Properties} reads: backslashes, leading blanks, line breaks, all that is not ASCII. */
    private static String escape(String value) {
        return IntStream.range(0, value.length())
                .mapToObj(i -> {
                    char c = value.charAt(i);
                    return c == '\\' || (c == ' ' && i == 0)
                            ? "\\" + c
                            : c >= ' ' && c < 127 ? String.valueOf(c) : String.format(Locale.ROOT, "\\u%04x", (int) c);
                })
                .collect(Collectors.joining());
    }
}
