/*
 * What one entry of the log holds: mesos.internal.state.Operation, which sets, changes or deletes a
 * variable. Masters keep one, "registry", and write it as whole snapshots.
 */
#ifndef TEPUI_REGISTRY_STATE_OPERATION_H
#define TEPUI_REGISTRY_STATE_OPERATION_H

#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"
#include "common/uuid.h"

enum state_operation_type {
    STATE_SNAPSHOT, /* the whole value */
    STATE_DIFF,     /* the change since the last one, in svndiff format */
    STATE_EXPUNGE,  /* the variable is no more */
};

struct state_operation {
    enum state_operation_type type;
    struct slice name;
    struct slice value; /* SNAPSHOT, DIFF */
};

/* 0, or -EBADMSG. What it gives lies in `bytes`. */
int state_operation_decode(struct slice bytes, struct state_operation *ret_operation,
                           struct err *err) WARN_UNUSED;

/* Appends all of a SNAPSHOT that comes before its value, of which the caller appends exactly
 * `value_size` bytes: these are the end. */
void state_operation_begin_snapshot(struct slice name, const struct uuid *uuid, size_t value_size,
                                    struct buf *out);

#endif
