package dev.qnet.target.tvm.tir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.TvmTarget;
import org.junit.jupiter.api.Test;

/** Programs print as TVMScript, without any native library. */
class PrinterTest {
    @Test
    void printsALayerAndTheEntry() {
        String graph = """
                graph @small {
                  param %x : u8<scale=0.5, zero=3>[Nx2]
                  %w = constant [1, -2, 3, -4, 5, -6] : i8<scale=0.25, zero=0>[3x2]
                  %y = int.dense %x, %w {acc=i32, rescale=tosa([q31(1073741824, -2)], 7, 0, 255)} : u8<scale=1.0, zero=7>[Nx3]
                  return y = %y
                }
                """;
        assertThat(TvmTarget.script(GraphParser.parse(graph), Cpu.NATIVE)).isEqualTo("""
                @T.prim_func(private=True)
                def layer_0_y(x0: T.handle("uint8"), y: T.handle("uint8")):
                    w = T.allocate_const([1, 3, 5, -2, -4, -6], "int8", [6,])
                    acc = T.allocate([3], "int32", "global")
                    for j in range(3):
                        acc[j] = 0
                    for i in range(2):
                        x: T.int32 = T.Cast("int32", x0[i]) - 3
                        for j_1 in range(3):
                            acc[j_1] = acc[j_1] + x * T.Cast("int32", w[i * 3 + j_1])
                    for j_2 in range(3):
                        y[j_2] = T.Cast("uint8", T.Cast("int32", T.min(T.max(T.shift_right(T.Cast("int64", acc[j_2]) * T.int64(1073741824) + T.int64(4294967296), T.int64(33)) + T.int64(7), T.int64(0)), T.int64(255))))

                @T.prim_func
                def run(in_x_data: T.Buffer((n, 2), "uint8"), out_y_data: T.Buffer((n, 3), "uint8")):
                    arena = T.allocate([64], "uint8", "global")
                    for item in range(n):
                        layer_0_y(T.address_of(in_x_data[T.Cast("int64", item) * T.int64(2)]), T.address_of(out_y_data[T.Cast("int64", item) * T.int64(3)]))
                """);
    }
}
