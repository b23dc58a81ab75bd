package dev.qnet.conformance;

import com.sun.management.ThreadMXBean;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.kernel.WarmupReport;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;

/**
 * What {@link HotSpotTest} starts: runs a model's jar once, or until it is warm, and writes what came out and what a run
 * allocates to a file, for HotSpot's log may get in between what is printed. It has the jar on its class path, and the
 * JDK. Arguments: the jar; once or steady; the file.
 */
final class SteadyState {
    /** Runs in a row that have to allocate nothing. */
    private static final int RUNS = 300;

    /** A machine may be busy with other things for long; and what allocates does so for good. */
    private static final long MOST_NANOS = 300_000_000_000L;

    /** How long it goes on allocating when vector code has taken over until it is said to. */
    private static final long MOST_WARM_NANOS = 60_000_000_000L;

    private SteadyState() {}

    public static void main(String[] args) throws IOException {
        StringBuilder results = new StringBuilder();
        Random random = new Random(7);
        List<Tensor> outputs = new ArrayList<>();
        Model model = Model.load(Path.of(args[0]));
        Session session = model.session();
        for (TensorInfo t : model.inputs()) {
            float[] x = new float[t.itemElements()];
            for (int i = 0; i < x.length; i++) {
                x[i] = random.nextFloat() * 255;
            }
            session.input(t.name(), Tensor.ofFloats(x, t.shapeFor(1)));
        }
        for (TensorInfo t : model.outputs()) {
            Tensor y = Tensor.allocate(t.quantization() == null ? t.type() : ElementType.F32, t.shapeFor(1));
            session.output(t.name(), y);
            outputs.add(y);
        }
        session.run();
        long first = crc(outputs);
        if (args[1].equals("steady")) {
            results.append("allocated=").append(steady(session)).append('\n');
            if (crc(outputs) != first) {
                throw new AssertionError("the first run and the last give other bytes");
            }
            results.append("worthwhile=").append(WarmupReport.worthwhile()).append('\n');
            results.append("made=").append(WarmupReport.made()).append('\n');
            results.append("tookOver=").append(WarmupReport.tookOver()).append('\n');
            results.append("failures=").append(WarmupReport.failures()).append('\n');
        }
        results.append("bytes=").append(Long.toHexString(first)).append('\n');
        Files.writeString(Path.of(args[2]), results);
    }

    /** The least that so many runs in a row allocate, in bytes, once vector code has taken over. */
    private static long steady(Session session) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long end = System.nanoTime() + MOST_NANOS;
        boolean warm = false;
        long least = Long.MAX_VALUE;
        while (least > 0 && System.nanoTime() < end) {
            if (!warm && !warmingUp()) {
                warm = true;
                end = Math.min(end, System.nanoTime() + MOST_WARM_NANOS);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < RUNS; i++) {
                session.run();
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            least = warm ? Math.min(least, allocated) : least;
        }
        return least;
    }

    private static boolean warmingUp() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(t -> t.getName().equals("qnet-warm-up"));
    }

    private static long crc(List<Tensor> outputs) {
        CRC32 crc = new CRC32();
        for (Tensor t : outputs) {
            switch (t.type()) {
                case F32 -> {
                    for (float f : t.floats()) {
                        crc.update(Float.floatToRawIntBits(f));
                        crc.update(Float.floatToRawIntBits(f) >>> 8);
                        crc.update(Float.floatToRawIntBits(f) >>> 16);
                        crc.update(Float.floatToRawIntBits(f) >>> 24);
                    }
                }
                case I32 -> {
                    for (int v : t.ints()) {
                        crc.update(v);
                        crc.update(v >>> 8);
                        crc.update(v >>> 16);
                        crc.update(v >>> 24);
                    }
                }
                case I64 -> {
                    for (long v : t.longs()) {
                        crc.update((int) v);
                        crc.update((int) (v >>> 8));
                    }
                }
                case BOOL, I8, U8 -> crc.update(t.bytes());
                case I16, U16 -> {
                    for (short v : t.shorts()) {
                        crc.update(v);
                        crc.update(v >>> 8);
                    }
                }
            }
        }
        return crc.getValue();
    }
}
