#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/cram_md5.h"
#include "common/duration.h"

static const char list[] = "{\"credentials\":[{\"principal\":\"alice\",\"secret\":\"old\"},"
                           "{\"principal\":\"tim\",\"secret\":\"tanstaaftanstaaf\"},"
                           "{\"principal\":\"alice\",\"secret\":\"wonder\"},"
                           "{\"principal\":\"nosecret\"}]}";

static void parse(struct arena *arena, const char *text, struct credentials *credentials)
{
    struct err err;
    assert_int_equal(credentials_parse(slice_from(text), arena, credentials, &err), 0);
}

static void the_last_of_equal_principals_counts(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct credentials credentials;
    struct slice secret;
    parse(&arena, list, &credentials);
    assert_true(credentials_find(&credentials, SLICE("alice"), &secret));
    assert_true(slice_is(secret, "wonder"));
    assert_true(credentials_find(&credentials, SLICE("nosecret"), &secret));
    assert_int_equal(secret.size, 0);
    assert_false(credentials_find(&credentials, SLICE("bob"), &secret));
    credentials.list = NULL;
    assert_false(credentials_find(&credentials, SLICE("alice"), &secret));
    arena_deinit(&arena);
}

static void what_is_no_list_is_refused(void **state UNUSED)
{
    static const char *const bad[] = {"",  " ",  "ann secret",
                                      "{", "[]", "{\"credentials\":[{\"secret\":\"s\"}]}"};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct credentials credentials;
        struct err err = {""};
        assert_true(credentials_parse(slice_from(bad[i]), &arena, &credentials, &err) < 0);
        assert_true(err.text[0] != '\0');
    }
    arena_deinit(&arena);
}

/* The example of RFC 2195, and one of the recordings of the original (golden/libprocess.jsonl). */
static void known_answers_are_right(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct credentials credentials;
    struct slice principal;
    parse(&arena, list, &credentials);
    assert_true(cram_md5_check(&credentials, "<1896.697170952@postoffice.reston.mci.net>",
                               SLICE("tim b913a602c7eda7a495b4e6e7334d3890"), &principal));
    assert_true(slice_is(principal, "tim"));
    arena_deinit(&arena);
}

static void other_answers_are_wrong(void **state UNUSED)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "tim",
                                      "what?",
                                      "tim b913a602c7eda7a495b4e6e7334d3891",
                                      "tim  b913a602c7eda7a495b4e6e7334d3890",
                                      "bob b913a602c7eda7a495b4e6e7334d3890",
                                      "b913a602c7eda7a495b4e6e7334d3890",
                                      " b913a602c7eda7a495b4e6e7334d3890"};
    struct arena arena;
    arena_init(&arena, 0);
    struct credentials credentials;
    struct slice principal;
    parse(&arena, list, &credentials);
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_false(cram_md5_check(&credentials, "<1896.697170952@postoffice.reston.mci.net>",
                                    slice_from(bad[i]), &principal));
    }
    arena_deinit(&arena);
}

static void challenges_differ(void **state UNUSED)
{
    struct prng prng;
    char one[CRAM_MD5_CHALLENGE_SIZE];
    char two[CRAM_MD5_CHALLENGE_SIZE];
    prng_seed(&prng, 1);
    cram_md5_challenge(&prng, 5 * NS_PER_SEC, "host", one);
    cram_md5_challenge(&prng, 5 * NS_PER_SEC, "host", two);
    assert_string_not_equal(one, two);
    assert_int_equal(one[0], '<');
    assert_string_equal(strchr(one, '.'), ".5@host>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_equal_principals_counts),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(known_answers_are_right),
        cmocka_unit_test(other_answers_are_wrong),
        cmocka_unit_test(challenges_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
