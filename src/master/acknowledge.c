/* ACKNOWLEDGE of a status update: passed on to the agent, and the end of a task that is over. */
#include <string.h>

#include "master/calls.h"
#include "master/drain.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"
#include "wire/message.h"

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, id);
    wire_end(out, begun);
}

/* StatusUpdateAcknowledgementMessage {slave_id = 1, framework_id = 2, task_id = 3, uuid = 4} */
static void pass_on(struct master *master, const struct framework *framework,
                    const struct agent *agent, const Pb__Scheduler__Call__Acknowledge *call)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    put_id(&out, 1, blob_slice(agent->id));
    put_id(&out, 2, blob_slice(framework->id));
    put_id(&out, 3, slice_from(call->task_id->value));
    wire_put_bytes(&out, 4, message_bytes(call->uuid));
    master_send(master, &agent->upid, "mesos.internal.StatusUpdateAcknowledgementMessage",
                blob_take(&out));
}

void master_acknowledge(struct master *master, struct framework *framework,
                        const Pb__Scheduler__Call__Acknowledge *call)
{
    struct uuid uuid;
    master_count(master, COUNTER_MESSAGES_STATUS_UPDATE_ACK);
    struct agent *agent = master_find_registered(master, slice_from(call->agent_id->value));
    bool valid = uuid_from_bytes(message_bytes(call->uuid), &uuid);
    if (agent == NULL || !agent->connected || !valid) {
        master_count(master, COUNTER_INVALID_STATUS_UPDATE_ACKS);
        return;
    }
    struct task *task = master_find_task(framework, slice_from(call->task_id->value));
    if (task != NULL && task->agent == agent) {
        const struct task_record *record = task->record;
        if (!record->has_status_update) {
            /* Not sent by this master; the agent sends it again. */
            master_count(master, COUNTER_INVALID_STATUS_UPDATE_ACKS);
            return;
        }
        if (master_task_state_is_terminal((enum task_state)record->status_update_state) &&
            memcmp(&record->status_update_uuid, &uuid, sizeof(uuid)) == 0) {
            master_task_remove(master, task, false);
            master_drain_check(master, agent);
        }
    }
    pass_on(master, framework, agent, call);
    master_count(master, COUNTER_VALID_STATUS_UPDATE_ACKS);
}
