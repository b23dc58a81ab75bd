package dev.qnet.cli.verify;

import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.Importer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Reads a case of any kind. */
final class Reader {
    /** Codes of diagnostics that say a file is damaged, in contrast to: beyond what there is. */
    static final Set<String> DAMAGED = Set.of("bad-model");

    private Reader() {}

    /**
     * Reads a case.
     *
     * @throws dev.qnet.compiler.source.CompileException if its model is not understood
     * @throws CaseException if it contradicts itself
     * @throws IOException if a file cannot be read
     */
    static Loaded read(Case c) throws IOException {
        return switch (c.kind()) {
            case ONNX_TEST -> OnnxTest.read(c.path());
            case GOLDENS -> GoldenFolder.read(c.path());
            case OPERATOR -> GoldenFolder.readOperator(c.path());
            case CMSIS_NN -> {
                CmsisCase cmsis = CmsisCase.read(c.path());
                yield new Loaded(CmsisNn.subject(cmsis), List.of(cmsis.kernel()));
            }
            case MODEL -> LoneModel.read(c.path());
        };
    }

    /** Reads a model without further knowledge. */
    static Imported model(Path file) throws IOException {
        return Importer.read(file, ImportOptions.NONE);
    }

    static Loaded loaded(Imported model, Subject subject) {
        return new Loaded(subject, List.copyOf(model.report().operators().keySet()));
    }
}
