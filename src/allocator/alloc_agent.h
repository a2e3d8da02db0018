/*
 * An agent: what there is, what is available, who holds what, who is known to refuse it.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_AGENT_H
#define TEPUI_ALLOCATOR_ALLOC_AGENT_H

#include "common/list.h"
#include "resources/resources.h"
#include "tepui/allocator.h"

struct alloc;
struct alloc_client;
struct alloc_filter;
struct alloc_framework;
struct alloc_inverse;
struct alloc_refused;

#define ALLOC_AGENT_NOT_FREE UINT32_MAX

/* What one framework holds on one agent: offered to it or in use. */
struct alloc_held {
    struct list of_framework; /* in framework->held, or in the list of orphans */
    struct alloc_agent *agent;
    uint32_t framework_id;
    struct alloc_framework *framework; /* NULL while the allocator was not told of it: then the
                                          resources are taken, but no role has them in its books */
    struct resources resources;        /* with allocation; not empty */
};

struct alloc_agent {
    uint32_t id;
    uint32_t capabilities; /* ALLOCATOR_* */
    bool is_active;
    bool is_whitelisted;
    bool is_remote;    /* in another region than the master */
    bool has_gpus;     /* in total */
    bool has_shared;   /* in total */
    bool is_candidate; /* of the next run */

    struct resources total;     /* interned, as are the following */
    struct resources available; /* total - held; shared ones always */
    bool is_overcommitted;      /* more is held than there is: then available is always computed
                                   from scratch */
    struct alloc_held **held;   /* heap */
    uint32_t held_count;
    uint32_t held_capacity;

    /* About what is available, as of `version`: */
    uint64_t version; /* counts changes of available */
    bool is_plain;    /* all unreserved, neither revocable nor shared */
    int64_t bounds[RESOURCE_NAMES_COMMON];
    struct quantities unreserved; /* unreserved, non-revocable scalars: what quota may hold back */

    uint32_t free_place; /* in alloc.free */

    /* Clients that refuse whatever is contained in basis; bits by client id. */
    uint64_t *refused; /* heap */
    uint32_t refused_words;
    bool has_refused;             /* some bit may be set */
    struct resources basis;       /* meaningful if has_refused */
    uint64_t basis_version;       /* of available that was last found contained in basis */
    uint64_t basis_exact_version; /* of available that was last found equal to it */

    /* Clients whose constraints exclude it, whatever is available; bits by client id. */
    uint64_t *excluded; /* heap */
    uint32_t excluded_words;

    /* Offer filters by client id: open addressing. */
    struct alloc_filter **filters;      /* heap */
    uint32_t filter_capacity;           /* a power of two, or 0 */
    uint32_t filter_count;              /* of different clients */
    struct alloc_refused *last_refused; /* reference; what the newest filter is about */

    /* The run under way. */
    uint64_t run;         /* of which the following are; of an older one, they are void */
    uint32_t first_draft; /* its offers so far: head of a chain, or ALLOC_DRAFT_NONE */
    struct resources shared_offered; /* each shared resource once in a run */

    /* Maintenance. */
    bool has_unavailability;
    uint32_t maintained_place;     /* in alloc.maintained, if has_unavailability */
    struct alloc_inverse *inverse; /* heap */
    uint32_t inverse_count;
};

struct alloc_agent *alloc_agent_find(const struct alloc *a, uint32_t id);
struct alloc_agent *alloc_agent_new(struct alloc *a, uint32_t id,
                                    const struct allocator_agent *info);
/* Held by nobody, without filters (asserts); its total is taken out of the books. */
void alloc_agent_free(struct alloc *a, struct alloc_agent *agent);

/* Capabilities and region. */
void alloc_agent_set_traits(struct alloc *a, struct alloc_agent *agent,
                            const struct allocator_agent *info);
/* Takes over *total. False if it is what was there. `available` is computed. */
bool alloc_agent_set_total(struct alloc *a, struct alloc_agent *agent, struct resources *total);
/* Computes what is available from scratch. */
void alloc_agent_recompute(struct alloc *a, struct alloc_agent *agent);
/* After more or something else has become available: wakes it. */
void alloc_agent_changed(struct alloc *a, struct alloc_agent *agent);
/* After less has become available: stays awake or asleep as it was, unless nothing is left. */
void alloc_agent_shrunk(struct alloc *a, struct alloc_agent *agent);
/* Lists it among the free ones, or not, after is_active or is_whitelisted has changed. */
void alloc_agent_relist(struct alloc *a, struct alloc_agent *agent);

/* NULL if the framework holds nothing here. */
struct alloc_held *alloc_agent_held(const struct alloc_agent *agent, uint32_t framework_id);
struct alloc_held *alloc_agent_add_held(struct alloc *a, struct alloc_agent *agent,
                                        uint32_t framework_id);
void alloc_agent_remove_held(struct alloc_agent *agent, struct alloc_held *held);

static inline bool alloc_agent_is_refused(const struct alloc_agent *agent, uint32_t client_id)
{
    uint32_t word = client_id / 64;
    return word < agent->refused_words && (agent->refused[word] >> client_id % 64 & 1) != 0;
}

static inline bool alloc_agent_is_excluded(const struct alloc_agent *agent, uint32_t client_id)
{
    uint32_t word = client_id / 64;
    return word < agent->excluded_words && (agent->excluded[word] >> client_id % 64 & 1) != 0;
}

/* The client's constraints exclude the agent, until either of them changes. */
void alloc_agent_note_exclusion(struct alloc_agent *agent, struct alloc_client *client);
/* The client refuses all that is available now. */
void alloc_agent_note_refusal(struct alloc_agent *agent, struct alloc_client *client);
void alloc_agent_forget_refusal(struct alloc_agent *agent, uint32_t client_id);
void alloc_agent_forget_refusals(struct alloc_agent *agent);
/* Those of the clients in `mask`, which has `words` words, and exclusions by them; true if there
 * were any. */
bool alloc_agent_forget_refusals_of(struct alloc_agent *agent, const uint64_t *mask,
                                    uint32_t words);
/* Forgets refusals that do not hold for what is available now. */
void alloc_agent_check_refusals(struct alloc_agent *agent);

#endif
