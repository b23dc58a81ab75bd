package dev.qnet.benchmarks.layer;

import java.util.List;

/** The layers that tables are made of: those of well-known networks, and squares. */
public enum Shapes {
    /** Products of matrices. */
    gemm(
            new Layer.Gemm(49, 512, 512),
            new Layer.Gemm(196, 256, 1152),
            new Layer.Gemm(784, 128, 576),
            new Layer.Gemm(3136, 64, 64),
            new Layer.Gemm(256, 256, 256),
            new Layer.Gemm(1024, 1024, 1024)),
    /** Convolutions of ResNet50 and MobileNetV2. */
    conv(
            new Layer.Conv(56, 64, 64, 3, 1),
            new Layer.Conv(28, 128, 128, 3, 1),
            new Layer.Conv(14, 256, 256, 3, 1),
            new Layer.Conv(7, 512, 512, 3, 1),
            new Layer.Conv(56, 128, 128, 3, 2),
            new Layer.Conv(56, 256, 64, 1, 1),
            new Layer.Conv(28, 512, 128, 1, 1),
            new Layer.Conv(14, 1024, 256, 1, 1),
            new Layer.Conv(7, 2048, 512, 1, 1),
            new Layer.Conv(56, 24, 144, 1, 1),
            new Layer.Conv(28, 192, 32, 1, 1),
            new Layer.Conv(14, 384, 96, 1, 1),
            new Layer.Conv(7, 960, 320, 1, 1),
            new Layer.Conv(224, 3, 32, 3, 2),
            new Layer.Conv(32, 3, 16, 3, 1)),
    /** Depthwise convolutions of MobileNets. */
    depthwise(
            Layer.Conv.depthwise(112, 32, 1),
            Layer.Conv.depthwise(56, 128, 1),
            Layer.Conv.depthwise(14, 512, 1),
            Layer.Conv.depthwise(112, 96, 2),
            Layer.Conv.depthwise(28, 192, 1),
            Layer.Conv.depthwise(7, 960, 1),
            Layer.Conv.depthwise(25, 64, 1)),
    /** Matrices times vectors: classifiers, language models. */
    gemv(
            new Layer.Gemm(1, 1000, 1024),
            new Layer.Gemm(1, 1000, 1024, 4),
            new Layer.Gemm(1, 4096, 4096),
            new Layer.Gemm(1, 4096, 4096, 4),
            new Layer.Gemm(1, 4096, 4096, 2),
            new Layer.Gemm(4, 4096, 4096));

    @SuppressWarnings("ImmutableEnumChecker") // List.of
    private final List<Layer> layers;

    Shapes(Layer... layers) {
        this.layers = List.of(layers);
    }

    public List<Layer> layers() {
        return layers;
    }
}
