package dev.qnet.target.tvm.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Where CUDA is, if it is: where the system looks, or under {@code CUDA_HOME}, {@code CUDA_PATH} or {@code /usr/local/cuda}. */
final class CudaFiles {
    private CudaFiles() {}

    private static Stream<Path> homes() {
        return Stream.of(System.getenv("CUDA_HOME"), System.getenv("CUDA_PATH"), "/usr/local/cuda")
                .filter(Objects::nonNull)
                .filter(home -> !home.isEmpty())
                .map(Path::of);
    }

    /** A program of CUDA's. */
    static Optional<Path> program(String name) {
        String path = Objects.requireNonNullElse(System.getenv("PATH"), "");
        return Stream.concat(
                        Stream.of(path.split(":", -1)).filter(p -> !p.isEmpty()).map(Path::of),
                        homes().map(home -> home.resolve("bin")))
                .map(folder -> folder.resolve(name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Loads a library of CUDA's, for as long as the process lives. */
    @SuppressWarnings("restricted") // calling native code is what this is for
    static Optional<SymbolLookup> library(String name) {
        Stream<String> places = Stream.concat(
                Stream.of(name),
                homes().flatMap(home -> Stream.of("lib64", "lib", "targets/x86_64-linux/lib")
                        .map(folder -> home.resolve(folder).resolve(name))
                        .filter(Files::isRegularFile)
                        .map(Path::toString)));
        for (String place : List.copyOf(places.toList())) {
            try {
                return Optional.of(
                        place.contains("/")
                                ? SymbolLookup.libraryLookup(Path.of(place), Arena.global())
                                : SymbolLookup.libraryLookup(place, Arena.global()));
            } catch (IllegalArgumentException e) {
                // It is not there; the next place may have it.
            }
        }
        return Optional.empty();
    }
}
