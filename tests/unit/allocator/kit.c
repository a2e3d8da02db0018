#include "kit.h"

#include "common/xalloc.h"

#define TEXTS_MAX 16

/* "a,b" as a NULL-terminated list on the caller's stack; the texts stay in `copy`. */
struct texts {
    char *copy;
    const char *items[TEXTS_MAX + 1];
};

static void texts_split(struct texts *t, const char *list)
{
    *t = (struct texts){0};
    if (list == NULL) {
        return;
    }
    size_t count = 0;
    char *rest = NULL;
    t->copy = xstrdup(list);
    for (char *at = strtok_r(t->copy, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        assert_true(count < TEXTS_MAX);
        t->items[count++] = at;
    }
}

/* --- the world --- */

struct allocator_options kit_options(void)
{
    return (struct allocator_options){
        .allocation_interval_ns = KIT_INTERVAL_NS,
        .seed = 7,
        .filter_gpu_resources = true,
        .recovery_factor = 0.8,
        .recovery_timeout_ns = 10 * NS_PER_MIN,
    };
}

void kit_init_with(struct kit *k, const struct allocator_options *options, const char *minimum)
{
    *k = (struct kit){.ops = &allocator_hierarchical, .now_ns = NS_PER_HOUR};
    resource_names_init(&k->names);
    struct quantities min[4];
    struct allocator_options o = *options;
    o.names = &k->names;
    o.min_allocatable = min;
    struct slice rest = slice_from(minimum);
    struct slice part;
    while (minimum[0] != '\0' && slice_split(&rest, '|', &part)) {
        struct err err;
        assert_true(o.min_allocatable_count < ELEMENTS(min));
        assert_int_equal(quantities_parse(part, &k->names, &min[o.min_allocatable_count++], &err),
                         0);
    }
    k->allocator = k->ops->create(&o);
    for (size_t i = 0; i < o.min_allocatable_count; i++) {
        quantities_deinit(&min[i]);
    }
    assert_int_equal(k->ops->deadline(k->allocator), TIME_NEVER);
}

void kit_init(struct kit *k)
{
    struct allocator_options options = kit_options();
    kit_init_with(k, &options, "cpus:0.01|mem:32");
}

void kit_forget(struct kit *k, struct kit_offer *offer)
{
    free(offer->role);
    resources_deinit(&offer->resources);
    size_t at = (size_t)(offer - k->offers);
    k->offer_count--;
    memmove(offer, offer + 1, (k->offer_count - at) * sizeof(*offer));
}

void kit_deinit(struct kit *k)
{
    while (k->offer_count != 0) {
        kit_forget(k, &k->offers[k->offer_count - 1]);
    }
    free(k->offers);
    k->ops->destroy(k->allocator);
    resource_names_deinit(&k->names);
}

/* --- resources --- */

struct resources kit_resources(const char *text)
{
    struct resources r;
    struct err err;
    if (resources_parse_any(slice_from(text), SLICE("*"), &r, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return r;
}

struct resources kit_allocated(const char *text, const char *role)
{
    struct resources r = kit_resources(text);
    resources_allocate(&r, slice_from(role), NULL);
    return r;
}

struct resources kit_revocable(const char *text)
{
    struct resources r = kit_resources(text);
    for (uint32_t i = 0; i < r.count; i++) {
        struct resource_kind draft = *r.items[i].kind;
        draft.is_revocable = true;
        resource_set_kind(&r.items[i], resource_kind_make(&draft, NULL));
    }
    return r;
}

struct resources kit_reserved(const char *text, const char *roles)
{
    struct resources r = kit_resources(text);
    struct texts t;
    texts_split(&t, roles);
    for (size_t i = 0; t.items[i] != NULL; i++) {
        struct resource_reservation reservation = {
            .type = RESERVATION_DYNAMIC,
            .role = slice_from(t.items[i]),
            .principal = SLICE("ops"),
        };
        struct resources pushed;
        resources_push_reservation(&r, &reservation, &pushed);
        resources_deinit(&r);
        r = pushed;
    }
    free(t.copy);
    return r;
}

struct resources kit_volume(const char *role, const char *disk, const char *id, bool is_shared)
{
    char text[64];
    snprintf(text, sizeof(text), "disk:%s", disk);
    struct resources r = kit_reserved(text, role);
    struct resource_disk volume = {.persistence_id = slice_from(id)};
    struct resource_kind draft = *r.items[0].kind;
    draft.has_disk = true;
    draft.disk = &volume;
    draft.is_shared = is_shared;
    resource_set_kind(&r.items[0], resource_kind_make(&draft, NULL));
    return r;
}

/* --- frameworks and agents --- */

void kit_framework_with(struct kit *k, uint32_t id, const char *roles, const char *suppressed,
                        uint32_t capabilities)
{
    struct texts r;
    struct texts s;
    texts_split(&r, roles);
    texts_split(&s, suppressed);
    struct allocator_framework info = {
        .roles = r.items,
        .suppressed_roles = s.items,
        .capabilities = capabilities,
        .active = true,
    };
    k->ops->add_framework(k->allocator, k->now_ns, id, &info, NULL, 0);
    free(r.copy);
    free(s.copy);
}

void kit_framework(struct kit *k, uint32_t id, const char *roles)
{
    kit_framework_with(k, id, roles, NULL, ALLOCATOR_MULTI_ROLE | ALLOCATOR_REFINEMENT);
}

void kit_update_framework(struct kit *k, uint32_t id, const char *roles, const char *suppressed,
                          uint32_t capabilities)
{
    struct texts r;
    struct texts s;
    texts_split(&r, roles);
    texts_split(&s, suppressed);
    struct allocator_framework info = {
        .roles = r.items,
        .suppressed_roles = s.items,
        .capabilities = capabilities,
    };
    k->ops->update_framework(k->allocator, k->now_ns, id, &info);
    free(r.copy);
    free(s.copy);
}

void kit_agent_resources(struct kit *k, uint32_t id, const struct resources *total)
{
    struct allocator_agent info = {
        .total = total, .capabilities = KIT_AGENT_CAPABILITIES, .active = true};
    k->ops->add_agent(k->allocator, k->now_ns, id, &info, NULL, 0);
}

void kit_agent(struct kit *k, uint32_t id, const char *total)
{
    struct resources r = kit_resources(total);
    kit_agent_resources(k, id, &r);
    resources_deinit(&r);
}

void kit_agent_used(struct kit *k, uint32_t id, const char *total, uint32_t framework,
                    const char *role, const char *used)
{
    struct resources r = kit_resources(total);
    struct resources u = kit_allocated(used, role);
    struct allocator_agent info = {
        .total = &r, .capabilities = KIT_AGENT_CAPABILITIES, .active = true};
    struct allocator_used use = {framework, id, &u};
    k->ops->add_agent(k->allocator, k->now_ns, id, &info, &use, 1);
    resources_deinit(&r);
    resources_deinit(&u);
}

void kit_update_agent(struct kit *k, uint32_t id, const struct resources *total)
{
    struct allocator_agent info = {.total = total, .capabilities = KIT_AGENT_CAPABILITIES};
    k->ops->update_agent(k->allocator, k->now_ns, id, &info);
}

void kit_suppress(struct kit *k, uint32_t id, const char *roles)
{
    struct texts r;
    texts_split(&r, roles);
    k->ops->suppress(k->allocator, k->now_ns, id, roles != NULL ? r.items : NULL);
    free(r.copy);
}

void kit_revive(struct kit *k, uint32_t id, const char *roles)
{
    struct texts r;
    texts_split(&r, roles);
    k->ops->revive(k->allocator, k->now_ns, id, roles != NULL ? r.items : NULL);
    free(r.copy);
}

void kit_quota(struct kit *k, const char *role, const char *guarantees, const char *limits)
{
    struct quantities g = QUANTITIES_INIT;
    struct resource_limits l;
    struct err err;
    resource_limits_init(&l);
    if (guarantees[0] != '\0') {
        assert_int_equal(quantities_parse(slice_from(guarantees), &k->names, &g, &err), 0);
    }
    if (limits[0] != '\0') {
        assert_int_equal(resource_limits_parse(slice_from(limits), &k->names, &l, &err), 0);
    }
    k->ops->set_quota(k->allocator, k->now_ns, role, &g, &l);
    quantities_deinit(&g);
    resource_limits_deinit(&l);
}

void kit_weight(struct kit *k, const char *role, int64_t weight_milli)
{
    k->ops->set_weight(k->allocator, k->now_ns, role, weight_milli);
}

/* --- steps --- */

static void hold(struct kit *k, const struct allocator_offer *offer)
{
    k->offers = xrealloc(k->offers, k->offer_count + 1, sizeof(k->offers[0]));
    k->offers[k->offer_count++] = (struct kit_offer){
        .framework = offer->framework,
        .agent = offer->agent,
        .role = xstrdup(offer->role),
        .resources = resources_take(offer->resources),
    };
}

size_t kit_step(struct kit *k)
{
    size_t before = k->offer_count;
    k->inverse_count = 0;
    while (k->ops->deadline(k->allocator) <= k->now_ns) {
        struct allocator_batch batch;
        k->ops->step(k->allocator, k->now_ns, &batch);
        for (size_t i = 0; i < batch.offer_count; i++) {
            hold(k, &batch.offers[i]);
        }
        for (size_t i = 0; i < batch.inverse_offer_count; i++) {
            assert_true(k->inverse_count < ELEMENTS(k->inverse));
            k->inverse[k->inverse_count++] = batch.inverse_offers[i];
        }
    }
    return k->offer_count - before;
}

size_t kit_interval(struct kit *k)
{
    k->now_ns += KIT_INTERVAL_NS;
    return kit_step(k);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts texts and joins them. */
static void join(char **lines, size_t count, const char *between, struct buf *out)
{
    qsort(lines, count, sizeof(lines[0]), compare_lines);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s%s", i != 0 ? between : "", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

static char *line_of(const struct kit_offer *offer)
{
    struct resources plain;
    resources_copy(&offer->resources, &plain);
    for (uint32_t i = 0; i < plain.count; i++) {
        /* All of an offer is for its role. */
        assert_slice(plain.items[i].kind->allocation_role, offer->role);
    }
    resources_unallocate(&plain, NULL);
    char **parts = xcalloc(plain.count + 1, sizeof(char *));
    for (uint32_t i = 0; i < plain.count; i++) {
        struct buf part = BUF_INIT;
        resource_format(&plain.items[i], false, &part);
        parts[i] = xstrndup(part.data, part.size);
        buf_deinit(&part);
    }
    struct buf line = BUF_INIT;
    buf_printf(&line, "f%u a%u %s: ", offer->framework, offer->agent, offer->role);
    join(parts, plain.count, "; ", &line);
    resources_deinit(&plain);
    char *text = xstrndup(line.data, line.size);
    buf_deinit(&line);
    return text;
}

void kit_assert_last(struct kit *k, size_t count, const char *expected)
{
    char **lines = xcalloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        lines[i] = line_of(&k->offers[k->offer_count - count + i]);
    }
    struct buf text = BUF_INIT;
    join(lines, count, "\n", &text);
    buf_append_byte(&text, 0);
    assert_string_equal(text.data, expected);
    buf_deinit(&text);
}

size_t kit_count(const struct kit *k, uint32_t framework)
{
    size_t count = 0;
    for (size_t i = 0; i < k->offer_count; i++) {
        count += k->offers[i].framework == framework;
    }
    return count;
}

int64_t kit_amount(const struct kit *k, uint32_t framework, const char *name)
{
    int64_t sum = 0;
    for (size_t i = 0; i < k->offer_count; i++) {
        int64_t amount;
        if (k->offers[i].framework == framework &&
            resources_get_scalar(&k->offers[i].resources, slice_from(name), &amount)) {
            sum += amount;
        }
    }
    return sum;
}

struct kit_offer *kit_find(struct kit *k, uint32_t framework, uint32_t agent, const char *role)
{
    for (size_t i = 0; i < k->offer_count; i++) {
        struct kit_offer *offer = &k->offers[i];
        if (offer->framework == framework && offer->agent == agent &&
            (role == NULL || strcmp(role, offer->role) == 0)) {
            return offer;
        }
    }
    fail_msg("framework %u holds no offer of agent %u", framework, agent);
    return NULL;
}

static void decline(struct kit *k, struct kit_offer *offer, int64_t refuse_ns)
{
    struct allocator_refusal refusal = {refuse_ns};
    k->ops->recover_resources(k->allocator, k->now_ns, offer->framework, offer->agent,
                              &offer->resources, &refusal);
    kit_forget(k, offer);
}

void kit_decline(struct kit *k, uint32_t framework, uint32_t agent, int64_t refuse_ns)
{
    decline(k, kit_find(k, framework, agent, NULL), refuse_ns);
}

void kit_decline_all(struct kit *k, int64_t refuse_ns)
{
    while (k->offer_count != 0) {
        decline(k, &k->offers[0], refuse_ns);
    }
}

void kit_use(struct kit *k, uint32_t framework, uint32_t agent, const char *used, int64_t refuse_ns)
{
    struct kit_offer *offer = kit_find(k, framework, agent, NULL);
    if (used != NULL) {
        struct resources u = kit_allocated(used, offer->role);
        assert_true(resources_contain(&offer->resources, &u));
        resources_subtract(&offer->resources, &u);
        resources_deinit(&u);
        decline(k, offer, refuse_ns);
    } else {
        kit_forget(k, offer);
    }
}

void kit_free_used(struct kit *k, uint32_t framework, uint32_t agent, const char *role,
                   const char *used)
{
    struct resources u = kit_allocated(used, role);
    k->ops->recover_resources(k->allocator, k->now_ns, framework, agent, &u, NULL);
    resources_deinit(&u);
}
