#include "../unit.h"

#include <errno.h>

#include "daemon/own_address.h"

static int find(const char *ip, struct own_address *ret_own, struct err *err)
{
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    int r =
        own_address_find(&(struct own_address_flags){.ip = ip, .port = 5050, .hostname = "here"},
                         &arena, ret_own, err);
    arena_deinit(&arena);
    return r;
}

static void test_flags_and_variables(void **state)
{
    (void)state;
    struct own_address own;
    struct err err;
    assert_int_equal(setenv("LIBPROCESS_IP", "127.0.0.2", 1), 0);
    assert_int_equal(setenv("LIBPROCESS_ADVERTISE_PORT", "6060", 1), 0);
    assert_int_equal(find(NULL, &own, &err), 0);
    assert_int_equal(own.listen.ip[3], 2);
    assert_int_equal(own.advertised.port, 6060);
    assert_int_equal(find("127.0.0.3", &own, &err), 0); /* the flag counts */
    assert_int_equal(own.listen.ip[3], 3);
    assert_int_equal(find("127.0.0", &own, &err), -EINVAL);
    assert_non_null(strstr(err.text, "127.0.0"));
    assert_int_equal(setenv("LIBPROCESS_ADVERTISE_PORT", "65536", 1), 0);
    assert_int_equal(find(NULL, &own, &err), -EINVAL);
    unsetenv("LIBPROCESS_IP");
    unsetenv("LIBPROCESS_ADVERTISE_PORT");
}

static void test_who_asks_for_tls_does_not_get_plain_text(void **state)
{
    static const char *const names[] = {"LIBPROCESS_SSL_ENABLED", "SSL_ENABLED"};
    (void)state;
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        struct own_address own;
        struct err err;
        setenv(names[i], "false", 1);
        assert_int_equal(find("127.0.0.1", &own, &err), 0);
        setenv(names[i], "true", 1);
        assert_int_equal(find("127.0.0.1", &own, &err), -EINVAL);
        assert_non_null(strstr(err.text, "LIBPROCESS_SSL_ENABLED"));
        unsetenv(names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_and_variables),
        cmocka_unit_test(test_who_asks_for_tls_does_not_get_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
