#include "master/view_index.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/fields.h"

/* How far ahead records are asked of memory. */
#define AHEAD 8
/* Of memory, read at a time. */
#define LINE_SIZE 64

/* --- frameworks and agents --- */

static int compare_orders(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_frameworks(const void *a, const void *b)
{
    return compare_orders((*(const struct framework_record *const *)a)->order,
                          (*(const struct framework_record *const *)b)->order);
}

static int compare_agents(const void *a, const void *b)
{
    return compare_orders((*(const struct agent_record *const *)a)->order,
                          (*(const struct agent_record *const *)b)->order);
}

static void collect_frameworks(struct view_index *index)
{
    const struct cow_snapshot *table = &index->snapshot->frameworks;
    struct arena *arena = &index->arena;
    size_t slot = 0;
    struct cow_value *value;
    index->framework_at =
        arena_alloc_array(arena, table->slots + 1, sizeof(index->framework_at[0]));
    index->running.items = arena_alloc_array(arena, table->count + 1, sizeof(void *));
    index->completed.items = arena_alloc_array(arena, table->count + 1, sizeof(void *));
    while ((value = cow_snapshot_next(table, &slot)) != NULL) {
        const struct framework_record *record = SNAPSHOT_RECORD(struct framework_record, value);
        struct view_frameworks *list =
            record->state == FRAMEWORK_COMPLETED ? &index->completed : &index->running;
        list->items[list->count++] = record;
        index->framework_at[slot++] = record;
    }
    qsort(index->running.items, index->running.count, sizeof(void *), compare_frameworks);
    qsort(index->completed.items, index->completed.count, sizeof(void *), compare_frameworks);
}

static void collect_agents(struct view_index *index)
{
    const struct cow_snapshot *table = &index->snapshot->agents;
    struct arena *arena = &index->arena;
    size_t slot = 0;
    struct cow_value *value;
    index->agent_at = arena_alloc_array(arena, table->slots + 1, sizeof(index->agent_at[0]));
    index->registered.items = arena_alloc_array(arena, table->count + 1, sizeof(void *));
    index->recovered.items = arena_alloc_array(arena, table->count + 1, sizeof(void *));
    while ((value = cow_snapshot_next(table, &slot)) != NULL) {
        const struct agent_record *record = SNAPSHOT_RECORD(struct agent_record, value);
        struct view_agents *list =
            record->state == AGENT_REGISTERED ? &index->registered : &index->recovered;
        list->items[list->count++] = record;
        index->agent_at[slot++] = record;
    }
    qsort(index->registered.items, index->registered.count, sizeof(void *), compare_agents);
    qsort(index->recovered.items, index->recovered.count, sizeof(void *), compare_agents);
}

/* --- tasks --- */

static int compare_tasks(const void *a, const void *b)
{
    return compare_orders(((const struct view_task *)a)->record->order,
                          ((const struct view_task *)b)->record->order);
}

/* A list while its tasks are being counted. */
struct task_count {
    uint64_t last_order; /* of the task counted last */
    bool is_unsorted;    /* mostly they are in order, for slots are given out in order */
};

static void collect_tasks(struct view_index *index)
{
    const struct cow_snapshot *table = &index->snapshot->tasks;
    struct arena *arena = &index->arena;
    size_t lists = index->snapshot->frameworks.slots * VIEW_PLACES;
    const struct task_record **all = arena_alloc_array(arena, table->count + AHEAD, sizeof(all[0]));
    uint32_t *list_of = arena_alloc_array(arena, table->count + 1, sizeof(list_of[0]));
    struct view_task *items = arena_alloc_array(arena, table->count + 1, sizeof(items[0]));
    struct task_count *counts = arena_alloc_array(arena, lists + 1, sizeof(counts[0]));
    index->tasks = arena_alloc_array(arena, lists + 1, sizeof(index->tasks[0]));
    size_t count = 0;
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(table, &slot)) != NULL; slot++) {
        all[count++] = SNAPSHOT_RECORD(struct task_record, value);
    }
    for (size_t i = 0; i < count; i++) {
        const struct task_record *record = all[i];
        __builtin_prefetch(all[i + AHEAD - 1]);
        ASSERT(record->framework < index->snapshot->frameworks.slots);
        list_of[i] = record->framework * VIEW_PLACES + record->place;
        struct task_count *list = &counts[list_of[i]];
        list->is_unsorted |= record->order < list->last_order;
        list->last_order = record->order;
        index->tasks[list_of[i]].count++;
    }
    for (size_t i = 0; i < lists; i++) {
        index->tasks[i].items = items;
        items += index->tasks[i].count;
        index->tasks[i].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct view_tasks *list = &index->tasks[list_of[i]];
        list->items[list->count++].record = all[i];
    }
    for (size_t i = 0; i < lists; i++) {
        if (counts[i].is_unsorted) {
            qsort(index->tasks[i].items, index->tasks[i].count, sizeof(items[0]), compare_tasks);
        }
    }
}

/* --- executors and offers --- */

static void collect_executors(struct view_index *index)
{
    const struct cow_snapshot *table = &index->snapshot->executors;
    struct arena *arena = &index->arena;
    size_t lists = index->snapshot->frameworks.slots;
    const struct executor_record **items =
        arena_alloc_array(arena, table->count + 1, sizeof(items[0]));
    index->executors = arena_alloc_array(arena, lists + 1, sizeof(index->executors[0]));
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(table, &slot)) != NULL; slot++) {
        index->executors[SNAPSHOT_RECORD(struct executor_record, value)->framework].count++;
    }
    for (size_t i = 0; i < lists; i++) {
        index->executors[i].items = items;
        items += index->executors[i].count;
        index->executors[i].count = 0;
    }
    for (slot = 0; (value = cow_snapshot_next(table, &slot)) != NULL; slot++) {
        const struct executor_record *record = SNAPSHOT_RECORD(struct executor_record, value);
        struct view_executors *list = &index->executors[record->framework];
        list->items[list->count++] = record;
    }
}

static void collect_offers(struct view_index *index)
{
    const struct cow_snapshot *table = &index->snapshot->offers;
    struct arena *arena = &index->arena;
    size_t lists = index->snapshot->frameworks.slots;
    const struct offer_record **items =
        arena_alloc_array(arena, table->count + 1, sizeof(items[0]));
    index->offers = arena_alloc_array(arena, lists + 1, sizeof(index->offers[0]));
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(table, &slot)) != NULL; slot++) {
        index->offers[SNAPSHOT_RECORD(struct offer_record, value)->framework].count++;
    }
    for (size_t i = 0; i < lists; i++) {
        index->offers[i].items = items;
        items += index->offers[i].count;
        index->offers[i].count = 0;
    }
    for (slot = 0; (value = cow_snapshot_next(table, &slot)) != NULL; slot++) {
        const struct offer_record *record = SNAPSHOT_RECORD(struct offer_record, value);
        struct view_offers *list = &index->offers[record->framework];
        list->items[list->count++] = record;
    }
}

/* --- sums --- */

/* How often somebody holds a run. */
struct tally {
    uint64_t key; /* holder << 32 | run, + 1; 0 = free */
    uint64_t count;
};

struct tallies {
    struct tally *items; /* open addressing; heap */
    size_t capacity;     /* a power of two */
    size_t count;
};

static struct tally *tally_place(struct tallies *tallies, uint64_t key)
{
    size_t mask = tallies->capacity - 1;
    size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
    while (tallies->items[at].key != 0 && tallies->items[at].key != key) {
        at = (at + 1) & mask;
    }
    return &tallies->items[at];
}

static void tally_grow(struct tallies *tallies)
{
    struct tallies grown = {.capacity = MAX(tallies->capacity * 2, (size_t)1024)};
    grown.items = xcalloc(grown.capacity, sizeof(grown.items[0]));
    grown.count = tallies->count;
    for (size_t i = 0; i < tallies->capacity; i++) {
        if (tallies->items[i].key != 0) {
            *tally_place(&grown, tallies->items[i].key) = tallies->items[i];
        }
    }
    free(tallies->items);
    *tallies = grown;
}

static void tally_add(struct tallies *tallies, uint32_t holder, const struct view_run *run)
{
    if (tallies->count * 2 >= tallies->capacity) {
        tally_grow(tallies);
    }
    uint64_t key = ((uint64_t)holder << 32 | run->number) + 1;
    struct tally *tally = tally_place(tallies, key);
    tallies->count += tally->key == 0;
    tally->key = key;
    tally->count++;
}

static int compare_tallies(const void *a, const void *b)
{
    return compare_orders(((const struct tally *)a)->key, ((const struct tally *)b)->key);
}

/* In the order of holders and runs, so that equal states give equal texts. */
static void tallies_finish(struct tallies *tallies, const struct view_runs *runs,
                           struct view_sums *sums)
{
    size_t count = 0;
    for (size_t i = 0; i < tallies->capacity; i++) {
        if (tallies->items[i].key != 0) {
            tallies->items[count++] = tallies->items[i];
        }
    }
    if (count > 0) {
        qsort(tallies->items, count, sizeof(tallies->items[0]), compare_tallies);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t key = tallies->items[i].key - 1;
        master_view_run_add(runs->items[(uint32_t)key], tallies->items[i].count,
                            &sums[key >> 32].used);
    }
    free(tallies->items);
}

static void sum_offers(struct view_index *index)
{
    size_t slot = 0;
    struct cow_value *value;
    for (; (value = cow_snapshot_next(&index->snapshot->offers, &slot)) != NULL; slot++) {
        const struct offer_record *record = SNAPSHOT_RECORD(struct offer_record, value);
        const struct view_run *run =
            master_view_run(&index->runs, blob_slice(record->resources), FIELD_OFFER_RESOURCES);
        resources_add(&index->framework_sums[record->framework].offered, &run->resources);
        resources_add(&index->agent_sums[record->agent].offered, &run->resources);
    }
}

static void make_sums(struct view_index *index)
{
    const struct master_snapshot *snapshot = index->snapshot;
    struct tallies of_frameworks = {0};
    struct tallies of_agents = {0};
    index->framework_sums =
        arena_alloc_array(&index->arena, snapshot->frameworks.slots + 1, sizeof(struct view_sums));
    index->agent_sums =
        arena_alloc_array(&index->arena, snapshot->agents.slots + 1, sizeof(struct view_sums));
    for (uint32_t f = 0; f < snapshot->frameworks.slots; f++) {
        const struct view_tasks *tasks = view_index_tasks(index, f, TASK_ACTIVE);
        for (size_t i = 0; i < tasks->count; i++) {
            struct view_task *task = &tasks->items[i];
            if (i + 2 * AHEAD < tasks->count) {
                __builtin_prefetch(tasks->items[i + 2 * AHEAD].record);
                __builtin_prefetch(tasks->items[i + AHEAD].record->info);
                __builtin_prefetch(tasks->items[i + AHEAD].record->info->data + LINE_SIZE);
                __builtin_prefetch(tasks->items[i + AHEAD].record->info->data + 2 * LINE_SIZE);
            }
            task->run = master_view_run(
                &index->runs,
                master_view_run_find(blob_slice(task->record->info), FIELD_TASK_RESOURCES),
                FIELD_TASK_RESOURCES);
            if (master_task_is_using(task->record)) {
                tally_add(&of_frameworks, f, task->run);
                tally_add(&of_agents, task->record->agent, task->run);
            }
        }
        const struct view_executors *executors = &index->executors[f];
        for (size_t i = 0; i < executors->count; i++) {
            const struct executor_record *record = executors->items[i];
            const struct view_run *run = master_view_run(
                &index->runs,
                master_view_run_find(blob_slice(record->info), FIELD_EXECUTOR_INFO_RESOURCES),
                FIELD_EXECUTOR_INFO_RESOURCES);
            tally_add(&of_frameworks, f, run);
            tally_add(&of_agents, record->agent, run);
        }
    }
    tallies_finish(&of_frameworks, &index->runs, index->framework_sums);
    tallies_finish(&of_agents, &index->runs, index->agent_sums);
    sum_offers(index);
}

static void drop_sums(struct view_sums *sums, size_t count)
{
    for (size_t i = 0; sums != NULL && i < count; i++) {
        resources_deinit(&sums[i].used);
        resources_deinit(&sums[i].offered);
    }
}

/* --- the whole --- */

void master_view_index_init(struct view_index *index, const struct master_snapshot *snapshot,
                            unsigned wants, uint64_t seed)
{
    *index = (struct view_index){.snapshot = snapshot};
    arena_init(&index->arena, 0);
    master_view_runs_init(&index->runs, seed);
    collect_frameworks(index);
    collect_agents(index);
    if ((wants & VIEW_WANTS_TASKS) != 0) {
        collect_tasks(index);
    }
    if ((wants & VIEW_WANTS_EXECUTORS) != 0) {
        collect_executors(index);
    }
    if ((wants & VIEW_WANTS_OFFERS) != 0) {
        collect_offers(index);
    }
    if ((wants & VIEW_WANTS_SUMS) != 0) {
        ASSERT(wants == VIEW_WANTS_ALL);
        make_sums(index);
    }
}

void master_view_index_deinit(struct view_index *index)
{
    drop_sums(index->framework_sums, index->snapshot->frameworks.slots);
    drop_sums(index->agent_sums, index->snapshot->agents.slots);
    master_view_runs_deinit(&index->runs);
    arena_deinit(&index->arena);
}
