package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.call;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.f32;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.floorDiv;
import static dev.qnet.target.tvm.tir.Tir.floorMod;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.roundEven;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.target.tvm.lower.math.Reals;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;

/** Between real numbers and codes: docs/numerics.md, "Quantize". */
final class Quants {
    private Quants() {}

    static Stmt lower(Layer layer, QuantOp op) {
        return switch (op) {
            case QuantOp.Quantize q -> quantize(layer, q);
            case QuantOp.Dequantize d -> dequantize(layer);
            case QuantOp.FakeQuant f -> throw new IllegalArgumentException("fake quantization is lowered before");
        };
    }

    private static Stmt quantize(Layer layer, QuantOp.Quantize op) {
        Quant type = layer.node().type().quant();
        int[] shape = layer.shape();
        if (type.storage() == Storage.BIPOLAR) {
            return Ints.each(layer, x -> select(lt(x, f32(0)), i32(-1), i32(1)));
        }
        return switch (type.scheme()) {
            case Scheme.PerTensor t ->
                Ints.each(layer, x -> code(x, f32(t.scale()), i32(t.zero()), type, op.rounding()));
            case Scheme.PerAxis a -> {
                Buffer s = layer.table("scales", floats(a.scales()));
                Buffer z = layer.table("zeros", DataType.INT32, a.zeros());
                yield loop("i", layer.node().type().shape().elements(), i -> {
                    Expr c = Layer.channel(a, shape, i);
                    return layer.put(i, code(layer.at(0, i), load(s, c), load(z, c), type, op.rounding()));
                });
            }
            case Scheme.PerGroup g -> throw new IllegalArgumentException("only constants are quantized per group");
        };
    }

    /** The code of x, NaN being the zero point. */
    private static Expr code(Expr x, Expr scale, Expr zero, Quant type, Rounding rounding) {
        Expr v = div(x, scale);
        Expr r = rounding == Rounding.TFLITE ? roundHalfAway(v) : cast(DataType.FLOAT64, roundEven(v));
        // Real numbers beyond every code end here, so that they fit an integer.
        double far = 0x1p33;
        Expr near = min(max(r, f64(-far)), f64(far));
        Expr sum = add(cast(DataType.INT64, select(Reals.isNan(v), f64(0), near)), cast(DataType.INT64, zero));
        Expr q = clamp(sum, type.lo(), type.hi());
        return select(Reals.isNan(v), zero, cast(DataType.INT32, q));
    }

    /** The sum with 1/2 is exact in double. */
    private static Expr roundHalfAway(Expr v) {
        Expr wide = cast(DataType.FLOAT64, v);
        Expr up = call(DataType.FLOAT64, "floor", add(wide, f64(0.5)));
        Expr down = sub(f64(0), call(DataType.FLOAT64, "floor", sub(f64(0.5), wide)));
        return select(lt(wide, f64(0)), down, up);
    }

    private static Stmt dequantize(Layer layer) {
        Quant type = layer.type(0).quant();
        int elements = layer.node().type().shape().elements();
        return loop("i", elements, i -> {
            Expr code = cast(DataType.INT64, layer.at(0, i));
            return layer.put(
                    i,
                    switch (type.scheme()) {
                        case Scheme.PerTensor t -> mul(cast(DataType.FLOAT32, sub(code, t.zero())), f32(t.scale()));
                        case Scheme.PerAxis a ->
                            mul(
                                    cast(DataType.FLOAT32, layer.centred(0, i, DataType.INT64)),
                                    load(layer.table("scales", floats(a.scales())), layer.channel(a, 0, i)));
                        case Scheme.PerGroup g -> {
                            int row = elements / layer.shape(0)[0];
                            Expr group = add(mul(floorDiv(i, row), g.groups()), floorDiv(floorMod(i, row), g.size()));
                            float[] units = new float[g.multipliers().size()];
                            for (int k = 0; k < units.length; k++) {
                                units[k] = g.scales().get(k / g.groups())
                                        * g.multipliers().get(k);
                            }
                            yield mul(cast(DataType.FLOAT32, code), load(layer.table("units", units), group));
                        }
                    });
        });
    }

    private static float[] floats(java.util.List<Float> list) {
        float[] values = new float[list.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = list.get(i);
        }
        return values;
    }
}
