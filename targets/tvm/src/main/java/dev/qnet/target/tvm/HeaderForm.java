package dev.qnet.target.tvm;

import java.util.Arrays;
import java.util.Optional;

/** Headers of C that a model can have, which say in their first line which of them they are. */
public enum HeaderForm {
    /** Of a shared library of C functions. */
    LIBRARY("."),
    /** Of C, or an object file, for a microcontroller. */
    DEVICE(" for microcontrollers.");

    private final String end;

    HeaderForm(String end) {
        this.end = end + " */";
    }

    /** A header's first line. */
    String line(String model) {
        return "/* " + Interface.comment(model) + ", compiled by Qnet " + Interface.version() + end;
    }

    /** The one that a text is, of this version of Qnet or another; nothing where it is something else. */
    public static Optional<HeaderForm> of(String text) {
        return text.lines()
                .findFirst()
                .flatMap(first -> Arrays.stream(values())
                        .filter(form -> first.matches("/\\* .*, compiled by Qnet \\S+\\Q" + form.end + "\\E"))
                        .findFirst());
    }
}
