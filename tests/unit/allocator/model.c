#include "model.h"

#include "resources/roles.h"

const char *const model_roles[MODEL_ROLES] = {"a", "b", "c", "a/x", "a/y", "a/x/deep", "*"};

static bool is_top(uint32_t role)
{
    return strchr(model_roles[role], '/') == NULL;
}

void model_init(struct model *m, struct resource_names *names)
{
    *m = (struct model){.names = names};
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        resource_limits_init(&m->limits[i]);
        m->weights[i] = 1000;
    }
    m->minimum[0].common[RESOURCE_NAME_CPUS] = 10;
    m->minimum[1].common[RESOURCE_NAME_MEM] = 32000;
}

void model_deinit(struct model *m)
{
    model_drop_filters(m, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        quantities_deinit(&m->guarantees[i]);
        resource_limits_deinit(&m->limits[i]);
    }
    for (uint32_t i = 0; i < MODEL_AGENTS; i++) {
        resources_deinit(&m->agents[i].total);
        for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
            resources_deinit(&m->agents[i].held[f]);
        }
    }
}

/* --- filters --- */

void model_add_filter(struct model *m, uint32_t framework, uint32_t agent, uint32_t role,
                      const struct resources *refused, int64_t deadline_ns)
{
    assert_true(m->filter_count < MODEL_FILTERS);
    struct model_filter *filter = &m->filters[m->filter_count++];
    *filter = (struct model_filter){framework, agent, role, deadline_ns, RESOURCES_INIT};
    resources_copy(refused, &filter->refused);
}

static void drop_filter(struct model *m, size_t at)
{
    resources_deinit(&m->filters[at].refused);
    m->filters[at] = m->filters[--m->filter_count];
}

void model_drop_filters(struct model *m, uint32_t framework, uint32_t agent, uint32_t role)
{
    for (size_t i = m->filter_count; i > 0; i--) {
        const struct model_filter *f = &m->filters[i - 1];
        if ((framework == UINT32_MAX || f->framework == framework) &&
            (agent == UINT32_MAX || f->agent == agent) && (role == UINT32_MAX || f->role == role)) {
            drop_filter(m, i - 1);
        }
    }
}

void model_expire_filters(struct model *m, int64_t before_ns)
{
    for (size_t i = m->filter_count; i > 0; i--) {
        if (m->filters[i - 1].deadline_ns < before_ns) {
            drop_filter(m, i - 1);
        }
    }
}

static bool is_filtered(const struct model *m, uint32_t framework, uint32_t agent, uint32_t role,
                        const struct resources *offer)
{
    for (size_t i = 0; i < m->filter_count; i++) {
        const struct model_filter *f = &m->filters[i];
        if (f->framework == framework && f->agent == agent && f->role == role &&
            resources_contain(&f->refused, offer)) {
            return true;
        }
    }
    return false;
}

/* --- what there is --- */

struct resources model_free(const struct model *m, uint32_t agent)
{
    const struct model_agent *a = &m->agents[agent];
    struct resources left;
    resources_copy(&a->total, &left);
    for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
        struct resources held;
        resources_copy(&a->held[f], &held);
        resources_unallocate(&held, NULL);
        resources_subtract(&left, &held);
        resources_deinit(&held);
    }
    return left;
}

static bool counts_for_quota(const struct resource *r)
{
    return r->kind->type == VALUE_SCALAR && !resource_is_reserved(r) && !r->kind->is_revocable;
}

struct quantities model_consumed(const struct model *m, uint32_t role)
{
    struct quantities sum = QUANTITIES_INIT;
    for (uint32_t i = 0; i < MODEL_AGENTS; i++) {
        const struct model_agent *a = &m->agents[i];
        for (uint32_t j = 0; j < a->total.count; j++) {
            const struct resource *r = &a->total.items[j];
            if (resource_is_reserved(r) && r->kind->type == VALUE_SCALAR &&
                resource_is_reserved_within(r, slice_from(model_roles[role]))) {
                quantities_add_resource(&sum, r, m->names);
            }
        }
        for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
            for (uint32_t j = 0; j < a->held[f].count; j++) {
                const struct resource *r = &a->held[f].items[j];
                if (counts_for_quota(r) &&
                    resource_is_allocated_within(r, slice_from(model_roles[role]))) {
                    quantities_add_resource(&sum, r, m->names);
                }
            }
        }
    }
    return sum;
}

void model_headroom(const struct model *m, struct quantities *ret_available,
                    struct quantities *ret_required)
{
    *ret_available = QUANTITIES_INIT;
    *ret_required = QUANTITIES_INIT;
    for (uint32_t i = 0; i < MODEL_AGENTS; i++) {
        struct resources left = model_free(m, i);
        for (uint32_t j = 0; j < left.count; j++) {
            if (counts_for_quota(&left.items[j])) {
                quantities_add_resource(ret_available, &left.items[j], m->names);
            }
        }
        resources_deinit(&left);
    }
    for (uint32_t role = 0; role < MODEL_ROLES; role++) {
        if (is_top(role)) {
            struct quantities missing;
            struct quantities consumed = model_consumed(m, role);
            quantities_copy(&m->guarantees[role], &missing);
            quantities_subtract(&missing, &consumed);
            quantities_add(ret_required, &missing);
            quantities_deinit(&missing);
            quantities_deinit(&consumed);
        }
    }
}

/* --- who may, who wants --- */

bool model_is_eligible(const struct model *m, uint32_t framework, uint32_t agent, uint32_t role)
{
    const struct model_framework *f = &m->frameworks[framework];
    const struct model_agent *a = &m->agents[agent];
    if (!f->exists || !f->is_active || !f->is_subscribed[role] || f->is_suppressed[role]) {
        return false;
    }
    if (!a->exists || !a->is_active || !a->is_whitelisted) {
        return false;
    }
    if ((f->capabilities & ALLOCATOR_MULTI_ROLE) != 0 &&
        (a->capabilities & ALLOCATOR_MULTI_ROLE) == 0) {
        return false;
    }
    if ((f->racks[role] >> a->rack & 1) == 0) {
        return false;
    }
    int64_t gpus = 0;
    if (resources_get_scalar(&a->total, SLICE("gpus"), &gpus) && gpus > 0 &&
        (f->capabilities & ALLOCATOR_GPU) == 0) {
        return false;
    }
    return is_top(role) || (a->capabilities & ALLOCATOR_HIERARCHICAL_ROLE) != 0;
}

static bool is_for(const struct model *m, uint32_t framework, uint32_t role,
                   const struct resource *r)
{
    uint32_t able = m->frameworks[framework].capabilities;
    return resource_is_allocatable_to(r, slice_from(model_roles[role])) &&
           (!r->kind->is_revocable || (able & ALLOCATOR_REVOCABLE) != 0) &&
           (!resource_has_refined_reservations(r) || (able & ALLOCATOR_REFINEMENT) != 0);
}

static bool meets_minimum(const struct model *m, const struct resources *offer)
{
    return resources_contain_quantities(offer, &m->minimum[0], m->names) ||
           resources_contain_quantities(offer, &m->minimum[1], m->names);
}

/* What is missing of the guarantee of the top level role above. */
static int64_t missing_of_top(const struct model *m, uint32_t role, uint32_t name)
{
    struct slice top = role_top(slice_from(model_roles[role]));
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        if (slice_is(top, model_roles[i])) {
            struct quantities consumed = model_consumed(m, i);
            int64_t missing =
                quantities_get(&m->guarantees[i], name) - quantities_get(&consumed, name);
            quantities_deinit(&consumed);
            return missing > 0 ? missing : 0;
        }
    }
    fail_msg("no top level role");
    return 0;
}

static int64_t cut(int64_t amount, int64_t room)
{
    return amount < room ? amount : room > 0 ? room : 0;
}

struct resources model_would_offer(const struct model *m, uint32_t framework, uint32_t agent,
                                   uint32_t role)
{
    struct resources offer = RESOURCES_INIT;
    if (!model_is_eligible(m, framework, agent, role)) {
        return offer;
    }
    struct quantities available;
    struct quantities required;
    struct quantities consumed = model_consumed(m, role);
    model_headroom(m, &available, &required);
    struct resources left = model_free(m, agent);
    for (uint32_t i = 0; i < left.count; i++) {
        struct resource r = resource_copy(&left.items[i]);
        if (is_for(m, framework, role, &r) && counts_for_quota(&r)) {
            uint32_t name = r.kind->common_name;
            int64_t limit = resource_limits_get(&m->limits[role], name);
            if (limit != RESOURCE_LIMIT_NONE) {
                r.value.scalar = cut(r.value.scalar, limit - quantities_get(&consumed, name));
            }
            if (!quantities_is_empty(&required)) {
                /* Of what its own guarantee requires it may take. */
                int64_t surplus =
                    quantities_get(&available, name) - quantities_get(&required, name);
                r.value.scalar =
                    cut(r.value.scalar, surplus < 0 ? 0 : surplus + missing_of_top(m, role, name));
            }
        }
        if (is_for(m, framework, role, &r)) {
            resources_add_one(&offer, &r);
        }
        resource_deinit(&r);
    }
    resources_deinit(&left);
    quantities_deinit(&available);
    quantities_deinit(&required);
    quantities_deinit(&consumed);
    if (!meets_minimum(m, &offer) || is_filtered(m, framework, agent, role, &offer)) {
        resources_deinit(&offer);
    }
    return offer;
}

void model_assert_may(const struct model *m, uint32_t framework, uint32_t agent, uint32_t role,
                      const struct resources *offer)
{
    assert_true(model_is_eligible(m, framework, agent, role));
    assert_true(meets_minimum(m, offer));
    assert_false(is_filtered(m, framework, agent, role, offer));
    for (uint32_t i = 0; i < offer->count; i++) {
        assert_true(is_for(m, framework, role, &offer->items[i]));
    }
}

/* --- fairness --- */

/* The share of what frameworks hold in roles: of `role` and below, or of the role alone, or of one
 * framework in it. */
static double share(const struct model *m, const char *role, bool with_subroles, uint32_t framework,
                    int64_t weight)
{
    struct quantities total = QUANTITIES_INIT;
    struct quantities held = QUANTITIES_INIT;
    for (uint32_t i = 0; i < MODEL_AGENTS; i++) {
        const struct model_agent *a = &m->agents[i];
        quantities_add_scalars(&total, &a->total, m->names);
        for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
            for (uint32_t j = 0; j < a->held[f].count; j++) {
                const struct resource *r = &a->held[f].items[j];
                struct slice of = r->kind->allocation_role;
                bool counts =
                    with_subroles ? role_is_within(of, slice_from(role)) : slice_is(of, role);
                if (counts && r->kind->type == VALUE_SCALAR &&
                    (framework == UINT32_MAX || framework == f)) {
                    quantities_add_resource(&held, r, m->names);
                }
            }
        }
    }
    double largest = 0;
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (total.common[name] > 0) {
            double s = (double)held.common[name] / (double)total.common[name];
            largest = s > largest ? s : largest;
        }
    }
    quantities_deinit(&total);
    quantities_deinit(&held);
    return largest * 1000 / (double)weight;
}

static int64_t weight_of(const struct model *m, const char *role, size_t size)
{
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        if (strlen(model_roles[i]) == size && memcmp(model_roles[i], role, size) == 0) {
            return m->weights[i];
        }
    }
    return 1000;
}

/* The share by which a role stands among the children of `parent`. */
static double share_below(const struct model *m, const char *role, size_t parent_size)
{
    if (strlen(role) == parent_size) {
        return share(m, role, false, UINT32_MAX, 1000); /* the virtual leaf */
    }
    char child[64];
    size_t size = parent_size + (parent_size != 0);
    while (role[size] != '\0' && role[size] != '/') {
        size++;
    }
    memcpy(child, role, size);
    child[size] = '\0';
    return share(m, child, true, UINT32_MAX, weight_of(m, child, size));
}

/* How much of both names is a common path: "a/x" and "a/y/z" have "a". */
static size_t common_path(const char *a, const char *b)
{
    size_t common = 0;
    for (size_t i = 0;; i++) {
        bool ends_a = a[i] == '\0' || a[i] == '/';
        bool ends_b = b[i] == '\0' || b[i] == '/';
        if (ends_a && ends_b) {
            common = i;
        }
        if (a[i] != b[i] || a[i] == '\0') {
            return common;
        }
    }
}

bool model_is_before(const struct model *m, uint32_t other, uint32_t other_role, uint32_t chosen,
                     uint32_t chosen_role)
{
    const char *a = model_roles[other_role];
    const char *b = model_roles[chosen_role];
    double share_a;
    double share_b;
    if (other_role == chosen_role) {
        share_a = share(m, a, false, other, 1000);
        share_b = share(m, b, false, chosen, 1000);
    } else {
        size_t common = common_path(a, b);
        share_a = share_below(m, a, common);
        share_b = share_below(m, b, common);
    }
    return share_a * 1.01 < share_b;
}
