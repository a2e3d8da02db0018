#include "allocator/alloc_free.h"

#include <stdlib.h>

#include "allocator/alloc_agent.h"
#include "common/xalloc.h"

void alloc_free_deinit(struct alloc_free *list)
{
    free(list->agents);
    *list = (struct alloc_free){0};
}

static void swap(struct alloc_free *list, uint32_t a, uint32_t b)
{
    struct alloc_agent *agent = list->agents[a];
    list->agents[a] = list->agents[b];
    list->agents[b] = agent;
    list->agents[a]->free_place = a;
    list->agents[b]->free_place = b;
}

/* Moves it outward until it is behind all zones that begin before `zone_begin`: each step swaps it
 * with the last of its zone, and shrinks that. */
static void push_out(struct alloc_free *list, struct alloc_agent *agent, uint32_t zones)
{
    if (zones >= 1 && agent->free_place < list->awake_end) {
        swap(list, agent->free_place, --list->awake_end);
    }
    if (zones >= 2 && agent->free_place < list->held_end) {
        swap(list, agent->free_place, --list->held_end);
    }
}

/* The other way round. */
static void pull_in(struct alloc_free *list, struct alloc_agent *agent, uint32_t zones)
{
    if (zones <= 1 && agent->free_place >= list->held_end) {
        swap(list, agent->free_place, list->held_end++);
    }
    if (zones == 0 && agent->free_place >= list->awake_end) {
        swap(list, agent->free_place, list->awake_end++);
    }
}

void alloc_free_wake(struct alloc_free *list, struct alloc_agent *agent)
{
    if (agent->free_place == ALLOC_AGENT_NOT_FREE) {
        if (list->asleep_end == list->capacity) {
            list->capacity = MAX(64u, list->capacity * 2);
            list->agents = xrealloc(list->agents, list->capacity, sizeof(struct alloc_agent *));
        }
        agent->free_place = list->asleep_end;
        list->agents[list->asleep_end++] = agent;
    }
    pull_in(list, agent, 0);
}

void alloc_free_hold(struct alloc_free *list, struct alloc_agent *agent)
{
    if (agent->free_place != ALLOC_AGENT_NOT_FREE) {
        push_out(list, agent, 1);
        pull_in(list, agent, 1);
    }
}

void alloc_free_sleep(struct alloc_free *list, struct alloc_agent *agent)
{
    if (agent->free_place != ALLOC_AGENT_NOT_FREE) {
        push_out(list, agent, 2);
    }
}

void alloc_free_remove(struct alloc_free *list, struct alloc_agent *agent)
{
    if (agent->free_place == ALLOC_AGENT_NOT_FREE) {
        return;
    }
    push_out(list, agent, 2);
    swap(list, agent->free_place, --list->asleep_end);
    agent->free_place = ALLOC_AGENT_NOT_FREE;
}

bool alloc_free_is_awake(const struct alloc_free *list, const struct alloc_agent *agent)
{
    return agent->free_place < list->awake_end;
}

void alloc_free_wake_held(struct alloc_free *list)
{
    list->awake_end = list->held_end;
}

void alloc_free_wake_all(struct alloc_free *list)
{
    list->awake_end = list->held_end = list->asleep_end;
}
