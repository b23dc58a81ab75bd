package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which CPU code is made for: TVM itself would take a wrong name for the oldest one. */
class CpuTest {
    @Test
    void unknownNamesAreRefused() {
        var library = TvmHere.library();
        assertThatThrownBy(() -> CpuNames.target(library, new Cpu("skylake-avx513")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("LLVM knows no CPU 'skylake-avx513'")
                .hasMessageContaining("skylake-avx512");
        assertThat(CpuNames.target(library, new Cpu("skylake-avx512"))).endsWith("-mcpu=skylake-avx512");
    }

    /** What LLVM uses unasked, and CPUs of other makers have not. */
    @Test
    void whatALibraryNeedsIsSaidOfEachMakersCpus() {
        var library = TvmHere.library();
        assertThat(CpuNames.needs(library, CpuNames.target(library, new Cpu("bdver2")), false))
                .contains("xop", "fma4", "tbm", "sse4a", "sse4_2", "popcnt");
        assertThat(CpuNames.needs(library, CpuNames.target(library, new Cpu("znver4")), false))
                .contains("sse4a", "avx512_bf16")
                .doesNotContain("xop");
        assertThat(CpuNames.needs(library, CpuNames.target(library, new Cpu("x86-64")), false))
                .isEmpty();
    }

    @Test
    void nativeLeavesOutWhatTheMachineHides() {
        assertThat(Cpu.missing(Set.of("avx2", "avx512f", "amx_tile"))).contains("avx512vnni", "amx-int8", "avxvnni");
        assertThat(Cpu.missing(Set.of("avx2", "avx512f", "amx_tile"))).doesNotContain("avx2", "avx512f", "amx-tile");
        assertThat(CpuNames.target(TvmHere.library(), Cpu.NATIVE))
                .contains(" -mcpu=")
                .doesNotContain("-mcpu=native");
    }
}
