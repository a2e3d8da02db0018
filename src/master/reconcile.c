/*
 * RECONCILE: frameworks ask for the state of tasks (facts/state_machines.md 2.4).
 *
 * Answers to very many tasks would fill the memory before a scheduler has read the first of them.
 * So ids wait, in the order in which they were asked about, and a batch of them is answered when
 * the scheduler has taken the one before, each with what is true then.
 */
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

/* What is asked of one task. */
struct question {
    struct slice task_id;
    struct slice agent_id; /* data NULL = not said */
    bool of_all;           /* it was among the framework's tasks when that asked for all */
};

static void answer(struct master *master, struct framework *framework,
                   const struct question *question)
{
    const struct task *task = master_find_task(framework, question->task_id);
    if (task != NULL) {
        tell_known(master, framework, task);
        return;
    }
    struct status_draft draft = {
        .framework_id = blob_slice(framework->id),
        .task_id = question->task_id,
        .agent_id = question->agent_id,
        .reason = REASON_RECONCILIATION,
    };
    if (question->of_all || !judge(master, question->agent_id, &draft)) {
        return;
    }
    if ((framework->capabilities & FRAMEWORK_PARTITION_AWARE) == 0) {
        draft.state = TASK_STATE_LOST;
    }
    tell(master, framework, &draft);
}

/* --- what waits --- */

/* Ids end with a zero byte, which they cannot have. One of these stands in front. */
enum question_mark { MARK_TASK = 't', MARK_TASK_AND_AGENT = 'a', MARK_OF_ALL = '*' };

static void put_id(struct buf *out, struct slice id)
{
    buf_append_slice(out, id);
    buf_append_byte(out, '\0');
}

static struct slice get_id(struct slice *rest)
{
    struct slice id = slice_from(rest->data);
    *rest = slice_skip(*rest, id.size + 1);
    return id;
}

static void put_question(struct buf *out, const struct question *question)
{
    bool has_agent = question->agent_id.data != NULL;
    buf_append_byte(out, question->of_all ? MARK_OF_ALL
                         : has_agent      ? MARK_TASK_AND_AGENT
                                          : MARK_TASK);
    put_id(out, question->task_id);
    if (has_agent) {
        put_id(out, question->agent_id);
    }
}

static struct question get_question(struct slice *rest)
{
    char mark = rest->data[0];
    struct question question = {.of_all = mark == MARK_OF_ALL};
    *rest = slice_skip(*rest, 1);
    question.task_id = get_id(rest);
    if (mark == MARK_TASK_AND_AGENT) {
        question.agent_id = get_id(rest);
    }
    return question;
}

static size_t waiting_size(const struct framework *framework)
{
    return framework->reconciling.size - framework->reconciling_told;
}

/* What a call asks, behind what waits already. */
static void put_call(struct framework *framework, const Pb__Scheduler__Call__Reconcile *call)
{
    struct buf *out = &framework->reconciling;
    for (size_t i = 0; i < call->n_tasks; i++) {
        const Pb__Scheduler__Call__Reconcile__Task *about = call->tasks[i];
        put_question(out, &(struct question){
                              .task_id = slice_from(about->task_id->value),
                              .agent_id = slice_from(
                                  about->agent_id != NULL ? about->agent_id->value : NULL),
                          });
    }
    struct map_link *link = call->n_tasks == 0 ? map_first(&framework->tasks) : NULL;
    for (; link != NULL; link = map_next(&framework->tasks, link)) {
        const struct task *task = CONTAINER_OF(link, struct task, by_id);
        put_question(out, &(struct question){
                              .task_id = task_record_id(task->record),
                              .of_all = true,
                          });
    }
}

static void tell_batch(struct master *master, struct framework *framework)
{
    struct slice rest = slice_skip(buf_slice(&framework->reconciling), framework->reconciling_told);
    for (size_t i = 0; i < RECONCILE_BATCH_COUNT && rest.size > 0; i++) {
        struct question question = get_question(&rest);
        answer(master, framework, &question);
    }
    framework->reconciling_told = framework->reconciling.size - rest.size;
}

/* --- public --- */

void master_reconcile_next(struct master *master, struct framework *framework)
{
    if (waiting_size(framework) == 0) {
        return;
    }
    do {
        tell_batch(master, framework);
    } while (waiting_size(framework) > RECONCILE_WAITING_SIZE_MAX);
    if (waiting_size(framework) == 0) {
        master_reconcile_drop(master, framework);
    } else if (framework->connection == CONNECTION_HTTP) {
        net_stream_mark(&master->effects->net, framework->handle);
    } else {
        timers_set(&master->timers, &framework->reconcile,
                   time_add_ns(master->now.mono_ns, RECONCILE_PAUSE_NS));
    }
}

void master_reconcile_drop(struct master *master, struct framework *framework)
{
    buf_deinit(&framework->reconciling);
    framework->reconciling_told = 0;
    timers_cancel(&master->timers, &framework->reconcile);
}

void master_reconcile(struct master *master, struct framework *framework,
                      const Pb__Scheduler__Call__Reconcile *call)
{
    bool waits = waiting_size(framework) > 0;
    master_count(master, COUNTER_MESSAGES_RECONCILE_TASKS);
    if (framework->reconciling_told > framework->reconciling.size / 2) {
        buf_consume(&framework->reconciling, framework->reconciling_told);
        framework->reconciling_told = 0;
    }
    put_call(framework, call);
    if (!waits || waiting_size(framework) > RECONCILE_WAITING_SIZE_MAX) {
        master_reconcile_next(master, framework);
    }
}
