package dev.qnet.cli.verify;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.qnet.formats.Importer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Finds what can be checked. */
public final class Cases {
    static final String ONNX_MODEL = "model.onnx";
    static final String GOLDENS = "goldens.json";
    static final String OPERATOR = "case.json";
    static final String DATA_SET = "test_data_set_";

    private final Map<Path, Case> found = new LinkedHashMap<>();

    private Cases() {}

    /**
     * Every case at or below the given paths, each once, sorted by name below each path. Symbolic links to folders are not
     * followed.
     *
     * @throws IOException if a path does not exist or cannot be read
     */
    public static List<Case> below(List<Path> paths) throws IOException {
        Cases cases = new Cases();
        for (Path p : paths) {
            if (Files.isDirectory(p)) {
                cases.folder(p, p);
            } else if (Files.isRegularFile(p)) {
                cases.file(p);
            } else {
                throw new NoSuchFileException(p.toString());
            }
        }
        return List.copyOf(cases.found.values());
    }

    /** A file that the user names: the case that its folder is, if it is that case's model. */
    private void file(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Case.Kind kind = folder == null ? null : kindOf(folder);
        if (kind != null && (Importer.reads(file) || isList(file))) {
            Path named = file.getParent();
            Path whole = named == null ? Path.of("") : named;
            add(whole, whole, kind);
        } else if (Importer.reads(file) || LoneModel.isSource(file)) {
            add(file, file, Case.Kind.MODEL);
        } else if (isCmsisNn(file)) {
            add(file, file, Case.Kind.CMSIS_NN);
        } else {
            throw new dev.qnet.cli.UserException(
                    file + ": nothing that can be checked",
                    "give a .qnet, .tflite or .onnx file, a case of CMSIS-NN as .json, or a folder of cases");
        }
    }

    private static boolean isList(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.equals(GOLDENS) || name.equals(OPERATOR);
    }

    private void folder(Path folder, Path root) throws IOException {
        Case.Kind kind = kindOf(folder);
        if (kind != null) {
            add(folder, root, kind);
            return;
        }
        List<Path> children;
        try (Stream<Path> all = Files.list(folder)) {
            children = all.sorted().toList();
        }
        for (Path child : children) {
            if (Files.isDirectory(child)) {
                if (!Files.isSymbolicLink(child)) {
                    folder(child, root);
                }
            } else if (Importer.reads(child)) {
                add(child, root, Case.Kind.MODEL);
            } else if (isCmsisNn(child)) {
                add(child, root, Case.Kind.CMSIS_NN);
            }
        }
    }

    /** The kind of case that a whole folder is, or null. */
    private static Case.@org.jspecify.annotations.Nullable Kind kindOf(Path folder) throws IOException {
        if (Files.isRegularFile(folder.resolve(GOLDENS))) {
            return Case.Kind.GOLDENS;
        }
        if (Files.isRegularFile(folder.resolve(OPERATOR))) {
            return Case.Kind.OPERATOR;
        }
        return Files.isRegularFile(folder.resolve(ONNX_MODEL))
                        && !dataSets(folder).isEmpty()
                ? Case.Kind.ONNX_TEST
                : null;
    }

    /** The folders test_data_set_N of an ONNX test, by N. */
    static List<Path> dataSets(Path folder) throws IOException {
        List<Path> sets = new ArrayList<>();
        for (int i = 0; ; i++) {
            Path set = folder.resolve(DATA_SET + i);
            if (!Files.isDirectory(set)) {
                return sets;
            }
            sets.add(set);
        }
    }

    private void add(Path path, Path root, Case.Kind kind) {
        Path parent = path.getParent();
        String folder;
        if (path.equals(root)) {
            folder = parent == null ? "." : parent.toString();
        } else {
            // Below the given path, the first level names what belongs together.
            Path below = root.relativize(path);
            folder = (below.getNameCount() > 1 ? root.resolve(below.getName(0)) : root).toString();
        }
        found.putIfAbsent(
                path.toAbsolutePath().normalize(),
                new Case(path.toString().isEmpty() ? "." : path.toString(), folder, path, kind));
    }

    /** Whether a JSON file begins as the cases of CMSIS-NN do: an object with a string "kernel" among its first fields. */
    private static boolean isCmsisNn(Path file) throws IOException {
        if (!file.toString().endsWith(".json")) {
            return false;
        }
        try (JsonParser json = new JsonFactory().createParser(Files.newInputStream(file))) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                return false;
            }
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                JsonToken value = json.nextToken();
                if (field.equals("kernel")) {
                    return value == JsonToken.VALUE_STRING;
                }
                json.skipChildren();
            }
            return false;
        } catch (com.fasterxml.jackson.core.JacksonException e) {
            return false;
        }
    }
}
