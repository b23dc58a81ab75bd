package dev.qnet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What code may use of a CPU. */
class CpuFlagsTest {
    private static final Set<String> SERVER = Set.of("avx2", "avx512_vnni", "amx_tile", "amx_int8");

    @Test
    void hidesTilesThatAreNotAllowed() {
        assertThat(CpuFlags.usable(SERVER, () -> true)).isEqualTo(SERVER);
        assertThat(CpuFlags.usable(SERVER, () -> false)).containsExactlyInAnyOrder("avx2", "avx512_vnni");
    }

    @Test
    void asksForTilesOnlyWhereThereAreSome() {
        assertThat(CpuFlags.usable(Set.of("avx2"), () -> {
                    throw new AssertionError("asked");
                }))
                .containsExactly("avx2");
    }

    @Test
    void namesWhatIsMissing() {
        List<String> missing = CpuFlags.missing(List.of("no_cpu_has_this"));
        assertThat(missing).isEqualTo(CpuFlags.present().isPresent() ? List.of("no_cpu_has_this") : List.of());
    }
}
