#include "rlog/storage.h"

#include <stdlib.h>

#include "common/xalloc.h"

void rlog_store_ops_init(struct rlog_store_ops *ops)
{
    list_init(&ops->list);
}

void rlog_store_ops_deinit(struct rlog_store_ops *ops)
{
    struct rlog_store_op *op;
    while ((op = rlog_store_ops_pop(ops)) != NULL) {
        rlog_store_op_free(op);
    }
}

struct rlog_store_op *rlog_store_op_new(enum rlog_store_op_type type, uint64_t token)
{
    struct rlog_store_op *op = xalloc(sizeof(*op));
    list_init(&op->link);
    op->type = type;
    op->token = token;
    return op;
}

struct rlog_store_op *rlog_store_op_free(struct rlog_store_op *op)
{
    if (op != NULL) {
        for (size_t i = 0; i < op->action_count; i++) {
            rlog_action_deinit(&op->actions[i]);
        }
        free(op->actions);
        free(op);
    }
    return NULL;
}

size_t rlog_store_op_add(struct rlog_store_op *op, struct rlog_action *action)
{
    if (op->action_count == op->action_capacity) {
        op->action_capacity = MAX(op->action_capacity * 2, (size_t)4);
        op->actions = xrealloc(op->actions, op->action_capacity, sizeof(op->actions[0]));
    }
    op->actions[op->action_count] = *action;
    action->bytes = NULL;
    return op->action_count++;
}

struct rlog_store_op *rlog_store_ops_pop(struct rlog_store_ops *ops)
{
    struct list *link = list_pop_front(&ops->list);
    return link != NULL ? LIST_ENTRY(link, struct rlog_store_op, link) : NULL;
}

void rlog_restored_init(struct rlog_restored *restored)
{
    *restored = (struct rlog_restored){.status = RLOG_EMPTY};
}

void rlog_restored_deinit(struct rlog_restored *restored)
{
    rlog_positions_deinit(&restored->learned);
    rlog_positions_deinit(&restored->unlearned);
}

void rlog_restored_add(struct rlog_restored *restored, const struct rlog_record *record)
{
    if (record->type == RLOG_RECORD_METADATA) {
        restored->status = record->status;
        restored->promised = record->promised;
        return;
    }
    const struct rlog_action *action = &record->action;
    if (action->learned) {
        rlog_positions_add(&restored->learned, action->position, action->position);
    } else {
        rlog_positions_add(&restored->unlearned, action->position, action->position);
    }
    restored->begin = MAX(restored->begin, rlog_action_begin(action));
    restored->end = MAX(restored->end, action->position);
}
