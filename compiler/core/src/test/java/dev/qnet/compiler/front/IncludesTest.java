package dev.qnet.compiler.front;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.DiagnosticRenderer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IncludesTest {
    @TempDir
    Path dir;

    private Path write(String name, String text) throws IOException {
        Path file = dir.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    /** What the user reads, with the folder's path left out. */
    private String errors(Path main) {
        CompileException e = catchThrowableOfType(CompileException.class, () -> Includes.load(main));
        return DiagnosticRenderer.plain().render(e.diagnostics()).replace(dir + "/", "");
    }

    @Test
    void putsWhatIsIncludedFirstAndOnce() throws IOException {
        write("lib/base.qnet", "qnet 1 const a = 1");
        write("lib/left.qnet", "qnet 1 include \"base.qnet\" const b = 2");
        write("right.qnet", "qnet 1 include \"lib/../lib/base.qnet\" const c = 3");
        Path main = write("main.qnet", "qnet 1 include \"lib/left.qnet\" include \"right.qnet\" const d = 4");
        Program program = Includes.load(main);
        assertThat(program.files())
                .extracting(f -> f.source().name().replace(dir + "/", ""))
                .containsExactly("lib/base.qnet", "lib/left.qnet", "right.qnet", "main.qnet");
        assertThat(program.declarations()).hasSize(4).noneMatch(d -> d instanceof Decl.Include);
        assertThat(program.main().source().name()).isEqualTo(main.toString());
    }

    @Test
    void showsTheWayToAMissingFile() throws IOException {
        write("b.qnet", "qnet 1\ninclude \"c.qnet\"\n");
        write("c.qnet", "qnet 1\ninclude \"gone.qnet\"\n");
        assertThat(errors(write("a.qnet", "qnet 1\n\ninclude \"b.qnet\"\n"))).isEqualTo("""
                error[file-not-found]: there is no file 'gone.qnet'
                 --> c.qnet:2:9
                  |
                2 | include "gone.qnet"
                  |         ^^^^^^^^^^^
                note: 'c.qnet' is included here
                 --> b.qnet:2:9
                  |
                2 | include "c.qnet"
                  |         ^^^^^^^^
                note: 'b.qnet' is included here
                 --> a.qnet:3:9
                  |
                3 | include "b.qnet"
                  |         ^^^^^^^^
                fix: check the path
                """);
    }

    @Test
    void refusesACycle() throws IOException {
        Path a = write("a.qnet", "qnet 1 include \"b.qnet\"");
        write("b.qnet", "qnet 1 include \"./a.qnet\"");
        assertThat(errors(a)).isEqualTo("""
                error[include-cycle]: './a.qnet' ends up including itself
                 --> b.qnet:1:16
                  |
                1 | qnet 1 include "./a.qnet"
                  |                ^^^^^^^^^^
                note: 'b.qnet' is included here
                 --> a.qnet:1:16
                  |
                1 | qnet 1 include "b.qnet"
                  |                ^^^^^^^^
                fix: move what both need into a third file
                """);
    }

    @Test
    void refusesAFileThatIncludesItself() throws IOException {
        assertThat(errors(write("a.qnet", "qnet 1 include \"a.qnet\""))).contains("error[include-cycle]");
    }

    @Test
    void reportsErrorsOfSeveralFilesEachOnce() throws IOException {
        write("b.qnet", "qnet 1 const = 1");
        write("c.qnet", "qnet 1 include \"b.qnet\" include \"d.qnet\"");
        write("d.qnet", "qnet 1 const x = )");
        String errors = errors(write("a.qnet", "qnet 1 include \"b.qnet\" include \"c.qnet\" include \"gone.qnet\""));
        assertThat(errors.split("error\\[", -1)).hasSize(4);
        assertThat(errors).contains("b.qnet:1:14", "d.qnet:1:18", "there is no file 'gone.qnet'");
    }

    @Test
    void limitsDepthAndNumber() throws IOException {
        for (int i = 0; i < 40; i++) {
            write("deep" + i + ".qnet", "qnet 1 include \"deep" + (i + 1) + ".qnet\"");
        }
        assertThat(errors(dir.resolve("deep0.qnet"))).contains("error[include-limit]", "more than 32 deep");
        StringBuilder wide = new StringBuilder("qnet 1 ");
        for (int i = 0; i < 300; i++) {
            write("w" + i + ".qnet", "qnet 1");
            wide.append("include \"w").append(i).append(".qnet\"\n");
        }
        assertThat(errors(write("wide.qnet", wide.toString()))).contains("the program has more than 256 files");
    }

    @Test
    void refusesWhatIsNoRelativePathOfATextFile() throws IOException {
        Files.createDirectories(dir.resolve("folder"));
        Files.write(dir.resolve("latin1.qnet"), "qnet 1 // é".getBytes(StandardCharsets.ISO_8859_1));
        Files.write(dir.resolve("large.qnet"), new byte[(4 << 20) + 1]);
        String errors = errors(write("a.qnet", """
                qnet 1
                include "/etc/passwd"
                include ""
                include "folder"
                include "latin1.qnet"
                include "large.qnet"
                include "nul\\u0000.qnet"
                """));
        assertThat(errors)
                .contains(
                        "error[include-path]: an included file is named by its path from the including file\n"
                                + " --> a.qnet:2:9",
                        "a.qnet:3:9",
                        "error[file-unreadable]: cannot read 'folder': it is a directory",
                        "error[not-utf8]: 'latin1.qnet' is not UTF-8 text: the byte at offset 10 begins no character",
                        "error[too-large]: 'large.qnet' is larger than the 4 MiB allowed for a source",
                        "error[include-path]: this is no path on this system");
    }

    @Test
    void namesAMissingMainFile() {
        assertThat(errors(dir.resolve("none.qnet"))).isEqualTo("""
                error[file-not-found]: there is no file 'none.qnet'
                fix: check the path
                """);
    }

    @Test
    void readsPastAByteOrderMark() throws IOException {
        assertThat(Includes.load(write("bom.qnet", "\uFEFFqnet 1 const a = 1")).declarations())
                .hasSize(1);
    }
}
