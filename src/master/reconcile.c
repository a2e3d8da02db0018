/* RECONCILE: frameworks ask for the state of tasks (facts/state_machines.md 2.4). */
#include "master/calls.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"

static void tell(struct master *master, struct framework *framework,
                 const struct status_draft *draft)
{
    struct slice update = master_status_encode(master, draft, NULL);
    master_event_update(master, framework, update, NULL);
}

/* The state that was sent last, not the newest (facts/observed.md, scheduler 8). */
static void tell_known(struct master *master, struct framework *framework, const struct task *task)
{
    const struct task_record *record = task->record;
    struct cursor_field executor_id = {0};
    if (record->has_executor &&
        !cursor_path(blob_slice(record->info),
                     (const uint32_t[]){FIELD_TASK_EXECUTOR_ID, FIELD_ID_VALUE}, 2, &executor_id)) {
        executor_id.bytes = slice_make(NULL, 0);
    }
    tell(master, framework,
         &(struct status_draft){
             .framework_id = blob_slice(framework->id),
             .task_id = task_record_id(record),
             .agent_id = blob_slice(record->agent_id),
             .executor_id = executor_id.bytes,
             .state = master_task_forwarded_state(record),
             .reason = REASON_RECONCILIATION,
             .message = "Reconciliation: Latest task state",
             .kept = master_status_kept(master, record),
         });
}

/* What is known of a task by its agent alone; false: nothing yet, so nothing is said. */
static bool judge(const struct master *master, struct slice agent_id, struct status_draft *draft)
{
    const struct agent *agent = agent_id.data != NULL ? master_find_agent(master, agent_id) : NULL;
    const struct departed *departed =
        agent_id.data != NULL ? master_find_departed(master, agent_id) : NULL;
    if ((agent != NULL && agent->state == AGENT_RECOVERED) ||
        (agent_id.data == NULL && master->recovered_count > 0)) {
        return false;
    }
    if (agent != NULL && agent->state == AGENT_REGISTERED) {
        draft->state = TASK_STATE_GONE;
        draft->message = "Reconciliation: Task is unknown to the agent";
    } else if (departed != NULL && departed->kind == DEPARTED_UNREACHABLE) {
        draft->state = TASK_STATE_UNREACHABLE;
        draft->unreachable_time_ns = departed->time_ns;
        draft->message = "Reconciliation: Task is unreachable";
    } else if (departed != NULL) {
        draft->state = TASK_STATE_GONE_BY_OPERATOR;
        draft->message = "Reconciliation: Task is gone";
    } else {
        draft->state = TASK_STATE_UNKNOWN;
        draft->message = "Reconciliation: Task is unknown";
    }
    return true;
}

static void reconcile_one(struct master *master, struct framework *framework,
                          const Pb__Scheduler__Call__Reconcile__Task *about)
{
    const struct task *task = master_find_task(framework, slice_from(about->task_id->value));
    if (task != NULL) {
        tell_known(master, framework, task);
        return;
    }
    struct slice agent_id = slice_from(about->agent_id != NULL ? about->agent_id->value : NULL);
    struct status_draft draft = {
        .framework_id = blob_slice(framework->id),
        .task_id = slice_from(about->task_id->value),
        .agent_id = agent_id,
        .reason = REASON_RECONCILIATION,
    };
    if (!judge(master, agent_id, &draft)) {
        return;
    }
    if ((framework->capabilities & FRAMEWORK_PARTITION_AWARE) == 0) {
        draft.state = TASK_STATE_LOST;
    }
    tell(master, framework, &draft);
}

void master_reconcile(struct master *master, struct framework *framework,
                      const Pb__Scheduler__Call__Reconcile *call)
{
    master_count(master, COUNTER_MESSAGES_RECONCILE_TASKS);
    if (call->n_tasks > 0) {
        for (size_t i = 0; i < call->n_tasks; i++) {
            reconcile_one(master, framework, call->tasks[i]);
        }
        return;
    }
    for (struct map_link *link = map_first(&framework->tasks); link != NULL;
         link = map_next(&framework->tasks, link)) {
        tell_known(master, framework, CONTAINER_OF(link, struct task, by_id));
    }
}
