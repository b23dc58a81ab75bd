package dev.qnet.compiler.ir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Span;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GraphTextTest {
    private static final String FLOAT = """
            graph @net {
              policy weights(i8(symmetric, narrow, per_channel(0), mse)) activations(u8(asymmetric, per_tensor, percentile(99.99))) rounding(tosa)
              param %image : f32[Nx4x4x2] activations(u8(asymmetric, per_tensor, fixed(0.0, 255.0)))
              %w = constant [1.0, -2.5, NaN, 4.0] : f32[2x1x1x2]
              %conv = conv2d %image, %w {window=window([1, 1], [2, 2], [1, 1], [0, 1, 0, 0]), groups=1} : f32[Nx2x3x2] weights(i4(symmetric, per_group(32), minmax)) float
              %relu = relu %conv : f32[Nx2x3x2] activations(u4(asymmetric, per_tensor, given([0.5], [3]), dynamic))
              %q = fake_quant %relu {spec=u8(asymmetric, per_tensor, minmax), rounding=tosa, to=u8<scale=0.1, zero=7>} : f32[Nx2x3x2]
              %slice = slice %q {begin=[0, 0, 1, 0], end=[0, 2, 3, 2], step=[1, 1, 2, 1]} : f32[Nx2x1x2]
              %"a b" = reshape %slice {shape=[N, 4]} : f32[Nx4]
              return y = %"a b", z = %q
            }
            """;

    private static final String INTEGER = """
            graph @int {
              arena 192
              param %x : u8<scale=0.5, zero=3>[Nx4] at 0
              %w = constant [1, -2, 3, 4, -127, 6, 7, 127] : i8<-127:127, axis=0, {0.25, 1.0E-4}>[2x4]
              %g = constant [1, 1, 1, -1, -8, 7, 0, 0] : i4<group=2, {0.5, 0.25}, {1, 255, 3, 4}>[2x4]
              %b = constant [10, -20] : i32[2]
              %d = int.dense %x, %w, %b {acc=i32, rescale=tosa([q31(1073741824, -3), q31(0, 0)], 128, 128, 255)} : u8<scale=0.125, zero=128>[Nx2] at 64
              %e = int.dense %x, %g {acc=i64} : i64[Nx2] at 128
              %r = int.requantize %e {rescale=onnx([0.01], 0, -8, 7)} : i4<scale=2.0, zero=0>[Nx2]
              %c = concat %d, %d {axis=1} : u8<scale=0.125, zero=128>[Nx4]
              return a = %c, b = %r
            }
            """;

    private static final String STATEFUL =
            """
            graph @stateful {
              param %x : f32[1x3x2]
              param %n : i64[2]
              state %h : f32[1x2] becomes %last
              state %s : i16<scale=3.0517578E-5, zero=0>[1x2] becomes %cell
              %w = constant [1.0, 2.0, 3.0, 4.0] : f32[2x2]
              %b = constant [0.0, 0.0, 0.0, 0.0] : f32[4]
              %zeros = constant [0.0, 0.0] : f32[1x2]
              %rnn = rnn %x, %w, %w, %b, %h {reverse=true, activations=[scaled_tanh(1.5, 0.5)], clip=3.0, linear_before_reset=false, coupled=false} : f32[1x3x2]
              %lw = constant [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0] : f32[8x2]
              %lb = constant [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] : f32[16]
              %lp = constant [0.0, 0.0, 0.0, 0.0, 0.0, 0.0] : f32[6]
              %lstm = lstm %rnn, %lw, %lw, %lb, %zeros, %zeros, %lp {reverse=false, activations=[sigmoid, hard_sigmoid(0.2, 0.5), affine(1.0, 0.0)], clip=0.0, linear_before_reset=false, coupled=true} : f32[1x3x4]
              %gw = constant [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0] : f32[6x2]
              %gb = constant [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0] : f32[12]
              %gru = gru %x, %gw, %gw, %gb, %zeros {reverse=false, activations=[sigmoid, tanh], clip=0.0, linear_before_reset=true, coupled=false} : f32[1x3x2]
              %end = slice %gru {begin=[0, 2, 0], end=[1, 3, 2], step=[1, 1, 1]} : f32[1x1x2]
              %last = reshape %end {shape=[1, 2]} : f32[1x2]
              %large = constant [5000000000, -9223372036854775808] : i64[2]
              %small = constant [3, -4] : i64[2]
              %sum = num.add %large, %n : i64[2]
              %difference = num.sub %sum, %small : i64[2]
              %product = num.mul %difference, %small : i64[2]
              %quotient = num.div %product, %small : i64[2]
              %least = num.min %quotient, %small : i64[2]
              %most = num.max %least, %small : i64[2]
              %power = num.pow %most, %small : i64[2]
              %rest = num.mod %power, %small : i64[2]
              %both = num.and %rest, %small : i64[2]
              %any = num.or %both, %small : i64[2]
              %odd = num.xor %any, %small : i64[2]
              %less = num.neg %odd : i64[2]
              %size = num.abs %less : i64[2]
              %side = num.sign %size : i64[2]
              %flip = num.not %side : i64[2]
              %eq = num.eq %flip, %n : bool[2]
              %ne = num.ne %flip, %n : bool[2]
              %lt = num.lt %flip, %n : bool[2]
              %le = num.le %flip, %n : bool[2]
              %gt = num.gt %flip, %n : bool[2]
              %ge = num.ge %flip, %n : bool[2]
              %bytes = num.cast %flip : u8[2]
              %codes = num.reinterpret %bytes : u8<scale=0.5, zero=1>[2]
              %total = num.reduce_sum %flip {axes=[0], keep_dims=false} : i64[]
              %times = num.reduce_prod %flip {axes=[0], keep_dims=true} : i64[1]
              %lowest = num.reduce_min %flip {axes=[0], keep_dims=true} : i64[1]
              %highest = num.reduce_max %flip {axes=[0], keep_dims=true} : i64[1]
              %top = num.top_k %flip {axis=0, k=1, largest=false, indices=true} : i64[1]
              %gathered = gather %x, %n {axis=1} : f32[1x2x2]
              %wide = broadcast %w {shape=[3, 2, 2]} : f32[3x2x2]
              %apart = dilate %w {factors=[1, 2], value=0.5} : f32[2x3]
              %chosen = select %eq, %flip, %n : i64[2]
              %a = div %w, %w : f32[2x2]
              %b2 = pow %a, %w : f32[2x2]
              %c = min %b2, %w : f32[2x2]
              %d = max %c, %w : f32[2x2]
              %e = mod %d, %w : f32[2x2]
              FUNCTIONS
              %image = constant [1, 2, 3, 4] : i8<scale=0.5, zero=0>[1x2x2x1]
              %resized = int.resize_bilinear %image {size=[3, 4], align_corners=true, half_pixel_centers=false} : i8<scale=0.5, zero=0>[1x3x4x1]
              %limits = constant [-5000000000, 5000000000] : i64[1x2]
              %counted = int.thresholds %image, %limits {entries=[3, 0, 1]} : u2<scale=1.0, zero=0>[1x2x2x1]
              %iw = constant [1, 2, 3, 4] : i8<scale=0.5, zero=0>[2x2]
              %ix = constant [5, 6] : i8<scale=0.5, zero=0>[1x2]
              %gate = int.lstm_gate %ix, %ix, %iw, %iw {input=q31(1073741824, -2), recurrent=q31(1500000000, 0)} : i16<scale=2.4414062E-4, zero=0>[1x2]
              %cell = int.lstm_cell %gate, %s, %gate, %gate {input_shift=15, clip=7} : i16<scale=3.0517578E-5, zero=0>[1x2]
              %soft = int.softmax16 %cell {axis=1, multiplier=1073741824, left_shift=-2, exp=TABLE, reciprocal=TABLE} : i16<scale=3.0517578E-5, zero=0>[1x2]
              return last = %last, top = %top
            }
            """.replace("TABLE", Collections.nCopies(513, 7).toString()).replace("FUNCTIONS\n", functions());

    private static String functions() {
        List<String> all = List.of(
                "gelu_erf",
                "elu {alpha=1.0}",
                "selu {alpha=1.5, gamma=1.25}",
                "celu {alpha=0.5}",
                "mish",
                "hard_sigmoid {alpha=0.2, beta=0.5}",
                "softplus",
                "softsign",
                "thresholded_relu {alpha=0.1}",
                "affine {alpha=2.0, beta=-1.0}",
                "scaled_tanh {alpha=2.0, beta=0.5}",
                "silu",
                "erf",
                "sqrt",
                "exp",
                "log",
                "sin",
                "cos",
                "abs",
                "neg",
                "sign",
                "floor",
                "ceil",
                "round",
                "reciprocal",
                "relu",
                "leaky_relu {alpha=0.1}",
                "clip {lo=0.0, hi=6.0}",
                "sigmoid",
                "tanh",
                "hard_swish",
                "gelu");
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < all.size(); i++) {
            String[] parts = all.get(i).split(" ", 2);
            s.append(i == 0 ? "" : "  ")
                    .append("%f" + i + " = " + parts[0] + " %w" + (parts.length > 1 ? " " + parts[1] : ""))
                    .append(" : f32[2x2]\n");
        }
        return s.toString();
    }

    @Test
    void printsWhatItParses() {
        assertThat(GraphPrinter.print(GraphParser.parse(FLOAT))).isEqualTo(FLOAT);
        assertThat(GraphPrinter.print(GraphParser.parse(INTEGER))).isEqualTo(INTEGER);
        assertThat(GraphPrinter.print(GraphParser.parse(STATEFUL))).isEqualTo(STATEFUL);
    }

    /** So that an operation without a text is seen here. */
    @Test
    void theTextsHaveEveryOperation() {
        Set<Class<?>> seen = new HashSet<>();
        Set<Object> functions = new HashSet<>();
        for (String text : new String[] {FLOAT, INTEGER, STATEFUL}) {
            for (Node n : GraphParser.parse(text).nodes()) {
                seen.add(n.op().getClass());
                switch (n.op()) {
                    case FloatOp.Unary u -> functions.add(u.fn().getClass());
                    case NumOp.Binary b -> functions.add(b.fn());
                    case NumOp.Unary u -> functions.add(u.fn());
                    case NumOp.Compare c -> functions.add(c.fn());
                    case NumOp.Reduce r -> functions.add(r.fn());
                    default -> {}
                }
            }
        }
        assertThat(seen).contains(NumOp.class.getPermittedSubclasses());
        assertThat(functions)
                .contains((Object[]) ScalarFn.class.getPermittedSubclasses())
                .contains((Object[]) NumOp.Binary.Fn.values())
                .contains((Object[]) NumOp.Unary.Fn.values())
                .contains((Object[]) NumOp.Compare.Fn.values())
                .contains((Object[]) NumOp.Reduce.Fn.values());
        assertThat(seen)
                .contains(DataOp.Gather.class, DataOp.Broadcast.class, DataOp.Dilate.class, DataOp.Select.class)
                .contains(FloatOp.Recurrent.class, IntOp.Thresholds.class, IntOp.LstmGate.class, IntOp.LstmCell.class)
                .contains(IntOp.Softmax16.class, IntOp.ResizeBilinear.class);
    }

    @Test
    void parsesWhatItPrints() {
        for (String text : new String[] {INTEGER, STATEFUL}) {
            Graph g = GraphParser.parse(text);
            assertThat(GraphParser.parse(GraphPrinter.print(g))).isEqualTo(g);
        }
    }

    @Test
    void largeConstantsKeepEveryBit() {
        float[] values = new float[1000];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(i * 0x9E3779B1);
        }
        String text = "graph @g {\n  %w = constant " + Arrays.toString(values) + " : f32[1000]\n  return w = %w\n}\n";
        Graph g = GraphParser.parse(text);
        String printed = GraphPrinter.print(g);
        assertThat(printed).contains("base64(");
        assertThat(GraphParser.parse(printed)).isEqualTo(g);
    }

    @Test
    void largeConstantsOfSixtyFourBits() {
        long[] values = new Random(3).longs(300).toArray();
        ValueId id = new ValueId("w");
        Graph g = new Graph(
                "g",
                List.of(),
                List.of(new Node(
                        id,
                        new DataOp.Constant(new Tensor.OfLong(Shape.of(300), values)),
                        List.of(),
                        new Type(Element.INT64, Shape.of(300)),
                        Span.NONE)),
                List.of(new Graph.Result("w", id)));
        assertThat(GraphParser.parse(GraphPrinter.print(g))).isEqualTo(g);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    h : f32[1x2] becomes %last | h : f32[1x2] becomes %nothing | state %h becomes %nothing, which is not defined
                    h : f32[1x2] becomes %last | h : f32[1x2] becomes %w | state %h is f32[1x2], but becomes f32[2x2]
                    param %n : i64[2] | param %h : i64[2] | value %h is defined twice
                    select %eq, | select %n, | takes a bool condition
                    gather %x, %n {axis=1} : f32[1x2x2] | gather %x, %w {axis=1} : f32[1x2x2x2] | takes plain indices
                    k=1, | k=3, | top_k takes 3 of the 2 elements
                    num.cast %flip : u8[2] | num.cast %flip : u8<scale=1.0, zero=0>[2] | takes and gives plain numbers
                    num.reinterpret %bytes : u8< | num.reinterpret %bytes : i8< | integers of one width and signedness
                    activations=[sigmoid, tanh] | activations=[sigmoid] | GRU has 2 activations
                    activations=[sigmoid, tanh] | activations=[sigmoid, tan] | there is no function tan
                    entries=[3, 0, 1] | entries=[3, 0] | thresholds are [channels or 1, entries - 1]
                    param %n : i64[2] | param %m : i64[Nx2] param %n : i64[2] | a graph with states has no batch axis N
                    """)
    void tellsWhatIsWrongWithNumbersAndStates(String part, String broken, String message) {
        assertThat(STATEFUL).contains(part);
        assertThatThrownBy(() -> GraphParser.parse(STATEFUL.replace(part, broken)))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void readableFormCutsLongParts() {
        assertThat(GraphPrinter.print(GraphParser.parse(INTEGER), GraphPrinter.Detail.READABLE))
                .contains("// <text>:3:");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    [Nx4] at 0 | [Nx5] at 0 | weight of dense is [units, features]: expected [2x5]
                    %b = constant [10, -20] : i32[2] | %b = constant [10] : i32[1] | expected [2], found [1]
                    -127, 6 | -128, 6 | the code -128, outside i8 -127:127
                    %d, %d {axis=1} | %d, %z {axis=1} | operand %z is not defined
                    q31(0, 0)], 128, | q31(0, 0)], 100, | rescales to zero point 100
                    %r = int.req | %d = int.req | value %d is defined twice
                    int.dense %x, %g | int.danse %x, %g | there is no operation 'int.danse'
                    {axis=1} | {axes=1} | needs an attribute 'axis'
                    {axis=1} | {axis=1, b=2} | has no attribute 'b'
                    at 128 | at 190 | outside the arena
                    a = %c | a = %c2 | which is not defined
                    """)
    void tellsWhatIsWrong(String part, String broken, String message) {
        assertThat(INTEGER).contains(part);
        assertThatThrownBy(() -> GraphParser.parse(INTEGER.replace(part, broken)))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void codesAreOfTheStorageThatTheirParametersAreFor() {
        String text = """
                graph @g {
                  param %x : f32[2x2]
                  %p = int.dynamic_params %x {storage=u8, symmetric=false} : f32[2]
                  %q = int.dynamic_quantize %x, %p {storage=u8} : i16[2x2]
                  return y = %q
                }
                """;
        Verifier.verify(GraphParser.parse(text));
        assertThatThrownBy(() ->
                        Verifier.verify(GraphParser.parse(text.replace("%x, %p {storage=u8}", "%x, %p {storage=i8}"))))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("has storage i8, but its parameters %p are for u8");
    }

    @Test
    void truncatedTextIsRefused() {
        for (String text : new String[] {FLOAT, INTEGER}) {
            for (int i = 0; i < text.length() - 2; i++) {
                String cut = text.substring(0, i);
                assertThatThrownBy(() -> GraphParser.parse(cut)).isInstanceOf(CompileException.class);
            }
        }
    }
}
