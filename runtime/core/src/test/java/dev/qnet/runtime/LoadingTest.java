package dev.qnet.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Loading a model and its first answer do without lambdas, switches over types and joined strings, each of which takes a JVM
 * some milliseconds when it is first used.
 */
class LoadingTest {
    /**
     * What is reached in messages, in tools, with models that are C libraries, or once a model runs on several threads. Vector
     * kernels come later, too.
     */
    private static final Set<String> LATER = Set.of(
            "CpuFlags",
            "DescriptorText",
            "LayerTimes",
            "Main",
            "NativeLibrary",
            "NativeProgram",
            "SessionMessages",
            "TensorInfo",
            "io/Npy",
            "io/NpyHeaderParser",
            "io/NpyType",
            "io/Npz",
            "kernel/Workers");

    /** What records' own methods are made by, which nothing calls. */
    private static final String RECORDS = "java/lang/runtime/ObjectMethods";

    @Test
    void nothingIsLinkedAtRunTime() throws IOException, URISyntaxException {
        Path classes = Path.of(Model.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI())
                .resolve("dev/qnet/runtime");
        List<Path> files;
        try (Stream<Path> all = Files.walk(classes)) {
            files = all.filter(f -> f.toString().endsWith(".class")).toList();
        }
        assertThat(files).hasSizeGreaterThan(100);
        Set<String> found = new TreeSet<>();
        for (Path file : files) {
            ClassModel model = ClassFile.of().parse(file);
            String name =
                    classes.relativize(file).toString().replace(".class", "").replace('\\', '/');
            for (MethodModel m : model.methods()) {
                m.code()
                        .ifPresent(code -> code.forEach(e -> {
                            if (e instanceof InvokeDynamicInstruction i
                                    && !i.bootstrapMethod()
                                            .owner()
                                            .descriptorString()
                                            .equals("L" + RECORDS + ";")) {
                                found.add(name.contains("$") ? name.substring(0, name.indexOf('$')) : name);
                            }
                        }));
            }
        }
        found.removeIf(name -> name.startsWith("kernel/Simd"));
        assertThat(found).isSubsetOf(LATER);
    }
}
