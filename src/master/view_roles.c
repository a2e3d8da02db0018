/* Roles as readers see them: who is in them, what they have (facts/observed.md, allocator 8). */
#include <stdlib.h>

#include "master/fields.h"
#include "master/view_parts.h"
#include "resources/roles.h"
#include "wire/cursor.h"
#include "wire/message.h"
#include "wire/pb.h"

#define WEIGHT_DEFAULT 1.0

/* A framework that is in the role. */
struct member {
    struct member *next;
    struct slice id; /* in a record */
};

enum role_amount {
    ROLE_ALLOCATED,     /* in use */
    ROLE_OFFERED,       /* outstanding */
    ROLE_RESERVED,      /* in use or not */
    ROLE_RESERVED_USED, /* of these: in use */
    ROLE_AMOUNTS,
};

struct role {
    struct map_link by_name; /* roles->map */
    struct slice name;       /* in a record, the input, or another role's name */
    double weight;
    const Pb__Quota__QuotaConfig *quota;     /* by resource name; NULL = none */
    struct quantities amounts[ROLE_AMOUNTS]; /* of it and of what is below it */
    struct member *members;                  /* in order of finding */
    struct member **last_member;             /* where the next is put; NULL while there is none */
};

struct roles {
    struct view_index *index;
    struct map map;      /* struct role by name */
    struct role **items; /* by name, once all are there; in the index's arena */
    size_t count;
    struct resource_names names; /* of the quantities */
    bool is_closed;              /* --roles: no role comes to be by being used */
};

static struct slice role_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct role, by_name)->name;
}

static struct role *find(const struct roles *roles, struct slice name)
{
    struct map_link *link = map_find(&roles->map, name);
    return link != NULL ? CONTAINER_OF(link, struct role, by_name) : NULL;
}

/* The role and those it is below of. */
static void add(struct roles *roles, struct slice name)
{
    do {
        if (find(roles, name) != NULL) {
            return;
        }
        struct role *role = ARENA_NEW(&roles->index->arena, struct role);
        role->name = name;
        role->weight = WEIGHT_DEFAULT;
        map_add(&roles->map, &role->by_name);
        roles->count++;
    } while (role_parent(name, &name));
}

static void add_by_use(struct roles *roles, struct slice name)
{
    if (!roles->is_closed) {
        add(roles, name);
    }
}

/* --- which roles there are --- */

static void add_member(struct roles *roles, struct slice name, struct slice id)
{
    struct role *role = find(roles, name);
    if (role == NULL) {
        return;
    }
    struct member *member = ARENA_NEW(&roles->index->arena, struct member);
    member->id = id;
    if (role->last_member == NULL) {
        role->last_member = &role->members;
    }
    *role->last_member = member;
    role->last_member = &member->next;
}

static void add_framework(struct roles *roles, const struct framework_record *record)
{
    struct arena *arena = &roles->index->arena;
    Pb__FrameworkInfo *info;
    int failed = MESSAGE_DECODE(Pb__FrameworkInfo, pb__framework_info, blob_slice(record->info),
                                arena, &info, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    struct slice id = blob_slice(record->id);
    if ((record->capabilities & FRAMEWORK_MULTI_ROLE) == 0) {
        struct slice name = info->role != NULL ? slice_from(info->role) : SLICE("*");
        add_by_use(roles, name);
        add_member(roles, name, id);
        return;
    }
    for (size_t i = 0; i < info->n_roles; i++) {
        add_by_use(roles, slice_from(info->roles[i]));
        add_member(roles, slice_from(info->roles[i]), id);
    }
}

static void add_allocations(struct roles *roles, const struct resources *resources)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        if (resources->items[i].kind->has_allocation) {
            add_by_use(roles, resources->items[i].kind->allocation_role);
        }
    }
}

static void add_weights(struct roles *roles, struct slice bytes)
{
    struct arena *arena = &roles->index->arena;
    Pb__Master__Response__GetWeights *weights;
    int failed = MESSAGE_DECODE(Pb__Master__Response__GetWeights, pb__master__response__get_weights,
                                bytes, arena, &weights, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    for (size_t i = 0; i < weights->n_weight_infos; i++) {
        struct slice name = slice_from(weights->weight_infos[i]->role);
        add_by_use(roles, name);
        struct role *role = find(roles, name);
        if (role != NULL) {
            role->weight = weights->weight_infos[i]->weight;
        }
    }
}

static void add_quotas(struct roles *roles, struct slice bytes)
{
    struct arena *arena = &roles->index->arena;
    Pb__Quota__QuotaStatus *status;
    int failed = MESSAGE_DECODE(Pb__Quota__QuotaStatus, pb__quota__quota_status, bytes, arena,
                                &status, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    for (size_t i = 0; i < status->n_configs; i++) {
        struct slice name = slice_from(status->configs[i]->role);
        add_by_use(roles, name);
        struct role *role = find(roles, name);
        if (role != NULL) {
            role->quota = status->configs[i];
        }
    }
}

static const struct view_run *total_of(struct roles *roles, const struct agent_record *agent)
{
    return master_view_run(&roles->index->runs, blob_slice(agent->total), FIELD_RESOURCES);
}

static void find_roles(struct roles *roles, const struct view_input *input)
{
    struct view_index *index = roles->index;
    struct slice rest = input->whitelist;
    struct slice name;
    while (rest.data != NULL && slice_split(&rest, ',', &name)) {
        add(roles, name);
        roles->is_closed = true;
    }
    for (size_t i = 0; i < index->running.count; i++) {
        add_framework(roles, index->running.items[i]);
        const struct view_sums *sums = &index->framework_sums[index->running.items[i]->slot];
        add_allocations(roles, &sums->used);
        add_allocations(roles, &sums->offered);
    }
    for (size_t i = 0; i < index->registered.count; i++) {
        const struct resources *total = &total_of(roles, index->registered.items[i])->resources;
        for (uint32_t j = 0; j < total->count; j++) {
            if (resource_is_reserved(&total->items[j])) {
                add_by_use(roles, resource_reservation_role(&total->items[j]));
            }
        }
    }
    add_weights(roles, blob_slice(input->snapshot->roles.weights));
    add_quotas(roles, blob_slice(input->snapshot->roles.quotas));
}

static int compare_roles(const void *a, const void *b)
{
    return slice_compare((*(struct role *const *)a)->name, (*(struct role *const *)b)->name);
}

static void sort_roles(struct roles *roles)
{
    size_t count = 0;
    roles->items = arena_alloc_array(&roles->index->arena, roles->count + 1, sizeof(void *));
    for (struct map_link *link = map_first(&roles->map); link != NULL;
         link = map_next(&roles->map, link)) {
        roles->items[count++] = CONTAINER_OF(link, struct role, by_name);
    }
    qsort(roles->items, count, sizeof(void *), compare_roles);
}

/* --- what they have --- */

/* To the role and those it is below of. */
static void add_amount(struct roles *roles, struct slice name, enum role_amount which,
                       const struct resource *resource)
{
    do {
        struct role *role = find(roles, name);
        if (role != NULL) {
            quantities_add_resource(&role->amounts[which], resource, &roles->names);
        }
    } while (role_parent(name, &name));
}

static void add_allocated(struct roles *roles, const struct resources *resources,
                          enum role_amount which)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct resource *one = &resources->items[i];
        if (one->kind->has_allocation) {
            add_amount(roles, one->kind->allocation_role, which, one);
        }
    }
}

static void add_reserved(struct roles *roles, const struct resources *resources,
                         enum role_amount which)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct resource *one = &resources->items[i];
        if (resource_is_reserved(one)) {
            add_amount(roles, resource_reservation_role(one), which, one);
        }
    }
}

static void roles_init(struct roles *roles, const struct view_input *input,
                       struct view_index *index)
{
    *roles = (struct roles){.index = index};
    master_view_index_init(index, input->snapshot, VIEW_WANTS_ALL, input->seed);
    map_init(&roles->map, role_key, input->seed);
    resource_names_init(&roles->names);
    find_roles(roles, input);
    sort_roles(roles);
    for (size_t i = 0; i < index->running.count; i++) {
        const struct view_sums *sums = &index->framework_sums[index->running.items[i]->slot];
        add_allocated(roles, &sums->used, ROLE_ALLOCATED);
        add_allocated(roles, &sums->offered, ROLE_OFFERED);
    }
    for (size_t i = 0; i < index->registered.count; i++) {
        const struct agent_record *agent = index->registered.items[i];
        add_reserved(roles, &total_of(roles, agent)->resources, ROLE_RESERVED);
        add_reserved(roles, &index->agent_sums[agent->slot].used, ROLE_RESERVED_USED);
    }
}

static void roles_deinit(struct roles *roles)
{
    for (size_t i = 0; i < roles->count; i++) {
        for (size_t j = 0; j < ROLE_AMOUNTS; j++) {
            quantities_deinit(&roles->items[i]->amounts[j]);
        }
    }
    map_deinit(&roles->map);
    resource_names_deinit(&roles->names);
    master_view_index_deinit(roles->index);
}

/* --- quantities by name --- */

struct amount {
    struct slice name;
    int64_t amount; /* thousandths */
};

struct amounts {
    struct amount *items; /* heap, by name */
    size_t count;
};

static int compare_amounts(const void *a, const void *b)
{
    return slice_compare(((const struct amount *)a)->name, ((const struct amount *)b)->name);
}

static void amounts_init(struct amounts *amounts, const struct quantities *quantities,
                         const struct resource_names *names, struct arena *arena)
{
    uint32_t place = 0;
    struct quantity quantity;
    *amounts = (struct amounts){0};
    while (quantities_next(quantities, &place, &quantity)) {
        amounts->count++;
    }
    amounts->items = arena_alloc_array(arena, amounts->count + 1, sizeof(amounts->items[0]));
    place = 0;
    for (size_t i = 0; quantities_next(quantities, &place, &quantity); i++) {
        amounts->items[i] = (struct amount){
            .name = resource_names_text(names, quantity.name),
            .amount = quantity.amount,
        };
    }
    qsort(amounts->items, amounts->count, sizeof(amounts->items[0]), compare_amounts);
}

/* --- /roles --- */

static void put_quantities(struct roles *roles, const char *key,
                           const struct quantities *quantities, struct json_writer *w)
{
    struct amounts amounts;
    amounts_init(&amounts, quantities, &roles->names, &roles->index->arena);
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < amounts.count; i++) {
        json_key_slice(w, amounts.items[i].name);
        json_double(w, scalar_to_double(amounts.items[i].amount));
    }
    json_end_object(w);
}

/* What counts against a quota: what is in use, and what is reserved even if it is not. */
static void consumed_init(struct quantities *consumed, const struct role *role)
{
    quantities_copy(&role->amounts[ROLE_RESERVED], consumed);
    quantities_subtract(consumed, &role->amounts[ROLE_RESERVED_USED]);
    quantities_add(consumed, &role->amounts[ROLE_ALLOCATED]);
}

static void put_quota(struct roles *roles, const struct role *role, struct json_writer *w)
{
    struct quantities consumed;
    consumed_init(&consumed, role);
    json_key(w, "quota");
    json_begin_object(w);
    json_key_string(w, "role", role->name);
    json_key(w, "guarantee");
    json_begin_object(w);
    for (size_t i = 0; role->quota != NULL && i < role->quota->n_guarantees; i++) {
        json_key_slice(w, slice_from(role->quota->guarantees[i]->key));
        json_double(w, role->quota->guarantees[i]->value->value);
    }
    json_end_object(w);
    json_key(w, "limit");
    json_begin_object(w);
    for (size_t i = 0; role->quota != NULL && i < role->quota->n_limits; i++) {
        json_key_slice(w, slice_from(role->quota->limits[i]->key));
        json_double(w, role->quota->limits[i]->value->value);
    }
    json_end_object(w);
    put_quantities(roles, "consumed", &consumed, w);
    json_end_object(w);
    quantities_deinit(&consumed);
}

static void put_role(struct roles *roles, const struct role *role, struct json_writer *w)
{
    struct quantities both;
    quantities_copy(&role->amounts[ROLE_ALLOCATED], &both);
    quantities_add(&both, &role->amounts[ROLE_OFFERED]);
    json_begin_object(w);
    json_key_string(w, "name", role->name);
    json_key_double(w, "weight", role->weight);
    put_quota(roles, role, w);
    put_quantities(roles, "resources", &both, w);
    put_quantities(roles, "allocated", &role->amounts[ROLE_ALLOCATED], w);
    put_quantities(roles, "offered", &role->amounts[ROLE_OFFERED], w);
    put_quantities(roles, "reserved", &role->amounts[ROLE_RESERVED], w);
    json_key(w, "frameworks");
    json_begin_array(w);
    for (const struct member *member = role->members; member != NULL; member = member->next) {
        json_string(w, member->id);
    }
    json_end_array(w);
    json_end_object(w);
    quantities_deinit(&both);
}

void master_view_write_roles(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct roles roles;
    struct json_writer w;
    roles_init(&roles, input, &index);
    json_writer_init(&w, out);
    json_begin_object(&w);
    json_key(&w, "roles");
    json_begin_array(&w);
    for (size_t i = 0; i < roles.count; i++) {
        put_role(&roles, roles.items[i], &w);
    }
    json_end_array(&w);
    json_end_object(&w);
    roles_deinit(&roles);
}

/* --- GET_ROLES --- */

/* mesos.Role, Resource and Value.Scalar */
enum {
    FIELD_ROLES_ROLES = 1,
    FIELD_ROLE_NAME = 1,
    FIELD_ROLE_WEIGHT = 2,
    FIELD_ROLE_FRAMEWORKS = 3,
    FIELD_ROLE_RESOURCES = 4,
    FIELD_RESOURCE_NAME = 1,
    FIELD_RESOURCE_TYPE = 2,
    FIELD_RESOURCE_SCALAR = 3,
    FIELD_SCALAR_VALUE = 1,
};

static void encode_role(struct roles *roles, const struct role *role, struct buf *out)
{
    struct quantities both;
    struct amounts amounts;
    quantities_copy(&role->amounts[ROLE_ALLOCATED], &both);
    quantities_add(&both, &role->amounts[ROLE_OFFERED]);
    amounts_init(&amounts, &both, &roles->names, &roles->index->arena);
    size_t begun = wire_begin(out, FIELD_ROLES_ROLES);
    wire_put_bytes(out, FIELD_ROLE_NAME, role->name);
    wire_put_double(out, FIELD_ROLE_WEIGHT, role->weight);
    for (const struct member *member = role->members; member != NULL; member = member->next) {
        size_t id = wire_begin(out, FIELD_ROLE_FRAMEWORKS);
        wire_put_bytes(out, FIELD_ID_VALUE, member->id);
        wire_end(out, id);
    }
    for (size_t i = 0; i < amounts.count; i++) {
        /* Of others nobody knows whether they are scalars. */
        if (resource_name_common(amounts.items[i].name) == RESOURCE_NAME_NONE) {
            continue;
        }
        size_t resource = wire_begin(out, FIELD_ROLE_RESOURCES);
        wire_put_bytes(out, FIELD_RESOURCE_NAME, amounts.items[i].name);
        wire_put_varint(out, FIELD_RESOURCE_TYPE, VALUE_SCALAR);
        size_t scalar = wire_begin(out, FIELD_RESOURCE_SCALAR);
        wire_put_double(out, FIELD_SCALAR_VALUE, scalar_to_double(amounts.items[i].amount));
        wire_end(out, scalar);
        wire_end(out, resource);
    }
    wire_end(out, begun);
    quantities_deinit(&both);
}

void master_view_encode_roles(const struct view_input *input, struct buf *out)
{
    struct view_index index;
    struct roles roles;
    roles_init(&roles, input, &index);
    for (size_t i = 0; i < roles.count; i++) {
        encode_role(&roles, roles.items[i], out);
    }
    roles_deinit(&roles);
}

/* --- metrics --- */

struct quota_metrics {
    const struct resource_names *names;
    struct arena *arena; /* of names */
    metrics_visit_fn *visit;
    void *arg;
};

static void visit_amount(const struct quota_metrics *m, struct slice role, struct slice resource,
                         const char *what, double value)
{
    m->visit(m->arg,
             arena_printf(m->arena, "allocator/mesos/quota/roles/%.*s/resources/%.*s/%s",
                          SLICE_ARGS(role), SLICE_ARGS(resource), what),
             value);
}

static void visit_consumed(const struct quota_metrics *m, struct slice role,
                           const struct quantities *consumed)
{
    for (uint32_t i = 0; i < RESOURCE_NAMES_COMMON; i++) {
        int64_t amount = quantities_get(consumed, i);
        if (amount != 0) {
            visit_amount(m, role, resource_name_common_text(i), "consumed",
                         scalar_to_double(amount));
        }
    }
}

/* Of what its quota names, how much the role has or is offered. */
static void visit_had(const struct quota_metrics *m, const struct role *role, const char *resource)
{
    uint32_t name = resource_names_find(m->names, slice_from(resource));
    int64_t amount = 0;
    if (name != RESOURCE_NAME_NONE) {
        amount = quantities_get(&role->amounts[ROLE_ALLOCATED], name) +
                 quantities_get(&role->amounts[ROLE_OFFERED], name);
    }
    visit_amount(m, role->name, slice_from(resource), "offered_or_allocated",
                 scalar_to_double(amount));
}

static bool has_guarantee(const Pb__Quota__QuotaConfig *quota, const char *resource)
{
    for (size_t i = 0; i < quota->n_guarantees; i++) {
        if (strcmp(quota->guarantees[i]->key, resource) == 0) {
            return true;
        }
    }
    return false;
}

static void visit_quota(const struct quota_metrics *m, const struct role *role)
{
    const Pb__Quota__QuotaConfig *quota = role->quota;
    if (role->members == NULL) {
        /* A role with a quota is known to the allocator; frameworks tell of all others. */
        m->visit(m->arg,
                 arena_printf(m->arena, "allocator/mesos/offer_filters/roles/%.*s/active",
                              SLICE_ARGS(role->name)),
                 0);
    }
    for (size_t i = 0; i < quota->n_guarantees; i++) {
        visit_amount(m, role->name, slice_from(quota->guarantees[i]->key), "guarantee",
                     quota->guarantees[i]->value->value);
        visit_had(m, role, quota->guarantees[i]->key);
    }
    for (size_t i = 0; i < quota->n_limits; i++) {
        visit_amount(m, role->name, slice_from(quota->limits[i]->key), "limit",
                     quota->limits[i]->value->value);
        if (!has_guarantee(quota, quota->limits[i]->key)) {
            visit_had(m, role, quota->limits[i]->key);
        }
    }
}

void master_view_visit_quotas(const struct view_input *input, metrics_visit_fn *visit, void *arg)
{
    struct view_index index;
    struct roles roles;
    struct slice parent;
    struct quantities all = QUANTITIES_INIT; /* of the role that all are below of */
    roles_init(&roles, input, &index);
    struct quota_metrics m = {&roles.names, &index.arena, visit, arg};
    for (size_t i = 0; i < roles.count; i++) {
        const struct role *role = roles.items[i];
        struct quantities consumed;
        consumed_init(&consumed, role);
        visit_consumed(&m, role->name, &consumed);
        if (!role_parent(role->name, &parent)) {
            quantities_add(&all, &consumed);
        }
        quantities_deinit(&consumed);
        if (role->quota != NULL) {
            visit_quota(&m, role);
        }
    }
    visit_consumed(&m, SLICE(""), &all);
    quantities_deinit(&all);
    roles_deinit(&roles);
}
