#include "../unit.h"

#include <errno.h>

#include "daemon/domain_flag.h"
#include "wire/message.h"

#define HERE "{\"fault_domain\":{\"region\":{\"name\":\"here\"},\"zone\":{\"name\":\"z1\"}}}"

static void test_a_fault_domain(void **state)
{
    (void)state;
    CLEANUP(arena_deinit) struct arena arena;
    const Pb__DomainInfo *domain;
    Pb__DomainInfo *again;
    struct slice encoded;
    arena_init(&arena, 0);
    assert_int_equal(domain_flag_parse(HERE, &arena, &domain, &encoded, NULL), 0);
    assert_string_equal(domain->fault_domain->region->name, "here");
    assert_int_equal(MESSAGE_DECODE(Pb__DomainInfo, pb__domain_info, encoded, &arena, &again, NULL),
                     0);
    assert_string_equal(again->fault_domain->zone->name, "z1");
}

static void test_none(void **state)
{
    (void)state;
    CLEANUP(arena_deinit) struct arena arena;
    const Pb__DomainInfo *domain;
    struct slice encoded;
    arena_init(&arena, 0);
    assert_int_equal(domain_flag_parse(NULL, &arena, &domain, &encoded, NULL), 0);
    assert_null(domain);
    assert_int_equal(encoded.size, 0);
}

static void test_what_is_refused(void **state)
{
    static const char *const bad[] = {
        "{",
        "{}",
        "[]",
        "{\"fault_domain\":{}}",
        "{\"fault_domain\":{\"region\":{\"name\":\"r\"}}}",
        "{\"fault_domain\":{\"region\":{},\"zone\":{\"name\":\"z\"}}}",
    };
    (void)state;
    CLEANUP(arena_deinit) struct arena arena;
    const Pb__DomainInfo *domain;
    struct slice encoded;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct err err = {""};
        assert_int_equal(domain_flag_parse(bad[i], &arena, &domain, &encoded, &err), -EINVAL);
        assert_ptr_equal(strstr(err.text, "--domain"), err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_domain),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
