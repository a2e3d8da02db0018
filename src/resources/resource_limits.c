#include "resources/resource_limits.h"

void resource_limits_init(struct resource_limits *limits)
{
    *limits = (struct resource_limits){0};
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        limits->common[name] = RESOURCE_LIMIT_NONE;
    }
}

void resource_limits_deinit(struct resource_limits *limits)
{
    quantity_list_deinit(&limits->extra);
    resource_limits_init(limits);
}

void resource_limits_copy(const struct resource_limits *limits, struct resource_limits *ret_copy)
{
    struct resource_limits copy = *limits;
    quantity_list_copy(&limits->extra, &copy.extra);
    *ret_copy = copy;
}

int64_t resource_limits_get(const struct resource_limits *limits, uint32_t name)
{
    if (name < RESOURCE_NAMES_COMMON) {
        return limits->common[name];
    }
    const struct quantity *found = quantity_list_find(&limits->extra, name);
    return found != NULL ? found->amount : RESOURCE_LIMIT_NONE;
}

void resource_limits_set(struct resource_limits *limits, uint32_t name, int64_t amount)
{
    ASSERT(amount >= 0);
    if (name < RESOURCE_NAMES_COMMON) {
        limits->common[name] = amount;
        return;
    }
    if (name == RESOURCE_NAME_NONE) {
        return;
    }
    uint32_t place = quantity_list_place(&limits->extra, name);
    bool is_there = place < limits->extra.count && limits->extra.items[place].name == name;
    if (amount == RESOURCE_LIMIT_NONE) {
        if (is_there) {
            quantity_list_remove(&limits->extra, place);
        }
    } else if (is_there) {
        limits->extra.items[place].amount = amount;
    } else {
        quantity_list_insert(&limits->extra, place, (struct quantity){name, amount});
    }
}

bool resource_limits_contain(const struct resource_limits *limits, const struct quantities *q)
{
    bool is_contained = true;
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        is_contained &= limits->common[name] >= q->common[name];
    }
    for (uint32_t i = 0; is_contained && i < q->extra.count; i++) {
        struct quantity used = q->extra.items[i];
        is_contained = resource_limits_get(limits, used.name) >= used.amount;
    }
    return is_contained;
}

bool resource_limits_contain_limits(const struct resource_limits *a,
                                    const struct resource_limits *b)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (a->common[name] < b->common[name]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < a->extra.count; i++) {
        struct quantity bound = a->extra.items[i];
        if (bound.amount < resource_limits_get(b, bound.name)) {
            return false;
        }
    }
    return true;
}

bool resource_limits_equal(const struct resource_limits *a, const struct resource_limits *b)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (a->common[name] != b->common[name]) {
            return false;
        }
    }
    return quantity_list_equal(&a->extra, &b->extra);
}

bool resource_limits_is_empty(const struct resource_limits *limits)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (limits->common[name] != RESOURCE_LIMIT_NONE) {
            return false;
        }
    }
    return limits->extra.count == 0;
}

void resource_limits_subtract(struct resource_limits *limits, const struct quantities *q)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (limits->common[name] != RESOURCE_LIMIT_NONE) {
            limits->common[name] = MAX(limits->common[name] - q->common[name], 0);
        }
    }
    for (uint32_t i = 0; i < limits->extra.count; i++) {
        struct quantity *bound = &limits->extra.items[i];
        bound->amount = MAX(bound->amount - quantities_get(q, bound->name), 0);
    }
}

bool resource_limits_next(const struct resource_limits *limits, uint32_t *place,
                          struct quantity *ret_bound)
{
    while (*place < RESOURCE_NAMES_COMMON) {
        uint32_t name = (*place)++;
        if (limits->common[name] != RESOURCE_LIMIT_NONE) {
            *ret_bound = (struct quantity){name, limits->common[name]};
            return true;
        }
    }
    uint32_t i = *place - RESOURCE_NAMES_COMMON;
    if (i >= limits->extra.count) {
        return false;
    }
    (*place)++;
    *ret_bound = limits->extra.items[i];
    return true;
}

int resource_limits_parse(struct slice text, struct resource_names *names,
                          struct resource_limits *ret_limits, struct err *err)
{
    struct quantity_list list;
    int r = quantity_list_parse(text, "limit", false, names, &list, err);
    if (r != 0) {
        return QUANTITIES_E_INVALID;
    }
    struct resource_limits limits;
    resource_limits_init(&limits);
    for (uint32_t i = 0; i < list.count; i++) {
        resource_limits_set(&limits, list.items[i].name, list.items[i].amount);
    }
    quantity_list_deinit(&list);
    *ret_limits = limits;
    return 0;
}

void resource_limits_format(const struct resource_limits *limits,
                            const struct resource_names *names, struct buf *out)
{
    struct quantity_list list = {0};
    struct quantity bound;
    uint32_t place = 0;
    while (resource_limits_next(limits, &place, &bound)) {
        quantity_list_insert(&list, list.count, bound);
    }
    quantity_list_format(&list, names, out);
    quantity_list_deinit(&list);
}
