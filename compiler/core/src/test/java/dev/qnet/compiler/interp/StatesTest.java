package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.Shape;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a graph keeps from run to run. */
class StatesTest {
    /** A running sum, and a line that moves on by one: both readable while they are also replaced. */
    private static final Graph SUMS = GraphParser.parse("""
            graph @sums {
              param %x : f32[1]
              state %sum : f32[1] becomes %next
              state %line : f32[3] becomes %moved
              %next = add %sum, %x : f32[1]
              %tail = slice %line {begin=[1], end=[3], step=[1]} : f32[2]
              %moved = concat %tail, %x {axis=0} : f32[3]
              return before = %sum, after = %next, line = %moved
            }
            """);

    private static Map<String, Value> x(float x) {
        return Map.of("x", Value.of(Shape.of(1), x));
    }

    @Test
    void statesGoFromRunToRun() {
        Interpreter i = Interpreter.prepare(SUMS);
        Interpreter.State state = i.newState();
        assertThat(i.run(x(1), state))
                .containsEntry("before", Value.of(Shape.of(1), 0f))
                .containsEntry("after", Value.of(Shape.of(1), 1f))
                .containsEntry("line", Value.of(Shape.of(3), 0f, 0, 1));
        assertThat(i.run(x(2), state))
                .containsEntry("before", Value.of(Shape.of(1), 1f))
                .containsEntry("after", Value.of(Shape.of(1), 3f))
                .containsEntry("line", Value.of(Shape.of(3), 0f, 1, 2));
        assertThat(state.values())
                .isEqualTo(Map.of("sum", Value.of(Shape.of(1), 3f), "line", Value.of(Shape.of(3), 0f, 1, 2)));
        state.reset();
        assertThat(i.run(x(5), state)).containsEntry("after", Value.of(Shape.of(1), 5f));
    }

    @Test
    void aRunWithoutAStateStartsFromZerosAndForgets() {
        Interpreter i = Interpreter.prepare(SUMS);
        assertThat(i.run(x(1))).isEqualTo(i.run(x(1)));
        assertThat(Interpreter.run(SUMS, x(4))).containsEntry("after", Value.of(Shape.of(1), 4f));
    }

    @Test
    void sequencesAreIndependent() {
        Interpreter i = Interpreter.prepare(SUMS);
        Interpreter.State one = i.newState();
        Interpreter.State other = i.newState();
        i.run(x(1), one);
        i.run(x(10), other);
        assertThat(i.run(x(1), one)).containsEntry("after", Value.of(Shape.of(1), 2f));
        assertThat(i.run(x(1), other)).containsEntry("after", Value.of(Shape.of(1), 11f));
    }

    /** Code 7 stands for 0, which is what the state begins as. */
    @Test
    void codesBeginAsTheirZeroPoint() {
        Graph g = GraphParser.parse("""
                graph @codes {
                  param %x : u8<scale=0.5, zero=7>[2]
                  state %s : u8<scale=0.5, zero=7>[2] becomes %x
                  state %n : i32[1] becomes %n
                  state %b : bipolar<scale=0.5, zero=0>[1] becomes %b
                  return s = %s, n = %n, b = %b
                }
                """);
        Interpreter i = Interpreter.prepare(g);
        Interpreter.State state = i.newState();
        Map<String, Value> in = Map.of("x", Value.of(Shape.of(2), 1L, 2));
        assertThat(i.run(in, state))
                .isEqualTo(Map.of(
                        "s",
                        Value.of(Shape.of(2), 7L, 7),
                        "n",
                        Value.of(Shape.of(1), 0L),
                        "b",
                        Value.of(Shape.of(1), 1L)));
        assertThat(i.run(in, state)).containsEntry("s", Value.of(Shape.of(2), 1L, 2));
    }

    /** A run that fails leaves the state as it was. */
    @Test
    void aFailedRunChangesNothing() {
        Graph g = GraphParser.parse("""
                graph @divides {
                  param %x : i32[1]
                  state %s : i32[1] becomes %x
                  %y = num.div %s, %x : i32[1]
                  return y = %y
                }
                """);
        Interpreter i = Interpreter.prepare(g);
        Interpreter.State state = i.newState();
        i.run(Map.of("x", Value.of(Shape.of(1), 6L)), state);
        assertThatThrownBy(() -> i.run(Map.of("x", Value.of(Shape.of(1), 0L)), state))
                .isInstanceOf(ArithmeticException.class)
                .hasMessage("%y: 6 is divided by 0");
        assertThat(i.run(Map.of("x", Value.of(Shape.of(1), 3L)), state)).containsEntry("y", Value.of(Shape.of(1), 2L));
        assertThatThrownBy(() -> Interpreter.prepare(SUMS).run(x(1), state))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the state is not one of sums");
    }
}
