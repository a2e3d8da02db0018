/*
 * State machines by table: names, and for each state the set of states it may move to. The owner
 * keeps the state in an enum of its own (0 .. count-1) and moves it only through its `x_move()`,
 * which calls sm_move() and does what entering and leaving ask for.
 */
#ifndef TEPUI_COMMON_SM_H
#define TEPUI_COMMON_SM_H

#include <stdbool.h>
#include <stdint.h>

struct sm_state {
    const char *name;
    uint64_t next; /* bit n: may move to state n */
};

struct sm_table {
    const char *name; /* of the machine, for messages */
    const struct sm_state *states;
    int count; /* at most 64 */
};

#define SM_TO(state) (UINT64_C(1) << (state))

bool sm_may_move(const struct sm_table *table, int from, int to);
/* Asserts that the move is allowed; returns `to`. */
int sm_move(const struct sm_table *table, int from, int to);
const char *sm_name(const struct sm_table *table, int state);

#endif
