#include "../unit.h"

#include "common/prng.h"
#include "resources/ranges.h"
#include "resources/value.h"

static const struct ranges *parse(const char *text)
{
    struct value value;
    struct err err = {{0}};
    if (value_parse(slice_from(text), &value, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    assert_int_equal(value.type, VALUE_RANGES);
    const struct ranges *ranges = ranges_ref(value.ranges);
    value_deinit(&value);
    return ranges;
}

/* Takes over the reference. */
static void assert_ranges(const struct ranges *ranges, const char *expected)
{
    struct buf text = BUF_INIT;
    ranges_format(ranges, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
    ranges_unref(ranges);
}

static void test_new_merges(UNUSED void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"[]", "[]"},
        {"[7-7]", "[7-7]"},
        {"[1-4,3-5,7-8,8-10]", "[1-5, 7-10]"},
        {"[8-10,1-4,7-8,3-5]", "[1-5, 7-10]"},
        {"[1-2,3-4,5-6]", "[1-6]"},
        {"[1-10,2-3]", "[1-10]"},
        {"[5-5,5-5]", "[5-5]"},
        {"[1-4,6-9]", "[1-4, 6-9]"},
        {"[0-0,18446744073709551615-18446744073709551615]",
         "[0-0, 18446744073709551615-18446744073709551615]"},
        {"[3-18446744073709551615,1-9]", "[1-18446744073709551615]"},
        {"[0x10-0x1f]", "[16-31]"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_ranges(parse(cases[i].text), cases[i].expected);
    }
}

static void test_arithmetic(UNUSED void **state)
{
    static const struct {
        const char *a;
        const char *b;
        const char *sum;
        const char *difference;
        const char *both;
    } cases[] = {
        {"[20000-40000]", "[15000-20000]", "[15000-40000]", "[20001-40000]", "[20000-20000]"},
        {"[1-10]", "[5-30]", "[1-30]", "[1-4]", "[5-10]"},
        {"[1-10]", "[2-3,5-6]", "[1-10]", "[1-1, 4-4, 7-10]", "[2-3, 5-6]"},
        {"[1-10,20-30]", "[5-25]", "[1-30]", "[1-4, 26-30]", "[5-10, 20-25]"},
        {"[1-10]", "[11-20]", "[1-20]", "[1-10]", "[]"},
        {"[1-10]", "[1-10]", "[1-10]", "[]", "[1-10]"},
        {"[1-10,20-30,40-50]", "[2-9,15-45]", "[1-10, 15-50]", "[1-1, 10-10, 46-50]",
         "[2-9, 20-30, 40-45]"},
        {"[]", "[3-4]", "[3-4]", "[]", "[]"},
        {"[3-4]", "[]", "[3-4]", "[3-4]", "[]"},
        {"[0-18446744073709551615]", "[5-18446744073709551615]", "[0-18446744073709551615]",
         "[0-4]", "[5-18446744073709551615]"},
        {"[0-18446744073709551615]", "[0-3]", "[0-18446744073709551615]",
         "[4-18446744073709551615]", "[0-3]"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const struct ranges *a = parse(cases[i].a);
        const struct ranges *b = parse(cases[i].b);
        assert_ranges(ranges_add(a, b), cases[i].sum);
        assert_ranges(ranges_add(b, a), cases[i].sum);
        assert_ranges(ranges_subtract(a, b), cases[i].difference);
        assert_ranges(ranges_intersect(a, b), cases[i].both);
        assert_ranges(ranges_intersect(b, a), cases[i].both);
        assert_int_equal(ranges_overlap(a, b), strcmp(cases[i].both, "[]") != 0);
        ranges_unref(a);
        ranges_unref(b);
    }
}

static void test_contain(UNUSED void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_contained;
    } cases[] = {
        {"[1-10]", "[2-3]", true},
        {"[1-10]", "[1-10]", true},
        {"[1-10]", "[1-11]", false},
        {"[1-10]", "[0-1]", false},
        {"[1-5,7-10]", "[5-7]", false},
        {"[1-5,7-10]", "[2-5,8-9]", true},
        {"[1-5,7-10]", "[2-5,6-6]", false},
        {"[]", "[1-1]", false},
        {"[1-1]", "[]", true},
        {"[]", "[]", true},
        {"[1-5,6-10]", "[4-7]", true},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const struct ranges *a = parse(cases[i].a);
        const struct ranges *b = parse(cases[i].b);
        assert_int_equal(ranges_contain(a, b), cases[i].is_contained);
        ranges_unref(a);
        ranges_unref(b);
    }
    const struct ranges *a = parse("[1-5,7-10]");
    assert_true(ranges_contain_number(a, 1));
    assert_true(ranges_contain_number(a, 10));
    assert_false(ranges_contain_number(a, 6));
    assert_false(ranges_contain_number(a, 0));
    assert_false(ranges_contain_number(a, 11));
    assert_false(ranges_contain_number(NULL, 1));
    ranges_unref(a);
}

static void test_size(UNUSED void **state)
{
    const struct ranges *a = parse("[1-5,7-10]");
    assert_int_equal(ranges_size(a), 9);
    ranges_unref(a);
    a = parse("[0-18446744073709551615]");
    assert_true(ranges_size(a) == UINT64_MAX);
    ranges_unref(a);
    assert_int_equal(ranges_size(NULL), 0);
}

static void inverted(void)
{
    struct range range = {5, 1};
    ranges_unref(ranges_new(&range, 1));
}

static void test_inverted_is_our_mistake(UNUSED void **state)
{
    unit_assert_aborts(inverted, "begin");
}

/* --- against a set of bits --- */

#define NUMBERS 64

static const struct ranges *from_bits(uint64_t bits, struct prng *prng)
{
    struct range items[NUMBERS];
    size_t count = 0;
    for (uint64_t i = 0; i < NUMBERS; i++) {
        if ((bits >> i & 1) != 0) {
            /* Reaches over numbers that are in anyway. */
            uint64_t end = i;
            while (end + 1 < NUMBERS && (bits >> (end + 1) & 1) != 0 && prng_below(prng, 3) != 0) {
                end++;
            }
            items[count++] = (struct range){i, end};
        }
    }
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)prng_below(prng, i);
        struct range swapped = items[i - 1];
        items[i - 1] = items[other];
        items[other] = swapped;
    }
    return ranges_new(items, count);
}

static uint64_t to_bits(const struct ranges *ranges)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < ranges_count(ranges); i++) {
        if (i > 0) {
            assert_true(ranges->items[i].begin > ranges->items[i - 1].end + 1);
        }
        for (uint64_t n = ranges->items[i].begin; n <= ranges->items[i].end; n++) {
            bits |= UINT64_C(1) << n;
        }
    }
    return bits;
}

static void assert_bits(const struct ranges *ranges, uint64_t bits)
{
    assert_true(to_bits(ranges) == bits);
    assert_int_equal(ranges_size(ranges), __builtin_popcountll(bits));
    ranges_unref(ranges);
}

static void test_property_bits(UNUSED void **state)
{
    struct prng prng;
    prng_seed(&prng, 42);
    for (int round = 0; round < 4000; round++) {
        uint64_t x = prng_next(&prng);
        uint64_t y = prng_next(&prng);
        if (round % 3 == 0) {
            y &= x;
        } else if (round % 3 == 1) {
            y &= prng_next(&prng) & prng_next(&prng);
        }
        const struct ranges *a = from_bits(x, &prng);
        const struct ranges *b = from_bits(y, &prng);
        assert_bits(ranges_ref(a), x);
        assert_bits(ranges_add(a, b), x | y);
        assert_bits(ranges_subtract(a, b), x & ~y);
        assert_bits(ranges_intersect(a, b), x & y);
        assert_int_equal(ranges_contain(a, b), (y & ~x) == 0);
        assert_int_equal(ranges_overlap(a, b), (x & y) != 0);
        assert_int_equal(ranges_equal(a, b), x == y);
        uint64_t n = prng_below(&prng, NUMBERS);
        assert_int_equal(ranges_contain_number(a, n), x >> n & 1);
        ranges_unref(a);
        ranges_unref(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_merges),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_contain),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_inverted_is_our_mistake),
        cmocka_unit_test(test_property_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
