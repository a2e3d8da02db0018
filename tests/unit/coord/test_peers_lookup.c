/* Names of masters become addresses, each once. */
#include "../unit.h"

#include "coord/peers_lookup.h"
#include "names.h"

#define ROOM 4

static struct address items[ROOM];
static struct peers_addresses found;

static const char *shown(void)
{
    static char text[512];
    char address[ADDRESS_TEXT_SIZE];
    text[0] = '\0';
    for (size_t i = 0; i < found.count; i++) {
        size_t size = strlen(text);
        address_format(&found.items[i], address);
        (void)snprintf(text + size, sizeof(text) - size, "%s ", address);
    }
    return text;
}

static int set_up(void **state)
{
    (void)state;
    found = (struct peers_addresses){.items = items, .max = ROOM};
    names_clear();
    names_add("three", "10.0.0.1");
    names_add("three", "10.0.0.2");
    names_add("three", "10.0.0.3");
    names_add("both", "10.0.0.9");
    names_add("both", "fd00::9");
    names_add("six", "fd00::6");
    names_add("six", "fd00::7");
    return 0;
}

static int look(const char *name, uint16_t port, size_t *ret_count, struct err *err)
{
    return peers_lookup_host(&(struct peers_host){.name = name, .port = port}, &found, ret_count,
                             err);
}

static void a_host_has_all_its_addresses(void **state)
{
    (void)state;
    struct err err = {""};
    size_t count = 0;
    assert_int_equal(look("three", 5050, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(shown(), "10.0.0.1:5050 10.0.0.2:5050 10.0.0.3:5050 ");
    /* Those that are there already are not added again. */
    assert_int_equal(look("10.0.0.2", 5050, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(found.count, 3);
    assert_int_equal(look("10.0.0.2", 5051, &count, &err), 0);
    assert_int_equal(found.count, 4);
    assert_false(found.more);
}

static void one_kind_of_address_counts(void **state)
{
    (void)state;
    struct err err = {""};
    size_t count = 0;
    assert_int_equal(look("both", 1, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(look("six", 1, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(shown(), "10.0.0.9:1 [fd00::6]:1 [fd00::7]:1 ");
}

static void there_is_room_for_so_many(void **state)
{
    (void)state;
    struct err err = {""};
    size_t count = 0;
    assert_int_equal(look("three", 1, &count, &err), 0);
    assert_int_equal(look("10.0.0.4", 1, &count, &err), 0);
    assert_int_equal(found.count, ROOM);
    assert_false(found.more);
    assert_int_equal(look("three", 1, &count, &err), 0);
    assert_false(found.more);
    assert_int_equal(look("10.0.0.5", 1, &count, &err), 0);
    assert_int_equal(found.count, ROOM);
    assert_true(found.more);
}

static void unknown_names_are_an_error_if_no_other_is_known(void **state)
{
    (void)state;
    struct err err = {""};
    size_t count = 7;
    assert_true(look("nobody", 1, &count, &err) < 0);
    assert_non_null(strstr(err.text, "Cannot find the address of 'nobody': "));
    assert_int_equal(count, 7);
    struct peers_url url = {.hosts = {{"nobody", 1}, {"six", 2}, {"noone", 3}}, .count = 3};
    assert_int_equal(peers_lookup_any(&url, &found, &err), 0);
    assert_string_equal(shown(), "[fd00::6]:2 [fd00::7]:2 ");
    url.hosts[1].name = "neither";
    assert_true(peers_lookup_any(&url, &found, &err) < 0);
    assert_non_null(strstr(err.text, "'noone'"));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_has_all_its_addresses),
        TEST(one_kind_of_address_counts),
        TEST(there_is_room_for_so_many),
        TEST(unknown_names_are_an_error_if_no_other_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
