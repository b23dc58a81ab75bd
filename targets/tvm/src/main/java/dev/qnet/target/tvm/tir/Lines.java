package dev.qnet.target.tvm.tir;

/** Text in lines, each indented as deep as it is nested. */
final class Lines {
    private final StringBuilder text = new StringBuilder();
    private int depth;

    void line(String line) {
        text.repeat("    ", depth).append(line).append('\n');
    }

    void blank() {
        text.append('\n');
    }

    /** Lines that are one deeper. */
    void nested(Runnable lines) {
        depth++;
        lines.run();
        depth--;
    }

    /** Lines in braces behind what stands in front of them. */
    void block(String head, Runnable lines) {
        line(head + " {");
        nested(lines);
        line("}");
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
