#include "../unit.h"

#include "common/prng.h"
#include "resources/item_set.h"

static const struct item_set *make(const char *letters)
{
    struct slice items[64];
    size_t count = strlen(letters);
    for (size_t i = 0; i < count; i++) {
        items[i] = slice_make(letters + i, 1);
    }
    return item_set_new(items, count);
}

/* Takes over the reference. */
static void assert_set(const struct item_set *set, const char *expected)
{
    struct buf text = BUF_INIT;
    item_set_format(set, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
    item_set_unref(set);
}

static void test_order_is_kept_and_not_seen(UNUSED void **state)
{
    assert_set(make("bac"), "{b, a, c}");
    assert_set(make("baba"), "{b, a}");
    assert_set(make(""), "{}");
    const struct item_set *a = make("bac");
    const struct item_set *b = make("cab");
    assert_true(item_set_equal(a, b));
    item_set_unref(b);
    b = make("cad");
    assert_false(item_set_equal(a, b));
    item_set_unref(b);
    item_set_unref(a);
}

static void test_arithmetic(UNUSED void **state)
{
    const struct item_set *a = make("cab");
    const struct item_set *b = make("zbd");
    assert_set(item_set_add(a, b), "{c, a, b, z, d}");
    assert_set(item_set_subtract(a, b), "{c, a}");
    assert_set(item_set_subtract(b, a), "{z, d}");
    assert_set(item_set_subtract(a, a), "{}");
    assert_set(item_set_add(NULL, b), "{z, b, d}");
    assert_set(item_set_subtract(NULL, b), "{}");
    assert_set(item_set_subtract(a, NULL), "{c, a, b}");
    item_set_unref(a);
    item_set_unref(b);
}

static void test_contain(UNUSED void **state)
{
    const struct item_set *a = make("cab");
    const struct item_set *b = make("bc");
    const struct item_set *c = make("bd");
    assert_true(item_set_contain(a, b));
    assert_false(item_set_contain(b, a));
    assert_false(item_set_contain(a, c));
    assert_true(item_set_contain(a, NULL));
    assert_false(item_set_contain(NULL, a));
    assert_true(item_set_contain_item(a, SLICE("a")));
    assert_false(item_set_contain_item(a, SLICE("ab")));
    assert_false(item_set_contain_item(NULL, SLICE("a")));
    item_set_unref(a);
    item_set_unref(b);
    item_set_unref(c);
}

static const struct item_set *from_bits(uint32_t bits, struct prng *prng)
{
    char letters[65] = {0};
    size_t count = 0;
    for (uint32_t i = 0; i < 26; i++) {
        if ((bits >> i & 1) != 0) {
            size_t at = (size_t)prng_below(prng, count + 1);
            letters[count++] = letters[at];
            letters[at] = (char)('a' + i);
        }
    }
    return make(letters);
}

static void assert_bits(const struct item_set *set, uint32_t bits)
{
    uint32_t got = 0;
    for (size_t i = 0; i < item_set_count(set); i++) {
        got |= 1u << (set->items[i].data[0] - 'a');
    }
    assert_int_equal(item_set_count(set), __builtin_popcount(bits));
    assert_int_equal(got, bits);
    item_set_unref(set);
}

static void test_property_bits(UNUSED void **state)
{
    struct prng prng;
    prng_seed(&prng, 5);
    for (int round = 0; round < 2000; round++) {
        uint32_t x = (uint32_t)prng_below(&prng, 1u << 26);
        uint32_t y = (uint32_t)prng_below(&prng, 1u << 26);
        if (round % 2 == 0) {
            y &= x;
        }
        const struct item_set *a = from_bits(x, &prng);
        const struct item_set *b = from_bits(y, &prng);
        const struct item_set *again = from_bits(x, &prng);
        assert_bits(item_set_add(a, b), x | y);
        assert_bits(item_set_subtract(a, b), x & ~y);
        assert_int_equal(item_set_contain(a, b), (y & ~x) == 0);
        assert_int_equal(item_set_equal(a, b), x == y);
        assert_true(item_set_equal(a, again));
        item_set_unref(a);
        item_set_unref(b);
        item_set_unref(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_kept_and_not_seen),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_contain),
        cmocka_unit_test(test_property_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
