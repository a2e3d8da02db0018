#include "fixture.h"

#include "resources/attributes.h"

#define SCOPED_ATTRIBUTES CLEANUP(attributes_deinit) struct attributes

static struct attributes parse(const char *text)
{
    struct attributes attributes;
    struct err err = {{0}};
    if (attributes_parse(slice_from(text), &attributes, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return attributes;
}

static void test_parse(UNUSED void **state)
{
    SCOPED_ATTRIBUTES a =
        parse("rack:abc;zone:1.23456;ports:[1-10, 20-30]\nurl:http://x:80/;;two words:a b");
    static const char *const expected[] = {
        "rack=abc", "zone=1.235", "ports=[1-10, 20-30]", "url=http://x:80/", "two words=ab",
    };
    assert_int_equal(a.count, ELEMENTS(expected));
    for (size_t i = 0; i < a.count; i++) {
        struct buf text = BUF_INIT;
        attribute_format(&a.items[i], &text);
        assert_string_equal(buf_text(&text), expected[i]);
        buf_deinit(&text);
    }
    SCOPED_ATTRIBUTES none = parse("");
    assert_int_equal(none.count, 0);
}

static void test_parse_errors(UNUSED void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"rack", "Invalid attribute key:value pair 'rack'"},
        {"rack:", "Invalid attribute key:value pair 'rack:'"},
        {":abc", "Invalid attribute key:value pair ':abc'"},
        {"a:1;disks:{x,y}", "Attribute 'disks' is a set: sets are not supported for attributes"},
        {"a:[1-2", "Failed to parse attribute a text [1-2: Mismatched brackets"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct attributes a;
        struct err err;
        assert_int_equal(attributes_parse(slice_from(cases[i].text), &a, &err),
                         ATTRIBUTES_E_INVALID);
        assert_string_equal(err.text, cases[i].why);
    }
}

static int parse_count(int count)
{
    struct buf text = BUF_INIT;
    struct attributes a = {0};
    for (int i = 0; i < count; i++) {
        buf_printf(&text, "n%d:1;", i);
    }
    int r = attributes_parse(buf_slice(&text), &a, NULL);
    attributes_deinit(&a);
    buf_deinit(&text);
    return r;
}

static void test_limit(UNUSED void **state)
{
    assert_int_equal(parse_count(ATTRIBUTES_COUNT_MAX), 0);
    assert_int_equal(parse_count(ATTRIBUTES_COUNT_MAX + 1), ATTRIBUTES_E_INVALID);
}

static void test_messages(UNUSED void **state)
{
    SCOPED_ATTRIBUTES a = parse("rack:abc;zone:1.23456;ports:[20-30,1-10];none:[]");
    struct arena arena;
    Pb__Attribute **items;
    size_t count;
    arena_init(&arena, 0);
    attributes_to_pb(&a, &arena, &items, &count);
    assert_int_equal(count, 4);
    assert_true(items[1]->scalar->value == 1.23456);
    assert_int_equal(items[2]->ranges->n_range, 2);
    SCOPED_ATTRIBUTES back;
    assert_int_equal(attributes_from_pb(items, count, &back, NULL), 0);
    assert_true(attributes_equal(&a, &back));
    arena_deinit(&arena);
}

static void test_message_errors(UNUSED void **state)
{
    static const char *const bad[] = {
        "{\"name\":\"\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}",
        "{\"name\":\"a\",\"type\":\"SCALAR\"}",
        "{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1e300}}",
        "{\"name\":\"a\",\"type\":\"RANGES\"}",
        "{\"name\":\"a\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":2,\"end\":1}]}}",
        "{\"name\":\"a\",\"type\":\"TEXT\"}",
        "{\"name\":\"a\",\"type\":\"SET\",\"set\":{\"item\":[\"x\"]}}",
    };
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct arena arena;
        struct attributes a;
        struct err err = {{0}};
        arena_init(&arena, 0);
        Pb__Attribute *pb = PB(Pb__Attribute, pb__attribute, bad[i], &arena);
        assert_int_equal(attributes_from_pb(&pb, 1, &a, &err), ATTRIBUTES_E_INVALID);
        assert_true(err.text[0] != '\0');
        arena_deinit(&arena);
    }
}

static void test_equal(UNUSED void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_equal;
    } cases[] = {
        {"a:1;b:x", "b:x;a:1.0004", true},
        {"a:1;b:x", "a:1", false},
        {"a:1", "a:x", false},
        {"a:1", "b:1", false},
        {"a:[1-2,3-4]", "a:[1-4]", true},
        {"a:[1-2]", "a:[1-3]", false},
        {"a:1;a:2", "a:2;a:1", true},
        {"a:1;a:2", "a:2;a:3", false},
        {"", "", true},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_ATTRIBUTES a = parse(cases[i].a);
        SCOPED_ATTRIBUTES b = parse(cases[i].b);
        assert_int_equal(attributes_equal(&a, &b), cases[i].is_equal);
        assert_int_equal(attributes_equal(&b, &a), cases[i].is_equal);
    }
    SCOPED_ATTRIBUTES a = parse("a:1;b:x;a:2");
    assert_int_equal(attributes_find(&a, SLICE("a"))->value.scalar, 1000);
    assert_null(attributes_find(&a, SLICE("c")));
    assert_true(attributes_contain(&a, &a.items[2]));
}

static void test_additive(UNUSED void **state)
{
    static const struct {
        const char *previous;
        const char *current;
        const char *why;
    } cases[] = {
        {"a:1;b:x;c:[1-2]", "c:[1-3];b:x;a:1;d:new", NULL},
        {"a:1", "b:1", "Couldn't find attribute a"},
        {"a:1", "a:x", "Type of attribute 'a' changed from SCALAR to TEXT"},
        {"a:1", "a:2", "Value of scalar attribute 'a' changed from 1 to 2"},
        {"a:x", "a:y", "Value of text attribute 'a' changed from x to y"},
        {"a:[1-5]", "a:[2-9]",
         "Previous value of ranges attribute 'a' ([1-5]) not included in current [2-9]"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_ATTRIBUTES previous = parse(cases[i].previous);
        SCOPED_ATTRIBUTES current = parse(cases[i].current);
        struct err err = {{0}};
        int r = attributes_check_additive(&previous, &current, &err);
        assert_int_equal(r, cases[i].why != NULL ? ATTRIBUTES_E_INVALID : 0);
        if (r != 0) {
            assert_non_null(strstr(err.text, "not permitted under 'additive' policy: "));
            assert_non_null(strstr(err.text, cases[i].why));
        }
    }
}

static void test_json(UNUSED void **state)
{
    SCOPED_ATTRIBUTES a = parse("rack:a\"b;zone:1.23456;ports:[1-10];rack:c;n:7");
    struct buf text = BUF_INIT;
    struct json_writer writer;
    json_writer_init(&writer, &text);
    attributes_write_json(&a, &writer);
    assert_string_equal(buf_text(&text),
                        "{\"zone\":1.23456,\"ports\":\"[1-10]\",\"rack\":\"c\",\"n\":7.0}");
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),          cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_limit),          cmocka_unit_test(test_messages),
        cmocka_unit_test(test_message_errors), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_additive),       cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
