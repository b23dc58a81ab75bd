package dev.qnet.cli.verify;

import dev.qnet.cli.verify.CaseResult.Outcome;
import dev.qnet.cli.verify.CaseResult.Status;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What became of many cases, in numbers and grouped for a person. */
public final class Summary {
    private final List<CaseResult> results;

    public Summary(List<CaseResult> results) {
        this.results = List.copyOf(results);
    }

    /**
     * Cases counted.
     *
     * @param failed cases that an executor got wrong
     * @param unsupported cases that an executor cannot run, and none gets wrong
     */
    public record Counts(int cases, int passed, int failed, int unsupported) {
        static Counts of(Collection<Status> all) {
            return new Counts(
                    all.size(),
                    Collections.frequency(all, Status.PASSED),
                    Collections.frequency(all, Status.FAILED),
                    Collections.frequency(all, Status.UNSUPPORTED));
        }
    }

    /**
     * Executors with the same outcome.
     *
     * @param executors their names, joined by commas
     */
    public record Row(CaseResult result, String executors, Status status, String text) {}

    /** The counts of all cases. */
    public Counts total() {
        return Counts.of(results.stream().map(CaseResult::status).toList());
    }

    /** The counts by folder, in the order of the cases. */
    public Map<String, Counts> folders() {
        Map<String, List<Status>> by = new LinkedHashMap<>();
        results.forEach(r ->
                by.computeIfAbsent(r.checked().folder(), k -> new ArrayList<>()).add(r.status()));
        return counts(by);
    }

    /** For each executor how many cases it passed, failed, cannot run. */
    public Map<String, Counts> executors() {
        Map<String, List<Status>> by = new LinkedHashMap<>();
        for (CaseResult r : results) {
            for (Outcome o : r.outcomes()) {
                if (!o.executor().equals(CaseResult.ALL)) {
                    by.computeIfAbsent(o.executor(), k -> new ArrayList<>()).add(o.status());
                }
            }
        }
        return counts(by);
    }

    private static Map<String, Counts> counts(Map<String, List<Status>> by) {
        Map<String, Counts> counts = new LinkedHashMap<>();
        by.forEach((name, all) -> counts.put(name, Counts.of(all)));
        return counts;
    }

    /** A row for each case and different outcome, without those that passed unless they are asked for. */
    public List<Row> rows(boolean passed) {
        List<Row> rows = new ArrayList<>();
        for (CaseResult r : results) {
            Map<Outcome, List<String>> same = new LinkedHashMap<>();
            for (Outcome o : r.outcomes()) {
                same.computeIfAbsent(new Outcome("", o.status(), o.text()), k -> new ArrayList<>())
                        .add(o.executor());
            }
            same.forEach((o, names) -> {
                // Where a case is wrong or refused somewhere, the rows of the others tell what works.
                if (passed || o.status() != Status.PASSED) {
                    rows.add(new Row(r, String.join(", ", names), o.status(), o.text()));
                }
            });
        }
        return rows;
    }

    /** Why cases are unsupported, with the names of the cases, the commonest reason first. */
    public Map<String, List<String>> reasons() {
        Map<String, List<String>> by = new LinkedHashMap<>();
        for (CaseResult r : results) {
            if (r.status() == Status.UNSUPPORTED) {
                String why = r.outcomes().stream()
                        .filter(o -> o.status() == Status.UNSUPPORTED)
                        .map(o -> (o.executor().equals(CaseResult.ALL) ? "" : o.executor() + ": ") + kind(o.text()))
                        .findFirst()
                        .orElse("");
                by.computeIfAbsent(why, k -> new ArrayList<>()).add(r.checked().name());
            }
        }
        return by.entrySet().stream()
                .sorted((a, b) ->
                        Integer.compare(b.getValue().size(), a.getValue().size()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, LinkedHashMap::new));
    }

    /** A reason without the names of single nodes, so that equal ones meet. */
    private static String kind(String reason) {
        return Stream.of(reason.split("; "))
                .map(part -> part.replaceAll(" (?:'[^']*'|\\(operator \\d+\\))", "")
                        .replaceFirst("^and \\d+ more$", "")
                        .replaceFirst("^: ", ""))
                .filter(part -> !part.isEmpty())
                .distinct()
                .collect(Collectors.joining("; "));
    }

    /** All results as what a JSON writer takes. */
    public Map<String, Object> json() {
        Map<String, Object> all = new LinkedHashMap<>();
        List<Map<String, Object>> cases = new ArrayList<>();
        for (CaseResult r : results) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("case", r.checked().name());
            one.put("folder", r.checked().folder());
            one.put("kind", r.checked().kind().name().toLowerCase(java.util.Locale.ROOT));
            one.put("status", r.status().toString());
            one.put("samples", r.samples());
            one.put("operators", r.operators());
            one.put(
                    "targets",
                    r.outcomes().stream()
                            .map(o -> {
                                Map<String, Object> t = new LinkedHashMap<>();
                                t.put("target", o.executor());
                                t.put("status", o.status().toString());
                                t.put("why", o.text());
                                return t;
                            })
                            .toList());
            cases.add(one);
        }
        all.put("cases", cases);
        Counts t = total();
        Map<String, Object> totals = new LinkedHashMap<>();
        totals.put("cases", t.cases());
        totals.put("passed", t.passed());
        totals.put("failed", t.failed());
        totals.put("unsupported", t.unsupported());
        all.put("totals", totals);
        return all;
    }
}
