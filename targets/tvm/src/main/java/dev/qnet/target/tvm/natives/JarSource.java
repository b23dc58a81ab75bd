package dev.qnet.target.tvm.natives;

import dev.qnet.target.tvm.TvmUnavailableException;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Finds the jars with native libraries: in a folder that the user names ({@code -Dqnet.tvm.jars} or {@code QNET_TVM_JARS}),
 * on the class path (whoever depends on {@code dev.qnet:qnet-tvm-natives} has them there), or in the local Maven repository.
 */
final class JarSource {
    private final String platform;
    private final Optional<Path> folder;
    private final boolean classPath;
    private final Path repository;

    private JarSource(String platform, Optional<Path> folder, boolean classPath, Path repository) {
        this.platform = platform;
        this.folder = folder;
        this.classPath = classPath;
        this.repository = repository;
    }

    /** This machine's. */
    static JarSource here() {
        Optional<Path> folder = Optional.ofNullable(System.getProperty("qnet.tvm.jars"))
                .or(() -> Optional.ofNullable(System.getenv("QNET_TVM_JARS")))
                .filter(f -> !f.isEmpty())
                .map(Path::of);
        String repository = System.getProperty("maven.repo.local", "");
        return new JarSource(
                Platform.classifier(),
                folder,
                true,
                repository.isEmpty()
                        ? Path.of(System.getProperty("user.home", "."), ".m2", "repository")
                        : Path.of(repository));
    }

    /** One that looks in a folder only. */
    static JarSource folder(String platform, Path folder) {
        return new JarSource(platform, Optional.of(folder), false, folder);
    }

    /** Whether a user says where the jars are. */
    boolean isNamed() {
        return folder.isPresent();
    }

    /** One that looks in a Maven repository only. */
    static JarSource repository(String platform, Path repository) {
        return new JarSource(platform, Optional.empty(), false, repository);
    }

    /**
     * Where the jars of a set are, in the order of {@link NativeJar#of}.
     *
     * @throws TvmUnavailableException naming those that are missing, and how to get them
     */
    List<Path> find(NativeSet set) {
        folder.filter(f -> !Files.isDirectory(f)).ifPresent(f -> {
            throw new TvmUnavailableException(
                    "QNET_TVM_JARS (or -Dqnet.tvm.jars) names " + f + ", which is no folder",
                    "name the folder with the jars of TVM's native libraries, or leave it out");
        });
        List<Path> found = new ArrayList<>();
        List<NativeJar> missing = new ArrayList<>();
        for (NativeJar jar : NativeJar.of(set)) {
            find(jar, set).ifPresentOrElse(found::add, () -> missing.add(jar));
        }
        if (!missing.isEmpty()) {
            throw new TvmUnavailableException(
                    "TVM's native libraries are not on this machine: no "
                            + missing.stream().map(j -> j.fileName(platform)).collect(Collectors.joining(", "))
                            + folder.map(f -> " in " + f).orElse(", on the class path or in " + repository),
                    "fetch them once (" + set.megabytes() + " MB) from Maven Central:\n"
                            + missing.stream()
                                    .map(j -> "  mvn dependency:get -Dtransitive=false -Dartifact="
                                            + j.coordinates(platform))
                                    .collect(Collectors.joining("\n"))
                            + "\nor, in a clone of Qnet: mvn -f targets/tvm/natives validate"
                            + (set == NativeSet.GPU ? " -Pcuda" : ""));
        }
        return found;
    }

    private Optional<Path> find(NativeJar jar, NativeSet set) {
        if (folder.isPresent()) {
            return Optional.of(folder.get().resolve(jar.fileName(platform))).filter(Files::isRegularFile);
        }
        return (classPath ? onClassPath(jar, set) : Optional.<Path>empty())
                .or(() -> Optional.of(repository.resolve(jar.path(platform))).filter(Files::isRegularFile));
    }

    private Optional<Path> onClassPath(NativeJar jar, NativeSet set) {
        String entry = jar.entries(set).getFirst();
        String name = entry.startsWith(platform) ? entry : platform + jar.variant() + "/" + entry;
        URL url = JarSource.class.getClassLoader().getResource("org/bytedeco/" + jar.artifact() + "/" + name);
        if (url == null || !url.getProtocol().equals("jar")) {
            return Optional.empty();
        }
        String text = url.toString();
        Path file = Path.of(URI.create(text.substring("jar:".length(), text.indexOf("!/"))));
        return Optional.of(file).filter(f -> f.endsWith(jar.fileName(platform)));
    }
}
