#include "fixture.h"

static void test_parse_simple(UNUSED void **state)
{
    SCOPED_RES r = RESOURCES_INIT;
    struct err err = {{0}};
    int result = resources_parse(SLICE(" cpus : 45.55 ;mem(role1):1024;ports:[10000-20000, "
                                       "30000-50000];disks( role2 ):{sda1, sda2};;ports:[1-2]"),
                                 SLICE("*"), &r, &err);
    assert_int_equal(result, 0);
    assert_text(&r, "cpus:45.55; mem(reservations: [(STATIC,role1)]):1024; "
                    "ports:[1-2, 10000-20000, 30000-50000]; "
                    "disks(reservations: [(STATIC,role2)]):{sda1, sda2}");
    SCOPED_RES with_default = RESOURCES_INIT;
    result = resources_parse(SLICE("cpus:1;mem(*):2;disk(b):3"), SLICE("a"), &with_default, NULL);
    assert_int_equal(result, 0);
    assert_res(&with_default, "cpus(a):1;mem:2;disk(b):3");
    SCOPED_RES empty = RESOURCES_INIT;
    assert_int_equal(resources_parse(SLICE(""), SLICE("*"), &empty, NULL), 0);
    assert_text(&empty, "{}");
}

static void test_parse_json(UNUSED void **state)
{
    const char *json =
        " [{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":45.55}},"
        "{\"name\":\"ports\",\"type\":\"RANGES\",\"role\":\"role1\",\"ranges\":{"
        "\"range\":[{\"begin\":10000,\"end\":20000},{\"begin\":3,\"end\":3}]}},"
        "{\"name\":\"pandas\",\"type\":\"SET\",\"set\":{\"item\":[\"lun\",\"yang\"]},"
        "\"reservations\":[{\"type\":\"STATIC\",\"role\":\"zoo\"}]},"
        "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}] ";
    SCOPED_RES r = RESOURCES_INIT;
    struct err err = {{0}};
    if (resources_parse(slice_from(json), SLICE("def"), &r, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_res(&r, "cpus(def):46.55;ports(role1):[3-3,10000-20000];pandas(zoo):{lun,yang}");
    SCOPED_RES empty = RESOURCES_INIT;
    assert_int_equal(resources_parse(SLICE("[]"), SLICE("*"), &empty, NULL), 0);
    assert_int_equal(empty.count, 0);
}

static void test_parse_errors(UNUSED void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"cpus", "missing or extra ':' in cpus"},
        {"cpus:1:2", "missing or extra ':'"},
        {"cpus:abc", "Bad type for resource cpus value abc type TEXT"},
        {"cpus:-1", "Bad type for resource cpus value -1 type TEXT"},
        {"cpus(role:1", "mismatched parentheses"},
        {"cpus)role(:1", "mismatched parentheses"},
        {"cpus():1", "Role names cannot be the empty string"},
        {"cpus(a//b):1", "two adjacent slashes"},
        {" :1", "Empty resource name"},
        {"cpus:[1-2", "Mismatched brackets"},
        {"ports:[5-2]", "begin > end"},
        {"d:{a,a}", "duplicated elements"},
        {"cpus:0.0001", "value <= 0"},
        {"cpus:1e300", "too large"},
        {"foo:1;foo:{a}", "same name ('foo') but different types"},
        {"foo(a):1;foo(b):[1-2]", "same name ('foo') but different types"},
        {"[{\"name\":\"a\",\"type\":\"SCALAR\"}", "JSON resources were not formatted properly"},
        {"[{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}] and more",
         "JSON resources were not formatted properly"},
        {"[{\"name\":\"a\",\"scalar\":{\"value\":1}}]",
         "JSON resources were not formatted properly"},
        {"[{\"name\":\"a\",\"type\":\"FLOAT\",\"scalar\":{\"value\":1}}]",
         "JSON resources were not formatted properly"},
        {"[{\"name\":\"\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}]", "Empty resource name"},
        {"[{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":-1}}]", "value <= 0"},
        {"[{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"revocable\":{}}]",
         "Revocable resources cannot be specified"},
        {"[{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"r\","
         "\"reservation\":{\"principal\":\"p\"}}]",
         "Dynamic reservations cannot be specified"},
        {"[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"r\","
         "\"disk\":{\"persistence\":{\"id\":\"i\"}}}]",
         "Persistent volumes cannot be specified"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct resources r;
        struct err err = {{0}};
        assert_int_equal(resources_parse(slice_from(cases[i].text), SLICE("*"), &r, &err),
                         RESOURCES_E_INVALID);
        if (strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: '%s' instead of '%s'", cases[i].text, err.text, cases[i].why);
        }
    }
}

static int parse_count(int count)
{
    struct buf text = BUF_INIT;
    for (int i = 0; i < count; i++) {
        buf_printf(&text, "n%d:1;", i);
    }
    struct resources r = RESOURCES_INIT;
    int result = resources_parse_any(buf_slice(&text), SLICE("*"), &r, NULL);
    resources_deinit(&r);
    buf_deinit(&text);
    return result;
}

static void test_names(UNUSED void **state)
{
    struct slice simple = SLICE("cpus:1; disk (a):0;ports:[];xmem:5");
    assert_true(resources_text_names(simple, SLICE("cpus")));
    assert_true(resources_text_names(simple, SLICE("disk")));
    assert_true(resources_text_names(simple, SLICE("ports")));
    assert_false(resources_text_names(simple, SLICE("mem")));
    assert_false(resources_text_names(SLICE(""), SLICE("mem")));
    struct slice json = SLICE(" [{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0}},"
                              "{\"name\":\"x\",\"type\":\"SET\",\"set\":{\"item\":[\"cpus\"]}}]");
    assert_true(resources_text_names(json, SLICE("mem")));
    assert_false(resources_text_names(json, SLICE("cpus")));
}

static void test_limit(UNUSED void **state)
{
    assert_int_equal(parse_count(RESOURCE_VALIDATE_COUNT_MAX), 0);
    assert_int_equal(parse_count(RESOURCE_VALIDATE_COUNT_MAX + 1), RESOURCES_E_INVALID);
}

static void test_print(UNUSED void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } cases[] = {
        {"{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1.00049},"
         "\"allocation_info\":{\"role\":\"a\"},\"revocable\":{}}",
         "cpus(allocated: a){REV}:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"reservations\":[{"
         "\"type\":\"DYNAMIC\",\"role\":\"a\",\"principal\":\"p\",\"labels\":{\"labels\":[{"
         "\"key\":\"k\"},{\"key\":\"l\",\"value\":\"v\"}]}}]}",
         "disk(reservations: [(DYNAMIC,a,p,{k, l: v})]):1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"a\",\"disk\":{"
         "\"persistence\":{\"id\":\"i\"},\"volume\":{\"container_path\":\"c\",\"mode\":\"RW\"}}}",
         "disk(reservations: [(STATIC,a)])[i:c]:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"a\",\"disk\":{"
         "\"persistence\":{\"id\":\"i\"},\"volume\":{\"container_path\":\"c\",\"host_path\":\"h\","
         "\"mode\":\"RO\"},\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/m\"}}},"
         "\"shared\":{}}",
         "disk(reservations: [(STATIC,a)])[MOUNT:/m,i:h:c:ro]<SHARED>:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{"
         "\"type\":\"PATH\",\"path\":{\"root\":\"/p\"}}}}",
         "disk[PATH:/p]:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{"
         "\"type\":\"PATH\"}}}",
         "disk[PATH]:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{"
         "\"type\":\"RAW\",\"vendor\":\"v\",\"id\":\"i\",\"profile\":\"p\"}}}",
         "disk[RAW(v,i,p)]:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{"
         "\"type\":\"BLOCK\",\"profile\":\"p\"}}}",
         "disk[BLOCK(,,p)]:1"},
        {"{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"disk\":{\"source\":{"
         "\"type\":\"MOUNT\",\"id\":\"i\",\"mount\":{\"root\":\"/m\"}}}}",
         "disk[MOUNT(,i,)]:1"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_RES r = res_json(cases[i].json);
        assert_text(&r, cases[i].text);
    }
    SCOPED_RES shared = res_json(cases[3].json);
    resources_add(&shared, &shared);
    struct buf text = BUF_INIT;
    resource_format(&shared.items[0], true, &text);
    assert_string_equal(buf_text(&text),
                        "disk(reservations: [(STATIC,a)])[MOUNT:/m,i:h:c:ro]<SHARED>:1<2>");
    buf_deinit(&text);
}

static void assert_json(const struct resources *r, const char *expected)
{
    struct buf text = BUF_INIT;
    struct json_writer writer;
    json_writer_init(&writer, &text);
    resources_write_json(r, &writer);
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
}

static void test_json_of_endpoints(UNUSED void **state)
{
    SCOPED_RES none = RESOURCES_INIT;
    assert_json(&none, "{\"disk\":0.0,\"mem\":0.0,\"gpus\":0.0,\"cpus\":0.0}");
    SCOPED_RES r = res("cpus:0.1;cpus(a):0.2;mem:64;zeta:1;alpha:2.5;ports:[31000-31001];"
                       "ports(a):[31002-31002,5-6];d:{b,a}");
    SCOPED_RES revocable = res_json("{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":"
                                    "4},\"revocable\":{}}");
    resources_add(&r, &revocable);
    assert_json(&r, "{\"disk\":0.0,\"mem\":64.0,\"gpus\":0.0,\"cpus\":0.3,\"alpha\":2.5,"
                    "\"cpus_revocable\":4.0,\"zeta\":1.0,\"ports\":\"[5-6, 31000-31002]\","
                    "\"d\":\"{b, a}\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_simple),
        cmocka_unit_test(test_parse_json),
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_json_of_endpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
