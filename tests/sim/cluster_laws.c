/* What frameworks hear of tasks, held against what their executors have made. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/cluster.h"
#include "sim/cluster_scheduler.h"
#include "wire/message.h"

static bool is_final(Pb__TaskState state)
{
    return state == PB__TASK_STATE__TASK_FINISHED || state == PB__TASK_STATE__TASK_FAILED ||
           state == PB__TASK_STATE__TASK_KILLED || state == PB__TASK_STATE__TASK_ERROR ||
           state == PB__TASK_STATE__TASK_GONE_BY_OPERATOR;
}

enum heard { HEARD_NEW, HEARD_AGAIN, HEARD_OF_OTHERS };

/* Updates that an executor has made come in that order; again at most if unacknowledged. */
static enum heard check_order(struct cluster *cluster, struct cluster_task *task,
                              const Pb__TaskStatus *status)
{
    for (int i = 0; status->has_uuid && i < task->made_count; i++) {
        if (status->uuid.len != 16 || memcmp(task->made[i], status->uuid.data, 16) != 0) {
            continue;
        }
        if (i + 1 < task->heard) {
            /* The next one came, so this one's acknowledgement was taken. */
            cluster_wrong(cluster, "update %d of task %s came again after update %d", i + 1,
                          task->id, task->heard);
        }
        if (i < task->heard) {
            return HEARD_AGAIN;
        }
        if (i > task->heard) {
            cluster_wrong(cluster, "update %d of task %s came before update %d", i + 1, task->id,
                          task->heard + 1);
        }
        task->heard = i + 1;
        return HEARD_NEW;
    }
    return HEARD_OF_OTHERS;
}

/* An executor's last word is the last. Master and agent may be behind it: reconciliation tells what
 * was forwarded last (facts/state_machines.md 2.4). */
static void check_state(struct cluster *cluster, struct cluster_task *task,
                        const Pb__TaskStatus *status)
{
    enum heard heard = check_order(cluster, task, status);
    if (heard == HEARD_NEW && task->ended) {
        cluster_wrong(cluster, "task %s changed after its end", task->id);
    }
    if (heard == HEARD_AGAIN || task->ended) {
        return;
    }
    task->state = (int)status->state;
    task->terminal |= is_final(status->state);
    task->ended = heard == HEARD_NEW && is_final(status->state);
}

void cluster_hears(struct cluster *cluster, const Pb__TaskStatus *status)
{
    struct cluster_task *task = cluster_find_task(cluster, slice_from(status->task_id->value));
    if (task == NULL) {
        cluster_wrong(cluster, "an update of a task that nobody launched: %s",
                      status->task_id->value);
        return;
    }
    check_state(cluster, task, status);
    task->answered |=
        status->has_reason && status->reason == PB__TASK_STATUS__REASON__REASON_RECONCILIATION;
}

void cluster_reconcile(struct cluster_framework *framework, struct scheduler *scheduler)
{
    struct cluster *cluster = framework->cluster;
    struct scheduler_task *asked = xcalloc((size_t)cluster->task_count + 1, sizeof(asked[0]));
    size_t count = 0;
    for (int i = 0; i < cluster->task_count; i++) {
        const struct cluster_task *task = &cluster->tasks[i];
        /* One that was said to have ended, and then to run, as updates came late, is asked for. */
        if (task->framework == framework->index && !is_final((Pb__TaskState)task->state)) {
            asked[count++] = (struct scheduler_task){task->id, task->agent_id};
        }
    }
    if (count != 0) {
        scheduler_reconcile(scheduler, asked, count);
    }
    free(asked);
}
