package dev.qnet.formats.tflite;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A FlatBuffers file that nobody vouches for. Every offset is checked before it is followed, and what has been read in all is
 * limited by the file's size: tables may share parts, so that a small file could otherwise describe an endless model.
 */
final class FlatFile {
    /** No name is longer. */
    private static final int MAX_STRING = 4096;
    /** What any file may read beyond its own size: small models share names and parameters. */
    private static final long FREE_BYTES = 4L << 20;
    /** No model has more tables and listed numbers, constants left out. */
    private static final int MAX_ELEMENTS = 1 << 22;

    private final String name;
    private final ByteBuffer data;
    private long budget;
    private long elements = MAX_ELEMENTS;

    /**
     * @param name the file, for messages
     * @param bytes the whole content
     */
    FlatFile(String name, ByteBuffer bytes) {
        this.name = name;
        this.data = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
        this.budget = FREE_BYTES + 4L * data.limit();
    }

    /** The root table of a file with an identifier. */
    Table root(String identifier) {
        if (data.limit() < 8 || !identifier.equals(ascii(4, 4))) {
            throw malformed("it does not begin as a TFLite model (\"" + identifier + "\" after 4 bytes)");
        }
        return new Table(offset(0));
    }

    /** The error for a file that is no model. */
    CompileException malformed(String what) {
        return new CompileException(
                Diagnostic.error("bad-model", Span.NONE, name + " is not a well-formed TFLite model: " + what)
                        .withFix("convert or download the model again; the file may be cut short"));
    }

    private String ascii(int at, int length) {
        byte[] bytes = new byte[length];
        data.get(at, bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /** Where the unsigned offset at a place leads, 4 bytes or more before the end. */
    private int offset(int at) {
        long to = at + Integer.toUnsignedLong(data.getInt(check(at, 4)));
        return check(to, 4);
    }

    /** A place with that many bytes behind it. */
    private int check(long at, long bytes) {
        if (at < 0 || bytes < 0 || at + bytes > data.limit()) {
            throw malformed("an offset leads to " + at + ", but there are " + data.limit() + " bytes");
        }
        return (int) at;
    }

    private void spend(long bytes) {
        budget -= bytes;
        if (budget < 0) {
            throw malformed("its parts overlap");
        }
    }

    private void spendElements(long n) {
        elements -= n;
        if (elements < 0) {
            throw malformed("it lists more than " + MAX_ELEMENTS + " things");
        }
    }

    /** A table: fields by number, each of which may be missing. */
    final class Table {
        private final int at;
        private final int vtable;
        private final int vtableBytes;
        private final int bytes;

        private Table(int at) {
            spend(8);
            this.at = check(at, 4);
            long to = (long) at - data.getInt(at);
            this.vtable = check(to, 4);
            this.vtableBytes = Short.toUnsignedInt(data.getShort(vtable));
            this.bytes = Short.toUnsignedInt(data.getShort(vtable + 2));
            check(vtable, vtableBytes);
            check(at, bytes);
            if (vtableBytes < 4 || (vtableBytes & 1) != 0 || bytes < 4) {
                throw malformed("a table at " + at + " has no sizes");
            }
        }

        /** The file's error. */
        CompileException malformed(String what) {
            return FlatFile.this.malformed(what);
        }

        /** Where a field of a width lies, or 0 where it is missing. */
        private int field(int number, int width) {
            int entry = 4 + 2 * number;
            if (entry + 2 > vtableBytes) {
                return 0;
            }
            int offset = Short.toUnsignedInt(data.getShort(vtable + entry));
            if (offset == 0) {
                return 0;
            }
            if (offset < 4 || offset + width > bytes) {
                throw malformed("field " + number + " of the table at " + at + " lies outside it");
            }
            return at + offset;
        }

        int byteAt(int number, int otherwise) {
            int f = field(number, 1);
            return f == 0 ? otherwise : data.get(f);
        }

        boolean flag(int number, boolean otherwise) {
            return byteAt(number, otherwise ? 1 : 0) != 0;
        }

        int intAt(int number, int otherwise) {
            int f = field(number, 4);
            return f == 0 ? otherwise : data.getInt(f);
        }

        long longAt(int number, long otherwise) {
            int f = field(number, 8);
            return f == 0 ? otherwise : data.getLong(f);
        }

        float floatAt(int number, float otherwise) {
            int f = field(number, 4);
            return f == 0 ? otherwise : data.getFloat(f);
        }

        @Nullable Table table(int number) {
            int f = field(number, 4);
            return f == 0 ? null : new Table(offset(f));
        }

        boolean has(int number) {
            return field(number, 1) != 0;
        }

        /** The elements of a vector, each so many bytes; a missing one is empty. */
        private @Nullable ByteBuffer vector(int number, int width) {
            int f = field(number, 4);
            if (f == 0) {
                return null;
            }
            int at = offset(f);
            long size = Integer.toUnsignedLong(data.getInt(at)) * width;
            check(at + 4L, size);
            spend(size);
            return data.slice(at + 4, (int) size).order(ByteOrder.LITTLE_ENDIAN);
        }

        private @Nullable ByteBuffer list(int number, int width) {
            ByteBuffer v = vector(number, width);
            if (v != null) {
                spendElements(v.remaining() / width);
            }
            return v;
        }

        List<Integer> ints(int number) {
            ByteBuffer v = list(number, 4);
            List<Integer> list = new ArrayList<>();
            while (v != null && v.hasRemaining()) {
                list.add(v.getInt());
            }
            return list;
        }

        List<Long> longs(int number) {
            ByteBuffer v = list(number, 8);
            List<Long> list = new ArrayList<>();
            while (v != null && v.hasRemaining()) {
                list.add(v.getLong());
            }
            return list;
        }

        List<Float> floats(int number) {
            ByteBuffer v = list(number, 4);
            List<Float> list = new ArrayList<>();
            while (v != null && v.hasRemaining()) {
                list.add(v.getFloat());
            }
            return list;
        }

        /** The bytes of a vector of bytes, not copied; empty where it is missing. */
        ByteBuffer bytes(int number) {
            ByteBuffer v = vector(number, 1);
            return v == null ? ByteBuffer.allocate(0) : v;
        }

        String string(int number) {
            ByteBuffer v = bytes(number);
            if (v.remaining() > MAX_STRING) {
                throw malformed("a name of " + v.remaining() + " bytes");
            }
            return StandardCharsets.UTF_8.decode(v).toString();
        }

        List<Table> tables(int number) {
            int f = field(number, 4);
            List<Table> list = new ArrayList<>();
            if (f != 0) {
                int at = offset(f);
                long n = Integer.toUnsignedLong(data.getInt(at));
                check(at + 4L, 4 * n);
                spend(4 * n);
                spendElements(n);
                for (int i = 0; i < n; i++) {
                    list.add(new Table(offset(at + 4 + 4 * i)));
                }
            }
            return list;
        }
    }
}
