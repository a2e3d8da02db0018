#include "../unit.h"

#include "common/uuid.h"

static void test_random_ones_are_of_version_4(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 1);
    struct uuid last = {{0}};
    for (int i = 0; i < 1000; i++) {
        struct uuid uuid;
        uuid_random(&prng, &uuid);
        char text[UUID_TEXT_SIZE];
        uuid_format(&uuid, text);
        assert_int_equal(strlen(text), UUID_TEXT_SIZE - 1);
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_memory_not_equal(&uuid, &last, sizeof(uuid));
        struct uuid back;
        assert_true(uuid_parse(slice_from(text), &back));
        assert_memory_equal(&uuid, &back, sizeof(uuid));
        last = uuid;
    }
}

static void test_text(void **state)
{
    (void)state;
    struct uuid uuid;
    assert_true(uuid_parse(SLICE("01234567-89ab-4CDE-8f01-23456789abcd"), &uuid));
    static const uint8_t bytes[UUID_SIZE] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x4c, 0xde,
                                             0x8f, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};
    assert_memory_equal(uuid.bytes, bytes, UUID_SIZE);
    char text[UUID_TEXT_SIZE];
    uuid_format(&uuid, text);
    assert_string_equal(text, "01234567-89ab-4cde-8f01-23456789abcd");
}

static void test_what_is_no_uuid(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0123456789ab4cde8f0123456789abcd",
        "01234567-89ab-4cde-8f01-23456789abc",
        "01234567-89ab-4cde-8f01-23456789abcde",
        "01234567-89ab-4cde-8f01-23456789abcg",
        "01234567+89ab-4cde-8f01-23456789abcd",
        "0123456-789ab-4cde-8f01-23456789abcd",
        "01234567-89ab-4cde-8f01-23456789ab d",
    };
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct uuid uuid = {{7}};
        assert_false(uuid_parse(slice_from(bad[i]), &uuid));
        assert_int_equal(uuid.bytes[0], 7);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    struct uuid uuid;
    assert_true(uuid_from_bytes(SLICE("0123456789abcdef"), &uuid));
    assert_memory_equal(uuid.bytes, "0123456789abcdef", UUID_SIZE);
    assert_false(uuid_from_bytes(SLICE("0123456789abcde"), &uuid));
    assert_false(uuid_from_bytes(SLICE("0123456789abcdefg"), &uuid));
    assert_false(uuid_from_bytes(slice_from(NULL), &uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_ones_are_of_version_4),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_what_is_no_uuid),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
