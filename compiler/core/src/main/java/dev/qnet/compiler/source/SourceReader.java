package dev.qnet.compiler.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads source files: UTF-8, of bounded size. */
public final class SourceReader {
    /** The largest file in bytes: 4 MiB. */
    public static final int MAX_BYTES = 4 << 20;

    private SourceReader() {}

    /**
     * Reads a file that the user named; the path as given is the source's name.
     *
     * @throws CompileException if it cannot be read, is too large or is not UTF-8
     */
    public static SourceFile read(Path path) {
        return read(path, path.toString(), Span.NONE);
    }

    /**
     * Reads a file that a source names.
     *
     * @param name what to show for it
     * @param at where it is named, for errors
     * @throws CompileException if it cannot be read, is too large or is not UTF-8
     */
    public static SourceFile read(Path path, String name, Span at) {
        try {
            if (Files.exists(path) && !Files.isRegularFile(path)) {
                String what = Files.isDirectory(path) ? "a directory" : "not a regular file";
                throw failed("file-unreadable", at, "cannot read '" + name + "': it is " + what, "name a .qnet file");
            }
            byte[] bytes;
            try (InputStream in = Files.newInputStream(path)) {
                bytes = in.readNBytes(MAX_BYTES + 1);
            }
            if (bytes.length > MAX_BYTES) {
                throw failed(
                        "too-large",
                        at,
                        "'" + name + "' is larger than the " + (MAX_BYTES >> 20) + " MiB allowed for a source",
                        "keep large tensors in a .safetensors file and name it with `parameters`");
            }
            return new SourceFile(name, decode(bytes, name, at));
        } catch (NoSuchFileException e) {
            throw failed("file-not-found", at, "there is no file '" + name + "'", "check the path");
        } catch (IOException e) {
            throw failed(
                    "file-unreadable",
                    at,
                    "cannot read '" + name + "': " + e.getClass().getSimpleName() + ", " + e.getMessage(),
                    "check the file's permissions");
        }
    }

    private static String decode(byte[] bytes, String name, Span at) {
        boolean mark =
                bytes.length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF;
        ByteBuffer in = ByteBuffer.wrap(bytes);
        in.position(mark ? 3 : 0);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        CoderResult result = decoder.decode(in, out, true);
        if (result.isError()) {
            throw failed(
                    "not-utf8",
                    at,
                    "'" + name + "' is not UTF-8 text: the byte at offset " + in.position() + " begins no character",
                    "save it as UTF-8");
        }
        return out.flip().toString();
    }

    private static CompileException failed(String code, Span at, String message, String fix) {
        return new CompileException(Diagnostic.error(code, at, message).withFix(fix));
    }
}
