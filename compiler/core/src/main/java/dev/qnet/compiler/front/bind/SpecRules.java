package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.bind.Items.Subject;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What words of quantization must not say together, once all are read: what contradicts itself, or has no form of codes, throws
 * {@link Rejected}. For one use.
 */
final class SpecRules {
    private final Subject subject;
    private final Map<String, Item> said;
    private final @Nullable List<Float> scales;
    private final @Nullable List<Integer> zeros;
    private final Spec.@Nullable Steps steps;
    private Spec spec;

    /**
     * @param said the word that spoke of a thing, by the thing
     * @param scales given, or null; so the others
     */
    SpecRules(
            Subject subject,
            Spec spec,
            Map<String, Item> said,
            @Nullable List<Float> scales,
            @Nullable List<Integer> zeros,
            Spec.@Nullable Steps steps) {
        this.subject = subject;
        this.spec = spec;
        this.said = said;
        this.scales = scales;
        this.zeros = zeros;
        this.steps = steps;
    }

    private Span span(String what) {
        Item item = said.get(what);
        return item == null ? Span.NONE : item.span();
    }

    /**
     * The spec with what was given beside it.
     *
     * @param at where the words stand
     */
    Spec finish(Span at) {
        if (zeros != null && scales == null) {
            throw new Rejected(
                    Diagnostic.error("conflicting-items", span(Items.ZERO), "'zero' without 'scale' means nothing")
                            .withFix("add `scale(S)`"));
        }
        if (steps != null && (scales == null || scales.size() != 1)) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items",
                            span(Items.THRESHOLDS),
                            "'thresholds' need the one 'scale' that their codes have")
                    .withFix("add `scale(S)`"));
        }
        if (scales != null) {
            given(scales, at);
        }
        Storage storage = spec.storage();
        if (spec.granularity() instanceof Granularity.PerGroup && !spec.symmetric() && subject != Subject.CONSTANT) {
            Item group = said.get(Items.GRANULARITY);
            throw new Rejected(Diagnostic.error(
                            "conflicting-items",
                            group == null || !group.name().text().equals("per_group") ? at : group.span(),
                            "groups of weights share their channel's zero point, so they must be symmetric")
                    .withFix("write `symmetric per_group(…)`"));
        }
        if ((storage == Storage.BIPOLAR || storage == Storage.TERNARY) && !spec.symmetric()) {
            Item symmetry = said.get(Items.SYMMETRY);
            if (symmetry != null) {
                throw new Rejected(Diagnostic.error(
                                "conflicting-items", symmetry.span(), storage + " codes are symmetric by nature")
                        .withFix("write `symmetric`"));
            }
            spec = spec.withSymmetric(true);
        }
        learnable(at);
        if (spec.dynamic()) {
            if (said.get(Items.RANGE) != null && !(spec.range() instanceof RangeMethod.MinMax)) {
                throw new Rejected(Diagnostic.error(
                                "conflicting-items",
                                at,
                                "a dynamic scale follows each input's smallest and largest value, so it takes no range")
                        .withFix("remove `range` or `dynamic`"));
            }
            spec = spec.withRange(new RangeMethod.MinMax());
        }
        return spec;
    }

    private void given(List<Float> s, Span at) {
        List<Integer> z = zeros == null ? s.stream().map(x -> 0).toList() : zeros;
        if (z.size() != s.size()) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items",
                            span(Items.ZERO),
                            "'zero' gives " + Messages.plural(z.size(), "number") + " and 'scale' gives " + s.size())
                    .withFix("give as many of each"));
        }
        boolean grouped = subject == Subject.CONSTANT && spec.granularity() instanceof Granularity.PerGroup;
        if (s.size() > 1 && !grouped && !(spec.granularity() instanceof Granularity.PerChannel)) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items", at, s.size() + " scales need one channel each, and this is one tensor")
                    .withFix("write `per_channel`, or one scale"));
        }
        Storage storage = spec.storage();
        for (int zero : z) {
            if (subject != Subject.CALIBRATION && (zero < storage.min() || zero > storage.max())) {
                throw new Rejected(Diagnostic.error(
                                "zero-point-range",
                                span(Items.ZERO),
                                "the zero point " + zero + " is no code of " + storage)
                        .withNote("codes of " + storage + " run from " + storage.min() + " to " + storage.max())
                        .withFix("give a zero point between them"));
            }
            Item symmetry = said.get(Items.SYMMETRY);
            if (zero != 0 && spec.symmetric()) {
                if (symmetry != null) {
                    throw new Rejected(Diagnostic.error(
                                    "conflicting-items",
                                    span(Items.ZERO),
                                    "symmetric quantization has the zero point 0, found " + zero)
                            .withFix("write `asymmetric`, or zero(0)"));
                }
                spec = spec.withSymmetric(false);
            }
        }
        if (steps != null && subject != Subject.CALIBRATION) {
            levels(steps, storage);
        }
        spec = spec.withRange(new RangeMethod.Given(s, z, steps));
    }

    private void levels(Spec.Steps given, Storage storage) {
        if (given.levels().getFirst() < spec.lo() || given.levels().getLast() > spec.hi()) {
            throw new Rejected(Diagnostic.error(
                            "argument-range",
                            span(Items.THRESHOLDS),
                            "the levels are " + given.levels() + ", and " + storage + " has codes from " + spec.lo()
                                    + " to " + spec.hi())
                    .withFix("give levels between them, or another storage"));
        }
    }

    /** What is learned must have a form of codes: none of these has one together. */
    private void learnable(Span at) {
        Item word = said.get(Items.LEARNED);
        boolean ofItsOwn = spec.storage() == Storage.BIPOLAR || spec.storage() == Storage.TERNARY;
        if (word == null && (ofItsOwn || spec.granularity() instanceof Granularity.PerGroup || spec.dynamic())) {
            // What is said here has no room for what was said around.
            spec = spec.withQuantizer(null);
        }
        if (spec.quantizer() == null) {
            return;
        }
        Span place = word == null ? at : word.span();
        String why = spec.granularity() instanceof Granularity.PerGroup
                ? "groups of weights have no scales that are learned: write `per_channel`"
                : spec.dynamic()
                        ? "a scale that is computed at run time cannot be learned: write `static`"
                        : ofItsOwn
                                ? spec.storage() + " codes have a rule of their own: drop the word, or write `i2`"
                                : null;
        if (why != null) {
            throw new Rejected(Diagnostic.error("conflicting-items", place, why));
        }
        if (spec.quantizer() instanceof Quantizer.Qn n
                && !n.levels().isEmpty()
                && (n.levels().getFirst() < spec.lo() || n.levels().getLast() > spec.hi())) {
            if (word == null && settled(spec.range())) {
                // Nothing is left to be learned of it, and the levels were meant for others.
                spec = spec.withQuantizer(null);
                return;
            }
            throw new Rejected(Diagnostic.error(
                            "argument-range",
                            place,
                            "the levels are " + n.levels() + ", and " + spec.storage() + " has codes from " + spec.lo()
                                    + " to " + spec.hi())
                    .withFix("give levels between them, or another storage"));
        }
        if (subject == Subject.WEIGHTS && !spec.symmetric()) {
            throw new Rejected(
                    Diagnostic.error("conflicting-items", place, "weights that are learned have zero point 0")
                            .withFix("write `symmetric`"));
        }
    }

    private static boolean settled(RangeMethod range) {
        return range instanceof RangeMethod.Fixed || range instanceof RangeMethod.Given;
    }
}
