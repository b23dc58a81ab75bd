package dev.qnet.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.verify.CaseResult.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CmsisNnTest {
    private static final Verification VERIFICATION = new Verification(Executor.all(), Duration.ofSeconds(60));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private CaseResult check(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("case.json"), text);
        return VERIFICATION.check(new Case("the case", "folder", file, Case.Kind.CMSIS_NN));
    }

    private static String macros(String layer, int side, int filter) {
        Map<String, Integer> all = new TreeMap<>(Map.of("INPUT_W", 2, "INPUT_H", 2, "OUTPUT_SHIFT", 1));
        for (String one : List.of("IN_CH", "OUT_CH", "STRIDE_X", "STRIDE_Y")) {
            all.put(one, 1);
        }
        for (String none : List.of("PAD_X", "PAD_Y", "INPUT_OFFSET", "OUTPUT_OFFSET")) {
            all.put(none, 0);
        }
        all.putAll(Map.of("FILTER_X", filter, "FILTER_Y", filter, "OUTPUT_W", side, "OUTPUT_H", side));
        all.putAll(Map.of("OUTPUT_MULTIPLIER", 1 << 30, "OUT_ACTIVATION_MIN", -128, "OUT_ACTIVATION_MAX", 127));
        return all.entrySet().stream()
                .map(m -> "\"" + layer + m.getKey() + "\": " + m.getValue())
                .collect(Collectors.joining(", "));
    }

    @ParameterizedTest
    @CsvSource({
        "CONV_2D_1_, DEPTHWISE_CONV_2D_2_, AVERAGE_POOL_2D_3_, FULLY_CONNECTED_5_, "
                + "layer_1_conv_2d_, layer_2_depthwise_conv_2d_, layer_5_fully_connected_",
        "CONV_0_, DW_CONV_1_, AVERAGE_POOL_2_, FULLY_CONNECTED_4_, layer_1_conv2d_, layer_2_dw_conv2d_, layer_5_fc_"
    })
    void layersOfANetworkAreFoundUnderEitherSetOfNames(
            String conv, String depthwise, String pool, String dense, String conv2, String depthwise2, String dense2)
            throws IOException {
        String params =
                String.join(", ", macros(conv, 2, 1), macros(depthwise, 2, 1), macros(pool, 1, 2), macros(dense, 1, 1));
        // 2x + 1 for each of four pixels, a depthwise product by 3, the mean, and two rows of weights.
        CaseResult result = check("""
            {"kernel": "ds_cnn_l_s8",
             "params": {%1$s},
             "tensors": {
               "input": {"ctype": "int8_t", "values": [10, 20, 1, 2]},
               "%2$sweights": {"ctype": "int8_t", "values": [2]},
               "%2$sbias": {"ctype": "int32_t", "values": [1]},
               "%2$soutput_mult": {"ctype": "int32_t", "values": [1073741824]},
               "%2$soutput_shift": {"ctype": "int32_t", "values": [1]},
               "%3$sweights": {"ctype": "int8_t", "values": [3]},
               "%3$sbias": {"ctype": "int32_t", "values": [0]},
               "%3$soutput_mult": {"ctype": "int32_t", "values": [1073741824]},
               "%3$soutput_shift": {"ctype": "int32_t", "values": [1]},
               "%4$sweights": {"ctype": "int8_t", "values": [1, -1]},
               "%4$sbias": {"ctype": "int32_t", "values": [0, 1]},
               "%4$soutput_mult": {"ctype": "int32_t", "values": [7]},
               "output_ref": {"ctype": "int8_t", "values": [53, -52]}}}
            """.formatted(params, conv2, depthwise2, dense2));
        assertThat(result.outcomes()).allSatisfy(o -> assertThat(o.text()).isEmpty());
        assertThat(result.status()).isEqualTo(Status.PASSED);
    }

    @Test
    void sumsOf16BitInputsWithoutABiasHave64Bits() throws IOException {
        // By rounding twice, as sums of 32 bits are, it would be 32512.
        CaseResult result = check("""
                {"kernel": "fully_connected_s16",
                 "params": {"ACCUMULATION_DEPTH": 1, "OUT_CH": 1, "INPUT_OFFSET": 0, "OUTPUT_OFFSET": 0,
                   "OUTPUT_MULTIPLIER": 1073757826, "OUTPUT_SHIFT": -6,
                   "OUT_ACTIVATION_MIN": -32768, "OUT_ACTIVATION_MAX": 32767},
                 "tensors": {
                   "biases": null,
                   "input": {"ctype": "int16_t", "values": [32767]},
                   "weights": {"ctype": "int8_t", "values": [127]},
                   "output_ref": {"ctype": "int16_t", "values": [32511]}}}
                """);
        assertThat(result.outcomes()).allSatisfy(o -> assertThat(o.text()).isEmpty());
    }

    @Test
    void aNetworkWithoutLayersFailsInOneLine() throws IOException {
        assertThat(check("{\"kernel\": \"ds_cnn_s_s8\", \"params\": {}, \"tensors\": {}}")
                        .outcomes())
                .singleElement()
                .satisfies(o -> assertThat(o.text()).isEqualTo("no macro names a layer"));
    }
}
