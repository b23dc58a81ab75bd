package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Values that live at the same time lie apart, and the bank is no larger than it must be where that is known. */
final class BankPlannerTest {
    record Value(int size, int first, int last, BankPlanner.Block block) {}

    @Property(tries = 300)
    void nothingOverlaps(
            @ForAll @Size(max = 60) List<@IntRange(min = 0, max = 1_000_000) Integer> seeds,
            @ForAll @IntRange(min = 0, max = 3) int width) {
        BankPlanner planner = new BankPlanner(1 << width);
        List<Value> values = new ArrayList<>();
        for (int s : seeds) {
            int size = s % 200;
            int first = s / 200 % 20;
            int last = first + s / 4_000 % 10;
            values.add(new Value(size, first, last, planner.add(size, first, last)));
        }
        long bank = planner.plan();
        for (Value a : values) {
            assertThat(a.block().offset() * (1 << width) % 64).isZero();
            assertThat(a.block().offset() + a.size()).isLessThanOrEqualTo((int) bank);
            for (Value b : values) {
                boolean apart = a.equals(b)
                        || a.last() < b.first()
                        || b.last() < a.first()
                        || a.block().offset() + a.size() <= b.block().offset()
                        || b.block().offset() + b.size() <= a.block().offset();
                assertThat(apart).as("%s and %s", a, b).isTrue();
            }
        }
        assertThat(bank).isGreaterThanOrEqualTo(mostAtOnce(values));
    }

    @Test
    void aChainNeedsTwoPlaces() {
        BankPlanner planner = new BankPlanner(1);
        for (int i = 0; i < 100; i++) {
            planner.add(64, i, i + 1);
        }
        assertThat(planner.plan()).isEqualTo(128);
    }

    private static long mostAtOnce(List<Value> values) {
        long most = 0;
        for (int step = 0; step < 40; step++) {
            int now = step;
            most = Math.max(
                    most,
                    values.stream()
                            .filter(v -> v.first() <= now && now <= v.last())
                            .mapToLong(Value::size)
                            .sum());
        }
        return most;
    }
}
