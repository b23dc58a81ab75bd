package dev.qnet.cli;

import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.HeaderForm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Headers beside what is compiled, which have its name. */
final class Headers {
    private Headers() {}

    /**
     * That a header can be written to a place without a loss: a header of the same form may lie there, of an earlier compilation,
     * but nothing else, as it would belong to something that is still used.
     *
     * @throws UserException if something else lies there
     * @throws IOException if nothing can be written there
     */
    static void check(Path header, HeaderForm form) throws IOException {
        AtomicFiles.check(header);
        if (!Files.exists(header)) {
            return;
        }
        Optional<HeaderForm> there = HeaderForm.of(new String(Files.readAllBytes(header), StandardCharsets.UTF_8));
        if (!there.equals(Optional.of(form))) {
            throw new UserException(
                    header + " would be overwritten: "
                            + there.map(Headers::owner).orElse("Qnet did not write it"),
                    "give -o another name or folder, which the header shares, or remove " + header);
        }
    }

    private static String owner(HeaderForm form) {
        return switch (form) {
            case LIBRARY -> "it is the header of a library, of --abi c";
            case DEVICE -> "it is the header of C for microcontrollers, of --target " + CTarget.NAME;
        };
    }
}
