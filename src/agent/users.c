#include "agent/users.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/executor.h"
#include "common/xalloc.h"

void users_wait_init(struct user_wait *wait, enum user_kind kind)
{
    list_init(&wait->link);
    wait->kind = kind;
}

static struct user_lookup *find(const struct agent *agent, const char *name)
{
    struct user_lookup *lookup;
    LIST_FOR_EACH (lookup, &agent->users, link) {
        if (strcmp(lookup->name, name) == 0) {
            return lookup;
        }
    }
    return NULL;
}

void users_ask(struct agent *agent, struct user_wait *wait, const char *name)
{
    struct user_lookup *lookup = find(agent, name);
    if (lookup == NULL) {
        lookup = xalloc(sizeof(*lookup));
        lookup->name = xstrdup(name);
        list_init(&lookup->waits);
        list_push_back(&agent->users, &lookup->link);
        agent_ask(agent, AGENT_ASK_USER, 0, name);
    }
    list_push_back(&lookup->waits, &wait->link);
}

void users_cancel(struct user_wait *wait)
{
    list_remove(&wait->link);
}

static struct user_lookup *lookup_free(struct user_lookup *lookup)
{
    while (list_pop_front(&lookup->waits) != NULL) {
    }
    list_remove(&lookup->link);
    free(lookup->name);
    free(lookup);
    return NULL;
}

void users_answer(struct agent *agent, const char *name, const struct user_found *user)
{
    struct user_lookup *lookup = find(agent, name);
    if (lookup == NULL) {
        return;
    }
    struct list *link;
    while ((link = list_pop_front(&lookup->waits)) != NULL) {
        struct user_wait *wait = LIST_ENTRY(link, struct user_wait, link);
        switch (wait->kind) {
        case USER_EXECUTOR:
            executor_user_found(CONTAINER_OF(wait, struct executor, user_wait), user);
            break;
        case USER_CONTAINER:
            agent_container_user_found(agent, CONTAINER_OF(wait, struct agent_container, user_wait),
                                       user);
            break;
        }
    }
    lookup_free(lookup);
}

void users_drop_all(struct agent *agent)
{
    struct user_lookup *lookup;
    LIST_FOR_EACH (lookup, &agent->users, link) {
        lookup_free(lookup);
    }
}
