package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import org.jspecify.annotations.Nullable;

/** Parameters of a quantizer that values on one grid share; or codes that are given. */
record Grid(
        TrainOp.Quantized op, ValueId parameters, @Nullable Quant given) {}
