#include "plan_kit.h"

#include <stdio.h>

#include "container/fetch_cache.h"

static void removed(void *arg, const char *path)
{
    char *text = arg;
    snprintf(text + strlen(text), 512 - strlen(text), "%s ", path);
}

static struct fetch_entry *ready(struct fetch_cache *cache, const char *uri, int64_t size,
                                 char *gone)
{
    struct fetch_entry *entry = fetch_cache_add(cache, NULL, uri);
    fetch_cache_unuse(cache, entry);
    return fetch_cache_ready(cache, entry, size, removed, gone) ? entry : NULL;
}

static void test_files_are_found_by_user_and_uri(void **state)
{
    (void)state;
    struct fetch_cache cache;
    fetch_cache_init(&cache, "/cache", 100, 1);
    assert_true(fetch_cache_is_on(&cache));
    struct fetch_entry *mine =
        fetch_cache_add(&cache, "alice", "http://h/a-very-long-name-of-it.tar.gz");
    assert_string_equal(mine->directory, "/cache/alice");
    assert_string_equal(mine->name, "c1-a-very-lon_-it.tar.gz"); /* what tells its kind stays */
    assert_ptr_equal(fetch_cache_find(&cache, "alice", "http://h/a-very-long-name-of-it.tar.gz"),
                     mine);
    assert_null(fetch_cache_find(&cache, NULL, "http://h/a-very-long-name-of-it.tar.gz"));
    assert_string_equal(fetch_cache_add(&cache, NULL, "x")->name, "c2-x");
    fetch_cache_deinit(&cache);
}

static void test_it_is_off_without_room(void **state)
{
    (void)state;
    struct fetch_cache cache;
    fetch_cache_init(&cache, "/cache", 0, 1);
    assert_false(fetch_cache_is_on(&cache));
    fetch_cache_deinit(&cache);
    fetch_cache_init(&cache, NULL, 100, 1);
    assert_false(fetch_cache_is_on(&cache));
    fetch_cache_deinit(&cache);
}

static void test_the_least_recently_used_make_room(void **state)
{
    (void)state;
    struct fetch_cache cache;
    char gone[512] = "";
    fetch_cache_init(&cache, "/cache", 100, 1);
    struct fetch_entry *a = ready(&cache, "a", 40, gone);
    struct fetch_entry *b = ready(&cache, "b", 40, gone);
    assert_int_equal(cache.used_bytes, 80);
    fetch_cache_use(&cache, a);
    fetch_cache_unuse(&cache, a);
    assert_non_null(ready(&cache, "c", 30, gone));
    assert_string_equal(gone, "/cache/c2-b ");
    assert_int_equal(cache.used_bytes, 70);
    assert_null(fetch_cache_find(&cache, NULL, "b"));
    (void)b;
    assert_non_null(ready(&cache, "d", 100, gone)); /* all of it */
    assert_string_equal(gone, "/cache/c2-b /cache/c1-a /cache/c3-c ");
    assert_int_equal(cache.used_bytes, 100);
    fetch_cache_deinit(&cache);
}

static void test_what_is_in_use_stays_and_what_does_not_fit_goes(void **state)
{
    (void)state;
    struct fetch_cache cache;
    char gone[512] = "";
    fetch_cache_init(&cache, "/cache", 100, 1);
    struct fetch_entry *a = ready(&cache, "a", 60, gone);
    fetch_cache_use(&cache, a);
    assert_null(ready(&cache, "b", 50, gone));
    assert_string_equal(gone, "/cache/c2-b ");
    assert_int_equal(cache.used_bytes, 60);
    assert_null(ready(&cache, "c", 101, gone));
    fetch_cache_unuse(&cache, a);
    fetch_cache_drop(&cache, a, removed, gone);
    assert_int_equal(cache.used_bytes, 0);
    fetch_cache_deinit(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_found_by_user_and_uri),
        cmocka_unit_test(test_it_is_off_without_room),
        cmocka_unit_test(test_the_least_recently_used_make_room),
        cmocka_unit_test(test_what_is_in_use_stays_and_what_does_not_fit_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
