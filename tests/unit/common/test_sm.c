#include "../unit.h"

#include "common/sm.h"

enum door { DOOR_OPEN, DOOR_SHUT, DOOR_LOCKED, DOOR_BRICKED };

static const struct sm_state door_states[] = {
    [DOOR_OPEN] = {"OPEN", SM_TO(DOOR_SHUT)},
    [DOOR_SHUT] = {"SHUT", SM_TO(DOOR_OPEN) | SM_TO(DOOR_LOCKED) | SM_TO(DOOR_BRICKED)},
    [DOOR_LOCKED] = {"LOCKED", SM_TO(DOOR_SHUT)},
    [DOOR_BRICKED] = {"BRICKED", 0},
};

static const struct sm_table door_table = {"door", door_states, ELEMENTS(door_states)};

static void test_every_move_is_as_the_table_says(void **state)
{
    (void)state;
    static const char allowed[4][5] = {"-x--", "x-xx", "-x--", "----"};
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
            assert_int_equal(sm_may_move(&door_table, from, to), allowed[from][to] == 'x');
            if (allowed[from][to] == 'x') {
                assert_int_equal(sm_move(&door_table, from, to), to);
            }
        }
    }
}

static void unlock_open_door(void)
{
    (void)sm_move(&door_table, DOOR_OPEN, DOOR_LOCKED);
}

static void leave_the_end(void)
{
    (void)sm_move(&door_table, DOOR_BRICKED, DOOR_OPEN);
}

static void state_unknown(void)
{
    (void)sm_name(&door_table, 4);
}

static void target_unknown(void)
{
    (void)sm_may_move(&door_table, 0, -1);
}

static void test_what_the_table_does_not_say_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(unlock_open_door, "door: no way from OPEN to LOCKED");
    unit_assert_aborts(leave_the_end, "door: no way from BRICKED to OPEN");
    unit_assert_aborts(state_unknown, "assertion failed");
    unit_assert_aborts(target_unknown, "assertion failed");
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(sm_name(&door_table, DOOR_LOCKED), "LOCKED");
}

/* The last of the 64 states has a bit too. */
static void test_the_widest_table(void **state)
{
    (void)state;
    struct sm_state states[64];
    for (int i = 0; i < 64; i++) {
        states[i] = (struct sm_state){"s", SM_TO(63 - i)};
    }
    const struct sm_table table = {"wide", states, 64};
    for (int i = 0; i < 64; i++) {
        for (int to = 0; to < 64; to++) {
            assert_int_equal(sm_may_move(&table, i, to), to == 63 - i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_move_is_as_the_table_says),
        cmocka_unit_test(test_what_the_table_does_not_say_is_our_mistake),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_widest_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
