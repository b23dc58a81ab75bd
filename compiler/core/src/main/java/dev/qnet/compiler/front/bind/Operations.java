package dev.qnet.compiler.front.bind;

import static dev.qnet.compiler.front.bind.Operation.optional;
import static dev.qnet.compiler.front.bind.Operation.required;

import dev.qnet.compiler.front.bind.Operation.Kind;
import dev.qnet.compiler.front.bind.Operation.Parameter;
import dev.qnet.compiler.front.bind.Operation.Rule;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.ScalarFn;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Every operation of the language. */
final class Operations {
    private static final double SELU_ALPHA = 1.6732632423543772;
    private static final double SELU_GAMMA = 1.0507009873554805;

    private static final Map<String, Operation> TABLE = new LinkedHashMap<>();

    private static final Parameter X = required("x", Kind.TENSOR, "the input");
    private static final Parameter IMAGE = required("x", Kind.TENSOR, "the input, [N, height, width, channels]");
    private static final Parameter KERNEL = required("kernel", Kind.PAIR, "rows and columns of the window");
    private static final Parameter STRIDE = optional("stride", Kind.PAIR, "1", "steps between windows");
    private static final Parameter POOL_STRIDE = optional("stride", Kind.PAIR, "the kernel", "steps between windows");
    private static final Parameter DILATION = optional("dilation", Kind.PAIR, "1", "distance between taps");
    private static final Parameter PADDING =
            optional("padding", Kind.PADDING, "valid", "rows and columns around the input");
    private static final Parameter BIAS =
            optional("bias", Kind.BIAS, "true", "the bias [filters], or whether there is one");
    private static final Parameter PARAMS =
            optional("params", Kind.TEXT, "the value's name", "what the names of its parameters begin with");

    static {
        add(
                "conv2d",
                "Convolves an image with filters [filters, height, width, channels / groups].",
                ConvRules::conv2d,
                IMAGE,
                required("filters", Kind.INT, "output channels"),
                KERNEL,
                STRIDE,
                DILATION,
                PADDING,
                optional("groups", Kind.INT, "1", "runs of channels that are convolved apart"),
                BIAS,
                optional("weight", Kind.WEIGHT, "by name", "the filters"),
                PARAMS);
        add(
                "depthwise_conv2d",
                "Convolves each channel with filters of its own, [channels * multiplier, height, width, 1].",
                ConvRules::depthwise,
                IMAGE,
                KERNEL,
                optional("multiplier", Kind.INT, "1", "output channels for each input channel"),
                STRIDE,
                DILATION,
                PADDING,
                BIAS,
                optional("weight", Kind.WEIGHT, "by name", "the filters"),
                PARAMS);
        add(
                "dense",
                "Multiplies the last axis by a matrix [units, features] and adds a bias.",
                ConvRules::dense,
                X,
                required("units", Kind.INT, "output features"),
                optional("bias", Kind.BIAS, "true", "the bias [units], or whether there is one"),
                optional("weight", Kind.WEIGHT, "by name", "the matrix"),
                PARAMS);
        add(
                "matmul",
                "Multiplies matrices [.., M, K] and [.., K, N]; the axes before broadcast.",
                ConvRules::matmul,
                X,
                required("y", Kind.TENSOR, "the right factor"));
        add(
                "batch_norm",
                "Normalizes each channel: (x - mean) * gamma / sqrt(variance + epsilon) + beta.",
                ConvRules::batchNorm,
                required("x", Kind.TENSOR, "the input, [.., channels]"),
                optional("epsilon", Kind.NUMBER, "0.001", "added to the variance"),
                optional("gamma", Kind.WEIGHT, "by name", "scale [channels]; also called weight in files"),
                optional("beta", Kind.WEIGHT, "by name", "offset [channels]; also called bias"),
                optional("mean", Kind.WEIGHT, "by name", "mean [channels]; also called running_mean, moving_mean"),
                optional(
                        "variance",
                        Kind.WEIGHT,
                        "by name",
                        "variance [channels]; also called running_var, moving_variance"),
                PARAMS);

        binary("add", "Adds, element by element, with broadcasting; also written x + y.", FloatOp.Binary.Fn.ADD);
        binary("sub", "Subtracts, element by element, with broadcasting; also written x - y.", FloatOp.Binary.Fn.SUB);
        binary("mul", "Multiplies, element by element, with broadcasting; also written x * y.", FloatOp.Binary.Fn.MUL);

        binary("div", "Divides, element by element, with broadcasting; also written x / y.", FloatOp.Binary.Fn.DIV);
        binary("pow", "x to the power y, element by element, with broadcasting.", FloatOp.Binary.Fn.POW);
        binary("min", "The smaller of two, element by element, with broadcasting.", FloatOp.Binary.Fn.MIN);
        binary("max", "The larger of two, element by element, with broadcasting.", FloatOp.Binary.Fn.MAX);
        binary("mod", "The remainder of x / y truncated toward 0, with broadcasting.", FloatOp.Binary.Fn.MOD);

        unary("relu", "max(x, 0).", new ScalarFn.Relu());
        unary("relu6", "min(max(x, 0), 6).", new ScalarFn.Clip(0, 6));
        add(
                "leaky_relu",
                "x where it is at least 0, else alpha * x.",
                c -> c.emit(
                        new FloatOp.Unary(new ScalarFn.LeakyRelu(Attributes.number(c, "alpha", 0.01))), c.operand("x")),
                X,
                optional("alpha", Kind.NUMBER, "0.01", "the slope below 0"));
        add(
                "clip",
                "min(max(x, lo), hi).",
                ShapeRules::clip,
                X,
                required("lo", Kind.NUMBER, "the least result"),
                required("hi", Kind.NUMBER, "the greatest result"));
        unary("sigmoid", "1 / (1 + exp(-x)).", new ScalarFn.Sigmoid());
        unary("tanh", "The hyperbolic tangent.", new ScalarFn.Tanh());
        unary("hard_swish", "x * min(max(x + 3, 0), 6) / 6.", new ScalarFn.HardSwish());
        unary("gelu", "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))), the tanh form.", new ScalarFn.Gelu());
        unary("gelu_erf", "x / 2 * (1 + erf(x / sqrt(2))), the exact form.", new ScalarFn.GeluErf());
        unary("silu", "x * sigmoid(x), also called swish.", new ScalarFn.Silu());
        unary("mish", "x * tanh(ln(1 + exp(x))).", new ScalarFn.Mish());
        unary("softplus", "ln(1 + exp(x)).", new ScalarFn.Softplus());
        unary("softsign", "x / (1 + |x|).", new ScalarFn.Softsign());
        add(
                "elu",
                "x where it is at least 0, else alpha * (exp(x) - 1).",
                c -> c.emit(new FloatOp.Unary(new ScalarFn.Elu(Attributes.number(c, "alpha", 1))), c.operand("x")),
                X,
                optional("alpha", Kind.NUMBER, "1", "how far down it goes"));
        add(
                "celu",
                "x where it is at least 0, else alpha * (exp(x / alpha) - 1).",
                c -> c.emit(new FloatOp.Unary(new ScalarFn.Celu(Attributes.number(c, "alpha", 1))), c.operand("x")),
                X,
                optional("alpha", Kind.NUMBER, "1", "how far down it goes"));
        add(
                "selu",
                "gamma * x where x is above 0, else gamma * alpha * (exp(x) - 1).",
                c -> c.emit(
                        new FloatOp.Unary(new ScalarFn.Selu(
                                Attributes.number(c, "alpha", SELU_ALPHA), Attributes.number(c, "gamma", SELU_GAMMA))),
                        c.operand("x")),
                X,
                optional("alpha", Kind.NUMBER, "1.6732632", "how far down it goes"),
                optional("gamma", Kind.NUMBER, "1.0507010", "the slope"));
        add(
                "hard_sigmoid",
                "min(max(alpha * x + beta, 0), 1).",
                c -> c.emit(
                        new FloatOp.Unary(new ScalarFn.HardSigmoid(
                                Attributes.number(c, "alpha", 0.2), Attributes.number(c, "beta", 0.5))),
                        c.operand("x")),
                X,
                optional("alpha", Kind.NUMBER, "0.2", "the slope"),
                optional("beta", Kind.NUMBER, "0.5", "the result for 0"));
        add(
                "thresholded_relu",
                "x where it is above alpha, else 0.",
                c -> c.emit(
                        new FloatOp.Unary(new ScalarFn.ThresholdedRelu(Attributes.number(c, "alpha", 1))),
                        c.operand("x")),
                X,
                optional("alpha", Kind.NUMBER, "1", "the threshold"));
        unary("erf", "The error function.", new ScalarFn.Erf());
        unary("sqrt", "The square root.", new ScalarFn.Sqrt());
        unary("exp", "e to the power x.", new ScalarFn.Exp());
        unary("log", "The natural logarithm.", new ScalarFn.Log());
        unary("sin", "The sine.", new ScalarFn.Sin());
        unary("cos", "The cosine.", new ScalarFn.Cos());
        unary("abs", "The magnitude.", new ScalarFn.Abs());
        unary("neg", "-x.", new ScalarFn.Neg());
        unary("sign", "-1, 0 or 1.", new ScalarFn.Sign());
        unary("floor", "The next integer below.", new ScalarFn.Floor());
        unary("ceil", "The next integer above.", new ScalarFn.Ceil());
        unary("round", "The nearest integer, halves to the even one.", new ScalarFn.Round());
        unary("reciprocal", "1 / x.", new ScalarFn.Reciprocal());
        add(
                "softmax",
                "exp(x - max) / sum(exp(x - max)) along an axis.",
                c -> {
                    Invocation.Operand x = c.operand("x");
                    return c.emit(new FloatOp.Softmax(Attributes.axis(c, "axis", -1, x.shape())), x);
                },
                X,
                optional("axis", Kind.INT, "-1", "the axis; negative ones count from the back"));

        add(
                "max_pool",
                "The largest element under each window.",
                c -> PoolRules.pool(c, true),
                IMAGE,
                KERNEL,
                POOL_STRIDE,
                DILATION,
                PADDING);
        add(
                "avg_pool",
                "The mean of the elements under each window, padding left out.",
                c -> PoolRules.pool(c, false),
                IMAGE,
                KERNEL,
                POOL_STRIDE,
                DILATION,
                PADDING);
        add(
                "global_avg_pool",
                "The mean of each channel: [N, height, width, channels] to [N, channels].",
                PoolRules::globalAverage,
                IMAGE,
                optional("keep_dims", Kind.BOOL, "false", "whether height and width stay, with extent 1"));
        add(
                "global_max_pool",
                "The largest element of each channel: [N, height, width, channels] to [N, channels].",
                PoolRules::globalMax,
                IMAGE,
                optional("keep_dims", Kind.BOOL, "false", "whether height and width stay, with extent 1"));
        add(
                "mean",
                "The mean over axes.",
                PoolRules::mean,
                X,
                required("axes", Kind.INTS, "the axes; negative ones count from the back"),
                optional("keep_dims", Kind.BOOL, "false", "whether the axes stay, with extent 1"));
        add(
                "resize_nearest",
                "Resizes an image; each result is its nearest neighbour.",
                PoolRules::resize,
                IMAGE,
                optional("height", Kind.INT, "by scale", "rows of the result"),
                optional("width", Kind.INT, "by scale", "columns of the result"),
                optional("scale", Kind.PAIR, "by height and width", "how many times as large"));

        add(
                "concat",
                "Joins tensors along an axis.",
                ShapeRules::concat,
                required("x", Kind.TENSORS, "the parts"),
                optional("axis", Kind.INT, "-1", "the axis, given by name"));
        add(
                "split",
                "Parts of a tensor along an axis: a, b = split(x, 2).",
                ShapeRules::split,
                X,
                optional("parts", Kind.INT, "by sizes", "how many parts of equal size"),
                optional("sizes", Kind.INTS, "equal", "the extent of each part"),
                optional("axis", Kind.INT, "-1", "the axis"));
        add(
                "slice",
                "The elements begin, begin + step, ... below end along each axis.",
                ShapeRules::slice,
                X,
                required("begin", Kind.SHAPE, "the first index, one an axis (0 for N)"),
                required("end", Kind.SHAPE, "after the last index; N for the batch, negative ones count from the back"),
                optional("step", Kind.SHAPE, "1", "distances, one an axis"));
        add(
                "pad",
                "Surrounds a tensor with a constant.",
                ShapeRules::pad,
                X,
                required("before", Kind.INTS, "elements in front, one an axis (0 for N)"),
                optional("after", Kind.INTS, "as before", "elements behind, one an axis"),
                optional("value", Kind.NUMBER, "0", "the constant"));
        add(
                "reshape",
                "The same elements, row-major, under another shape.",
                ShapeRules::reshape,
                X,
                required("shape", Kind.SHAPE, "the extents; N stays in front, one may be -1"));
        add("flatten", "[N, ...] to [N, elements].", ShapeRules::flatten, X);
        add(
                "transpose",
                "Reorders axes: axis i of the result is axis perm[i] of x.",
                ShapeRules::transpose,
                X,
                required("perm", Kind.INTS, "each axis once; N stays in front"));

        add(
                "quantize",
                "Real numbers to codes: quantize(x, u8, scale(0.1), zero(3)).",
                QuantRules::quantize,
                X,
                required("as", Kind.ITEMS, "storage, scale and zero point"));
        add("dequantize", "Codes to the real numbers for which they stand.", QuantRules::dequantize, X);
        add(
                "fake_quant",
                "Quantizes and dequantizes, with a range found by calibration unless it is given.",
                QuantRules::fakeQuant,
                X,
                optional("as", Kind.ITEMS, "as activations", "words of quantization"));

        add(
                "param",
                "A tensor from the model's parameters files, known at compile time.",
                QuantRules::param,
                required("name", Kind.TEXT, "its name in the file"));
        add(
                "fill",
                "A tensor of one number, known at compile time.",
                QuantRules::fill,
                required("shape", Kind.SHAPE, "its extents"),
                required("value", Kind.NUMBER, "the number"));
    }

    private Operations() {}

    private static void add(String name, String summary, Rule rule, Parameter... parameters) {
        TABLE.put(name, new Operation(name, summary, List.of(parameters), rule));
    }

    private static void unary(String name, String summary, ScalarFn fn) {
        add(name, summary, c -> c.emit(new FloatOp.Unary(fn), c.operand("x")), X);
    }

    private static void binary(String name, String summary, FloatOp.Binary.Fn fn) {
        add(
                name,
                summary,
                c -> c.emit(new FloatOp.Binary(fn), c.operand("x"), c.operand("y")),
                required("x", Kind.OPERAND, "the left operand"),
                required("y", Kind.OPERAND, "the right operand"));
    }

    static @Nullable Operation find(String name) {
        return TABLE.get(name);
    }

    static Set<String> names() {
        return TABLE.keySet();
    }

    /** All of them, in the order of the reference. */
    static List<Operation> all() {
        return List.copyOf(TABLE.values());
    }
}
