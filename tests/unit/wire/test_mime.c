#include "../unit.h"

#include "wire/mime.h"

static void the_end_of_a_name_tells_the_type(void **state)
{
    (void)state;
    assert_string_equal(mime_of_file("page.html"), "text/html");
    assert_string_equal(mime_of_file("a.b.txt"), "text/plain");
    assert_string_equal(mime_of_file("tool.zip"), "application/zip");
    assert_string_equal(mime_of_file("sound.aif"), "audio/x-aiff"); /* the table's two ends */
    assert_string_equal(mime_of_file("app.js"), "application/x-javascript");
}

static void what_is_not_known_is_bytes(void **state)
{
    (void)state;
    const char *const names[] = {"stdout",    "",       ".",          "x.",
                                 "x.unheard", "x.HTML", "state.json", "html"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_string_equal(mime_of_file(names[i]), "application/octet-stream");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_name_tells_the_type),
        cmocka_unit_test(what_is_not_known_is_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
