#include "plan_kit.h"

#include "common/duration.h"
#include "container/fetch_plan.h"

static void test_the_fetcher_is_told_as_by_the_original(void **state)
{
    (void)state;
    Pb__CommandInfo__URI one = PB__COMMAND_INFO__URI__INIT, two = one;
    one.value = (char[]){"http://a/b.tgz"};
    two.value = (char[]){"/c"};
    two.has_executable = two.executable = 1;
    Pb__CommandInfo__URI *uris[] = {&one, &two, &one};
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    command.n_uris = 3;
    command.uris = uris;
    struct blob *bytes = message_encode_blob(&command.base);
    assert_true(fetch_plan_is_needed(bytes));
    struct containerizer_options options = {.frameworks_home = "/home",
                                            .fetcher_stall_timeout_ns = NS_PER_MIN};
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__CommandInfo *decoded = fetch_plan_decode(bytes, &arena);
    assert_int_equal(decoded->n_uris, 2); /* equal ones once */
    struct fetch_choice choices[2] = {{0}};
    char *json = fetch_plan(&options, decoded, choices, NULL, "/s", "alice", &arena);
    assert_string_equal(
        json, "{\"sandbox_directory\":\"/s\",\"items\":[{\"uri\":{\"value\":\"http://a/b.tgz\","
              "\"extract\":true},\"action\":\"BYPASS_CACHE\"},{\"uri\":{\"value\":\"/c\","
              "\"executable\":true,\"extract\":true},\"action\":\"BYPASS_CACHE\"}],"
              "\"user\":\"alice\",\"frameworks_home\":\"/home\","
              "\"stall_timeout\":{\"nanoseconds\":60000000000}}");
    free(json);
    struct fetch_entry entry = {.name = "c1-b.tgz"};
    choices[0] = (struct fetch_choice){.entry = &entry, .download = true};
    choices[1] = (struct fetch_choice){.entry = &entry, .download = false};
    options = (struct containerizer_options){0};
    json = fetch_plan(&options, decoded, choices, "/cache", "/s", NULL, &arena);
    assert_string_equal(
        json,
        "{\"sandbox_directory\":\"/s\",\"cache_directory\":\"/cache\",\"items\":[{\"uri\":{"
        "\"value\":\"http://a/b.tgz\",\"extract\":true},\"action\":\"DOWNLOAD_AND_CACHE\","
        "\"cache_filename\":\"c1-b.tgz\"},{\"uri\":{\"value\":\"/c\",\"executable\":true,"
        "\"extract\":true},\"action\":\"RETRIEVE_FROM_CACHE\",\"cache_filename\":\"c1-b.tgz\"}]}");
    free(json);
    blob_unref(bytes);
}

static void test_nothing_is_fetched_without_uris(void **state)
{
    (void)state;
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    command.value = (char[]){"true"};
    struct blob *bytes = message_encode_blob(&command.base);
    assert_false(fetch_plan_is_needed(bytes));
    assert_false(fetch_plan_is_needed(NULL));
    blob_unref(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fetcher_is_told_as_by_the_original),
        cmocka_unit_test(test_nothing_is_fetched_without_uris),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
