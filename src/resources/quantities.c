#include "resources/quantities.h"

#include "resources/resources.h"

void quantities_deinit(struct quantities *q)
{
    quantity_list_deinit(&q->extra);
    *q = QUANTITIES_INIT;
}

void quantities_clear(struct quantities *q)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        q->common[name] = 0;
    }
    q->extra.count = 0;
}

void quantities_copy(const struct quantities *q, struct quantities *ret_copy)
{
    struct quantities copy = *q;
    quantity_list_copy(&q->extra, &copy.extra);
    *ret_copy = copy;
}

int64_t quantities_get(const struct quantities *q, uint32_t name)
{
    if (name < RESOURCE_NAMES_COMMON) {
        return q->common[name];
    }
    const struct quantity *found = quantity_list_find(&q->extra, name);
    return found != NULL ? found->amount : 0;
}

void quantities_set(struct quantities *q, uint32_t name, int64_t amount)
{
    ASSERT(amount >= 0);
    if (name < RESOURCE_NAMES_COMMON) {
        q->common[name] = amount;
        return;
    }
    if (name == RESOURCE_NAME_NONE) {
        return;
    }
    uint32_t place = quantity_list_place(&q->extra, name);
    bool is_there = place < q->extra.count && q->extra.items[place].name == name;
    if (amount == 0) {
        if (is_there) {
            quantity_list_remove(&q->extra, place);
        }
    } else if (is_there) {
        q->extra.items[place].amount = amount;
    } else {
        quantity_list_insert(&q->extra, place, (struct quantity){name, amount});
    }
}

void quantities_add_amount(struct quantities *q, uint32_t name, int64_t amount)
{
    ASSERT(amount >= 0);
    if (name < RESOURCE_NAMES_COMMON) {
        q->common[name] = scalar_add(q->common[name], amount);
        return;
    }
    quantities_set(q, name, scalar_add(quantities_get(q, name), amount));
}

void quantities_add(struct quantities *a, const struct quantities *b)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        a->common[name] = scalar_add(a->common[name], b->common[name]);
    }
    for (uint32_t i = 0; i < b->extra.count; i++) {
        quantities_add_amount(a, b->extra.items[i].name, b->extra.items[i].amount);
    }
}

void quantities_subtract(struct quantities *a, const struct quantities *b)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        a->common[name] = MAX(a->common[name] - b->common[name], 0);
    }
    /* From the end, so that a vector can be subtracted from itself. */
    for (uint32_t i = b->extra.count; i > 0; i--) {
        struct quantity less = b->extra.items[i - 1];
        quantities_set(a, less.name, MAX(quantities_get(a, less.name) - less.amount, 0));
    }
}

bool quantities_contain(const struct quantities *a, const struct quantities *b)
{
    bool is_contained = true;
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        is_contained &= a->common[name] >= b->common[name];
    }
    if (!is_contained || b->extra.count > a->extra.count) {
        return false;
    }
    uint32_t i = 0;
    for (uint32_t j = 0; j < b->extra.count; j++) {
        struct quantity wanted = b->extra.items[j];
        while (i < a->extra.count && a->extra.items[i].name < wanted.name) {
            i++;
        }
        if (i == a->extra.count || a->extra.items[i].name != wanted.name ||
            a->extra.items[i].amount < wanted.amount) {
            return false;
        }
    }
    return true;
}

bool quantities_equal(const struct quantities *a, const struct quantities *b)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (a->common[name] != b->common[name]) {
            return false;
        }
    }
    return quantity_list_equal(&a->extra, &b->extra);
}

bool quantities_is_empty(const struct quantities *q)
{
    for (uint32_t name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        if (q->common[name] != 0) {
            return false;
        }
    }
    return q->extra.count == 0;
}

bool quantities_next(const struct quantities *q, uint32_t *place, struct quantity *ret_quantity)
{
    while (*place < RESOURCE_NAMES_COMMON) {
        uint32_t name = (*place)++;
        if (q->common[name] != 0) {
            *ret_quantity = (struct quantity){name, q->common[name]};
            return true;
        }
    }
    uint32_t i = *place - RESOURCE_NAMES_COMMON;
    if (i >= q->extra.count) {
        return false;
    }
    (*place)++;
    *ret_quantity = q->extra.items[i];
    return true;
}

int quantities_parse(struct slice text, struct resource_names *names, struct quantities *ret_q,
                     struct err *err)
{
    struct quantity_list list;
    int r = quantity_list_parse(text, "quantity", true, names, &list, err);
    if (r != 0) {
        return QUANTITIES_E_INVALID;
    }
    struct quantities q = QUANTITIES_INIT;
    for (uint32_t i = 0; i < list.count; i++) {
        quantities_set(&q, list.items[i].name, list.items[i].amount);
    }
    quantity_list_deinit(&list);
    *ret_q = q;
    return 0;
}

void quantities_format(const struct quantities *q, const struct resource_names *names,
                       struct buf *out)
{
    struct quantity_list list = {0};
    struct quantity quantity;
    uint32_t place = 0;
    while (quantities_next(q, &place, &quantity)) {
        quantity_list_insert(&list, list.count, quantity);
    }
    quantity_list_format(&list, names, out);
    quantity_list_deinit(&list);
}

void quantities_add_resource(struct quantities *q, const struct resource *r,
                             struct resource_names *names)
{
    int64_t amount = 0;
    switch (r->kind->type) {
    case VALUE_SCALAR:
        amount = r->value.scalar;
        break;
    case VALUE_RANGES:
        amount = scalar_from_count(ranges_size(r->value.ranges));
        break;
    case VALUE_SET:
        amount = scalar_from_count(item_set_count(r->value.items));
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    uint32_t name = r->kind->common_name;
    if (name == RESOURCE_NAME_NONE) {
        name = resource_names_intern(names, r->kind->name);
    }
    quantities_add_amount(q, name, amount);
}

void quantities_add_resources(struct quantities *q, const struct resources *r,
                              struct resource_names *names)
{
    for (uint32_t i = 0; i < r->count; i++) {
        quantities_add_resource(q, &r->items[i], names);
    }
}

void quantities_add_scalars(struct quantities *q, const struct resources *r,
                            struct resource_names *names)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->items[i].kind->type == VALUE_SCALAR) {
            quantities_add_resource(q, &r->items[i], names);
        }
    }
}
