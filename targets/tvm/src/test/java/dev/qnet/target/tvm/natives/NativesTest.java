package dev.qnet.target.tvm.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.target.tvm.TvmUnavailableException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the libraries come from and go to, with jars of a few bytes in their place. */
class NativesTest {
    private static final String PLATFORM = "linux-x86_64";

    @TempDir
    private Path folder;

    private Path repository;
    private NativeCache cache;

    @BeforeEach
    void fill() throws IOException {
        Assumptions.assumeTrue(System.getProperty("os.name").startsWith("Linux"), "the cache is for Linux only");
        Assumptions.assumeTrue(System.getProperty("os.arch").equals("amd64"), "the cache is for x86-64 only");
        repository = folder.resolve("repository");
        cache = new NativeCache(folder.resolve("cache"));
        for (NativeJar jar : NativeJar.ALL) {
            Path file = repository.resolve(jar.path(PLATFORM));
            Files.createDirectories(file.getParent());
            try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
                for (String entry : jar.entries(NativeSet.COMPILER)) {
                    zip.putNextEntry(new ZipEntry("org/bytedeco/" + jar.artifact() + "/some/where/" + entry));
                    zip.write(entry.getBytes(StandardCharsets.UTF_8));
                    zip.closeEntry();
                }
            }
        }
    }

    private Path unpack(NativeSet set) {
        return cache.folder(set, () -> JarSource.repository(PLATFORM, repository));
    }

    @Test
    void unpacksAllInOneFolder() throws IOException {
        Path found = unpack(NativeSet.COMPILER);

        assertThat(found.resolve("libtvm.so")).hasContent("python/tvm/libtvm.so");
        assertThat(found.resolve("libLLVM.so.19.1")).isRegularFile();
        assertThat(found.resolve("lld").toFile().canExecute()).isTrue();
        assertThat(found.toString()).contains("tvm-0.18.0-1.5.11-linux-x86_64");
    }

    @Test
    void runningNeedsNoCompiler() {
        Path found = unpack(NativeSet.RUNTIME);

        assertThat(found.resolve("libtvm_runtime.so")).isRegularFile();
        assertThat(found.resolve("libLLVM.so.19.1")).doesNotExist();
    }

    @Test
    void unpackedOnceItNeedsNoJars() throws IOException {
        Path found = unpack(NativeSet.RUNTIME);

        assertThat(cache.folder(NativeSet.RUNTIME, () -> {
                    throw new AssertionError("asked for the jars again");
                }))
                .isEqualTo(found);
    }

    @Test
    void unpacksAgainWhatIsDamaged() throws IOException {
        Path file = unpack(NativeSet.RUNTIME).resolve("libdnnl.so.2");
        Files.writeString(file, "cut");

        assertThat(unpack(NativeSet.RUNTIME).resolve("libdnnl.so.2")).hasContent("libdnnl.so.2");
    }

    @Test
    void manyAtOnceGetTheSameWholeFolder() throws Exception {
        List<Callable<Path>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            all.add(() -> {
                Path found = new NativeCache(folder.resolve("cache"))
                        .folder(NativeSet.COMPILER, () -> JarSource.repository(PLATFORM, repository));
                assertThat(found.resolve("libtvm.so")).hasContent("python/tvm/libtvm.so");
                return found;
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<Path> f : threads.invokeAll(all)) {
                assertThat(f.get()).isDirectory();
            }
        }
        try (var left = Files.list(unpack(NativeSet.COMPILER).getParent())) {
            assertThat(left.map(p -> p.getFileName().toString()))
                    .containsExactlyInAnyOrder("compiler", "compiler.lock");
        }
    }

    @Test
    void namesWhatIsMissingAndHowToGetIt() throws IOException {
        NativeJar llvm = NativeJar.ALL.getLast();
        Files.delete(repository.resolve(llvm.path(PLATFORM)));

        assertThatThrownBy(() -> unpack(NativeSet.COMPILER))
                .isInstanceOf(TvmUnavailableException.class)
                .hasMessageContaining("no llvm-19.1.3-1.5.11-linux-x86_64.jar")
                .hasMessageContaining(
                        "mvn dependency:get -Dtransitive=false -Dartifact=org.bytedeco:llvm:19.1.3-1.5.11:jar:linux-x86_64")
                .hasMessageNotContaining("openblas-0");
    }

    /** Unpacked before or not. */
    @Test
    void aFolderThatIsNamedHasToHaveTheJars() throws IOException {
        Path named = Files.createDirectories(folder.resolve("named"));
        for (boolean unpacked : List.of(false, true)) {
            if (unpacked) {
                unpack(NativeSet.RUNTIME);
            }
            assertThatThrownBy(() -> Natives.folder(cache, NativeSet.RUNTIME, JarSource.folder(PLATFORM, named)))
                    .isInstanceOf(TvmUnavailableException.class)
                    .hasMessageContaining("no tvm-0.18.0-1.5.11-linux-x86_64.jar")
                    .hasMessageContaining(" in " + named);
            assertThatThrownBy(() -> Natives.folder(
                            cache, NativeSet.RUNTIME, JarSource.folder(PLATFORM, folder.resolve("none"))))
                    .isInstanceOf(TvmUnavailableException.class)
                    .hasMessageContaining("QNET_TVM_JARS")
                    .hasMessageContaining(folder.resolve("none") + ", which is no folder");
        }
        for (NativeJar jar : NativeJar.ALL) {
            Path path = repository.resolve(jar.path(PLATFORM));
            Files.copy(path, named.resolve(path.getFileName()));
        }
        assertThat(Natives.folder(cache, NativeSet.RUNTIME, JarSource.folder(PLATFORM, named)))
                .isDirectory();
    }

    @Test
    void cudaIsFetchedByThoseWhoAskForIt() throws IOException {
        assertThatThrownBy(() -> unpack(NativeSet.GPU))
                .isInstanceOf(TvmUnavailableException.class)
                .hasMessageContaining("no tvm-0.18.0-1.5.11-linux-x86_64-gpu.jar")
                .hasMessageContaining("mvn -f targets/tvm/natives validate -Pcuda");

        Path jar = repository.resolve(NativeJar.GPU.path(PLATFORM));
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            zip.putNextEntry(new ZipEntry("org/bytedeco/tvm/linux-x86_64-gpu/python/tvm/libtvm.so"));
            zip.write(1);
            zip.closeEntry();
        }
        assertThat(unpack(NativeSet.GPU).resolve("libtvm.so")).isRegularFile();
    }

    @Test
    void clangLiesWithTheOthersJar() throws IOException {
        Path jar = repository.resolve(NativeJar.ALL.getLast().path(PLATFORM));
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (String entry : NativeJar.ALL.getLast().entries(NativeSet.CLANG)) {
                zip.putNextEntry(new ZipEntry("org/bytedeco/llvm/some/where/" + entry));
                zip.write(1);
                zip.closeEntry();
            }
        }
        assertThat(unpack(NativeSet.CLANG).resolve("clang").toFile().canExecute())
                .isTrue();
    }

    @Test
    void otherPlatformsAreToldWhatRunsThere() {
        assertThatThrownBy(() -> Platform.classifier("Mac OS X", "aarch64"))
                .isInstanceOf(TvmUnavailableException.class)
                .hasMessageContaining("Linux on x86-64 only, and this is Mac OS X on aarch64")
                .hasMessageContaining("--target jvm");
    }

    @Test
    void pomFetchesTheVersionsThatAreLookedFor() throws IOException {
        String pom = Files.readString(
                Path.of(System.getProperty("qnet.root", "../.."), "targets", "tvm", "natives", "pom.xml"));
        for (NativeJar jar : NativeJar.ALL) {
            String name = jar.artifact().equals("tvm") ? "tvm.version" : "tvm." + jar.artifact() + ".version";
            assertThat(pom).contains("<" + name + ">" + jar.version() + "</" + name + ">");
            assertThat(pom).contains("<artifactId>" + jar.artifact() + "</artifactId>");
        }
    }
}
