package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.DescriptorText;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.kernel.Backend;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a model remembers: in sessions, from run to run, as the oracle does. */
final class StatesTest {
    /** A running sum, and two states that swap, one that stays, one that takes an input and one that takes a constant. */
    private static final Graph MANY = GraphParser.parse("""
            graph @many {
              param %x : f32[1x4]
              param %t : bool[2]
              param %c : i8<scale=0.5, zero=3>[2x2]
              state %sum : f32[1x4] becomes %total
              state %left : i8<scale=0.5, zero=3>[2x2] becomes %right
              state %right : i8<scale=0.5, zero=3>[2x2] becomes %mixed
              state %a : i64[3] becomes %b
              state %b : i64[3] becomes %a
              state %third : i64[3] becomes %a
              state %same : i16<scale=0.5, zero=-7>[2] becomes %same
              state %flag : bool[2] becomes %t
              state %given : i8<scale=0.5, zero=3>[2x2] becomes %c
              state %fixed : i64[3] becomes %seven
              state %flat : i8[4] becomes %bits
              state %codes : u8<scale=0.25, zero=9>[1x4] becomes %q
              state %real : f32[1x4] becomes %back
              %total = add %x, %sum : f32[1x4]
              %mixed = num.max %left, %c : i8<scale=0.5, zero=3>[2x2]
              %seven = constant [7, 8, 9] : i64[3]
              %more = num.add %a, %seven : i64[3]
              %plain = num.reinterpret %right : i8[2x2]
              %bits = reshape %plain {shape=[4]} : i8[4]
              %q = quantize %x {rounding=tflite} : u8<scale=0.25, zero=9>[1x4]
              %lim = int.clamp %codes {lo=3, hi=200} : u8<scale=0.25, zero=9>[1x4]
              %back = dequantize %lim : f32[1x4]
              return total = %total, sum = %sum, left = %left, right = %right, a = %a, b = %b, third = %third, \
            same = %same, flag = %flag, given = %given, fixed = %fixed, flat = %flat, more = %more, codes = %codes, \
            back = %back, real = %real, x = %x
            }
            """);

    @ParameterizedTest
    @EnumSource
    void runsAsTheOracle(Backend backend) {
        Model model = JvmTarget.compile(MANY).load(backend);
        Interpreter oracle = Interpreter.prepare(MANY);
        Interpreter.State state = oracle.newState();
        Random random = new Random(7);
        try (Session session = model.session()) {
            for (int run = 0; run < 12; run++) {
                if (run == 7) {
                    session.reset();
                    state.reset();
                }
                Map<String, Value> inputs = Judge.inputs(MANY, 1, random);
                assertThat(run(model, session, MANY, inputs)).as("run %d", run).isEqualTo(oracle.run(inputs, state));
            }
        }
    }

    /** Many states that become one another at random. */
    @Test
    void aStateIsNotLentAsAnOutput() {
        Model model = Fixtures.compile("""
                graph @counting {
                  param %x : i32[4]
                  state %s : i32[4] becomes %n
                  %n = num.add %s, %x : i32[4]
                  return before = %s, next = %n
                }
                """).load();
        try (Session s = model.session()) {
            assertThatThrownBy(() -> s.ownOutput("before"))
                    .isInstanceOf(ModelException.class)
                    .hasMessage(
                            "output 'before' is the value of a state, which each run changes at its end: bind memory"
                                    + " of your own");
            Tensor next = s.ownOutput("next");
            IntBuffer x = (IntBuffer) s.ownInput("x").buffer();
            for (int run = 1; run <= 3; run++) {
                x.put(0, new int[] {1, 2, 3, 4});
                s.run();
                assertThat(next.ints()).containsExactly(run, 2 * run, 3 * run, 4 * run);
            }
        }
    }

    @Test
    void anyOrderOfCopies() {
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            int n = 2 + random.nextInt(6);
            StringBuilder text = new StringBuilder("graph @g {\n  param ").append("%x : i32[5]\n");
            for (int i = 0; i < n; i++) {
                int next = random.nextInt(n + 2);
                text.append("  state ").append(value(i)).append(" : i32[5] becomes ");
                text.append(next < n ? value(next) : next == n ? "%x" : "%y").append('\n');
            }
            text.append("  %y = num.add %x, " + value(0) + " : i32[5]\n  return y = %y");
            for (int i = 0; i < n; i++) {
                text.append(", s").append(i).append(" = ").append(value(i));
            }
            Graph graph = GraphParser.parse(text + "\n}\n");
            Model model = JvmTarget.compile(graph).load(Backend.SCALAR);
            Interpreter oracle = Interpreter.prepare(graph);
            Interpreter.State state = oracle.newState();
            try (Session session = model.session()) {
                for (int run = 0; run < 6; run++) {
                    Map<String, Value> inputs = Judge.inputs(graph, 1, random);
                    assertThat(run(model, session, graph, inputs))
                            .as("%s", graph)
                            .isEqualTo(oracle.run(inputs, state));
                }
            }
        }
    }

    private static String value(int state) {
        return '%' + "s" + state;
    }

    private static Map<String, Value> run(Model model, Session session, Graph graph, Map<String, Value> inputs) {
        Map<ValueId, Type> types = graph.types();
        for (Graph.Param p : graph.params()) {
            session.input(
                    p.id().name(),
                    Judge.tensor(
                            Objects.requireNonNull(inputs.get(p.id().name())),
                            p.type().element()));
        }
        Map<String, Tensor> out = new LinkedHashMap<>();
        for (int i = 0; i < graph.results().size(); i++) {
            Graph.Result r = graph.results().get(i);
            TensorInfo info = model.outputs().get(i);
            boolean real = Objects.requireNonNull(types.get(r.value())).isFloat();
            Tensor t = Tensor.allocate(real ? dev.qnet.runtime.ElementType.F32 : info.type(), info.shapeFor(1));
            session.output(i, t);
            out.put(r.name(), t);
        }
        session.run();
        Map<String, Value> values = new LinkedHashMap<>();
        out.forEach((name, t) -> values.put(name, Judge.value(t)));
        return values;
    }

    private static final CompiledArtifact SUM = Fixtures.compile("""
            graph @sum {
              param %x : i32[1x2]
              param %i : i32[1]
              state %s : i32[1x2] becomes %y
              %picked = gather %x, %i {axis=1} : i32[1x1]
              %y = num.add %s, %x : i32[1x2]
              return y = %y, picked = %picked
            }
            """);

    @Test
    void aModelRemembersNothingAndASessionDoes() {
        Model model = SUM.load();
        assertThat(model.states()).map(TensorInfo::toString).containsExactly("s: i32 [1, 2]");
        Map<String, Tensor> in =
                Map.of("x", Tensor.ofInt32(new int[] {1, 2}, 1, 2), "i", Tensor.ofInt32(new int[] {0}, 1));
        for (int i = 0; i < 3; i++) {
            assertThat(Objects.requireNonNull(model.run(in).get("y")).ints()).containsExactly(1, 2);
        }
        List<Integer> sums = new ArrayList<>();
        int[] y = new int[2];
        int[] index = {0};
        try (Session s = model.session()) {
            s.input("x", Tensor.ofInt32(new int[] {1, 2}, 1, 2)).input("i", Tensor.ofInt32(index, 1));
            s.output("y", Tensor.ofInt32(y, 1, 2));
            for (int i = 0; i < 3; i++) {
                s.run();
                sums.add(y[1]);
            }
            // A run that fails changes nothing.
            index[0] = 2;
            assertThatThrownBy(s::run).isInstanceOf(ModelException.class).hasMessageContaining("'picked'");
            index[0] = 1;
            s.run();
            sums.add(y[1]);
            s.reset();
            s.run();
            sums.add(y[1]);
        }
        assertThat(sums).containsExactly(2, 4, 6, 8, 2);
        // The memory of a closed session is another's, its states are not.
        try (Session s = model.session()) {
            s.input("x", Tensor.ofInt32(new int[] {1, 2}, 1, 2)).input("i", Tensor.ofInt32(index, 1));
            s.output("y", Tensor.ofInt32(y, 1, 2));
            s.run();
            assertThat(y).containsExactly(1, 2);
        }
    }

    @Test
    void aBatchIsRefused() {
        try (Session s = SUM.load().session()) {
            assertThatThrownBy(() -> s.input("x", Tensor.ofInt32(new int[6], 3, 2)))
                    .isInstanceOf(ModelException.class)
                    .hasMessage(
                            "input 'x' expects i32 [1, 2], found i32 [3, 2]; the model has states, so that it has no"
                                    + " batches: run item after item in one session");
        }
        Session closed = SUM.load().session();
        closed.close();
        assertThatThrownBy(closed::reset).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void theDescriptorListsStates() {
        CompiledArtifact many = JvmTarget.compile(MANY);
        String text = DescriptorText.print(many.descriptor());
        assertThat(text).contains("states=13\n", "state.0.name=sum\nstate.0.type=f32\nstate.0.shape=1,4\n");
        assertThat(DescriptorText.parse(text, "test")).isEqualTo(many.descriptor());
        assertThatThrownBy(() -> DescriptorText.parse(text.replace("state.0.shape=1,4", "state.0.shape=N,4"), "test"))
                .hasMessageContaining("'state.0.shape' has an N, which no state has");
    }
}
