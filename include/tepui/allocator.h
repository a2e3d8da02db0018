/*
 * The allocator: who is offered what. A module behind this interface; hierarchical DRF is the one
 * that is built in (src/allocator), others may be loaded.
 *
 * An allocator is a pure core: it reads no clock, does no I/O, and is owned by the master's thread.
 * Each call tells it one fact, with `now_ns` (monotonic); what it wants to offer it hands out when
 * asked, by allocator_step(), at its deadline or right after calls that ask for it. It never offers
 * what it has not been told is free, and remembers what it has offered as allocated until it is
 * told otherwise by `recover` or `update`.
 *
 * Ids are small integers that the master gives and may use again after removal: agents and
 * frameworks are dense, so that an allocator can keep arrays. Resources carry their allocation_info
 * role wherever they are allocated or offered; totals carry none.
 */
#ifndef TEPUI_ALLOCATOR_H
#define TEPUI_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resources;       /* resources/resources.h */
struct quantities;      /* resources/quantities.h */
struct resource_limits; /* resources/quantities.h: quantities, each of which may be infinite */
struct resource_names;  /* resources/names.h */

#define ALLOCATOR_ABI 1

struct allocator_options {
    int64_t allocation_interval_ns;
    /* What all quantities and limits here are numbered by; outlives the allocator, which may add
     * names. NULL = only the common names occur. */
    struct resource_names *names;
    uint64_t seed;             /* for shuffling agents and for random sorters */
    bool filter_gpu_resources; /* agents with gpus only to GPU_RESOURCES frameworks */
    bool role_sorter_random;   /* --role_sorter=random, else drf */
    bool framework_sorter_random;
    const char *const *fair_sharing_excluded; /* resource names, NULL-terminated; may be NULL */
    const struct quantities *min_allocatable; /* an offer must contain one of these */
    size_t min_allocatable_count;
    const char *region;          /* the master's own region, NULL = none */
    double recovery_factor;      /* --allocator_agent_recovery_factor */
    int64_t recovery_timeout_ns; /* --allocator_recovery_timeout */
};

enum {
    ALLOCATOR_REVOCABLE = 1 << 0,
    ALLOCATOR_GPU = 1 << 1,
    ALLOCATOR_SHARED = 1 << 2,
    ALLOCATOR_MULTI_ROLE = 1 << 3, /* frameworks and agents */
    ALLOCATOR_REFINEMENT = 1 << 4, /* frameworks and agents: RESERVATION_REFINEMENT */
    ALLOCATOR_REGION_AWARE = 1 << 5,
    ALLOCATOR_HIERARCHICAL_ROLE = 1 << 6, /* agents */
};

/* Whether the framework's offer constraints let this role have offers of this agent. */
typedef bool allocator_constraint_fn(const void *arg, const char *role, uint32_t agent);

struct allocator_framework {
    const char *const *roles;            /* NULL-terminated, valid, without duplicates */
    const char *const *suppressed_roles; /* NULL-terminated; a part of roles */
    uint32_t capabilities;
    bool active; /* for add_framework; update_framework leaves it as it is */
    /* Per role: an offer must contain one of these instead of min_allocatable; may be 0. */
    const struct allocator_offer_filter *offer_filters;
    size_t offer_filter_count;
    allocator_constraint_fn *constraint; /* NULL = none; valid until the next update */
    const void *constraint_arg;
};

struct allocator_offer_filter {
    const char *role;
    const struct quantities *min_allocatable;
    size_t count;
};

struct allocator_agent {
    const struct resources *total; /* without allocation_info */
    uint32_t capabilities;
    const char *region; /* of the agent's fault domain; NULL = none */
    /* The next three are for add_agent; update_agent leaves them as they are. */
    bool active;
    bool has_unavailability;         /* maintenance: inverse offers */
    int64_t unavailability_start_ns; /* wall clock */
    /* For update_agent: the agent came back with other attributes, so what frameworks refused of it
     * they may want now. Its filters are dropped. */
    bool attributes_changed;
};

/* What a framework holds on an agent: for adding either of them after a failover. Whichever comes
 * first may tell of the other; what an agent told is believed, and need not be told again. */
struct allocator_used {
    uint32_t framework;
    uint32_t agent;
    const struct resources *resources; /* with allocation_info */
};

struct allocator_offer {
    uint32_t framework;
    uint32_t agent;
    const char *role;
    struct resources *resources; /* with allocation_info; owned by the batch */
};

struct allocator_inverse_offer {
    uint32_t framework;
    uint32_t agent;
};

/* One step's outcome; valid until the next step. Offers of one framework are neighbours, so that
 * they go out in one message. The resources of an offer may be taken away (resources_take). */
struct allocator_batch {
    const struct allocator_offer *offers;
    size_t offer_count;
    const struct allocator_inverse_offer *inverse_offers;
    size_t inverse_offer_count;
};

/* Refused resources stay away from (framework, role, agent) while an offer would be contained in
 * them. */
struct allocator_refusal {
    int64_t refuse_ns; /* 0 = no filter; the caller has clamped it */
};

struct allocator_stats {
    uint64_t runs;                /* allocation runs since the start */
    int64_t last_run_duration_ns; /* unused by the core; the host may fill it */
    size_t offer_filters_active;
    size_t event_count; /* calls since the start */
};

/*
 * The operations. `self` is what `create` returned. All pointers passed in are only read during the
 * call.
 */
struct allocator_ops {
    int abi; /* ALLOCATOR_ABI */
    const char *name;

    void *(*create)(const struct allocator_options *options);
    void (*destroy)(void *self);

    /* After a failover with quotas set: nothing is offered before recovery_factor x expected agents
     * are back, or the timeout. */
    void (*recover)(void *self, int64_t now_ns, size_t expected_agents, bool has_quota);

    void (*add_framework)(void *self, int64_t now_ns, uint32_t id,
                          const struct allocator_framework *framework,
                          const struct allocator_used *used, size_t used_count);
    void (*update_framework)(void *self, int64_t now_ns, uint32_t id,
                             const struct allocator_framework *framework);
    void (*remove_framework)(void *self, int64_t now_ns, uint32_t id);
    void (*activate_framework)(void *self, int64_t now_ns, uint32_t id);
    /* Filters go with it (facts/observed.md, allocator 11). */
    void (*deactivate_framework)(void *self, int64_t now_ns, uint32_t id);

    void (*add_agent)(void *self, int64_t now_ns, uint32_t id, const struct allocator_agent *agent,
                      const struct allocator_used *used, size_t used_count);
    /* New totals, capabilities, region; what is allocated stays. */
    void (*update_agent)(void *self, int64_t now_ns, uint32_t id,
                         const struct allocator_agent *agent);
    void (*remove_agent)(void *self, int64_t now_ns, uint32_t id);
    void (*activate_agent)(void *self, int64_t now_ns, uint32_t id);
    void (*deactivate_agent)(void *self, int64_t now_ns, uint32_t id);
    /* --whitelist: NULL = all. */
    void (*set_whitelisted)(void *self, int64_t now_ns, uint32_t agent, bool whitelisted);

    /* Resources that were allocated (offered or used) are free again, with a filter if refusal is
     * given and its time is not 0. */
    void (*recover_resources)(void *self, int64_t now_ns, uint32_t framework, uint32_t agent,
                              const struct resources *resources,
                              const struct allocator_refusal *refusal);
    /* Offered resources were changed by operations: `before` (allocated) became `after`; the
     * agent's total changes likewise. */
    void (*update_allocation)(void *self, int64_t now_ns, uint32_t framework, uint32_t agent,
                              const struct resources *before, const struct resources *after);
    /* An operation on free resources; false if they are not free, and then nothing changed. */
    bool (*update_available)(void *self, int64_t now_ns, uint32_t agent,
                             const struct resources *before, const struct resources *after);
    /* Tasks that appear without an offer (an unreachable agent's, a recovered framework's). */
    void (*add_allocation)(void *self, int64_t now_ns, uint32_t framework, uint32_t agent,
                           const struct resources *resources);

    /* All roles if `roles` is NULL or empty. REVIVE also drops the filters of those roles. */
    void (*suppress)(void *self, int64_t now_ns, uint32_t framework, const char *const *roles);
    void (*revive)(void *self, int64_t now_ns, uint32_t framework, const char *const *roles);

    void (*set_weight)(void *self, int64_t now_ns, const char *role, int64_t weight_milli);
    void (*set_quota)(void *self, int64_t now_ns, const char *role,
                      const struct quantities *guarantees, const struct resource_limits *limits);

    /* Inverse offers: whether the framework has answered, and until when not to ask again. */
    void (*update_unavailability)(void *self, int64_t now_ns, uint32_t agent,
                                  bool has_unavailability, int64_t start_ns);
    void (*update_inverse_offer)(void *self, int64_t now_ns, uint32_t framework, uint32_t agent,
                                 int64_t refuse_ns);

    /* When step() wants to be called, monotonic; TIME_NEVER if never. Calls like add_agent, revive
     * and subscription ask for a run at once (deadline <= now); a decline waits for the interval.
     */
    int64_t (*deadline)(const void *self);
    void (*step)(void *self, int64_t now_ns, struct allocator_batch *ret_batch);

    void (*stats)(const void *self, struct allocator_stats *ret_stats);
    /* For metrics: the dominant share of a role, in millionths; filters active per role. */
    int64_t (*role_share_ppm)(const void *self, const char *role);
    size_t (*role_filters_active)(const void *self, const char *role);
};

/* The built-in hierarchical DRF allocator. */
extern const struct allocator_ops allocator_hierarchical;

#endif
