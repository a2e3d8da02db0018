#include "../unit.h"

#include "resources/names.h"

static void test_common_names_have_fixed_numbers(UNUSED void **state)
{
    struct resource_names names;
    resource_names_init(&names);
    assert_int_equal(resource_names_intern(&names, SLICE("cpus")), RESOURCE_NAME_CPUS);
    assert_int_equal(resource_names_intern(&names, SLICE("mem")), RESOURCE_NAME_MEM);
    assert_int_equal(resource_names_intern(&names, SLICE("disk")), RESOURCE_NAME_DISK);
    assert_int_equal(resource_names_intern(&names, SLICE("gpus")), RESOURCE_NAME_GPUS);
    assert_int_equal(resource_name_common(SLICE("disk")), RESOURCE_NAME_DISK);
    assert_true(resource_name_common(SLICE("cpu")) == RESOURCE_NAME_NONE);
    assert_slice(resource_name_common_text(RESOURCE_NAME_GPUS), "gpus");
    resource_names_deinit(&names);
}

static void test_numbers_stay(UNUSED void **state)
{
    struct resource_names names;
    resource_names_init(&names);
    assert_true(resource_names_find(&names, SLICE("ports")) == RESOURCE_NAME_NONE);
    uint32_t ports = resource_names_intern(&names, SLICE("ports"));
    assert_int_equal(ports, RESOURCE_NAMES_COMMON);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "name%d", i);
        assert_int_equal(resource_names_intern(&names, slice_from(text)), ports + 1 + (uint32_t)i);
    }
    assert_int_equal(resource_names_find(&names, SLICE("ports")), ports);
    assert_int_equal(resource_names_find(&names, SLICE("name777")), ports + 778);
    assert_slice(resource_names_text(&names, ports + 778), "name777");
    resource_names_deinit(&names);
}

static void test_full_table(UNUSED void **state)
{
    struct resource_names names;
    char text[16];
    resource_names_init(&names);
    for (uint32_t i = RESOURCE_NAMES_COMMON; i < RESOURCE_NAMES_MAX; i++) {
        snprintf(text, sizeof(text), "n%u", i);
        assert_int_equal(resource_names_intern(&names, slice_from(text)), i);
    }
    assert_true(resource_names_intern(&names, SLICE("one more")) == RESOURCE_NAME_NONE);
    assert_int_equal(resource_names_intern(&names, slice_from(text)), RESOURCE_NAMES_MAX - 1);
    assert_int_equal(resource_names_intern(&names, SLICE("mem")), RESOURCE_NAME_MEM);
    resource_names_deinit(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_names_have_fixed_numbers),
        cmocka_unit_test(test_numbers_stay),
        cmocka_unit_test(test_full_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
