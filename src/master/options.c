#include "master/options.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "resources/quantities.h"
#include "resources/roles.h"
#include "resources/scalar.h"

/* --- --min_allocatable_resources: alternatives, parted by '|' --- */

static int parse_min_allocatable(const char *text, struct resource_names *names,
                                 struct quantities **ret_items, size_t *ret_count,
                                 struct err *err)
{
    struct slice rest = slice_from(text);
    struct slice part;
    struct quantities *items = NULL;
    size_t count = 0;
    int r = 0;
    while (text != NULL && r == 0 && slice_split(&rest, '|', &part)) {
        items = xrealloc(items, count + 1, sizeof(items[0]));
        r = quantities_parse(part, names, &items[count], err);
        if (r == 0) {
            count++;
        }
    }
    *ret_items = items;
    *ret_count = count;
    return r == 0 ? 0 : err_wrap(err, -EINVAL, "--min_allocatable_resources");
}

static void free_quantities(struct quantities *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        quantities_deinit(&items[i]);
    }
    free(items);
}

/* --- --weights: role=weight, parted by ',' --- */

static int parse_weight(struct slice item, struct slice *ret_role, int64_t *ret_weight,
                        struct err *err)
{
    ptrdiff_t at = slice_find(item, '=');
    double weight;
    if (at < 0 || !slice_parse_double(slice_skip(item, (size_t)at + 1), &weight) ||
        !scalar_from_double(weight, ret_weight) || *ret_weight <= 0) {
        return err_set(err, -EINVAL, "--weights: '%.*s' is not of the form role=weight",
                       SLICE_ARGS(item));
    }
    *ret_role = slice_make(item.data, (size_t)at);
    return role_validate(*ret_role, err) == 0 ? 0 : err_wrap(err, -EINVAL, "--weights");
}

/* For each weight; `master` NULL = only checked. */
static int apply_weights(const char *text, struct master *master, struct err *err)
{
    struct slice rest = slice_from(text);
    struct slice item;
    while (text != NULL && text[0] != '\0' && slice_split(&rest, ',', &item)) {
        struct slice role;
        int64_t weight;
        int r = parse_weight(item, &role, &weight, err);
        if (r != 0) {
            return r;
        }
        if (master != NULL) {
            master->allocator_ops->set_weight(
                master->allocator, master->now.mono_ns,
                arena_strndup(&master->arena, role.data, role.size), weight);
        }
    }
    return 0;
}

int master_options_check(const struct master_options *options, struct err *err)
{
    struct resource_names names;
    struct quantities *items;
    size_t count;
    resource_names_init(&names);
    int r = parse_min_allocatable(options->min_allocatable, &names, &items, &count, err);
    free_quantities(items, count);
    resource_names_deinit(&names);
    return r != 0 ? r : apply_weights(options->weights, NULL, err);
}

void master_options_start_allocator(struct master *master)
{
    const struct master_options *options = &master->options;
    struct allocator_options allocator_options = options->allocator_options;
    struct quantities *items;
    size_t count;
    int r = parse_min_allocatable(options->min_allocatable, &master->names, &items, &count, NULL);
    ASSERT(r == 0); /* checked before */
    allocator_options.names = &master->names;
    allocator_options.seed = prng_next(&master->prng);
    allocator_options.min_allocatable = items;
    allocator_options.min_allocatable_count = count;
    master->allocator_ops = options->allocator;
    master->allocator = master->allocator_ops->create(&allocator_options);
    free_quantities(items, count);
    r = apply_weights(options->weights, master, NULL);
    ASSERT(r == 0);
    arena_reset(&master->arena);
}
