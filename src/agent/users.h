/*
 * Users that folders are to be given to: names in, numbers out. The shell asks the system; several
 * that wait for the same name ask once. Nothing is remembered: users come and go.
 */
#ifndef TEPUI_AGENT_USERS_H
#define TEPUI_AGENT_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

struct agent;

/* What embeds the wait. */
enum user_kind { USER_EXECUTOR, USER_CONTAINER };

struct user_wait {
    struct list link; /* in the lookup; in no list = not waiting */
    enum user_kind kind;
};

struct user_found {
    bool found;
    uint32_t uid;
    uint32_t gid;
};

struct user_lookup {
    struct list link;  /* in the agent */
    struct list waits; /* of struct user_wait */
    char *name;        /* heap */
};

void users_wait_init(struct user_wait *wait, enum user_kind kind);
/* The answer comes through executor_user_found or agent_container_user_found. */
void users_ask(struct agent *agent, struct user_wait *wait, const char *name);
void users_cancel(struct user_wait *wait); /* fine if not waiting */
/* The shell's answer. */
void users_answer(struct agent *agent, const char *name, const struct user_found *user);
void users_drop_all(struct agent *agent);

#endif
