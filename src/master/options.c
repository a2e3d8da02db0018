#include "master/options.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/weights.h"
#include "resources/quantities.h"

/* --- --min_allocatable_resources: alternatives, parted by '|' --- */

static int parse_min_allocatable(const char *text, struct resource_names *names,
                                 struct quantities **ret_items, size_t *ret_count, struct err *err)
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

int master_options_check(const struct master_options *options, struct err *err)
{
    struct resource_names names;
    struct quantities *items;
    size_t count;
    resource_names_init(&names);
    int r = parse_min_allocatable(options->min_allocatable, &names, &items, &count, err);
    free_quantities(items, count);
    resource_names_deinit(&names);
    return r != 0 ? r : master_weights_check(options->weights, err);
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
    master_weights_start(master);
}
