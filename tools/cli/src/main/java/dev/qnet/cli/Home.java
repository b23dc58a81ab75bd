package dev.qnet.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** The project's folder, which the launcher names. */
final class Home {
    private Home() {}

    static Path folder() {
        String named = System.getProperty("qnet.home", "");
        Path home = named.isEmpty() ? Path.of("") : Path.of(named);
        if (!Files.isDirectory(home.resolve("examples"))) {
            throw new UserException(
                    "there is no examples folder in " + home.toAbsolutePath(),
                    "run the launcher ./qnet of a clone of the project");
        }
        return home;
    }
}
