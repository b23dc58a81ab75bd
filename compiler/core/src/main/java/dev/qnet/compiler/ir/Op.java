package dev.qnet.compiler.ir;

/**
 * An operation: what a node does, without its operands. Attributes are the record's components. Three families are the
 * three lowering levels ({@link FloatOp} → {@link QuantOp} → {@link IntOp}); {@link DataOp} only moves elements and means
 * the same at each, and {@link NumOp} is arithmetic of plain numbers beside the layers. {@link TrainOp} is what training adds.
 */
public sealed interface Op permits DataOp, FloatOp, QuantOp, NumOp, IntOp, TrainOp {}
