#include "common/sm.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/macro.h"

bool sm_may_move(const struct sm_table *table, int from, int to)
{
    ASSERT(from >= 0 && from < table->count && to >= 0 && to < table->count);
    return (table->states[from].next & SM_TO(to)) != 0;
}

int sm_move(const struct sm_table *table, int from, int to)
{
    if (!sm_may_move(table, from, to)) {
        fprintf(stderr, "%s: no way from %s to %s\n", table->name, table->states[from].name,
                table->states[to].name);
        abort();
    }
    return to;
}

const char *sm_name(const struct sm_table *table, int state)
{
    ASSERT(state >= 0 && state < table->count);
    return table->states[state].name;
}
