/*
 * A slow model of what the allocator may do and must do: no indexes, no sums that are kept, no
 * memory of refusals. Everything is computed from who holds what.
 */
#ifndef TEPUI_TESTS_UNIT_ALLOCATOR_MODEL_H
#define TEPUI_TESTS_UNIT_ALLOCATOR_MODEL_H

#include "kit.h"

#define MODEL_FRAMEWORKS 10
#define MODEL_AGENTS 12
#define MODEL_RACKS 3
#define MODEL_ROLES 7
#define MODEL_FILTERS 4096

extern const char *const model_roles[MODEL_ROLES];

struct model_filter {
    uint32_t framework;
    uint32_t agent;
    uint32_t role;
    int64_t deadline_ns;
    struct resources refused; /* without allocation */
};

struct model_framework {
    bool exists;
    bool is_active;
    uint32_t capabilities;
    bool is_subscribed[MODEL_ROLES];
    bool is_suppressed[MODEL_ROLES];
    uint32_t racks[MODEL_ROLES]; /* bits: on which its constraints let it have offers */
    const struct model *model;   /* that its constraints are asked with */
    uint32_t grants[MODEL_ROLES];
};

struct model_agent {
    bool exists;
    bool is_active;
    bool is_whitelisted;
    uint32_t rack; /* below MODEL_RACKS */
    uint32_t capabilities;
    struct resources total;
    struct resources held[MODEL_FRAMEWORKS]; /* with allocation; offered or used */
};

struct model {
    struct model_framework frameworks[MODEL_FRAMEWORKS];
    struct model_agent agents[MODEL_AGENTS];
    struct model_filter filters[MODEL_FILTERS];
    size_t filter_count;
    struct quantities guarantees[MODEL_ROLES];
    struct resource_limits limits[MODEL_ROLES];
    int64_t weights[MODEL_ROLES];
    struct quantities minimum[2];
    struct resource_names *names;
};

void model_init(struct model *m, struct resource_names *names);
void model_deinit(struct model *m);

void model_add_filter(struct model *m, uint32_t framework, uint32_t agent, uint32_t role,
                      const struct resources *refused, int64_t deadline_ns);
/* Drops filters; UINT32_MAX = of any. */
void model_drop_filters(struct model *m, uint32_t framework, uint32_t agent, uint32_t role);
void model_expire_filters(struct model *m, int64_t before_ns);

struct resources model_free(const struct model *m, uint32_t agent);
bool model_is_eligible(const struct model *m, uint32_t framework, uint32_t agent, uint32_t role);
/* What the framework would be offered of what is free now; empty if nothing that it would take. */
struct resources model_would_offer(const struct model *m, uint32_t framework, uint32_t agent,
                                   uint32_t role);
/* May this offer be made at all: eligible, of resources for the role, wanted? */
void model_assert_may(const struct model *m, uint32_t framework, uint32_t agent, uint32_t role,
                      const struct resources *offer);

/* What the role's subtree uses and has reserved, as quota counts. */
struct quantities model_consumed(const struct model *m, uint32_t role);
/* Headroom there is, and headroom that guarantees require. */
void model_headroom(const struct model *m, struct quantities *ret_available,
                    struct quantities *ret_required);

/* Is `other` clearly before `chosen` in the order of fairness, (framework, role) each? */
bool model_is_before(const struct model *m, uint32_t other, uint32_t other_role, uint32_t chosen,
                     uint32_t chosen_role);

#endif
