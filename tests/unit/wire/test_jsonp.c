#include "../unit.h"

#include "wire/jsonp.h"

static void names_of_functions_are_told_from_code(void **state)
{
    (void)state;
    const char *const names[] = {"f", "back.call", "$_1", "calls[7]", "jQuery1910_23"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_true(jsonp_is_function(slice_from(names[i])));
    }
    const char *const others[] = {"",         "alert(1)//", "a-b",      "a b",
                                  "<script>", "f;",         "\xc3\xa9", "'f'"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(jsonp_is_function(slice_from(others[i])));
    }
    assert_false(jsonp_is_function(slice_make("f\0", 2)));
}

static void json_is_the_argument_of_a_call(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    jsonp_append(slice_from("back.call"), slice_from("{\"a\":1}"), &out);
    assert_slice(buf_slice(&out), "back.call({\"a\":1})");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_functions_are_told_from_code),
        cmocka_unit_test(json_is_the_argument_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
