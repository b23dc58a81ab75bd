package dev.qnet.target.tvm.ffi;

/** An error that TVM reports. The message is what TVM says, without its stack trace. */
public final class TvmException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public TvmException(String what, String report) {
        super(what + ": " + summary(report));
    }

    /** From the last line that names an error to where the trace goes on; TVM puts traces around it. */
    static String summary(String report) {
        String[] lines = report.strip().lines().toArray(String[]::new);
        int from = lines.length - 1;
        for (int i = 0; i < lines.length; i++) {
            if (lines[i].strip().matches("\\w*(Error|Exception): .*")) {
                from = i;
            }
        }
        StringBuilder text = new StringBuilder(lines[from].strip());
        for (int i = from + 1; i < lines.length && !lines[i].startsWith("Stack trace"); i++) {
            text.append('\n').append(lines[i].strip());
        }
        return text.toString();
    }
}
