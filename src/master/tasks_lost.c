#include "master/tasks_lost.h"

#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"

/* How a task ends. */
struct verdict {
    enum task_state state;
    int reason;
    const char *message;
    int64_t unreachable_time_ns; /* 0 = not set */
    bool unreachable;            /* joins the unreachable ones */
};

static struct slice executor_id_of(const struct task_record *record)
{
    struct cursor_field id = {0};
    if (record->has_executor) {
        bool found =
            cursor_path(blob_slice(record->info),
                        (const uint32_t[]){FIELD_TASK_EXECUTOR_ID, FIELD_ID_VALUE}, 2, &id);
        ASSERT(found);
    }
    return id.bytes;
}

/* The update is made, the task ended, and then a connected framework told. */
static void lose(struct master *master, struct task *task, const struct verdict *verdict)
{
    struct framework *framework = task->framework;
    const struct task_record *record = task->record;
    struct slice status;
    struct slice update =
        master_status_encode(master,
                             &(struct status_draft){
                                 .framework_id = blob_slice(framework->id),
                                 .task_id = task_record_id(record),
                                 .agent_id = blob_slice(record->agent_id),
                                 .executor_id = executor_id_of(record),
                                 .state = verdict->state,
                                 .reason = verdict->reason,
                                 .message = verdict->message,
                                 .unreachable_time_ns = verdict->unreachable_time_ns,
                             },
                             &status);
    master_task_update(master, task,
                       &(struct task_update){
                           .status = status,
                           .state = verdict->state,
                           .latest = verdict->state,
                           .source = SOURCE_MASTER,
                           .reason = verdict->reason,
                       });
    master_task_remove(master, task, verdict->unreachable);
    if (framework_is_connected(framework->state)) {
        master_event_update(master, framework, update, NULL);
    }
}

void master_tasks_lost_unsaved(struct master *master, struct agent *agent)
{
    const struct verdict verdict = {
        .state = TASK_STATE_LOST,
        .reason = REASON_AGENT_DISCONNECTED,
        .message = arena_printf(&master->arena, "Agent %s disconnected", agent->hostname),
    };
    struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        if (!task->framework->checkpoint) {
            lose(master, task, &verdict);
        }
    }
    struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        if (!executor->framework->checkpoint) {
            master_executor_remove(master, executor);
        }
    }
}

static struct verdict verdict_of(const struct framework *framework, const struct agent_end *end)
{
    struct verdict verdict = {
        .state = TASK_STATE_LOST,
        .reason = REASON_AGENT_REMOVED,
        .message = end->message,
    };
    if (end->unreachable) {
        verdict.unreachable = true;
        verdict.unreachable_time_ns = end->unreachable_time_ns;
    }
    if ((framework->capabilities & FRAMEWORK_PARTITION_AWARE) == 0) {
        return verdict;
    }
    /* An agent that is simply removed is TASK_LOST for all (facts/observed.md, scheduler 10). */
    if (end->unreachable) {
        verdict.state = TASK_STATE_UNREACHABLE;
    } else if (end->gone) {
        verdict.state = TASK_STATE_GONE_BY_OPERATOR;
        verdict.reason = REASON_AGENT_REMOVED_BY_OPERATOR;
    }
    return verdict;
}

void master_tasks_lost_all(struct master *master, struct agent *agent, const struct agent_end *end)
{
    struct task *task;
    LIST_FOR_EACH (task, &agent->tasks, of_agent) {
        struct verdict verdict = verdict_of(task->framework, end);
        lose(master, task, &verdict);
    }
    struct executor *executor;
    LIST_FOR_EACH (executor, &agent->executors, of_agent) {
        master_executor_remove(master, executor);
    }
}

static void lose_unreachable(struct master *master, struct unreachable_task *task,
                             const struct verdict *verdict)
{
    struct framework *framework = task->framework;
    struct cow_value *value = cow_table_get(&master->task_records, task->slot);
    const struct task_record *record = CONTAINER_OF(value, struct task_record, value);
    struct slice status;
    struct slice update = master_status_encode(master,
                                               &(struct status_draft){
                                                   .framework_id = blob_slice(framework->id),
                                                   .task_id = task_record_id(record),
                                                   .agent_id = blob_slice(record->agent_id),
                                                   .executor_id = executor_id_of(record),
                                                   .state = verdict->state,
                                                   .reason = verdict->reason,
                                                   .message = verdict->message,
                                               },
                                               &status);
    master_task_end_unreachable(master, task, status, verdict->state);
    if (framework_is_connected(framework->state)) {
        master_event_update(master, framework, update, NULL);
    }
}

void master_tasks_lost_gone(struct master *master, struct departed *departed, const char *message)
{
    const struct agent_end end = {.gone = true, .message = message};
    struct unreachable_task *task;
    LIST_FOR_EACH (task, &departed->tasks, of_agent) {
        struct verdict verdict = verdict_of(task->framework, &end);
        lose_unreachable(master, task, &verdict);
    }
}

void master_tasks_lost_forget(struct master *master, struct departed *departed)
{
    struct unreachable_task *task;
    LIST_FOR_EACH (task, &departed->tasks, of_agent) {
        master_task_forget_unreachable(master, task);
    }
}
