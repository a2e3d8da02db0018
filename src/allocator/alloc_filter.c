#include "allocator/alloc_filter.h"

#include <stdlib.h>

#include "allocator/alloc.h"

/* --- what was refused --- */

static void unref_refused(struct alloc_refused *refused)
{
    if (refused != NULL && --refused->refs == 0) {
        resources_deinit(&refused->resources);
        free(refused);
    }
}

/* A reference to the agent's newest one if it says the same. */
static struct alloc_refused *share_refused(struct alloc_agent *agent, struct resources *refused)
{
    struct alloc_refused *last = agent->last_refused;
    if (last != NULL && resources_equal(&last->resources, refused)) {
        resources_deinit(refused);
    } else {
        unref_refused(last);
        last = xalloc(sizeof(*last));
        last->refs = 1;
        last->resources = resources_take(refused);
        agent->last_refused = last;
    }
    last->refs++;
    return last;
}

/* --- an agent's table by client --- */

static uint32_t home(const struct alloc_agent *agent, uint32_t client_id)
{
    return client_id * 0x9e3779b1u & (agent->filter_capacity - 1);
}

/* The client's slot, or the free one where it belongs. There is always a free one. */
static uint32_t slot_of(const struct alloc_agent *agent, const struct alloc_client *client)
{
    uint32_t at = home(agent, client->node.id);
    while (agent->filters[at] != NULL && agent->filters[at]->client != client) {
        at = (at + 1) & (agent->filter_capacity - 1);
    }
    return at;
}

static struct alloc_filter *first_of(const struct alloc_agent *agent,
                                     const struct alloc_client *client)
{
    return agent->filter_count != 0 ? agent->filters[slot_of(agent, client)] : NULL;
}

static void grow(struct alloc_agent *agent)
{
    struct alloc_filter **old = agent->filters;
    uint32_t old_capacity = agent->filter_capacity;
    agent->filter_capacity = MAX(4u, old_capacity * 2);
    agent->filters = xcalloc(agent->filter_capacity, sizeof(struct alloc_filter *));
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i] != NULL) {
            agent->filters[slot_of(agent, old[i]->client)] = old[i];
        }
    }
    free(old);
}

/* Closes the gap, so that no search ends early. */
static void remove_slot(struct alloc_agent *agent, uint32_t gap)
{
    uint32_t mask = agent->filter_capacity - 1;
    agent->filters[gap] = NULL;
    agent->filter_count--;
    for (uint32_t at = (gap + 1) & mask; agent->filters[at] != NULL; at = (at + 1) & mask) {
        uint32_t wanted = home(agent, agent->filters[at]->client->node.id);
        /* It may move if its home is not between the gap and where it stands. */
        if (((at - wanted) & mask) >= ((at - gap) & mask)) {
            agent->filters[gap] = agent->filters[at];
            agent->filters[at] = NULL;
            gap = at;
        }
    }
}

/* --- filters --- */

static void remove_filter(struct alloc *a, struct alloc_filter *filter)
{
    struct alloc_agent *agent = filter->agent;
    uint32_t slot = slot_of(agent, filter->client);
    struct alloc_filter **place = &agent->filters[slot];
    while (*place != filter) {
        place = &(*place)->next;
    }
    *place = filter->next;
    if (agent->filters[slot] == NULL) {
        remove_slot(agent, slot);
    }
    list_remove(&filter->of_client);
    timers_cancel(&a->filter_timers, &filter->timer);
    a->filter_count--;
    filter->client->role->filter_count--;
    unref_refused(filter->refused);
    free(filter);
}

/* Removes what the new one makes superfluous, and the oldest if there are too many. */
static void make_room(struct alloc *a, struct alloc_agent *agent, const struct alloc_client *client,
                      const struct resources *refused, int64_t deadline_ns)
{
    uint32_t count = 0;
    struct alloc_filter *next;
    for (struct alloc_filter *filter = first_of(agent, client); filter != NULL; filter = next) {
        next = filter->next;
        count++;
        bool is_superfluous = filter->timer.deadline_ns <= deadline_ns &&
                              resources_contain(refused, &filter->refused->resources);
        if (is_superfluous || count == ALLOC_FILTERS_OF_ONE_MAX) {
            remove_filter(a, filter);
            count--;
        }
    }
}

void alloc_filter_add(struct alloc *a, struct alloc_client *client, struct alloc_agent *agent,
                      struct resources *refused, int64_t deadline_ns)
{
    make_room(a, agent, client, refused, deadline_ns);
    struct alloc_refused *shared = share_refused(agent, refused);
    if ((agent->filter_count + 1) * 4 > agent->filter_capacity * 3) {
        grow(agent);
    }
    uint32_t slot = slot_of(agent, client);
    struct alloc_filter *filter = xalloc(sizeof(*filter));
    timer_init(&filter->timer, 0, filter);
    filter->client = client;
    filter->agent = agent;
    filter->refused = shared;
    list_push_back(&client->filters, &filter->of_client);
    agent->filter_count += agent->filters[slot] == NULL;
    filter->next = agent->filters[slot];
    agent->filters[slot] = filter;
    timers_set(&a->filter_timers, &filter->timer, deadline_ns);
    a->filter_count++;
    client->role->filter_count++;
}

bool alloc_filter_is_covered(const struct alloc_agent *agent, const struct alloc_client *client,
                             const struct resources *offer, bool is_whole)
{
    for (struct alloc_filter *filter = first_of(agent, client); filter != NULL;
         filter = filter->next) {
        struct alloc_refused *refused = filter->refused;
        bool covers;
        if (is_whole && refused->seen_version == agent->version) {
            covers = refused->covers;
        } else {
            covers = resources_contain(&refused->resources, offer);
        }
        if (is_whole) {
            refused->seen_version = agent->version;
            refused->covers = covers;
        }
        if (covers) {
            return true;
        }
    }
    return false;
}

void alloc_filter_expire(struct alloc *a, int64_t before_ns)
{
    struct timer *timer;
    while ((timer = timers_pop(&a->filter_timers, before_ns - 1)) != NULL) {
        struct alloc_filter *filter = timer->owner;
        alloc_agent_forget_refusal(filter->agent, filter->client->node.id);
        if (filter->client->is_active && filter->agent->free_place != ALLOC_AGENT_NOT_FREE) {
            alloc_free_wake(&a->free, filter->agent);
        }
        remove_filter(a, filter);
    }
}

void alloc_filter_drop_client(struct alloc *a, struct alloc_client *client)
{
    struct alloc_filter *filter;
    LIST_FOR_EACH (filter, &client->filters, of_client) {
        remove_filter(a, filter);
    }
}

void alloc_filter_drop_agent(struct alloc *a, struct alloc_agent *agent)
{
    while (agent->filter_count != 0) {
        for (uint32_t i = 0; i < agent->filter_capacity; i++) {
            while (agent->filters[i] != NULL) {
                remove_filter(a, agent->filters[i]);
            }
        }
    }
    free(agent->filters);
    agent->filters = NULL;
    agent->filter_capacity = 0;
    unref_refused(agent->last_refused);
    agent->last_refused = NULL;
}
