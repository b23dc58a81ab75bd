package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the types of tensors: {@code f32[N, 10]}, plain integers such as {@code i64[3]}, and codes with what they mean,
 * {@code i8[1, 10] scale(0.5) zero(3)}.
 */
final class TensorTypes {
    private static final List<String> PLAIN = List.of("bool", "i8", "u8", "i16", "u16", "i32", "i64");

    private final Session session;
    private final Evaluator evaluator;

    TensorTypes(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /** Whether a type's name is that of elements. */
    static boolean isElement(String name) {
        return name.equals("f32") || Element.plain(name) != null || storage(name) != null;
    }

    private static @Nullable Storage storage(String name) {
        return name.equals("i32") ? Storage.I32 : Items.storage(name);
    }

    /**
     * The type of a tensor.
     *
     * @param what whose type it is, for messages: {@code 'x'}
     * @throws Rejected if it is none
     */
    Type read(TypeRef type, String what, Frame frame) {
        String name = type.name().text();
        if (!isElement(name)) {
            List<String> all = names();
            throw new Rejected(Session.suggest(
                    Diagnostic.error("unknown-type", type.name().span(), "there are no tensors of '" + name + "'")
                            .withNote("there are tensors of " + String.join(", ", all)),
                    name,
                    all,
                    null));
        }
        Shape shape = new Types(session, evaluator).shape(type, frame);
        if (shape == null) {
            throw new Rejected(Diagnostic.error("shape", type.span(), what + " has a type without a shape")
                    .withFix("write " + name + "[…]; a tensor without dimensions is " + name + "[]"));
        }
        return new Type(element(type, shape, what, frame), shape);
    }

    private static List<String> names() {
        return Stream.concat(
                        Stream.concat(Stream.of("f32"), PLAIN.stream()),
                        Stream.of(Storage.values()).map(Storage::toString))
                .distinct()
                .toList();
    }

    /**
     * The element that a type's name and its items give.
     *
     * @param shape of the tensor
     * @throws Rejected if they give none
     */
    Element element(TypeRef type, Shape shape, String what, Frame frame) {
        String name = type.name().text();
        List<Item> items = type.items();
        Storage storage = storage(name);
        if (storage == null || (items.isEmpty() && Element.plain(name) != null)) {
            Types.noItems(type);
            Element plain = Element.plain(name);
            return plain == null ? Element.FLOAT : plain;
        }
        return quant(type, storage, shape, what, frame);
    }

    private Quant quant(TypeRef type, Storage storage, Shape shape, String what, Frame frame) {
        List<Item> items = new ArrayList<>();
        Item codes = null;
        Item group = null;
        for (Item item : type.items()) {
            if (item.name().text().equals("codes") && codes == null) {
                codes = item;
                continue;
            }
            if (item.name().text().equals("per_group") && item.arguments().size() == 2) {
                group = item;
                items.add(new Item(item.name(), item.arguments().subList(0, 1), item.span()));
                continue;
            }
            items.add(item);
        }
        Span at = type.name().span();
        Spec base = new Spec(storage, false, false, new Spec.Granularity.PerTensor(), Items.CONSTANT.range(), false);
        Spec spec = Items.read(session, frame, evaluator, Items.Subject.CONSTANT, base, items);
        if (spec == null) {
            throw Rejected.silently();
        }
        if (!(spec.range() instanceof Spec.RangeMethod.Given given)) {
            throw new Rejected(Diagnostic.error(
                            "missing-scale",
                            at,
                            what + " holds codes of " + storage + ", and nothing says what they mean")
                    .withFix("add scale(S) after the type: a code q stands for S*q"));
        }
        int lo = spec.lo();
        int hi = spec.hi();
        if (codes != null) {
            List<Integer> bounds = codes(codes, storage, frame);
            lo = bounds.get(0);
            hi = bounds.get(1);
        }
        return new Quant(storage, lo, hi, scheme(type, group, spec, given, shape, what, frame));
    }

    /** {@code codes(LO, HI)}: the codes in use. */
    private List<Integer> codes(Item item, Storage storage, Frame frame) {
        List<Integer> bounds = new ArrayList<>();
        if (item.arguments().size() == 2) {
            for (Argument a : item.arguments()) {
                Value v = evaluator.eval(a.value(), frame);
                bounds.add(ItemArguments.integer(item, bounds.size(), v, storage.min(), storage.max(), "bound"));
            }
            if (bounds.get(0) <= bounds.get(1)) {
                return bounds;
            }
        }
        throw new Rejected(
                Diagnostic.error("argument-type", item.span(), "'codes' takes the lowest and the highest code in use")
                        .withFix("write codes(" + storage.min() + ", " + storage.max() + ")"));
    }

    private Scheme scheme(
            TypeRef type,
            @Nullable Item group,
            Spec spec,
            Spec.RangeMethod.Given given,
            Shape shape,
            String what,
            Frame frame) {
        Span at = type.name().span();
        return switch (spec.granularity()) {
            case Spec.Granularity.PerTensor _ ->
                new Scheme.PerTensor(given.scales().getFirst(), given.zeros().getFirst());
            case Spec.Granularity.PerChannel p -> {
                if (p.axis() >= shape.rank()) {
                    throw new Rejected(
                            Diagnostic.error("axis", at, what + " has no axis " + p.axis() + ": it is " + shape)
                                    .withFix("its axes are 0 to " + (shape.rank() - 1)));
                }
                int channels = shape.dim(p.axis());
                List<Float> scales = given.scales();
                if (scales.size() != channels) {
                    throw new Rejected(Diagnostic.error(
                                    "shape-mismatch",
                                    at,
                                    what + " has " + Messages.plural(channels, "channel") + " along axis " + p.axis()
                                            + ", found " + Messages.plural(scales.size(), "scale"))
                            .withFix("give one scale a channel"));
                }
                yield new Scheme.PerAxis(p.axis(), scales, given.zeros());
            }
            case Spec.Granularity.PerGroup g -> groups(at, group, g.size(), given, shape, what, frame);
        };
    }

    private Scheme groups(
            Span at,
            @Nullable Item group,
            int size,
            Spec.RangeMethod.Given given,
            Shape shape,
            String what,
            Frame frame) {
        if (group == null) {
            throw new Rejected(Diagnostic.error(
                            "argument-type",
                            at,
                            "codes with scales a group need a multiplier for each group, from 1 to 255")
                    .withFix(
                            "write per_group(" + size + ", [MULTIPLIERS]) scale([SCALES]): a code q stands for S*M*q"));
        }
        Value v = evaluator.eval(group.arguments().get(1).value(), frame);
        if (v instanceof Value.Failed) {
            throw Rejected.silently();
        }
        List<Integer> multipliers = ItemArguments.ints(group, 1, v, 1, 255, "multiplier");
        int channels = shape.rank() < 2 ? 0 : shape.dim(0);
        int groups = channels < 1 ? 0 : (shape.elements() / channels + size - 1) / size;
        if (groups < 1
                || given.scales().size() != channels
                || multipliers.size() != channels * groups
                || given.zeros().stream().anyMatch(z -> z != 0)) {
            throw new Rejected(Diagnostic.error(
                            "shape-mismatch",
                            group.span(),
                            what + " is " + shape + ": groups of " + size + " take "
                                    + Messages.plural(Math.max(channels, 0), "scale") + " and "
                                    + Messages.plural((long) Math.max(channels, 0) * groups, "multiplier")
                                    + ", and no zero point")
                    .labelled("found " + given.scales().size() + " and " + multipliers.size()));
        }
        return new Scheme.PerGroup(size, given.scales(), multipliers);
    }
}
