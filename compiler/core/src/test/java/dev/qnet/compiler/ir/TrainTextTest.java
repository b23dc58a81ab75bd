package dev.qnet.compiler.ir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.source.CompileException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainTextTest {
    private static final String ALL = """
            graph @all {
              param %x : f32[2x4x4x2]
              param %w : f32[3x3x3x2]
              param %g : f32[2x2x2x3]
              param %c : f32[2]
              param %p : f32[1x1]
              param %two : f32[1x2]
              param %six : f32[1x6]
              param %four : f32[1x4]
              param %t : f32[2x3]
              param %one : f32[]
              %ci = grad.conv2d_input %g, %w {window=window([3, 3], [1, 1], [1, 1], [0, 0, 0, 0]), groups=1, size=[4, 4]} : f32[2x4x4x2]
              %cw = grad.conv2d_weight %x, %g {window=window([3, 3], [1, 1], [1, 1], [0, 0, 0, 0]), groups=1} : f32[3x3x3x2]
              %u = grad.unary %x, %x {of=clip(0.0, 6.0)} : f32[2x4x4x2]
              %q = max_pool %x {window=window([2, 2], [2, 2], [1, 1], [0, 0, 0, 0])} : f32[2x2x2x2]
              %mp = grad.max_pool %x, %q {window=window([2, 2], [2, 2], [1, 1], [0, 0, 0, 0])} : f32[2x4x4x2]
              %ap = grad.avg_pool %q {window=window([2, 2], [2, 2], [1, 1], [0, 0, 0, 0]), size=[4, 4]} : f32[2x4x4x2]
              %rn = grad.resize_nearest %x {size=[2, 2]} : f32[2x2x2x2]
              %sm = grad.softmax %t, %t {axis=1} : f32[2x3]
              %st = train.sum_to %x {shape=[1, 2]} : f32[1x2]
              %m = train.moments %x : f32[2x2]
              %n = train.normalize %x, %c, %c, %m {epsilon=0.001} : f32[2x4x4x2]
              %ns = grad.normalize_scale %x, %m, %x {epsilon=0.001} : f32[2x2]
              %ni = grad.normalize_input %x, %c, %m, %ns, %x {epsilon=0.001} : f32[2x4x4x2]
              %ce = train.cross_entropy %t, %t : f32[]
              %cg = grad.cross_entropy %t, %t, %ce : f32[2x3]
              %q1 = train.quantized %x, %p {by=lsq, lo=-4, hi=3, factor=0.125} : f32[2x4x4x2]
              %q2 = grad.quantized_input %x, %two, %x {by=lsq_plus, lo=0, hi=15} : f32[2x4x4x2]
              %q3 = grad.quantized_parameters %x, %p, %x {by=pact(6.0, 2.0E-4), lo=0, hi=15, factor=1.0} : f32[1x1]
              %q4 = train.quantized %x, %six, %one {by=qn(5.0, 50.0), lo=-2, hi=2, factor=1.0} : f32[2x4x4x2]
              %q5 = train.quantized %x, %four {by=codebook(4, 0.25), lo=-2, hi=1, factor=1.0} : f32[2x4x4x2]
              %q6 = train.quantized %x, %four {by=qil, lo=-2, hi=1, factor=1.0} : f32[2x4x4x2]
              %q7 = train.quantized %x, %two {by=ternary, lo=-1, hi=1, factor=1.0} : f32[2x4x4x2]
              %q8 = train.quantized %x, %p {by=bipolar, lo=-1, hi=1, factor=1.0} : f32[2x4x4x2]
              %q9 = train.quantized %x, %two {by=affine, lo=0, hi=255, factor=1.0} : f32[2x4x4x2]
              return y = %ni
            }
            """;

    @Test
    void everyOperationPrintsAndComesBack() {
        Graph g = GraphParser.parse(ALL);
        Verifier.verify(g);
        assertThat(GraphPrinter.print(g)).isEqualTo(ALL);
        Set<Class<?>> seen = new HashSet<>();
        g.nodes().forEach(n -> seen.add(n.op().getClass()));
        assertThat(seen).containsAll(Arrays.asList(TrainOp.class.getPermittedSubclasses()));
        Set<Class<?>> quantizers = new HashSet<>();
        g.nodes().forEach(n -> {
            if (n.op() instanceof TrainOp.Quantized q) {
                quantizers.add(q.quantizer().getClass());
            }
        });
        assertThat(quantizers).hasSize(Quantizer.class.getPermittedSubclasses().length - 2);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    grad.unary %x, %t {of=relu} : f32[2x3] | operands of one shape
                    train.quantized %x, %x {by=lsq, lo=-4, hi=3, factor=1.0} : f32[2x2] | the parameters of a quantizer are
                    train.quantized %x, %p {by=lsq, lo=1, hi=3, factor=1.0} : f32[2x2] | codes run from 0 or below
                    train.cross_entropy %x, %t : f32[] | operands of one shape
                    train.sum_to %x {shape=[3]} : f32[3] | do not broadcast
                    """)
    void shapesThatDoNotFitAreRefused(String node, String message) {
        String text = "graph @g {\n  param %x : f32[2x2]\n  param %t : f32[2x3]\n  param %p : f32[1x1]\n  %y = " + node
                + "\n  return y = %y\n}\n";
        assertThatThrownBy(() -> Verifier.verify(GraphParser.parse(text)))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void trainingGraphsHaveNoN() {
        String text = "graph @g {\n  param %x : f32[Nx2]\n  %m = train.moments %x : f32[2x2]\n  return y = %m\n}\n";
        assertThatThrownBy(() -> Verifier.verify(GraphParser.parse(text)))
                .hasMessageContaining("a training graph has batches of a known size");
    }
}
