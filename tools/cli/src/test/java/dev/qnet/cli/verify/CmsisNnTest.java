package dev.qnet.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.verify.CaseResult.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CmsisNnTest {
    /** 2x + 1 for each of four pixels, a depthwise product by 3 that saturates, the mean, and two rows of weights. */
    private static final String NETWORK = """
            {"kernel": "ds_cnn_l_s8",
             "params": {%s},
             "tensors": {
               "input": {"ctype": "int8_t", "values": [10, 20, 1, 2]},
               "%5$sweights": {"ctype": "int8_t", "values": [2]},
               "%5$sbias": {"ctype": "int32_t", "values": [1]},
               "%5$soutput_mult": {"ctype": "int32_t", "values": [1073741824]},
               "%5$soutput_shift": {"ctype": "int32_t", "values": [1]},
               "%6$sweights": {"ctype": "int8_t", "values": [3]},
               "%6$sbias": {"ctype": "int32_t", "values": [0]},
               "%6$soutput_mult": {"ctype": "int32_t", "values": [1073741824]},
               "%6$soutput_shift": {"ctype": "int32_t", "values": [1]},
               "%7$sweights": {"ctype": "int8_t", "values": [1, -1]},
               "%7$sbias": {"ctype": "int32_t", "values": [0, 1]},
               "%7$soutput_mult": {"ctype": "int32_t", "values": [7]},
               "output_ref": {"ctype": "int8_t", "values": [53, -52]}}}
            """;

    private static final Verification VERIFICATION = new Verification(Executor.all(), Duration.ofSeconds(60));

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private CaseResult check(String text) throws IOException {
        Path file = Files.writeString(folder.resolve("case.json"), text);
        return VERIFICATION.check(new Case("the case", "folder", file, Case.Kind.CMSIS_NN));
    }

    private static String macros(String layer, int side, int filter) {
        StringBuilder text = new StringBuilder();
        for (String one : List.of(
                "IN_CH 1",
                "OUT_CH 1",
                "INPUT_W 2",
                "INPUT_H 2",
                "FILTER_X " + filter,
                "FILTER_Y " + filter,
                "STRIDE_X 1",
                "STRIDE_Y 1",
                "PAD_X 0",
                "PAD_Y 0",
                "OUTPUT_W " + side,
                "OUTPUT_H " + side,
                "INPUT_OFFSET 0",
                "OUTPUT_OFFSET 0",
                "OUTPUT_MULTIPLIER 1073741824",
                "OUTPUT_SHIFT 1",
                "OUT_ACTIVATION_MIN -128",
                "OUT_ACTIVATION_MAX 127")) {
            String[] pair = one.split(" ");
            text.append("\"")
                    .append(layer)
                    .append(pair[0])
                    .append("\": ")
                    .append(pair[1])
                    .append(", ");
        }
        return text.toString();
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
        String params = macros(conv, 2, 1) + macros(depthwise, 2, 1) + macros(pool, 1, 2) + macros(dense, 1, 1);
        String text =
                NETWORK.formatted(params.substring(0, params.length() - 2), "", "", "", conv2, depthwise2, dense2);
        CaseResult result = check(text);
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
