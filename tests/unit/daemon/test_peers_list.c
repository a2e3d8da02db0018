/* --peers: who the other masters are, and what a majority of all is. */
#include "../unit.h"

#include "../coord/names.h"
#include "daemon/college_wiring.h"

static const char *parse(const char *text, int64_t quorum, int self)
{
    static char shown[ERR_TEXT_SIZE];
    struct college_others others = {0};
    struct err err = {""};
    struct address own = {.family = 4, .port = 5050, .ip = {10}};
    own.ip[3] = (uint8_t)self;
    int r = college_others_parse(text, quorum, &own, &others, &err);
    if (r != 0) {
        (void)snprintf(shown, sizeof(shown), "%s", err.text);
        return shown;
    }
    int size = snprintf(shown, sizeof(shown), "%zu of", others.quorum);
    for (size_t i = 0; i < others.count; i++) {
        size += snprintf(shown + size, sizeof(shown) - (size_t)size, " %d", others.items[i].ip[3]);
    }
    return shown;
}

static int set_up(void **state)
{
    static const char *const addresses[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};
    (void)state;
    names_clear();
    names_add("one", addresses[0]);
    for (size_t i = 0; i < 2; i++) {
        names_add("two", addresses[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        names_add("three", addresses[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        names_add("four", addresses[i]);
    }
    return 0;
}

static void with_and_without_ourselves(void **state)
{
    (void)state;
    assert_string_equal(parse("10.0.0.1:5050,10.0.0.2:5050,10.0.0.3:5050", -1, 1), "2 of 2 3");
    assert_string_equal(parse("10.0.0.2:5050, 10.0.0.3:5050", -1, 1), "2 of 2 3");
    assert_string_equal(parse("one:5050,10.0.0.1:5050", -1, 2), "2 of 1");
    assert_string_equal(parse("10.0.0.1:5050", -1, 1), "1 of");
}

static void who_cannot_reach_the_others(void **state)
{
    (void)state;
    names_add("own", "127.0.1.1");
    assert_string_equal(parse("own:5050,10.0.0.2:5050,10.0.0.3:5050", -1, 1),
                        "--peers: 127.0.1.1:5050 and 10.0.0.1:5050, which is this master's "
                        "address, cannot reach one another: give addresses, or --ip");
    assert_non_null(strstr(parse("[::1]:5050,10.0.0.2:5050", -1, 1), "cannot reach one another"));
    struct address own = {.family = 4, .port = 1, .ip = {127, 0, 0, 1}};
    struct college_others others;
    struct err err = {""};
    assert_int_equal(college_others_parse("127.0.0.1:1,127.0.0.1:2", -1, &own, &others, &err), 0);
    assert_int_equal(others.count, 1);
    assert_true(college_others_parse("127.0.0.1:1,10.0.0.2:2", -1, &own, &others, &err) < 0);
}

static void quorums(void **state)
{
    (void)state;
    const char *three = "10.0.0.1:5050,10.0.0.2:5050,10.0.0.3:5050";
    assert_string_equal(parse(three, 2, 1), "2 of 2 3");
    assert_string_equal(parse(three, 3, 1), "3 of 2 3");
    assert_string_equal(parse(three, 1, 1),
                        "--quorum: 1 is no majority of the 3 masters in --peers");
    assert_string_equal(parse(three, 4, 1),
                        "--quorum: 4 is no majority of the 3 masters in --peers");
}

/* A name server that knows of one master only must not make it a majority. */
static void a_name_for_all(void **state)
{
    (void)state;
    assert_string_equal(parse("three:5050", 2, 2), "2 of 1 3");
    assert_string_equal(parse("three:5050", -1, 2),
                        "--peers: a name that stands for all masters needs --quorum, a majority of "
                        "them");
    assert_non_null(strstr(parse("one:5050", -1, 1), "needs --quorum"));
    assert_string_equal(parse("one:5050", 1, 1), "1 of");
    assert_string_equal(parse("two:5050", 2, 2),
                        "--peers: 2 masters are found, and --quorum=2 is that of 3");
    assert_string_equal(parse("two:5050", 2, 3), "2 of 1 2");
    assert_string_equal(parse("four:5050", 2, 3),
                        "--peers: 4 masters are found, and --quorum=2 is that of 3");
    assert_string_equal(parse("one:5050", 2, 1),
                        "--peers: 1 masters are found, and --quorum=2 is that of 3");
    assert_non_null(strstr(parse("noone:5050", 2, 1), "--peers: Cannot find the address of"));
}

static void so_many_masters(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    for (int i = 1; i <= COLLEGE_MAX; i++) {
        buf_printf(&text, "%s10.0.0.%d:5050", i > 1 ? "," : "", i);
    }
    assert_string_equal(parse(buf_text(&text), -1, 1), "5 of 2 3 4 5 6 7 8 9");
    assert_string_equal(parse(buf_text(&text), -1, 10), "--peers: more than 9 masters");
    buf_append_text(&text, ",10.0.0.10:5050");
    assert_string_equal(parse(buf_text(&text), -1, 1), "--peers: more than 9 masters");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_and_without_ourselves),
        TEST(who_cannot_reach_the_others),
        TEST(quorums),
        TEST(a_name_for_all),
        TEST(so_many_masters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
