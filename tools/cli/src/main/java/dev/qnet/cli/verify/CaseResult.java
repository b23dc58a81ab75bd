package dev.qnet.cli.verify;

import java.util.List;

/**
 * What became of a case.
 *
 * @param checked the case
 * @param outcomes one for each executor, in their order; a single one where no executor was reached
 * @param operators the model's operators, by their names in its format, sorted; empty where that is not known
 * @param samples how many samples each executor ran
 */
public record CaseResult(Case checked, List<Outcome> outcomes, List<String> operators, int samples) {
    /** The executor of an outcome that came about before any executor did. */
    public static final String ALL = "all";

    /** Whether a case is right, wrong, or beyond what there is. */
    public enum Status {
        PASSED,
        UNSUPPORTED,
        FAILED;

        /** {@code passed}. */
        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /**
     * What one executor made of it.
     *
     * @param executor its name; {@link #ALL} where the case failed before any executor came into play
     * @param text why, in one line; empty if passed
     */
    public record Outcome(String executor, Status status, String text) {}

    public CaseResult {
        outcomes = List.copyOf(outcomes);
        operators = List.copyOf(operators);
    }

    /** Failed if any executor failed, else unsupported if any cannot run it, else passed. */
    public Status status() {
        return outcomes.stream().map(Outcome::status).max(Status::compareTo).orElse(Status.PASSED);
    }
}
