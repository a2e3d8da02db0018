#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/route.h"

static struct arena arena;

static bool has(void *arg, struct slice id)
{
    assert_ptr_equal(arg, &arena);
    return slice_is(id, "master") || slice_is(id, "files") || slice_is(id, "registrar(1)");
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void check(const char *path, const char *expected)
{
    const struct routes routes = {.delegate = "master", .has = has, .arg = &arena};
    struct slice got;
    bool ok = route_resolve(&routes, slice_from(path), &arena, &got);
    assert_int_equal(ok, expected != NULL);
    if (ok) {
        assert_int_equal(got.size, strlen(expected));
        assert_true(slice_is(got, expected));
    }
}

static void test_paths_of_actors(void **state)
{
    (void)state;
    check("/master/state", "/master/state");
    check("/master/state/", "/master/state");
    check("/master", "/master");
    check("/files/read", "/files/read");
    check("/registrar%281%29/registry", "/registrar(1)/registry");
    check("/%6daster/state", "/master/state");
}

static void test_paths_of_the_delegate(void **state)
{
    (void)state;
    check("/", "/master");
    check("//", "/master");
    check("/state", "/master/state");
    check("/state///", "/master/state");
    check("//state", "/master/state");
    check("/a//b", "/master/a/b");
    check("/slave(1)/state", "/master/slave(1)/state");
    check("/.", "/master/.");
    check("/masters", "/master/masters");
    check("/a%20b+c", "/master/a b+c");
}

static void test_paths_that_are_refused(void **state)
{
    (void)state;
    check("", NULL);
    check("*", NULL);
    check("state", NULL);
    check("/..", NULL);
    check("/assets/../index.html", NULL);
    check("/master/..x", NULL);
    check("/%2e%2e/etc", NULL);
    check("/assets/%2e./x", NULL);
    check("/..%2f..%2fetc", NULL);
    check("/a%2f../b", NULL);
    check("/%2f..", NULL);
    check("/%", NULL);
    check("/%zz", NULL);
    check("/a%00", NULL);
    check("/a..", "/master/a..");
}

static void test_without_a_delegate(void **state)
{
    (void)state;
    const struct routes routes = {.has = has, .arg = &arena};
    struct slice got;
    assert_true(route_resolve(&routes, SLICE("/x/y/"), &arena, &got));
    assert_true(slice_is(got, "/x/y"));
    assert_true(route_resolve(&routes, SLICE("/"), &arena, &got));
    assert_true(slice_is(got, "/"));
}

static void test_the_longest_prefix(void **state)
{
    (void)state;
    struct slice path = SLICE("/master/api/v1/operator/x");
    assert_true(route_shorten(&path));
    assert_true(slice_is(path, "/master/api/v1/operator"));
    assert_true(route_shorten(&path));
    assert_true(slice_is(path, "/master/api/v1"));
    assert_true(route_shorten(&path));
    assert_true(slice_is(path, "/master/api"));
    assert_false(route_shorten(&path));
    assert_true(slice_is(path, "/master/api"));
    path = SLICE("/");
    assert_false(route_shorten(&path));
}

static void test_the_actor(void **state)
{
    (void)state;
    assert_true(slice_is(route_actor(SLICE("/master/state")), "master"));
    assert_true(slice_is(route_actor(SLICE("/master")), "master"));
    assert_int_equal(route_actor(SLICE("/")).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_of_actors),        cmocka_unit_test(test_paths_of_the_delegate),
        cmocka_unit_test(test_paths_that_are_refused), cmocka_unit_test(test_without_a_delegate),
        cmocka_unit_test(test_the_longest_prefix),     cmocka_unit_test(test_the_actor),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
