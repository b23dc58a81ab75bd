package dev.qnet.target.tvm;

import dev.qnet.target.tvm.lower.Tiling;
import java.util.Map;

/** How the layers of a graph are computed, as {@link Tuner} found it. The choice changes the speed of code and nothing else. */
public final class Tilings {
    /** What kernels choose by themselves. */
    public static final Tilings DEFAULT = new Tilings(Map.of());

    private final Map<String, Tiling> byLayer;

    Tilings(Map<String, Tiling> byLayer) {
        this.byLayer = Map.copyOf(byLayer);
    }

    Map<String, Tiling> byLayer() {
        return byLayer;
    }

    /** How many layers have another tiling than the default. */
    public long changed() {
        return byLayer.values().stream().filter(t -> !t.equals(Tiling.DEFAULT)).count();
    }

    /** How many layers were looked at. */
    public int size() {
        return byLayer.size();
    }
}
