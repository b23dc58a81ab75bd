package dev.qnet.cli.verify;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The counts of {@code qnet verify} as a page of Markdown. */
public final class ConformancePage {
    private ConformancePage() {}

    /** The page. */
    public static String of(Summary summary) {
        StringBuilder s = new StringBuilder();
        s.append("# Conformance\n\n");
        s.append(
                "Models and single operators with outputs that other systems computed, run on every target. Integers are "
                        + "compared bit for bit, floats within 0.1 % (and 1e-7). A case counts as passed if all targets pass "
                        + "it. `qnet verify ../shared/data --markdown docs/conformance.md` writes this page.\n\n");
        s.append("| folder | cases | passed | failed | unsupported |\n|---|--:|--:|--:|--:|\n");
        summary.folders().forEach((folder, n) -> row(s, name(folder), n));
        row(s, "**all**", summary.total());
        s.append("\n| target | cases | passed | failed | unsupported |\n|---|--:|--:|--:|--:|\n");
        summary.executors().forEach((target, n) -> row(s, target, n));
        Map<String, List<String>> reasons = summary.reasons();
        if (!reasons.isEmpty()) {
            s.append("\n## Unsupported\n\n| why | cases |\n|---|--:|\n");
            reasons.forEach((why, names) -> s.append("| ")
                    .append(why.replace("|", "\\|"))
                    .append(" | ")
                    .append(names.size())
                    .append(" |\n"));
        }
        return s.toString();
    }

    /** A folder's name does not tell where it lies on this machine. */
    private static String name(String folder) {
        Path name = Path.of(folder).getFileName();
        return name == null ? folder : name.toString();
    }

    private static void row(StringBuilder s, String name, Summary.Counts n) {
        s.append("| ").append(name);
        for (int k : new int[] {n.cases(), n.passed(), n.failed(), n.unsupported()}) {
            s.append(" | ").append(k);
        }
        s.append(" |\n");
    }
}
