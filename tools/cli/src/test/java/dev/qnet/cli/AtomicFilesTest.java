package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir
    Path folder;

    @Test
    void ofTwoFilesBothAreWrittenOrNone() throws IOException {
        Path source = Files.writeString(folder.resolve("m.c"), "old");
        Path header = folder.resolve("m.h");
        assertThatThrownBy(() -> AtomicFiles.writeBoth(source, file -> Files.writeString(file, "new"), header, file -> {
                    throw new IOException("no space left");
                }))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining(header.toString())
                .hasMessageContaining("no space left");
        assertThat(source).hasContent("old");
        assertThat(header).doesNotExist();

        AtomicFiles.writeBoth(
                source, file -> Files.writeString(file, "new"), header, file -> Files.writeString(file, "h"));
        assertThat(source).hasContent("new");
        assertThat(header).hasContent("h");
        try (var all = Files.list(folder)) {
            assertThat(all).containsExactlyInAnyOrder(source, header);
        }
    }
}
