#include "master/snapshot.h"

#include "master/master_state.h"

void master_snapshot_take(const struct master *master, struct master_snapshot *ret_snapshot)
{
    *ret_snapshot = (struct master_snapshot){
        .frameworks = cow_table_snapshot(&master->framework_records),
        .agents = cow_table_snapshot(&master->agent_records),
        .tasks = cow_table_snapshot(&master->task_records),
        .executors = cow_table_snapshot(&master->executor_records),
        .offers = cow_table_snapshot(&master->offer_records),
        .operations = cow_table_snapshot(&master->operation_records),
        .roles = role_settings_ref(&master->roles),
        .now = master->now,
    };
}

void master_snapshot_release(struct master_snapshot *snapshot)
{
    cow_snapshot_release(&snapshot->frameworks);
    cow_snapshot_release(&snapshot->agents);
    cow_snapshot_release(&snapshot->tasks);
    cow_snapshot_release(&snapshot->executors);
    cow_snapshot_release(&snapshot->offers);
    cow_snapshot_release(&snapshot->operations);
    role_settings_unref(&snapshot->roles);
}
