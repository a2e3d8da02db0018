/*
 * The gate: what waits until a file operation is done, and with it all before it (docs/design/
 * agent.md, durability). Waits are embedded in what waits; when the store reports a token, they
 * come out in the order in which they were put in.
 */
#ifndef TEPUI_AGENT_GATE_H
#define TEPUI_AGENT_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

/* What embeds the wait. */
enum gate_kind {
    GATE_EXECUTOR,  /* its folders are made: the container may be launched */
    GATE_TASK,      /* its task.info is stored: it may be delivered */
    GATE_UPDATE,    /* its record is stored: it may be acknowledged and forwarded */
    GATE_STREAM,    /* its scheduler's acknowledgement is stored: the next may be forwarded */
    GATE_AGENT_ID,  /* slave.info is stored: the id may be shown */
    GATE_RESOURCES, /* a commit of resources, or a volume's folder: it may be told of */
    GATE_OPERATION, /* an operation's update is stored: it may be told */
    GATE_SANDBOX,   /* a nested or standalone container's folder is made */
};

struct gate_wait {
    struct list link; /* in the gate while waiting */
    uint64_t token;   /* 0 = not waiting */
    int status;       /* 0, or -errno of the operation with exactly this token */
    enum gate_kind kind;
};

struct gate {
    struct list waits;   /* ascending tokens */
    uint64_t last_token; /* given out */
    uint64_t done_token; /* all up to here are done */
};

void gate_init(struct gate *gate);
/* A token for the next file operation. */
uint64_t gate_token(struct gate *gate);

void gate_wait_init(struct gate_wait *wait, enum gate_kind kind);
/* Waits for the token, which must be the newest given out (asserts). */
void gate_wait_for(struct gate *gate, struct gate_wait *wait, uint64_t token);
static inline bool gate_is_waiting(const struct gate_wait *wait)
{
    return wait->token != 0;
}
/* No longer; fine if not waiting. */
void gate_cancel(struct gate_wait *wait);

/* The store has done this token. Then pop until NULL: each is no longer waiting. */
void gate_done(struct gate *gate, uint64_t token, int status);
struct gate_wait *gate_pop(struct gate *gate);

#endif
