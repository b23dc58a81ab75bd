package dev.qnet.target.tvm.tir;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Functions in C that printed programs call: what C has no operator for, in plain C99. Rounding to integers and square roots
 * are computed here because a library's may be missing; they are exact.
 */
final class CHelpers {
    private CHelpers() {}

    /**
     * A helper.
     *
     * @param needs the helpers that it calls
     */
    private record Helper(List<String> needs, String text) {}

    private static final Map<String, Helper> ALL = new LinkedHashMap<>();

    private static void helper(String name, String text, String... needs) {
        ALL.put(name, new Helper(List.of(needs), text));
    }

    private static void order(String type, String suffix) {
        helper("min_" + suffix, """
                static inline %1$s min_%2$s(%1$s a, %1$s b) {
                    return a < b ? a : b;
                }
                """.formatted(type, suffix));
        helper("max_" + suffix, """
                static inline %1$s max_%2$s(%1$s a, %1$s b) {
                    return a > b ? a : b;
                }
                """.formatted(type, suffix));
    }

    private static void division(String type, String suffix) {
        helper("floor_div_" + suffix, """
                static inline %1$s floor_div_%2$s(%1$s a, %1$s b) {
                    return a / b - (a %% b != 0 && (a < 0) != (b < 0));
                }
                """.formatted(type, suffix));
        helper("floor_mod_" + suffix, """
                static inline %1$s floor_mod_%2$s(%1$s a, %1$s b) {
                    return a - floor_div_%2$s(a, b) * b;
                }
                """.formatted(type, suffix), "floor_div_" + suffix);
    }

    private static void packed(String sign, int bits, String value) {
        String type = sign.equals("u") ? "uint8_t" : "int8_t";
        int each = 8 / bits;
        helper("load_" + sign + bits, """
                /* An element of a table of numbers of %1$d bit%2$s. */
                static inline %3$s load_%4$s%1$d(const uint8_t *table, int32_t i) {
                    const uint32_t code = ((uint32_t)table[(uint32_t)i / %5$d] >> ((uint32_t)i %% %5$d * %1$d)) & %6$d;
                    return (%3$s)%7$s;
                }
                """.formatted(
                        bits, bits == 1 ? "" : "s", type, sign, each, (1 << bits) - 1, value));
    }

    private static void real(String type, int bits, int mantissa, String least, String sign, String one) {
        String f = "f" + bits;
        helper(f + "_of_bits", """
                static inline %1$s %2$s_of_bits(uint%3$d_t bits) {
                    union { uint%3$d_t bits; %1$s real; } x;
                    x.bits = bits;
                    return x.real;
                }
                """.formatted(type, f, bits));
        helper("bits_of_" + f, """
                static inline int%3$d_t bits_of_%2$s(%1$s real) {
                    union { %1$s real; int%3$d_t bits; } x;
                    x.real = real;
                    return x.bits;
                }
                """.formatted(type, f, bits));
        helper("rounded_" + f, """
                /* x as it is: what it is a product of is not computed as one with the sum that it goes into. */
                static inline %1$s rounded_%2$s(%1$s x) {
                    QNET_KEEP_F%3$d(x);
                    return x;
                }
                """.formatted(type, f, bits));
        helper("signed_" + f, """
                /* |x| with the sign of y. */
                static inline %1$s signed_%2$s(%1$s x, %1$s y) {
                    const uint%3$d_t sign = %4$s;
                    return %2$s_of_bits(((uint%3$d_t)bits_of_%2$s(x) & ~sign) | ((uint%3$d_t)bits_of_%2$s(y) & sign));
                }
                """.formatted(type, f, bits, sign), f + "_of_bits", "bits_of_" + f);
        helper("nearbyint_" + f, """
                /* To the nearest integer, ties to even: above 2^%5$d there are no fractions, and sums round. */
                static inline %1$s nearbyint_%2$s(%1$s x) {
                    const %1$s far = %4$s;
                    const %1$s size = signed_%2$s(x, far);
                    if (!(size < far)) {
                        return x;
                    }
                    return signed_%2$s((size + far) - far, x);
                }
                """.formatted(type, f, bits, least, mantissa), "signed_" + f);
        helper("floor_" + f, """
                static inline %1$s floor_%2$s(%1$s x) {
                    const %1$s near = nearbyint_%2$s(x);
                    return near > x ? near - %3$s : near;
                }
                """.formatted(type, f, one), "nearbyint_" + f);
        helper("ceil_" + f, """
                static inline %1$s ceil_%2$s(%1$s x) {
                    const %1$s near = nearbyint_%2$s(x);
                    return near < x ? signed_%2$s(near + %3$s, x) : near;
                }
                """.formatted(type, f, one), "nearbyint_" + f);
    }

    static {
        order("int32_t", "i32");
        order("int64_t", "i64");
        order("int32_t", "i8");
        order("int32_t", "i16");
        order("int32_t", "u8");
        order("int32_t", "u16");
        order("float", "f32");
        order("double", "f64");
        division("int32_t", "i32");
        division("int64_t", "i64");
        packed("u", 1, "code");
        packed("u", 2, "code");
        packed("u", 4, "code");
        packed("i", 1, "(2 * (int32_t)code - 1)");
        packed("i", 2, "(((int32_t)code ^ 2) - 2)");
        packed("i", 4, "(((int32_t)code ^ 8) - 8)");
        helper("leading_zeros", """
                /* Zero bits in front of the first 1; 32 for 0. */
                static inline int32_t leading_zeros(int32_t x) {
                    int32_t n = 32;
                    for (uint32_t bits = (uint32_t)x; bits != 0; bits >>= 1) {
                        n--;
                    }
                    return n;
                }
                """);
        real("float", 32, 23, "8388608.0f", "0x80000000u", "1.0f");
        real("double", 64, 52, "4503599627370496.0", "0x8000000000000000ull", "1.0");
        helper("sqrt_f64", """
                /* The square root, bit by bit, rounded to nearest. */
                static double sqrt_f64(double x) {
                    uint64_t bits = (uint64_t)bits_of_f64(x);
                    if (x == 0 || bits == 0x7ff0000000000000ull || x != x) {
                        return x;
                    }
                    if (bits >> 63) {
                        return f64_of_bits(0x7ff8000000000000ull);
                    }
                    int32_t exponent = (int32_t)(bits >> 52) - 1023;
                    bits &= 0xfffffffffffffull;
                    if (exponent == -1023) {
                        for (exponent = -1022; !(bits >> 52); exponent--) {
                            bits <<= 1;
                        }
                    }
                    bits |= 0x10000000000000ull;
                    if (exponent & 1) {
                        bits <<= 1;
                        exponent--;
                    }
                    /* The root has 53 bits and one more to round by; the rest tells whether it is exact. */
                    uint64_t rest = bits << 1, root = 0, twice = 0;
                    for (uint64_t bit = 0x20000000000000ull; bit != 0; bit >>= 1) {
                        if (twice + bit <= rest) {
                            twice += bit;
                            rest -= twice;
                            twice += bit;
                            root += bit;
                        }
                        rest <<= 1;
                    }
                    root += root & 1;
                    return f64_of_bits((root >> 1) + ((uint64_t)(exponent / 2 + 1022) << 52));
                }
                """, "f64_of_bits", "bits_of_f64");
    }

    /** Helpers and what they need, in an order in which each is defined before it is called. */
    static String text(Set<String> names) {
        Set<String> all = new LinkedHashSet<>();
        names.forEach(n -> collect(n, all));
        StringBuilder text = new StringBuilder();
        all.forEach(n -> text.append(of(n).text()).append('\n'));
        return text.toString();
    }

    private static void collect(String name, Set<String> into) {
        of(name).needs().forEach(n -> collect(n, into));
        into.add(name);
    }

    private static Helper of(String name) {
        Helper helper = ALL.get(name);
        if (helper == null) {
            throw new IllegalArgumentException("C has no function " + name);
        }
        return helper;
    }
}
