package dev.qnet.training.fit;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * All that a training has changed after some epochs. What it began with (model, data, settings) is not in it, but marks that tell whether
 * they are the same. In the file: a magic number, what the fields say in their order, big-endian, and a CRC-32 of all before.
 *
 * @param marks of what must be the same, by what messages call it
 * @param epochs that are over
 * @param step of the optimizer
 * @param frozen whether batch normalization is folded for good
 * @param values parameters, by name
 * @param memory what the optimizer remembers, by name
 */
record Checkpoint(
        Map<String, String> marks,
        List<Epoch> epochs,
        long step,
        boolean frozen,
        Map<String, float[]> values,
        Map<String, float[][]> memory) {
    private static final long MAGIC = 0x716e_6574_2d63_6b31L; // qnet-ck1

    /** Writes beside the file, down to the disk, then moves over it: a kill leaves the old one or the new one. */
    void write(Path file) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeLong(MAGIC);
        out.writeInt(marks.size());
        for (Map.Entry<String, String> m : marks.entrySet()) {
            out.writeUTF(m.getKey());
            out.writeUTF(m.getValue());
        }
        out.writeInt(epochs.size());
        for (Epoch e : epochs) {
            out.writeInt(e.number());
            out.writeInt(e.of());
            out.writeUTF(e.phase().name());
            out.writeDouble(e.rate());
            out.writeDouble(e.loss());
            out.writeDouble(e.accuracy());
            out.writeDouble(e.itemsPerSecond());
        }
        out.writeLong(step);
        out.writeBoolean(frozen);
        out.writeInt(values.size());
        for (Map.Entry<String, float[]> v : values.entrySet()) {
            out.writeUTF(v.getKey());
            floats(out, v.getValue());
        }
        out.writeInt(memory.size());
        for (Map.Entry<String, float[][]> m : memory.entrySet()) {
            out.writeUTF(m.getKey());
            out.writeInt(m.getValue().length);
            for (float[] a : m.getValue()) {
                floats(out, a);
            }
        }
        CRC32 crc = new CRC32();
        crc.update(bytes.toByteArray());
        out.writeLong(crc.getValue());

        Path folder = file.toAbsolutePath().getParent();
        Path temporary = file.resolveSibling(".qnet" + UUID.randomUUID() + ".tmp");
        if (folder != null) {
            Files.createDirectories(folder);
        }
        try {
            try (FileChannel channel =
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                ByteBuffer all = ByteBuffer.wrap(bytes.toByteArray());
                while (all.hasRemaining()) {
                    channel.write(all);
                }
                channel.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /**
     * Reads a file.
     *
     * @throws TrainingException if it is no checkpoint, or damaged
     */
    static Checkpoint read(Path file) throws IOException {
        byte[] all = Files.readAllBytes(file);
        ByteBuffer ends = ByteBuffer.wrap(all);
        if (all.length < 2 * Long.BYTES || ends.getLong(0) != MAGIC) {
            throw new TrainingException(file + " is no checkpoint of qnet's");
        }
        CRC32 crc = new CRC32();
        crc.update(all, 0, all.length - Long.BYTES);
        if (ends.getLong(all.length - Long.BYTES) != crc.getValue()) {
            throw new TrainingException(file + " is damaged: its checksum differs");
        }
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(all));
        in.readLong();
        Map<String, String> marks = new LinkedHashMap<>();
        for (int n = in.readInt(); n > 0; n--) {
            marks.put(in.readUTF(), in.readUTF());
        }
        List<Epoch> epochs = new ArrayList<>();
        for (int n = in.readInt(); n > 0; n--) {
            epochs.add(new Epoch(
                    in.readInt(),
                    in.readInt(),
                    Phase.valueOf(in.readUTF()),
                    in.readDouble(),
                    in.readDouble(),
                    in.readDouble(),
                    in.readDouble()));
        }
        long step = in.readLong();
        boolean frozen = in.readBoolean();
        Map<String, float[]> values = new LinkedHashMap<>();
        for (int n = in.readInt(); n > 0; n--) {
            values.put(in.readUTF(), floats(in));
        }
        Map<String, float[][]> memory = new LinkedHashMap<>();
        for (int n = in.readInt(); n > 0; n--) {
            String name = in.readUTF();
            float[][] kept = new float[in.readInt()][];
            for (int i = 0; i < kept.length; i++) {
                kept[i] = floats(in);
            }
            memory.put(name, kept);
        }
        return new Checkpoint(marks, epochs, step, frozen, values, memory);
    }

    /**
     * That a training began as this one did.
     *
     * @throws TrainingException naming what differs
     */
    void check(Path file, Map<String, String> now) {
        now.forEach((what, mark) -> {
            if (!mark.equals(marks.get(what))) {
                throw new TrainingException(file + " is of a training with other " + what
                        + differences(marks.getOrDefault(what, ""), mark)
                        + ": give all that it began with, or begin anew without --resume");
            }
        });
    }

    /** Which parts differ of texts {@code Name[part=…, part=…]}: {@code (epochs was 5 and is 3)}, or nothing for others. */
    private static String differences(String before, String now) {
        Map<String, String> then = parts(before);
        List<String> told = new ArrayList<>();
        parts(now).forEach((name, value) -> {
            String old = then.get(name);
            if (old != null && !old.equals(value)) {
                told.add(name + " was " + old + " and is " + value);
            }
        });
        return told.isEmpty() ? "" : " (" + String.join(", ", told) + ")";
    }

    /** The parts of a record's text, by name; those of records in it as a whole. */
    private static Map<String, String> parts(String text) {
        Map<String, String> parts = new LinkedHashMap<>();
        int depth = 0;
        int from = text.indexOf('[') + 1;
        for (int i = from; from > 0 && i < text.length(); i++) {
            char c = text.charAt(i);
            if (depth == 0 && (c == ',' || c == ']')) {
                String part = text.substring(from, i).strip();
                int eq = part.indexOf('=');
                if (eq > 0) {
                    parts.put(part.substring(0, eq), part.substring(eq + 1));
                }
                from = i + 1;
            }
            depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        }
        return parts;
    }

    private static void floats(DataOutputStream out, float[] a) throws IOException {
        out.writeInt(a.length);
        for (float v : a) {
            out.writeInt(Float.floatToRawIntBits(v));
        }
    }

    private static float[] floats(DataInputStream in) throws IOException {
        float[] a = new float[in.readInt()];
        for (int i = 0; i < a.length; i++) {
            a[i] = Float.intBitsToFloat(in.readInt());
        }
        return a;
    }
}
