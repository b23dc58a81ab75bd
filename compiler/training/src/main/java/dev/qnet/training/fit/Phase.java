package dev.qnet.training.fit;

/**
 * What a graph is trained as. A convolution or dense layer in front of a batch normalization is deployed with folded weights
 * {@code w·f}, {@code f = gamma/√(variance + epsilon)} of the running statistics, and it is these that are quantized; so they are what
 * training quantizes, in all phases:
 *
 * <pre>
 * FLOAT      u = conv(x, w),          z = batch_norm of u by the batch's statistics
 * QUANTIZED  u = conv(x, Q(w·f)/f),   z = batch_norm of u by the batch's statistics
 * FROZEN     z = conv(x, Q(w·f)) + b, f at rest, w and b = beta − mean·f learned from there on
 * </pre>
 *
 * <p>QUANTIZED is Krishnamoorthi's correction (2018, section 3.2.2) said differently: weights do not jump with the statistics of a
 * batch, since f comes from the running ones, and activations are normalized as if nothing were folded. FROZEN, at the end, is to the bit
 * the graph that is deployed. f is no path for gradients in QUANTIZED, where y hardly depends on it.
 */
public enum Phase {
    FLOAT,
    QUANTIZED,
    FROZEN
}
