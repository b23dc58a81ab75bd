package dev.qnet.cli;

import java.io.FileDescriptor;
import java.lang.reflect.Field;

/**
 * The process's standard error, where the launcher has put it. The JVM warns there, before any code of ours runs, that the
 * Vector API incubates, and no option turns that off; so the launcher starts the JVM with its descriptor 2 closed to the
 * user and the real standard error under the number in the property {@value #PROPERTY}.
 */
final class StandardError {
    static final String PROPERTY = "qnet.stderr";

    private StandardError() {}

    /**
     * Points {@code System.err} at the real standard error; to be called before anything is written. The descriptor is
     * shared, not opened anew, so that what goes to both streams of one file keeps its order.
     *
     * @throws IllegalStateException if the launcher did not open {@code java.io} to us
     */
    static void restore() {
        Integer number = Integer.getInteger(PROPERTY);
        if (number == null) {
            return;
        }
        try {
            Field descriptor = FileDescriptor.class.getDeclaredField("fd");
            descriptor.setAccessible(true);
            descriptor.setInt(FileDescriptor.err, number);
        } catch (ReflectiveOperationException | RuntimeException e) {
            throw new IllegalStateException("-D" + PROPERTY + " needs --add-opens java.base/java.io=ALL-UNNAMED", e);
        }
    }
}
