/*
 * Random events from a seed, against the model: nothing is offered that must not be, and after each
 * run for all agents, nobody is left who would take what is left.
 */
#include "model.h"

#include "common/prng.h"
#include "common/xalloc.h"

#define INTERVAL_NS KIT_INTERVAL_NS
#define OFFERS_MAX 512

struct offer {
    uint32_t framework;
    uint32_t agent;
    uint32_t role;
    struct resources resources; /* with allocation */
};

struct world {
    const struct allocator_ops *ops;
    void *allocator;
    struct resource_names names;
    struct model m;
    struct prng prng;
    int64_t now_ns;
    int64_t interval_ns;             /* the next one */
    bool has_quota;                  /* this world knows quota */
    struct offer offers[OFFERS_MAX]; /* outstanding */
    size_t offer_count;
    size_t made_count; /* in all */
};

static uint32_t below(struct world *w, uint32_t bound)
{
    return (uint32_t)prng_below(&w->prng, bound);
}

static uint32_t role_index(const char *name)
{
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        if (strcmp(model_roles[i], name) == 0) {
            return i;
        }
    }
    fail_msg("offered to a role that nobody has: %s", name);
    return 0;
}

/* --- runs --- */

static void take_offer(struct world *w, const struct allocator_offer *offer)
{
    uint32_t role = role_index(offer->role);
    struct resources plain;
    resources_copy(offer->resources, &plain);
    resources_unallocate(&plain, NULL);
    struct resources left = model_free(&w->m, offer->agent);
    assert_true(resources_contain(&left, &plain));
    model_assert_may(&w->m, offer->framework, offer->agent, role, &plain);
    resources_add(&w->m.agents[offer->agent].held[offer->framework], offer->resources);
    assert_true(w->offer_count < OFFERS_MAX);
    w->offers[w->offer_count++] =
        (struct offer){offer->framework, offer->agent, role, resources_take(offer->resources)};
    w->made_count++;
    resources_deinit(&plain);
    resources_deinit(&left);
}

static void assert_nobody_is_left(const struct world *w)
{
    for (uint32_t agent = 0; agent < MODEL_AGENTS; agent++) {
        for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
            for (uint32_t role = 0; role < MODEL_ROLES; role++) {
                struct resources offer = model_would_offer(&w->m, f, agent, role);
                if (!resources_is_empty(&offer)) {
                    struct buf text = BUF_INIT;
                    resources_format(&offer, &text);
                    fail_msg("framework %u would take %s on agent %u for %s", f, buf_text(&text),
                             agent, model_roles[role]);
                }
            }
        }
    }
}

/* What the limits left before a run is not exceeded after it. */
static void measure_room(const struct world *w, int64_t room[MODEL_ROLES][RESOURCE_NAMES_COMMON])
{
    for (uint32_t role = 0; role < MODEL_ROLES; role++) {
        struct quantities consumed = model_consumed(&w->m, role);
        for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
            int64_t limit = w->m.limits[role].common[name];
            room[role][name] =
                limit != RESOURCE_LIMIT_NONE ? limit - consumed.common[name] : INT64_MAX;
        }
        quantities_deinit(&consumed);
    }
}

static int64_t surplus_of(const struct quantities *available, const struct quantities *required,
                          uint32_t name)
{
    return available->common[name] - required->common[name];
}

static void run(struct world *w, bool is_for_all)
{
    int64_t room_before[MODEL_ROLES][RESOURCE_NAMES_COMMON];
    int64_t room_after[MODEL_ROLES][RESOURCE_NAMES_COMMON];
    struct quantities available;
    struct quantities required;
    struct quantities available_after;
    struct quantities required_after;
    model_expire_filters(&w->m, w->now_ns);
    measure_room(w, room_before);
    model_headroom(&w->m, &available, &required);
    struct allocator_batch batch;
    w->ops->step(w->allocator, w->now_ns, &batch);
    for (size_t i = 0; i < batch.offer_count; i++) {
        take_offer(w, &batch.offers[i]);
    }
    measure_room(w, room_after);
    model_headroom(&w->m, &available_after, &required_after);
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        /* Headroom is not given away. */
        if (surplus_of(&available, &required, name) >= 0) {
            assert_true(surplus_of(&available_after, &required_after, name) >= 0);
        }
        for (uint32_t role = 0; role < MODEL_ROLES; role++) {
            /* Use in subroles is not bound, but counts: only roles without are checked. */
            if (role != 0 && room_before[role][name] >= 0) {
                assert_true(room_after[role][name] >= 0);
            }
        }
    }
    if (is_for_all) {
        assert_nobody_is_left(w);
    }
    quantities_deinit(&available);
    quantities_deinit(&required);
    quantities_deinit(&available_after);
    quantities_deinit(&required_after);
}

/* What is asked for now. */
static void run_asked(struct world *w, bool is_for_all)
{
    if (w->ops->deadline(w->allocator) <= w->now_ns) {
        run(w, is_for_all);
    }
}

static void run_interval(struct world *w)
{
    w->now_ns = w->interval_ns;
    run(w, true);
    w->interval_ns = w->now_ns + INTERVAL_NS;
    assert_int_equal(w->ops->deadline(w->allocator), w->interval_ns);
}

/* --- frameworks --- */

/* Roles by chance, as lists for the call. */
struct choice {
    const char *roles[MODEL_ROLES + 1];
    const char *suppressed[MODEL_ROLES + 1];
    struct allocator_framework info;
};

static bool is_on_rack(const void *arg, const char *role, uint32_t agent)
{
    const struct model_framework *f = arg;
    return (f->racks[role_index(role)] >> f->model->agents[agent].rack & 1) != 0;
}

static void choose(struct world *w, struct model_framework *f, struct choice *c)
{
    size_t count = 0;
    size_t suppressed = 0;
    *c = (struct choice){0};
    uint32_t must = below(w, MODEL_ROLES);
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        f->is_subscribed[i] = i == must || below(w, 4) == 0;
        f->is_suppressed[i] = f->is_subscribed[i] && below(w, 6) == 0;
        if (f->is_subscribed[i]) {
            c->roles[count++] = model_roles[i];
        }
        if (f->is_suppressed[i]) {
            c->suppressed[suppressed++] = model_roles[i];
        }
    }
    f->capabilities = below(w, 2) == 0 ? KIT_ALL_CAPABILITIES : ALLOCATOR_MULTI_ROLE;
    c->info = (struct allocator_framework){
        .roles = c->roles,
        .suppressed_roles = c->suppressed,
        .capabilities = f->capabilities,
        .active = true,
    };
    bool is_constrained = below(w, 2) == 0;
    f->model = &w->m;
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        uint32_t all = (1u << MODEL_RACKS) - 1;
        f->racks[i] = is_constrained && below(w, 3) != 0 ? below(w, all + 1) : all;
    }
    c->info.constraint = is_constrained ? is_on_rack : NULL;
    c->info.constraint_arg = f;
}

static void drop_offers(struct world *w, uint32_t framework, uint32_t agent)
{
    for (size_t i = w->offer_count; i > 0; i--) {
        struct offer *o = &w->offers[i - 1];
        if ((framework == UINT32_MAX || o->framework == framework) &&
            (agent == UINT32_MAX || o->agent == agent)) {
            resources_deinit(&o->resources);
            *o = w->offers[--w->offer_count];
        }
    }
}

static void event_framework(struct world *w)
{
    uint32_t id = below(w, MODEL_FRAMEWORKS);
    struct model_framework *f = &w->m.frameworks[id];
    struct choice c;
    if (!f->exists) {
        choose(w, f, &c);
        f->exists = f->is_active = true;
        w->ops->add_framework(w->allocator, w->now_ns, id, &c.info, NULL, 0);
        run_asked(w, true);
        return;
    }
    switch (below(w, 5)) {
    case 0:
        w->ops->remove_framework(w->allocator, w->now_ns, id);
        model_drop_filters(&w->m, id, UINT32_MAX, UINT32_MAX);
        for (uint32_t agent = 0; agent < MODEL_AGENTS; agent++) {
            resources_deinit(&w->m.agents[agent].held[id]);
        }
        drop_offers(w, id, UINT32_MAX);
        *f = (struct model_framework){0};
        break;
    case 1: {
        struct model_framework before = *f;
        choose(w, f, &c);
        w->ops->update_framework(w->allocator, w->now_ns, id, &c.info);
        for (uint32_t role = 0; role < MODEL_ROLES; role++) {
            if (!f->is_subscribed[role] ||
                (before.is_suppressed[role] && !f->is_suppressed[role])) {
                model_drop_filters(&w->m, id, UINT32_MAX, role);
            }
        }
        break;
    }
    default:
        f->is_active = !f->is_active;
        if (f->is_active) {
            w->ops->activate_framework(w->allocator, w->now_ns, id);
            run_asked(w, true);
        } else {
            w->ops->deactivate_framework(w->allocator, w->now_ns, id);
            model_drop_filters(&w->m, id, UINT32_MAX, UINT32_MAX);
        }
        break;
    }
}

static void event_suppress(struct world *w)
{
    uint32_t id = below(w, MODEL_FRAMEWORKS);
    struct model_framework *f = &w->m.frameworks[id];
    if (!f->exists) {
        return;
    }
    uint32_t role = below(w, MODEL_ROLES);
    bool is_all = below(w, 3) == 0;
    bool is_revival = below(w, 2) == 0;
    const char *roles[] = {is_all ? NULL : model_roles[role], NULL};
    for (uint32_t i = 0; i < MODEL_ROLES; i++) {
        if (f->is_subscribed[i] && (is_all || i == role)) {
            f->is_suppressed[i] = !is_revival;
            if (is_revival) {
                model_drop_filters(&w->m, id, UINT32_MAX, i);
            }
        }
    }
    if (is_revival) {
        w->ops->revive(w->allocator, w->now_ns, id, roles);
        run_asked(w, true);
    } else {
        w->ops->suppress(w->allocator, w->now_ns, id, roles);
    }
}

/* --- agents --- */

static struct resources random_total(struct world *w)
{
    char text[128];
    snprintf(text, sizeof(text), "cpus:%u;mem:%u;ports:[1-%u]", 1 + below(w, 8),
             32 * (1 + below(w, 16)), 1 + below(w, 9));
    struct resources total = kit_resources(text);
    if (below(w, 6) == 0) {
        struct resources gpus = kit_resources("gpus:1");
        resources_add(&total, &gpus);
        resources_deinit(&gpus);
    }
    if (below(w, 4) == 0) {
        struct resources reserved =
            kit_reserved("cpus:1;mem:64", model_roles[below(w, MODEL_ROLES - 1)]);
        resources_add(&total, &reserved);
        resources_deinit(&reserved);
    }
    if (below(w, 6) == 0) {
        struct resources refined = kit_reserved("cpus:2", "a,a/x");
        resources_add(&total, &refined);
        resources_deinit(&refined);
    }
    if (below(w, 5) == 0) {
        struct resources extra = kit_revocable("cpus:3");
        resources_add(&total, &extra);
        resources_deinit(&extra);
    }
    return total;
}

/* With one agent new, and all else as it was: is the one who got it the one whose turn it was? */
static void run_for_new_agent(struct world *w, uint32_t id)
{
    struct model m = w->m; /* as it is before the run; shares what it points to */
    size_t before = w->offer_count;
    struct resources wanted[MODEL_FRAMEWORKS][MODEL_ROLES];
    for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
        for (uint32_t role = 0; role < MODEL_ROLES; role++) {
            wanted[f][role] = model_would_offer(&m, f, id, role);
        }
    }
    /* Who would come before whom, while nothing is offered yet. */
    bool order[MODEL_FRAMEWORKS * MODEL_ROLES][MODEL_FRAMEWORKS * MODEL_ROLES];
    for (uint32_t x = 0; x < MODEL_FRAMEWORKS * MODEL_ROLES; x++) {
        for (uint32_t y = 0; y < MODEL_FRAMEWORKS * MODEL_ROLES; y++) {
            const struct resources *wx = &wanted[x / MODEL_ROLES][x % MODEL_ROLES];
            const struct resources *wy = &wanted[y / MODEL_ROLES][y % MODEL_ROLES];
            order[x][y] = wx->count != 0 && wy->count != 0 && x != y &&
                          model_is_before(&m, x / MODEL_ROLES, x % MODEL_ROLES, y / MODEL_ROLES,
                                          y % MODEL_ROLES);
        }
    }
    run_asked(w, false);
    if (w->offer_count > before) {
        /* Whoever has all of the unreserved cpus came first. */
        for (size_t i = before; i < w->offer_count; i++) {
            const struct offer *o = &w->offers[i];
            struct resources unreserved;
            resources_unreserved(&o->resources, &unreserved);
            uint32_t chosen = o->framework * MODEL_ROLES + o->role;
            for (uint32_t x = 0; unreserved.count > 1 && x < MODEL_FRAMEWORKS * MODEL_ROLES; x++) {
                assert_false(order[x][chosen]);
            }
            resources_deinit(&unreserved);
        }
    }
    for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
        for (uint32_t role = 0; role < MODEL_ROLES; role++) {
            resources_deinit(&wanted[f][role]);
        }
    }
}

static void add_agent(struct world *w, uint32_t id)
{
    struct model_agent *a = &w->m.agents[id];
    bool is_old = below(w, 8) == 0;
    a->exists = a->is_active = a->is_whitelisted = true;
    a->capabilities = is_old ? 0 : KIT_AGENT_CAPABILITIES;
    a->rack = below(w, MODEL_RACKS);
    a->total = random_total(w);
    struct allocator_agent info = {
        .total = &a->total, .capabilities = a->capabilities, .active = true};
    struct resources used = RESOURCES_INIT;
    struct allocator_used use = {0};
    uint32_t user = below(w, MODEL_FRAMEWORKS);
    if (below(w, 3) == 0 && w->m.frameworks[user].exists) {
        used = kit_allocated("cpus:1;mem:32", model_roles[below(w, MODEL_ROLES)]);
        use = (struct allocator_used){user, id, &used};
        resources_add(&a->held[user], &used);
    }
    w->ops->add_agent(w->allocator, w->now_ns, id, &info, &use, used.count != 0);
    resources_deinit(&used);
    if (w->has_quota) {
        run_asked(w, false);
    } else {
        run_for_new_agent(w, id);
    }
}

static void event_agent(struct world *w)
{
    uint32_t id = below(w, MODEL_AGENTS);
    struct model_agent *a = &w->m.agents[id];
    if (!a->exists) {
        add_agent(w, id);
        return;
    }
    switch (below(w, 6)) {
    case 0:
        w->ops->remove_agent(w->allocator, w->now_ns, id);
        model_drop_filters(&w->m, UINT32_MAX, id, UINT32_MAX);
        drop_offers(w, UINT32_MAX, id);
        resources_deinit(&a->total);
        for (uint32_t f = 0; f < MODEL_FRAMEWORKS; f++) {
            resources_deinit(&a->held[f]);
        }
        *a = (struct model_agent){0};
        break;
    case 1:
    case 2: {
        bool has_changed = below(w, 4) == 0;
        a->capabilities = below(w, 8) == 0 ? 0 : KIT_AGENT_CAPABILITIES;
        resources_deinit(&a->total);
        a->total = random_total(w);
        a->rack = has_changed ? below(w, MODEL_RACKS) : a->rack;
        struct allocator_agent info = {
            .total = &a->total,
            .capabilities = a->capabilities,
            .attributes_changed = has_changed,
        };
        w->ops->update_agent(w->allocator, w->now_ns, id, &info);
        if (has_changed) {
            model_drop_filters(&w->m, UINT32_MAX, id, UINT32_MAX);
        }
        run_asked(w, false);
        break;
    }
    case 3:
        a->is_whitelisted = !a->is_whitelisted;
        w->ops->set_whitelisted(w->allocator, w->now_ns, id, a->is_whitelisted);
        break;
    default:
        a->is_active = !a->is_active;
        if (a->is_active) {
            w->ops->activate_agent(w->allocator, w->now_ns, id);
        } else {
            w->ops->deactivate_agent(w->allocator, w->now_ns, id);
        }
        break;
    }
}

/* --- resources --- */

static void recover(struct world *w, uint32_t framework, uint32_t agent, uint32_t role,
                    const struct resources *r, int64_t refuse_ns)
{
    struct allocator_refusal refusal = {refuse_ns};
    if (resources_is_empty(r)) {
        return;
    }
    w->ops->recover_resources(w->allocator, w->now_ns, framework, agent, r, &refusal);
    resources_subtract(&w->m.agents[agent].held[framework], r);
    if (refuse_ns != 0 && w->m.frameworks[framework].is_subscribed[role]) {
        struct resources plain;
        resources_copy(r, &plain);
        resources_unallocate(&plain, NULL);
        int64_t filter_ns = refuse_ns > INTERVAL_NS ? refuse_ns : INTERVAL_NS;
        model_add_filter(&w->m, framework, agent, role, &plain, w->now_ns + filter_ns);
        resources_deinit(&plain);
    }
}

/* An offer is declined, or used in part. */
static void event_answer(struct world *w)
{
    if (w->offer_count == 0) {
        return;
    }
    struct offer *o = &w->offers[below(w, (uint32_t)w->offer_count)];
    static const int64_t refusals[] = {0, INTERVAL_NS / 2, 5 * INTERVAL_NS / 2, 40 * INTERVAL_NS};
    if (below(w, 3) == 0) {
        /* A task takes the first kind of it, or half of that; it goes on for ever or until it is
         * freed. */
        struct resource used = resource_copy(&o->resources.items[0]);
        if (used.kind->type == VALUE_SCALAR && used.value.scalar > 1000) {
            used.value.scalar /= 2;
        }
        resources_subtract_one(&o->resources, &used);
        resource_deinit(&used);
    }
    struct offer taken = *o;
    *o = w->offers[--w->offer_count];
    recover(w, taken.framework, taken.agent, taken.role, &taken.resources,
            refusals[below(w, ELEMENTS(refusals))]);
    resources_deinit(&taken.resources);
}

/* Something in use, that is not part of an outstanding offer, is free. */
static void event_task_ends(struct world *w)
{
    uint32_t agent = below(w, MODEL_AGENTS);
    uint32_t framework = below(w, MODEL_FRAMEWORKS);
    struct resources used;
    resources_copy(&w->m.agents[agent].held[framework], &used);
    for (size_t i = 0; i < w->offer_count; i++) {
        if (w->offers[i].agent == agent && w->offers[i].framework == framework) {
            resources_subtract(&used, &w->offers[i].resources);
        }
    }
    if (used.count != 0) {
        struct resources one = RESOURCES_INIT;
        resources_add_one(&one, &used.items[below(w, used.count)]);
        recover(w, framework, agent, 0, &one, 0);
        resources_deinit(&one);
    }
    resources_deinit(&used);
}

/* Free cpus are reserved, or reserved ones made free for all. */
static void event_operation(struct world *w)
{
    uint32_t agent = below(w, MODEL_AGENTS);
    struct model_agent *a = &w->m.agents[agent];
    struct resources left = model_free(&w->m, agent);
    struct resources before = RESOURCES_INIT;
    struct resources after = RESOURCES_INIT;
    if (left.count != 0) {
        const struct resource *r = &left.items[below(w, left.count)];
        resources_add_one(&before, r);
        if (r->kind->type != VALUE_SCALAR) {
            /* Numbers stay: agents change at will here, and the same ones could be taken twice. */
        } else if (resource_is_reserved(r)) {
            resources_pop_reservation(&before, &after);
        } else if (!r->kind->is_revocable) {
            struct resource_reservation reservation = {
                .type = RESERVATION_DYNAMIC,
                .role = slice_from(model_roles[below(w, MODEL_ROLES - 1)]),
            };
            resources_push_reservation(&before, &reservation, &after);
        }
    }
    if (after.count != 0) {
        assert_true(w->ops->update_available(w->allocator, w->now_ns, agent, &before, &after));
        resources_subtract(&a->total, &before);
        resources_add(&a->total, &after);
    }
    resources_deinit(&left);
    resources_deinit(&before);
    resources_deinit(&after);
}

/* The same in an offer, for its role. */
static void event_operation_in_offer(struct world *w)
{
    if (w->offer_count == 0) {
        return;
    }
    struct offer *o = &w->offers[below(w, (uint32_t)w->offer_count)];
    struct model_agent *a = &w->m.agents[o->agent];
    struct resources before = RESOURCES_INIT;
    struct resources after = RESOURCES_INIT;
    const struct resource *r = &o->resources.items[below(w, o->resources.count)];
    resources_add_one(&before, r);
    struct resources plain_before;
    resources_copy(&before, &plain_before);
    resources_unallocate(&plain_before, NULL);
    if (r->kind->type != VALUE_SCALAR) {
        /* as above */
    } else if (resource_is_reserved(r)) {
        resources_pop_reservation(&before, &after);
    } else if (!r->kind->is_revocable && strcmp(model_roles[o->role], "*") != 0) {
        struct resource_reservation reservation = {.type = RESERVATION_DYNAMIC,
                                                   .role = slice_from(model_roles[o->role])};
        resources_push_reservation(&before, &reservation, &after);
    }
    /* The agent may have shrunk since, so that the total does not have it. */
    if (after.count != 0 && resources_contain(&a->total, &plain_before)) {
        struct resources plain_after;
        resources_copy(&after, &plain_after);
        resources_unallocate(&plain_after, NULL);
        w->ops->update_allocation(w->allocator, w->now_ns, o->framework, o->agent, &before, &after);
        resources_subtract(&a->held[o->framework], &before);
        resources_add(&a->held[o->framework], &after);
        resources_subtract(&a->total, &plain_before);
        resources_add(&a->total, &plain_after);
        resources_subtract(&o->resources, &before);
        resources_add(&o->resources, &after);
        resources_deinit(&plain_after);
    }
    resources_deinit(&plain_before);
    resources_deinit(&before);
    resources_deinit(&after);
}

/* --- operators --- */

static void event_operator(struct world *w)
{
    uint32_t role = below(w, MODEL_ROLES);
    if (!w->has_quota || strchr(model_roles[role], '/') != NULL) {
        w->m.weights[role] = 500 * (1 + (int64_t)below(w, 6));
        w->ops->set_weight(w->allocator, w->now_ns, model_roles[role], w->m.weights[role]);
        return;
    }
    static const uint32_t names[] = {RESOURCE_NAME_CPUS, RESOURCE_NAME_MEM};
    struct quantities guarantees = QUANTITIES_INIT;
    struct resource_limits limits;
    resource_limits_init(&limits);
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        int64_t amount = (names[i] == RESOURCE_NAME_CPUS ? 500 : 64000) * (int64_t)below(w, 12);
        if (below(w, 3) == 0) {
            quantities_set(&guarantees, names[i], amount);
        }
        if (below(w, 3) == 0) {
            resource_limits_set(&limits, names[i], amount * (1 + below(w, 2)));
        }
    }
    w->ops->set_quota(w->allocator, w->now_ns, model_roles[role], &guarantees, &limits);
    quantities_deinit(&w->m.guarantees[role]);
    resource_limits_deinit(&w->m.limits[role]);
    w->m.guarantees[role] = guarantees;
    w->m.limits[role] = limits;
}

static void live(struct world *w, int event_count)
{
    for (int i = 0; i < event_count; i++) {
        w->now_ns += (int64_t)below(w, INTERVAL_NS / 8);
        if (w->now_ns >= w->interval_ns) {
            run_interval(w);
        }
        switch (below(w, 16)) {
        case 0:
            event_framework(w);
            break;
        case 1:
        case 2:
            event_suppress(w);
            break;
        case 3:
        case 4:
        case 5:
            event_agent(w);
            break;
        case 6:
            event_operator(w);
            break;
        case 7:
            event_operation(w);
            break;
        case 8:
            event_operation_in_offer(w);
            break;
        case 9:
        case 10:
            event_task_ends(w);
            break;
        default:
            event_answer(w);
            break;
        }
    }
}

static size_t live_world(uint64_t seed, bool has_quota)
{
    struct world *w = xalloc(sizeof(*w));
    w->ops = &allocator_hierarchical;
    w->has_quota = has_quota;
    w->now_ns = NS_PER_HOUR;
    w->interval_ns = w->now_ns + INTERVAL_NS;
    resource_names_init(&w->names);
    prng_seed(&w->prng, seed);
    model_init(&w->m, &w->names);
    struct allocator_options options = kit_options();
    options.seed = seed;
    options.names = &w->names;
    options.min_allocatable = w->m.minimum;
    options.min_allocatable_count = ELEMENTS(w->m.minimum);
    w->allocator = w->ops->create(&options);
    w->ops->set_weight(w->allocator, w->now_ns, "a", 1000); /* starts the clock */
    live(w, 500);
    size_t made_count = w->made_count;
    drop_offers(w, UINT32_MAX, UINT32_MAX);
    w->ops->destroy(w->allocator);
    model_deinit(&w->m);
    resource_names_deinit(&w->names);
    free(w);
    return made_count;
}

static void test_random_worlds_without_quota(void **state)
{
    (void)state;
    size_t made_count = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        made_count += live_world(seed, false);
    }
    assert_true(made_count > 1000);
}

static void test_random_worlds_with_quota(void **state)
{
    (void)state;
    size_t made_count = 0;
    for (uint64_t seed = 101; seed <= 112; seed++) {
        made_count += live_world(seed, true);
    }
    assert_true(made_count > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_worlds_without_quota),
        cmocka_unit_test(test_random_worlds_with_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
