/* What is refused, and the named limits. */
#include "harness.h"

#include "master/filters.h"
#include "master/validate.h"
#include "wire/json.h"
#include "wire/message.h"

#define PARSE(arena, type, name, json)                                                            \
    ({                                                                                            \
        ProtobufCMessage *parsed_;                                                                \
        struct err err_;                                                                          \
        if (json_parse_message(&name##__descriptor, slice_from(json), JSON_V1, (arena), &parsed_, \
                               &err_) != 0) {                                                     \
            fail_msg("%s", err_.text);                                                            \
        }                                                                                         \
        (type *)parsed_;                                                                          \
    })

static void test_framework_infos(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *error; /* NULL = fine */
    } cases[] = {
        {"{\"user\":\"u\",\"name\":\"n\"}", NULL},
        {"{\"user\":\"u\",\"name\":\"n\",\"role\":\"*\"}", NULL},
        {"{\"user\":\"u\",\"name\":\"n\",\"role\":\"/a\"}", "not a valid role"},
        {"{\"user\":\"u\",\"name\":\"n\",\"roles\":[\"a\"]}", "not MULTI_ROLE"},
        {"{\"user\":\"u\",\"name\":\"n\",\"role\":\"*\",\"capabilities\":[{\"type\":"
         "\"MULTI_ROLE\"}]}",
         "MULTI_ROLE capable"},
        {"{\"user\":\"u\",\"name\":\"n\",\"roles\":[\"a\",\"b\",\"a\"],\"capabilities\":[{\"type\":"
         "\"MULTI_ROLE\"}]}",
         "duplicate"},
        {"{\"user\":\"u\",\"name\":\"n\",\"id\":{\"value\":\"a/b\"}}", "invalid"},
        {"{\"user\":\"u\",\"name\":\"n\",\"failover_timeout\":-1}", NULL},
        {"{\"user\":\"u\",\"name\":\"n\",\"failover_timeout\":9.3e9}", "failover_timeout"},
        {"{\"user\":\"u\",\"name\":\"n\",\"offer_filters\":{\"a\":{\"min_allocatable_resources\":"
         "{\"quantities\":[{\"quantities\":{}}]}}}}",
         "at least one"},
        {"{\"user\":\"u\",\"name\":\"n\",\"offer_filters\":{\"a\":{\"min_allocatable_resources\":"
         "{\"quantities\":[{\"quantities\":{\"cpus\":{\"value\":-1}}}]}}}}",
         "cpus"},
    };
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct err err = {""};
        const Pb__FrameworkInfo *info =
            PARSE(&arena, Pb__FrameworkInfo, pb__framework_info, cases[i].json);
        int r = master_validate_framework_info(info, &err);
        if ((r == 0) != (cases[i].error == NULL)) {
            fail_msg("%s: %s", cases[i].json, err.text);
        }
        if (cases[i].error != NULL) {
            assert_has(err.text, cases[i].error);
        }
    }
    arena_deinit(&arena);
}

static void test_a_framework_may_have_so_many_roles(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    Pb__FrameworkInfo *info = PARSE(&arena, Pb__FrameworkInfo, pb__framework_info,
                                    "{\"user\":\"u\",\"name\":\"n\",\"capabilities\":[{\"type\":"
                                    "\"MULTI_ROLE\"}]}");
    for (int i = 0; i < VALIDATE_ROLES_MAX; i++) {
        MESSAGE_APPEND(&arena, info->n_roles, info->roles, arena_printf(&arena, "r%d", i));
    }
    assert_int_equal(master_validate_framework_info(info, &err), 0);
    MESSAGE_APPEND(&arena, info->n_roles, info->roles, arena_strdup(&arena, "one-more"));
    assert_int_equal(master_validate_framework_info(info, &err), VALIDATE_E);
    assert_has(err.text, "too many");
    arena_deinit(&arena);
}

static void test_refuse_seconds_are_clamped(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        int64_t ns;
    } cases[] = {
        {0, 0},
        {1.5, 3 * NS_PER_SEC / 2},
        {-1, 5 * NS_PER_SEC},
        {1e12, 365 * NS_PER_DAY},
        {365.0 * 24 * 3600, 365 * NS_PER_DAY},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        Pb__Filters filters = PB__FILTERS__INIT;
        filters.has_refuse_seconds = true;
        filters.refuse_seconds = cases[i].seconds;
        assert_int_equal(master_filters_refusal(&filters).refuse_ns, cases[i].ns);
    }
    Pb__Filters unset = PB__FILTERS__INIT;
    assert_int_equal(master_filters_refusal(&unset).refuse_ns, 5 * NS_PER_SEC);
    assert_int_equal(master_filters_refusal(NULL).refuse_ns, 5 * NS_PER_SEC);
    unset.has_refuse_seconds = true;
    unset.refuse_seconds = 0.0 / 0.0;
    assert_int_equal(master_filters_refusal(&unset).refuse_ns, 5 * NS_PER_SEC);
}

static void test_commands_containers_and_checks(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    static const char *const bad_commands[] = {
        "{\"environment\":{\"variables\":[{\"name\":\"n\"}]}}",
        "{\"environment\":{\"variables\":[{\"name\":\"n\",\"type\":\"SECRET\"}]}}",
        "{\"environment\":{\"variables\":[{\"name\":\"n\",\"type\":\"SECRET\",\"secret\":"
        "{\"type\":\"REFERENCE\"}}]}}",
        "{\"environment\":{\"variables\":[{\"name\":\"n\",\"type\":\"SECRET\",\"secret\":"
        "{\"type\":\"VALUE\",\"value\":{\"data\":\"YQBi\"}}}]}}",
    };
    for (size_t i = 0; i < ELEMENTS(bad_commands); i++) {
        assert_int_equal(
            master_validate_command(
                PARSE(&arena, Pb__CommandInfo, pb__command_info, bad_commands[i]), &err),
            VALIDATE_E);
    }
    static const char *const bad_containers[] = {
        "{\"type\":\"DOCKER\"}",
        "{\"type\":\"DOCKER\",\"docker\":{\"image\":\"i\",\"parameters\":[{\"key\":\"name\","
        "\"value\":\"v\"}]}}",
        "{\"type\":\"MESOS\",\"volumes\":[{\"mode\":\"RW\",\"container_path\":\"p\"}]}",
        "{\"type\":\"MESOS\",\"volumes\":[{\"mode\":\"RW\",\"container_path\":\"p\",\"source\":"
        "{\"type\":\"SECRET\"}}]}",
        "{\"type\":\"MESOS\",\"volumes\":[{\"mode\":\"RW\",\"container_path\":\"p\",\"source\":"
        "{}}]}",
    };
    for (size_t i = 0; i < ELEMENTS(bad_containers); i++) {
        assert_int_equal(
            master_validate_container(
                PARSE(&arena, Pb__ContainerInfo, pb__container_info, bad_containers[i]), &err),
            VALIDATE_E);
    }
    static const char *const bad_checks[] = {
        "{}",
        "{\"type\":\"COMMAND\"}",
        "{\"type\":\"COMMAND\",\"command\":{\"command\":{}}}",
        "{\"type\":\"HTTP\"}",
        "{\"type\":\"HTTP\",\"http\":{\"port\":1,\"path\":\"x\"}}",
        "{\"type\":\"TCP\"}",
        "{\"type\":\"TCP\",\"tcp\":{\"port\":1},\"timeout_seconds\":-1}",
    };
    for (size_t i = 0; i < ELEMENTS(bad_checks); i++) {
        assert_int_equal(master_validate_check(
                             PARSE(&arena, Pb__CheckInfo, pb__check_info, bad_checks[i]), &err),
                         VALIDATE_E);
    }
    assert_int_equal(master_validate_check(PARSE(&arena, Pb__CheckInfo, pb__check_info,
                                                 "{\"type\":\"TCP\",\"tcp\":{\"port\":1}}"),
                                           &err),
                     0);
    assert_int_equal(master_validate_health_check(
                         PARSE(&arena, Pb__HealthCheck, pb__health_check,
                               "{\"type\":\"HTTP\",\"http\":{\"port\":1,\"scheme\":\"ftp\"}}"),
                         &err),
                     VALIDATE_E);
    assert_has(err.text, "ftp");
    arena_deinit(&arena);
}

static void test_calls_need_their_parts(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool valid;
    } cases[] = {
        {"{}", false},
        {"{\"type\":\"TEARDOWN\"}", false},
        {"{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"f\"}}", true},
        {"{\"type\":\"KILL\",\"framework_id\":{\"value\":\"f\"}}", false},
        {"{\"type\":\"UNKNOWN\",\"framework_id\":{\"value\":\"f\"}}", false},
        {"{\"type\":\"ACKNOWLEDGE\",\"framework_id\":{\"value\":\"f\"},\"acknowledge\":"
         "{\"agent_id\":{\"value\":\"a\"},\"task_id\":{\"value\":\"t\"},"
         "\"uuid\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}",
         false},
        {"{\"type\":\"ACKNOWLEDGE\",\"framework_id\":{\"value\":\"f\"},\"acknowledge\":"
         "{\"agent_id\":{\"value\":\"a\"},\"task_id\":{\"value\":\"t\"},"
         "\"uuid\":\"AAAAAAAAAAAAAAAAAAAAAQ==\"}}",
         true},
        {"{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"f\"},\"subscribe\":"
         "{\"framework_info\":{\"user\":\"u\",\"name\":\"n\"}}}",
         false},
    };
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const Pb__Scheduler__Call *call =
            PARSE(&arena, Pb__Scheduler__Call, pb__scheduler__call, cases[i].json);
        if ((master_validate_call(call, NULL, &err) == 0) != cases[i].valid) {
            fail_msg("%s", cases[i].json);
        }
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framework_infos),
        cmocka_unit_test(test_a_framework_may_have_so_many_roles),
        cmocka_unit_test(test_refuse_seconds_are_clamped),
        cmocka_unit_test(test_commands_containers_and_checks),
        cmocka_unit_test(test_calls_need_their_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
