/*
 * A small world for tests of the allocator: frameworks and agents by number, resources as text, and
 * offers as lines that read "f0 a1 role: cpus:2; mem:1024".
 *
 * Offers that were made are held until they are declined, used or dropped, as the master would hold
 * them. Time moves only when a test says so.
 */
#ifndef TEPUI_TESTS_UNIT_ALLOCATOR_KIT_H
#define TEPUI_TESTS_UNIT_ALLOCATOR_KIT_H

#include "../unit.h"

#include "common/duration.h"
#include "resources/resources.h"
#include "tepui/allocator.h"

#define KIT_INTERVAL_NS NS_PER_SEC
#define KIT_AGENT_CAPABILITIES \
    (ALLOCATOR_MULTI_ROLE | ALLOCATOR_HIERARCHICAL_ROLE | ALLOCATOR_REFINEMENT)
#define KIT_ALL_CAPABILITIES                                                         \
    (ALLOCATOR_REVOCABLE | ALLOCATOR_GPU | ALLOCATOR_SHARED | ALLOCATOR_MULTI_ROLE | \
     ALLOCATOR_REFINEMENT | ALLOCATOR_REGION_AWARE)

struct kit_offer {
    uint32_t framework;
    uint32_t agent;
    char *role;                 /* owned */
    struct resources resources; /* with allocation */
};

struct kit {
    const struct allocator_ops *ops;
    void *allocator;
    struct resource_names names;
    int64_t now_ns;
    struct kit_offer *offers; /* held */
    size_t offer_count;
    struct allocator_inverse_offer inverse[64]; /* of the last steps */
    size_t inverse_count;
};

/* The usual options: minimum cpus:0.01 or mem:32, gpus filtered. */
void kit_init(struct kit *k);
/* Options to change before kit_init_with; names and minimum are set there. */
struct allocator_options kit_options(void);
void kit_init_with(struct kit *k, const struct allocator_options *options, const char *minimum);
void kit_deinit(struct kit *k);

/* "cpus:2;mem(role):1024": without allocation. To be deinitialized. */
struct resources kit_resources(const char *text);
struct resources kit_allocated(const char *text, const char *role);
/* Made out of cpus or whatever the text says. */
struct resources kit_revocable(const char *text);
/* A volume of `disk` MB reserved for the role, shared or not. */
struct resources kit_volume(const char *role, const char *disk, const char *id, bool is_shared);
/* Reserved by a stack of roles, "a,a/b". */
struct resources kit_reserved(const char *text, const char *roles);

/* Roles as "a,b"; active, nothing suppressed, MULTI_ROLE and REFINEMENT unless the second says
 * what. */
void kit_framework(struct kit *k, uint32_t id, const char *roles);
void kit_framework_with(struct kit *k, uint32_t id, const char *roles, const char *suppressed,
                        uint32_t capabilities);
void kit_update_framework(struct kit *k, uint32_t id, const char *roles, const char *suppressed,
                          uint32_t capabilities);
void kit_agent(struct kit *k, uint32_t id, const char *total);
void kit_agent_resources(struct kit *k, uint32_t id, const struct resources *total);
/* With a part of it used already. */
void kit_agent_used(struct kit *k, uint32_t id, const char *total, uint32_t framework,
                    const char *role, const char *used);
void kit_update_agent(struct kit *k, uint32_t id, const struct resources *total);

void kit_suppress(struct kit *k, uint32_t id, const char *roles); /* NULL = all */
void kit_revive(struct kit *k, uint32_t id, const char *roles);
/* "cpus:2;mem:1024" or ""; limits "" = none. */
void kit_quota(struct kit *k, const char *role, const char *guarantees, const char *limits);
void kit_weight(struct kit *k, const char *role, int64_t weight_milli);

/* Does the steps that are due now, and holds the offers. Returns how many there are new. */
size_t kit_step(struct kit *k);
/* The same one interval later. */
size_t kit_interval(struct kit *k);
/* The newest `count` offers held, as sorted lines, are these. */
void kit_assert_last(struct kit *k, size_t count, const char *expected);
/* What is due now, or an interval later, makes just these offers. */
#define kit_expect(k, expected) kit_assert_last((k), kit_step(k), (expected))
#define kit_expect_later(k, expected) kit_assert_last((k), kit_interval(k), (expected))

/* How many offers a framework holds, and how much of a scalar is in them. */
size_t kit_count(const struct kit *k, uint32_t framework);
int64_t kit_amount(const struct kit *k, uint32_t framework, const char *name);
/* The framework's offer of the agent; role NULL = any. Fails if it has none. */
struct kit_offer *kit_find(struct kit *k, uint32_t framework, uint32_t agent, const char *role);

/* refuse_ns 0 = no filter. */
void kit_decline(struct kit *k, uint32_t framework, uint32_t agent, int64_t refuse_ns);
void kit_decline_all(struct kit *k, int64_t refuse_ns);
/* Tasks run on `used` of it; the rest is declined. NULL = on all of it. */
void kit_use(struct kit *k, uint32_t framework, uint32_t agent, const char *used,
             int64_t refuse_ns);
/* Tasks end. */
void kit_free_used(struct kit *k, uint32_t framework, uint32_t agent, const char *role,
                   const char *used);
/* The offer is forgotten here; its resources stay allocated. */
void kit_forget(struct kit *k, struct kit_offer *offer);

#endif
