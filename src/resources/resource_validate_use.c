/* What is asked of resources that are used together: by a task, its executor, a task group. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resource_validate.h"

/* What makes a persistent volume unique on an agent. */
struct volume_key {
    struct slice role;
    struct slice id;
};

static int volume_key_compare(const void *a, const void *b)
{
    const struct volume_key *left = a;
    const struct volume_key *right = b;
    int order = slice_compare(left->id, right->id);
    return order != 0 ? order : slice_compare(left->role, right->role);
}

int resource_validate_unique_persistence(const struct resources *r, struct err *err)
{
    struct volume_key *keys = xcalloc((size_t)r->count + 1, sizeof(*keys));
    size_t count = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        if (resource_is_persistent_volume(one)) {
            keys[count].id = one->kind->disk->persistence_id;
            keys[count++].role =
                resource_is_reserved(one) ? resource_reservation_role(one) : SLICE("*");
        }
    }
    qsort(keys, count, sizeof(*keys), volume_key_compare);
    int result = 0;
    for (size_t i = 1; i < count && result == 0; i++) {
        if (volume_key_compare(&keys[i - 1], &keys[i]) == 0) {
            result = err_set(err, RESOURCE_VALIDATE_E, "Persistence ID '%.*s' is not unique",
                             SLICE_ARGS(keys[i].id));
        }
    }
    free(keys);
    return result;
}

int resource_validate_revocable_mix(const struct resources *r, struct err *err)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (!r->items[i].kind->is_revocable) {
            continue;
        }
        struct slice name = r->items[i].kind->name;
        for (uint32_t j = 0; j < r->count; j++) {
            const struct resource_kind *other = r->items[j].kind;
            if (!other->is_revocable && slice_equal(other->name, name)) {
                return err_set(err, RESOURCE_VALIDATE_E,
                               "Cannot use both revocable and non-revocable '%.*s' at the same "
                               "time",
                               SLICE_ARGS(name));
            }
        }
    }
    return 0;
}

int resource_validate_single_role(const struct resources *r, struct err *err)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct slice role = r->items[i].kind->allocation_role;
        if (role.data == NULL) {
            return err_set(err, RESOURCE_VALIDATE_E, "The resources are not allocated to a role");
        }
        struct slice first = r->items[0].kind->allocation_role;
        if (!slice_equal(role, first)) {
            return err_set(err, RESOURCE_VALIDATE_E,
                           "The resources have multiple allocation roles ('%.*s' and '%.*s') but "
                           "only one allocation role is allowed",
                           SLICE_ARGS(role), SLICE_ARGS(first));
        }
    }
    return 0;
}

/* Only ranges and sets can be the same thing twice: scalars are amounts, and a shared volume may be
 * used by many. */
static bool overlaps(const struct resources *sum, const struct resource *one)
{
    const struct resource *there = resources_match(sum, one);
    if (there == NULL) {
        return false;
    }
    const struct item_set *rest;
    bool is_disjoint = true;
    switch (one->kind->type) {
    case VALUE_SCALAR:
        break;
    case VALUE_RANGES:
        return ranges_overlap(there->value.ranges, one->value.ranges);
    case VALUE_SET:
        rest = item_set_subtract(one->value.items, there->value.items);
        is_disjoint = item_set_count(rest) == item_set_count(one->value.items);
        item_set_unref(rest);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    return !is_disjoint;
}

bool resource_validate_overlap(const struct resources *const *vectors, size_t count)
{
    struct resources sum = RESOURCES_INIT;
    bool is_found = false;
    for (size_t i = 0; i < count && !is_found; i++) {
        for (uint32_t j = 0; j < vectors[i]->count && !is_found; j++) {
            is_found = overlaps(&sum, &vectors[i]->items[j]);
        }
        resources_add(&sum, vectors[i]);
    }
    resources_deinit(&sum);
    return is_found;
}

/* The checks that a task and an executor have in common; `who` begins the error. */
static int validate_user(Pb__Resource *const *items, size_t count, const char *who,
                         const char *who_in_between, struct err *err)
{
    int r = resource_validate_input(items, count, err);
    if (r != 0) {
        return err_wrap(err, r, "%s uses invalid resources", who);
    }
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, items, count, NULL);
    if ((r = resource_validate_unique_persistence(&resources, err)) != 0) {
        err_wrap(err, r, "%s uses duplicate persistence ID", who);
    } else if ((r = resource_validate_single_role(&resources, err)) != 0) {
        err_wrap(err, r, "Invalid %s resources", who_in_between);
    } else if ((r = resource_validate_revocable_mix(&resources, err)) != 0) {
        err_wrap(err, r, "%s mixes revocable and non-revocable resources", who);
    }
    resources_deinit(&resources);
    return r;
}

int resource_validate_task(Pb__Resource *const *items, size_t count, struct err *err)
{
    if (count == 0) {
        return err_set(err, RESOURCE_VALIDATE_E, "Task uses no resources");
    }
    return validate_user(items, count, "Task", "task", err);
}

int resource_validate_executor(Pb__Resource *const *items, size_t count, struct err *err)
{
    return validate_user(items, count, "Executor", "executor", err);
}

int resource_validate_task_and_executor(const Pb__TaskInfo *task, struct err *err)
{
    const Pb__ExecutorInfo *executor = task->executor;
    int r = resource_validate_input(task->resources, task->n_resources, err);
    if (r == 0 && executor != NULL) {
        r = resource_validate_input(executor->resources, executor->n_resources, err);
    }
    if (r != 0) {
        return err_wrap(err, r, "Task and its executor use invalid resources");
    }
    struct resources own = RESOURCES_INIT;
    struct resources of_executor = RESOURCES_INIT;
    struct resources total;
    resources_add_pb(&own, task->resources, task->n_resources, NULL);
    if (executor != NULL) {
        resources_add_pb(&of_executor, executor->resources, executor->n_resources, NULL);
    }
    resources_copy(&own, &total);
    resources_add(&total, &of_executor);
    const struct resources *vectors[] = {&own, &of_executor};
    if (resource_validate_overlap(vectors, ELEMENTS(vectors))) {
        struct arena arena;
        arena_init(&arena, 0);
        r = err_set(err, RESOURCE_VALIDATE_E,
                    "There are overlapping resources in the task resources %s and executor "
                    "resources %s",
                    resources_text(&own, &arena), resources_text(&of_executor, &arena));
        arena_deinit(&arena);
    } else if ((r = resource_validate_unique_persistence(&total, err)) != 0) {
        err_wrap(err, r, "Task and its executor use duplicate persistence ID");
    } else if ((r = resource_validate_revocable_mix(&total, err)) != 0) {
        err_wrap(err, r, "Task and its executor mix revocable and non-revocable resources");
    }
    resources_deinit(&own);
    resources_deinit(&of_executor);
    resources_deinit(&total);
    return r;
}

int resource_validate_task_group(const Pb__TaskGroupInfo *group, const Pb__ExecutorInfo *executor,
                                 struct err *err)
{
    size_t count = group->n_tasks + 1;
    struct resources *each = xcalloc(count, sizeof(*each));
    const struct resources **vectors = xcalloc(count, sizeof(*vectors));
    struct resources total = RESOURCES_INIT;
    for (size_t i = 0; i < count; i++) {
        if (i < group->n_tasks) {
            const Pb__TaskInfo *task = group->tasks[i];
            resources_add_pb(&each[i], task->resources, task->n_resources, NULL);
        } else {
            resources_add_pb(&each[i], executor->resources, executor->n_resources, NULL);
        }
        vectors[i] = &each[i];
        resources_add(&total, &each[i]);
    }
    int r = resource_validate_unique_persistence(&total, err);
    if (r != 0) {
        err_wrap(err, r, "Task group and executor use duplicate persistence ID");
    } else if ((r = resource_validate_revocable_mix(&total, err)) != 0) {
        err_wrap(err, r, "Task group and executor mix revocable and non-revocable resources");
    } else if (resource_validate_overlap(vectors, count)) {
        r = err_set(err, RESOURCE_VALIDATE_E,
                    "There are overlapping resources in the task group's task resources and/or "
                    "executor resources");
    }
    for (size_t i = 0; i < count; i++) {
        resources_deinit(&each[i]);
    }
    resources_deinit(&total);
    free(each);
    free(vectors);
    return r;
}

/* --- --reconfiguration_policy=additive --- */

#define NOT_PERMITTED "Configuration change not permitted under 'additive' policy: "

static const char *value_text(const struct resource *r, struct arena *arena)
{
    struct buf text = BUF_INIT;
    switch (r->kind->type) {
    case VALUE_SCALAR:
        scalar_format(r->value.scalar, &text);
        break;
    case VALUE_RANGES:
        ranges_format(r->value.ranges, &text);
        break;
    case VALUE_SET:
        item_set_format(r->value.items, &text);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    const char *copy = arena_strndup(arena, text.data, text.size);
    buf_deinit(&text);
    return copy;
}

static bool value_is_kept(const struct resource *previous, const struct resource *current)
{
    switch (previous->kind->type) {
    case VALUE_SCALAR:
        return current->value.scalar >= previous->value.scalar;
    case VALUE_RANGES:
        return ranges_contain(current->value.ranges, previous->value.ranges);
    case VALUE_SET:
        return item_set_contain(current->value.items, previous->value.items);
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

int resource_validate_additive(const struct resources *previous, const struct resources *current,
                               struct err *err)
{
    struct arena arena;
    int r = 0;
    arena_init(&arena, 0);
    for (uint32_t i = 0; i < previous->count && r == 0; i++) {
        const struct resource *old = &previous->items[i];
        const struct resource *match = resources_match(current, old);
        struct slice name = old->kind->name;
        if (match == NULL) {
            struct resources lost = {(struct resource *)(uintptr_t)old, 1, 1};
            r = err_set(err, RESOURCE_VALIDATE_E, NOT_PERMITTED "Resource not found: %s",
                        resources_text(&lost, &arena));
        } else if (!value_is_kept(old, match)) {
            const char *before = value_text(old, &arena);
            const char *after = value_text(match, &arena);
            r = old->kind->type == VALUE_SCALAR
                    ? err_set(err, RESOURCE_VALIDATE_E,
                              NOT_PERMITTED
                              "Value of scalar resource '%.*s' decreased from %s to %s",
                              SLICE_ARGS(name), before, after)
                    : err_set(err, RESOURCE_VALIDATE_E,
                              NOT_PERMITTED "Previous value of %s resource '%.*s' (%s) not "
                                            "included in current %s",
                              old->kind->type == VALUE_SET ? "set" : "range", SLICE_ARGS(name),
                              before, after);
        }
    }
    arena_deinit(&arena);
    return r;
}
