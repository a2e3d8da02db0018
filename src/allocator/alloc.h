/*
 * The state of the hierarchical allocator. docs/design/allocator.md tells how the pieces fit.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_H
#define TEPUI_ALLOCATOR_ALLOC_H

#include "allocator/alloc_agent.h"
#include "allocator/alloc_client.h"
#include "allocator/alloc_drf.h"
#include "allocator/alloc_filter.h"
#include "allocator/alloc_framework.h"
#include "allocator/alloc_free.h"
#include "allocator/alloc_ids.h"
#include "allocator/alloc_inverse.h"
#include "allocator/alloc_ledger.h"
#include "allocator/alloc_random.h"
#include "allocator/alloc_role.h"
#include "allocator/alloc_run.h"
#include "common/duration.h"
#include "common/map.h"
#include "common/prng.h"
#include "common/timers.h"

#define ALLOC_MAGIC 0xa110ca7eu

struct alloc {
    uint32_t magic;

    /* Options. */
    int64_t interval_ns;
    bool filters_gpus;
    bool has_random_roles;
    bool has_random_frameworks;
    double recovery_factor; /* used once, in recover */
    int64_t recovery_timeout_ns;
    char *region; /* NULL = none */
    struct alloc_minimum minimum;

    /* Names, kinds, chance. */
    struct resource_names *names; /* the master's, or own_names */
    struct resource_names own_names;
    struct resource_kinds kinds;
    struct prng prng;

    /* Agents and frameworks by id; NULL = none. */
    struct alloc_agent **agents; /* heap */
    uint32_t agent_capacity;
    uint32_t agent_count;
    struct alloc_framework **frameworks; /* heap */
    uint32_t framework_capacity;
    struct list **orphans; /* alloc_held.of_framework of frameworks that are not known yet, by id;
                              heap, each NULL or on the heap */
    uint32_t orphan_capacity;

    /* Clients; their nodes by id, and which of them are active as bits. */
    struct alloc_ids client_ids;
    struct drf_table client_nodes;
    uint64_t *active; /* heap */
    uint32_t active_words;
    uint32_t active_count;
    uint32_t own_minimum_count; /* clients with a minimum of their own */
    uint64_t *doubted;          /* clients whose refusals are forgotten before the next run; as many
                                   words as `active`; heap */
    bool has_doubted;           /* some bit is set */

    /* Roles. */
    struct map roles; /* by name, without the root */
    struct alloc_role *root;
    struct alloc_role **role_list; /* by index; heap */
    uint32_t role_capacity;
    struct alloc_ids role_ids;
    struct drf_table role_nodes;
    struct drf_totals totals;

    /* Quota. */
    size_t quota_count;        /* roles with quota */
    struct alloc_role **eased; /* roles that have more room since the last run; heap */
    uint32_t eased_count;
    uint32_t eased_capacity;
    struct alloc_role *
        *unsatisfied; /* roles with active clients whose guarantee is not met; heap */
    uint32_t unsatisfied_count;
    uint32_t unsatisfied_capacity;
    struct quantities headroom_required;  /* sum of what is unsatisfied of top level roles */
    struct quantities headroom_available; /* sum of agents' `unreserved` */
    int64_t headroom_extra[RESOURCE_NAMES_COMMON]; /* alloc_role_measure_headroom */

    /* Filters. */
    struct timers filter_timers;
    size_t filter_count;

    /* Runs. */
    struct alloc_free free;
    struct alloc_agent **candidates; /* asked for; heap */
    uint32_t candidate_count;
    uint32_t candidate_capacity;
    bool is_all_asked;
    struct alloc_agent **visits; /* of the run under way; heap */
    uint32_t visit_capacity;
    struct alloc_batch batch;
    struct alloc_random random;
    bool is_random_stale;     /* active roles or weights have changed */
    int64_t next_interval_ns; /* TIME_NEVER before the first event */
    uint64_t run_count;
    uint64_t event_count;

    /* Recovery. */
    bool is_paused;
    uint32_t expected_agents;
    int64_t recovery_deadline_ns;

    /* Agents with an unavailability. */
    struct alloc_agent **maintained; /* heap */
    uint32_t maintained_count;
    uint32_t maintained_capacity;

    /* Names of roles that are gone but may be in the last batch. */
    char **buried; /* heap */
    uint32_t buried_count;
    uint32_t buried_capacity;
};

/* Takes over the name, to be freed with the next step. */
void alloc_bury_name(struct alloc *a, char *name);
/* Less headroom may be required, or more may be there, than before. */
static inline void alloc_headroom_eased(struct alloc *a)
{
    alloc_free_wake_held(&a->free);
}

#endif
