#include "master/change.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"

void master_change_note(struct master *master, enum change_type type, struct cow_value *record,
                        struct blob *status)
{
    if (!master->watched) {
        blob_unref(status);
        return;
    }
    if (master->change_count == master->change_capacity) {
        master->change_capacity = MAX(master->change_capacity * 2, (size_t)16);
        master->changes =
            xrealloc(master->changes, master->change_capacity, sizeof(master->changes[0]));
    }
    master->changes[master->change_count++] = (struct change){
        .type = type,
        .record = cow_value_ref(record),
        .status = status,
    };
}

void master_changes_clear(struct master *master)
{
    for (size_t i = 0; i < master->change_count; i++) {
        cow_value_unref(master->changes[i].record);
        blob_unref(master->changes[i].status);
    }
    master->change_count = 0;
}
