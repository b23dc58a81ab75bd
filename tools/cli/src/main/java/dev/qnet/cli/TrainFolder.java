package dev.qnet.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;

/** The folder that a training writes into. What lies there already took somebody hours: it is not lost unasked. */
final class TrainFolder {
    private final Path folder;
    private final String name;

    /** @param name that of the model */
    TrainFolder(Path folder, String name) {
        this.folder = folder;
        this.name = name;
    }

    /** The trained model. */
    Path model() {
        return folder.resolve(name + ".qnet");
    }

    private Path parameters() {
        return folder.resolve(name + ".safetensors");
    }

    /** What a training that goes on needs. */
    Path checkpoint() {
        return folder.resolve("checkpoint");
    }

    /**
     * That nothing is overwritten that is still needed.
     *
     * @param from the source of the model, and of its teacher
     * @param resume whether a training goes on
     * @param overwrite whether another one's results may be lost
     * @throws UserException if something would be
     * @throws IOException if the folder cannot be one
     */
    void check(List<Path> from, boolean resume, boolean overwrite) throws IOException {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new FileSystemException(folder.toString(), null, "this is a file, and training writes a folder");
        }
        boolean trained = Files.exists(checkpoint());
        for (Path file : List.of(model(), parameters())) {
            if (!Files.exists(file)) {
                continue;
            }
            for (Path source : from) {
                if (Files.exists(source) && Files.isSameFile(file, source)) {
                    throw new UserException("the output would overwrite the model " + source, "-o with another folder");
                }
            }
            if (!trained) {
                throw new UserException(
                        "the output would overwrite " + file + ", and there is no checkpoint beside it: "
                                + "it may be no training's",
                        "-o with another folder, or remove it");
            }
        }
        if (trained && !resume && !overwrite) {
            throw new UserException(
                    "-o " + folder + ": a training is kept there already",
                    "-o with another folder; --resume goes on with it, --overwrite begins anew in its place");
        }
    }

    /**
     * Makes the folder, where there is none.
     *
     * @param anew whether what a training before wrote goes
     */
    void prepare(boolean anew) throws IOException {
        try {
            Files.createDirectories(folder);
        } catch (NoSuchFileException e) {
            throw new FileSystemException(folder.toString(), null, "no folder can be made there");
        } catch (FileSystemException e) {
            throw new FileSystemException(
                    folder.toString(),
                    null,
                    "this folder cannot be made: " + (e.getReason() == null ? "permission denied" : e.getReason()));
        }
        if (!Files.isWritable(folder)) {
            throw new FileSystemException(folder.toString(), null, "nothing can be written there: permission denied");
        }
        if (anew) {
            // The model first: what is left of an interruption here does not look finished.
            for (Path file : List.of(model(), parameters(), checkpoint())) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Writes the model and, if it needs them, its parameters: beside their places, then moves them there, the model last. */
    void write(AtomicFiles.File content) throws IOException {
        Path beside = folder.resolve(".qnet" + UUID.randomUUID() + ".tmp");
        try {
            Files.createDirectory(beside);
            Path source = beside.resolve(name + ".qnet");
            content.writeTo(source);
            Path parameters = beside.resolve(name + ".safetensors");
            if (Files.exists(parameters)) {
                Files.move(parameters, parameters(), StandardCopyOption.REPLACE_EXISTING);
            }
            Files.move(source, model(), StandardCopyOption.REPLACE_EXISTING);
        } catch (FileSystemException e) {
            throw new FileSystemException(
                    folder.toString(),
                    null,
                    "the model cannot be written there: "
                            + (e.getReason() == null ? "permission denied" : e.getReason()));
        } finally {
            if (Files.isDirectory(beside)) {
                Files.deleteIfExists(beside.resolve(name + ".qnet"));
                Files.deleteIfExists(beside.resolve(name + ".safetensors"));
                Files.delete(beside);
            }
        }
    }
}
