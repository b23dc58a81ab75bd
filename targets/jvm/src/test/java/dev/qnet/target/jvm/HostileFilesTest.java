package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.runtime.Descriptor;
import dev.qnet.runtime.DescriptorText;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Damaged model files give a clear error, whatever is damaged. */
final class HostileFilesTest {
    private static final String BASE = "dev/qnet/generated/Tiny";
    private final Map<String, byte[]> files = Fixtures.tiny().files();

    @Test
    void descriptorsSurviveTheirTextForm() {
        for (String name : OperationsTest.cases().toList()) {
            Descriptor d = JvmTarget.compile(OperationsTest.graph(name)).descriptor();
            assertThat(DescriptorText.parse(DescriptorText.print(d), name)).isEqualTo(d);
        }
    }

    @Test
    void oddNamesSurviveTheDescriptor() {
        String odd = " =:#! \\\n\tü\u0000\ud83d\ude00";
        Descriptor d = Fixtures.tiny().descriptor();
        Descriptor renamed = new Descriptor(
                odd,
                d.version(),
                d.rounding(),
                d.program(),
                d.layers(),
                d.banks(),
                d.weightsBytes(),
                d.weightsCrc(),
                d.constants(),
                d.inputs(),
                d.outputs(),
                d.states());
        String text = DescriptorText.print(renamed);
        assertThat(text).matches("[\\n -~]*");
        assertThat(DescriptorText.parse(text, "odd")).isEqualTo(renamed);
    }

    @Test
    void wrongVersionsAreNamed() {
        assertThatThrownBy(() -> load(text().replace("format=2", "format=7")))
                .isInstanceOf(ModelException.class)
                .hasMessage(
                        "<memory>: this runtime runs models of format 2, found format 7; compile the model again with"
                                + " the Qnet version of this runtime");
    }

    @Test
    void everyLineOfTheDescriptorIsChecked() {
        List<String> lines = text().lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            List<String> others = new ArrayList<>(lines);
            String key = others.remove(i).replaceFirst("=.*", "");
            if (key.endsWith(".storage")) {
                // What is left describes a plain integer.
                loadOrRefuse(String.join("\n", others).getBytes(StandardCharsets.US_ASCII));
            } else {
                assertThatThrownBy(() -> load(String.join("\n", others)))
                        .isInstanceOf(ModelException.class)
                        .hasMessage("<memory>: not a valid model descriptor: '" + key + "' is missing");
            }
        }
    }

    @Test
    void absurdNumbersAreRefusedOrHarmless() {
        List<String> lines = text().lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            for (String value : List.of("", "-1", "2147483647", "99999999999", "x", "0,0", "1e300", "N,N")) {
                List<String> others = new ArrayList<>(lines);
                others.set(i, lines.get(i).replaceFirst("=.*", "=" + value));
                loadOrRefuse(String.join("\n", others).getBytes(StandardCharsets.US_ASCII));
            }
        }
    }

    @Test
    void mutatedDescriptorsAreRefusedOrHarmless() {
        Random random = new Random(1);
        byte[] good = Objects.requireNonNull(files.get(BASE + ".model"));
        for (int i = 0; i < 2_000; i++) {
            byte[] bad = Arrays.copyOf(good, i % 5 == 0 ? random.nextInt(good.length) : good.length);
            for (int k = 0; k < 3 && bad.length > 0; k++) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(128);
            }
            loadOrRefuse(bad);
        }
    }

    @Test
    void damagedWeightsAreNoticed() {
        byte[] good = Objects.requireNonNull(files.get(BASE + ".weights"));
        byte[] bad = good.clone();
        bad[0] ^= 1;
        assertThatThrownBy(() -> load(".weights", bad))
                .hasMessageStartingWith("<memory>: the weights are damaged: their checksum");
        assertThatThrownBy(() -> load(".weights", Arrays.copyOf(good, good.length - 1)))
                .isInstanceOf(ModelException.class)
                .hasMessage("<memory>: the weights are damaged: expected " + good.length + " bytes, found "
                        + (good.length - 1));
    }

    @Test
    void damagedClassesAreRefused() {
        byte[] good = Objects.requireNonNull(files.get(BASE + "$Program.class"));
        assertThatThrownBy(() -> load("$Program.class", Arrays.copyOf(good, good.length / 2)))
                .isInstanceOf(ModelException.class)
                .hasMessageStartingWith("<memory>: the class dev.qnet.generated.Tiny$Program cannot be loaded");
        Map<String, byte[]> none = new TreeMap<>(files);
        none.remove(BASE + "$Program.class");
        assertThatThrownBy(() -> Model.load(none))
                .isInstanceOf(ModelException.class)
                .hasMessageContaining("ClassNotFoundException");
    }

    @Test
    void otherClassesAreNotTakenForPrograms() {
        for (String name : List.of("java.lang.Object", "dev.qnet.generated.Tiny")) {
            assertThatThrownBy(() -> load(text().replace("dev.qnet.generated.Tiny$Program", name)))
                    .isInstanceOf(ModelException.class);
        }
    }

    private String text() {
        return new String(Objects.requireNonNull(files.get(BASE + ".model")), StandardCharsets.US_ASCII);
    }

    private void load(String descriptor) {
        load(".model", descriptor.getBytes(StandardCharsets.US_ASCII));
    }

    private void load(String suffix, byte[] content) {
        Map<String, byte[]> changed = new TreeMap<>(files);
        changed.put(BASE + suffix, content);
        Model.load(changed);
    }

    /** A damaged descriptor may still make sense; it must not end in anything but an error for the user. */
    private void loadOrRefuse(byte[] descriptor) {
        try {
            load(".model", descriptor);
        } catch (ModelException e) {
            assertThat(e).message().startsWith("<memory>: ");
        }
    }
}
