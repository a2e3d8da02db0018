/* Weights of roles: set, kept in the registry, found again by the next leader. */
#include "harness.h"

#include "master/weights.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define JSON "Content-Type: application/json"

static uint64_t call(struct harness *h, const char *body)
{
    return harness_request(h, "POST", "/master/api/v1", JSON, body);
}

static uint64_t update(struct harness *h, const char *infos)
{
    return call(h, arena_printf(&h->arena,
                                "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":"
                                "{\"weight_infos\":[%s]}}",
                                infos));
}

static const char *body_of(struct harness *h, uint64_t handle)
{
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

static const char *shown(struct harness *h)
{
    return body_of(h, harness_request(h, "GET", "/master/weights", NULL, ""));
}

static void with_flag(struct master_options *options)
{
    options->weights = "early=2,late=3";
}

static void test_they_are_set_and_shown(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    assert_string_equal(shown(h), "[]");
    uint64_t first = update(h, "{\"role\":\" b \",\"weight\":2.5},{\"role\":\"a\",\"weight\":1}");
    assert_int_equal(harness_status(h, first), 200);
    assert_string_equal(shown(h),
                        "[{\"role\":\"a\",\"weight\":1.0},{\"role\":\"b\",\"weight\":2.5}]");
    uint64_t put = harness_request(h, "PUT", "/master/weights", NULL,
                                   "[{\"role\":\"a\",\"weight\":4},{\"role\":\"c\",\"weight\":3}]");
    assert_int_equal(harness_status(h, put), 200);
    assert_string_equal(body_of(h, call(h, "{\"type\":\"GET_WEIGHTS\"}")),
                        "{\"type\":\"GET_WEIGHTS\",\"get_weights\":{\"weight_infos\":["
                        "{\"weight\":4.0,\"role\":\"a\"},{\"weight\":2.5,\"role\":\"b\"},"
                        "{\"weight\":3.0,\"role\":\"c\"}]}}");
    assert_has(body_of(h, harness_request(h, "GET", "/master/roles", NULL, "")),
               "\"name\":\"c\",\"weight\":3.0");
    harness_free(h);
}

static void test_they_are_answered_when_the_registry_has_them(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    h->registry_is_held = true;
    uint64_t asked = update(h, "{\"role\":\"a\",\"weight\":2}");
    assert_int_equal(harness_status(h, asked), -1);
    assert_string_equal(shown(h), "[]");
    harness_registry(h);
    assert_int_equal(harness_status(h, asked), 200);
    assert_string_equal(shown(h), "[{\"role\":\"a\",\"weight\":2.0}]");
    harness_free(h);
}

static void only_some(struct master_options *options)
{
    static const char *const roles[] = {"one", NULL};
    options->roles = roles;
}

static void refuses(struct harness *h, const char *infos, const char *why)
{
    uint64_t asked =
        update(h, arena_printf(&h->arena, "{\"role\":\"one\",\"weight\":2},%s", infos));
    assert_int_equal(harness_status(h, asked), 400);
    assert_has(body_of(h, asked), why);
    assert_string_equal(shown(h), "[]");
}

static void test_one_that_is_wrong_refuses_all(void **state)
{
    (void)state;
    struct harness *h = harness_new(only_some);
    refuses(h, "{\"role\":\"one\",\"weight\":0}",
            "for role 'one': Invalid weight '0': Weights must be positive");
    refuses(h, "{\"role\":\"one\",\"weight\":0.0004}", "must be from 0.001 to ");
    refuses(h, "{\"role\":\"one\",\"weight\":-1}", "must be positive");
    refuses(h, "{\"role\":\"one\",\"weight\":1e300}", "must be from 0.001 to ");
    refuses(h, "{\"role\":\"a//b\",\"weight\":1}", "Invalid role 'a//b'");
    refuses(h, "{\"weight\":1}", "cannot be the empty string");
    refuses(h, "{\"role\":\"two\",\"weight\":1}", "Unknown role 'two'");
    harness_free(h);
}

static void test_the_older_endpoint_takes_an_array(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "{}", "null", "[5]", "[{\"role\":\"a\"}]", "[],[]", "[],\"weight_infos\":[]",
    };
    struct harness *h = harness_new(NULL);
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        uint64_t put = harness_request(h, "PUT", "/master/weights", NULL, bad[i]);
        assert_int_equal(harness_status(h, put), 400);
    }
    harness_free(h);
}

static void test_before_recovery_nothing_is_put(void **state)
{
    (void)state;
    struct harness *h = harness_new_follower(NULL);
    h->registry_is_held = true;
    harness_elect(h);
    uint64_t put =
        harness_request(h, "PUT", "/master/weights", NULL, "[{\"role\":\"a\",\"weight\":4}]");
    assert_int_equal(harness_status(h, put), 503);
    harness_free(h);
}

static void test_offers_are_rescinded_when_a_role_in_use_changes(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f =
        harness_subscribe(h, ",\"roles\":[\"used\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]");
    harness_agent(h, AGENT);
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
    update(h, "{\"role\":\"unused\",\"weight\":2}");
    assert_null(harness_event(h, f.handle, "RESCIND"));
    update(h, "{\"role\":\"other\",\"weight\":2},{\"role\":\"used\",\"weight\":2}");
    assert_non_null(harness_event(h, f.handle, "RESCIND"));
    harness_advance(h, NS_PER_SEC);
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
    harness_free(h);
}

static void test_the_flag_counts_until_the_registry_has_some(void **state)
{
    (void)state;
    struct harness *h = harness_new(with_flag);
    assert_string_equal(shown(h),
                        "[{\"role\":\"early\",\"weight\":2.0},{\"role\":\"late\",\"weight\":3.0}]");
    assert_int_equal(harness_status(h, update(h, "{\"role\":\"late\",\"weight\":5}")), 200);
    harness_fail_over(h, with_flag);
    assert_string_equal(shown(h),
                        "[{\"role\":\"early\",\"weight\":2.0},{\"role\":\"late\",\"weight\":5.0}]");
    harness_fail_over(h, NULL);
    assert_string_equal(shown(h),
                        "[{\"role\":\"early\",\"weight\":2.0},{\"role\":\"late\",\"weight\":5.0}]");
    harness_free(h);
}

static void test_flags_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const bad[] = {"a", "a=0", "a=-1", "a=x", "a=1,", "a//b=1", "a=0.0001"};
    struct err err;
    assert_int_equal(master_weights_check(NULL, &err), 0);
    assert_int_equal(master_weights_check("", &err), 0);
    assert_int_equal(master_weights_check("a=1,b/c=0.001", &err), 0);
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_int_equal(master_weights_check(bad[i], &err), -22);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_are_set_and_shown),
        cmocka_unit_test(test_they_are_answered_when_the_registry_has_them),
        cmocka_unit_test(test_one_that_is_wrong_refuses_all),
        cmocka_unit_test(test_the_older_endpoint_takes_an_array),
        cmocka_unit_test(test_before_recovery_nothing_is_put),
        cmocka_unit_test(test_offers_are_rescinded_when_a_role_in_use_changes),
        cmocka_unit_test(test_the_flag_counts_until_the_registry_has_some),
        cmocka_unit_test(test_flags_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
