#include "sim/ha_history.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

/* --- terms --- */

void ha_history_won(struct ha_history *history, uint64_t number, uint64_t writer)
{
    for (size_t i = 0; i < history->term_count; i++) {
        if (history->terms[i].number == number && history->terms[i].writer != writer) {
            rlog_laws_fail(history->laws, "two masters won the promise %llu",
                           (unsigned long long)number);
        }
        if (history->terms[i].number == number) {
            return;
        }
    }
    ASSERT(history->term_count < HA_TERMS_MAX);
    history->terms[history->term_count].number = number;
    history->terms[history->term_count++].writer = writer;
    history->highest_number = MAX(history->highest_number, number);
}

/* --- the order of writes --- */

struct ha_write *ha_history_begin(struct ha_history *history, uint64_t writer, uint64_t number,
                                  struct blob *bytes, const struct ha_op *ops, size_t op_count)
{
    struct ha_write *write = xalloc(sizeof(*write));
    ASSERT(op_count <= HA_OPS_MAX);
    write->bytes = blob_ref(bytes);
    write->writer = writer;
    write->number = number;
    write->is_outranked = number < history->highest_number;
    memcpy(write->ops, ops, op_count * sizeof(ops[0]));
    write->op_count = op_count;
    write->next = history->writes;
    history->writes = write;
    return write;
}

static struct ha_write *find(const struct ha_history *history, const struct blob *bytes)
{
    struct ha_write *write = history->writes;
    while (write != NULL && !slice_equal(blob_slice(write->bytes), blob_slice(bytes))) {
        write = write->next;
    }
    return write;
}

/* The batch is the first so many operations, as many as lead from one state to the other. */
static bool is_explained(const struct ha_write *write)
{
    struct ha_state state = write->before;
    for (size_t i = 0; i < write->op_count; i++) {
        bool changed;
        (void)ha_state_apply(&state, &write->ops[i], &changed);
        if (ha_state_equal(&state, &write->after)) {
            return true;
        }
    }
    return false;
}

static void decided(struct ha_history *history, uint64_t position, const struct blob *bytes)
{
    struct ha_write *write = find(history, bytes);
    if (write == NULL || write->position != 0) {
        rlog_laws_fail(history->laws, "position %llu holds %s", (unsigned long long)position,
                       write == NULL ? "what no master wrote" : "a write that is there already");
        return;
    }
    write->position = position;
    write->before = history->state;
    if (!ha_state_decode(blob_slice(bytes), &write->after)) {
        rlog_laws_fail(history->laws, "position %llu holds no registry",
                       (unsigned long long)position);
        return;
    }
    if (!is_explained(write)) {
        rlog_laws_fail(history->laws,
                       "the write at position %llu does not follow from the one before it",
                       (unsigned long long)position);
        return;
    }
    history->state = write->after;
    history->decided++;
}

void ha_history_advance(struct ha_history *history)
{
    const struct rlog_laws *laws = history->laws;
    /* Nothing is ever written at position 0. */
    history->next_position = MAX(history->next_position, (uint64_t)1);
    while (history->next_position < RLOG_LAWS_POSITIONS_MAX && laws->failure[0] == '\0') {
        const struct rlog_place *place = &laws->places[history->next_position];
        if (!place->is_decided) {
            return;
        }
        if (place->value.type == RLOG_ACTION_APPEND) {
            decided(history, history->next_position, place->value.bytes);
        }
        history->next_position++;
    }
}

/* --- acknowledged --- */

/* A later coordinator proposed the same again. */
static bool was_adopted(const struct ha_history *history, const struct ha_write *write)
{
    const struct rlog_proposed *proposed = history->laws->places[write->position].proposed;
    for (; proposed != NULL; proposed = proposed->next) {
        if (proposed->proposal > write->number &&
            slice_equal(blob_slice(proposed->value.bytes), blob_slice(write->bytes))) {
            return true;
        }
    }
    return false;
}

void ha_history_written(struct ha_history *history, struct ha_write *write, uint64_t position)
{
    ha_history_advance(history);
    if (write->position != position) {
        rlog_laws_fail(history->laws, "a write at position %llu is acknowledged, but not decided",
                       (unsigned long long)position);
        return;
    }
    if (write->number == 0) {
        rlog_laws_fail(history->laws, "a write without a promise succeeds");
    }
    ha_history_won(history, write->number, write->writer);
    if (write->is_outranked && !was_adopted(history, write)) {
        rlog_laws_fail(history->laws, "a write by the promise %llu succeeds, but %llu was won",
                       (unsigned long long)write->number,
                       (unsigned long long)history->highest_number);
    }
    history->adopted += write->is_outranked;
    write->is_acknowledged = true;
    history->acknowledged++;
    history->acknowledged_end = MAX(history->acknowledged_end, position);
}

void ha_history_answered(struct ha_history *history, struct ha_write *write, const bool *applied,
                         size_t count)
{
    struct ha_state state = write->before;
    if (!write->is_acknowledged || count > write->op_count) {
        rlog_laws_fail(history->laws, "operations are answered that are not written");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool changed;
        if (ha_state_apply(&state, &write->ops[i], &changed) != applied[i]) {
            rlog_laws_fail(history->laws, "an operation at position %llu is answered wrongly",
                           (unsigned long long)write->position);
        }
        if (write->ops[i].asked_at >= write->position) {
            rlog_laws_fail(history->laws, "position %llu was acknowledged before it was asked for",
                           (unsigned long long)write->position);
        }
    }
    if (!ha_state_equal(&state, &write->after)) {
        rlog_laws_fail(history->laws, "position %llu holds other operations than were answered",
                       (unsigned long long)write->position);
    }
}

void ha_history_recovered(struct ha_history *history, const struct ha_write *write,
                          const struct registry *registry)
{
    struct ha_state state;
    if (!ha_state_read(registry, &state) || !ha_state_equal(&state, &write->after)) {
        rlog_laws_fail(history->laws, "what a master reads is not what is written at position %llu",
                       (unsigned long long)write->position);
    }
}

void ha_history_deinit(struct ha_history *history)
{
    while (history->writes != NULL) {
        struct ha_write *write = history->writes;
        history->writes = write->next;
        blob_unref(write->bytes);
        free(write);
    }
}
