#include "allocator/alloc_drf.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* --- shares --- */

/* a * a_factor against b * b_factor: 192 bits. */
static int compare_products(__uint128_t a, uint64_t a_factor, __uint128_t b, uint64_t b_factor)
{
    __uint128_t a_low = (__uint128_t)(uint64_t)a * a_factor;
    __uint128_t b_low = (__uint128_t)(uint64_t)b * b_factor;
    __uint128_t a_high = (a >> 64) * a_factor + (a_low >> 64);
    __uint128_t b_high = (b >> 64) * b_factor + (b_low >> 64);
    if (a_high != b_high) {
        return a_high < b_high ? -1 : 1;
    }
    return (uint64_t)a_low == (uint64_t)b_low ? 0 : (uint64_t)a_low < (uint64_t)b_low ? -1 : 1;
}

int drf_share_compare(const struct drf_share *a, const struct drf_share *b)
{
    if (a->total == b->total && a->weight_milli == b->weight_milli) {
        return (a->amount > b->amount) - (a->amount < b->amount);
    }
    __uint128_t left = (__uint128_t)(uint64_t)a->amount * (uint64_t)b->total;
    __uint128_t right = (__uint128_t)(uint64_t)b->amount * (uint64_t)a->total;
    if (a->weight_milli == b->weight_milli) {
        return (left > right) - (left < right);
    }
    return compare_products(left, (uint64_t)b->weight_milli, right, (uint64_t)a->weight_milli);
}

/* --- totals --- */

void drf_totals_init(struct drf_totals *totals)
{
    *totals = (struct drf_totals){.generation = 1};
}

void drf_totals_deinit(struct drf_totals *totals)
{
    quantities_deinit(&totals->now);
    free(totals->kinds);
    free(totals->excluded);
    *totals = (struct drf_totals){0};
}

void drf_totals_exclude(struct drf_totals *totals, uint32_t name)
{
    totals->excluded = xrealloc(totals->excluded, totals->excluded_count + 1, sizeof(uint32_t));
    totals->excluded[totals->excluded_count++] = name;
}

void drf_totals_add(struct drf_totals *totals, const struct quantities *q)
{
    quantities_add(&totals->now, q);
    totals->is_changed = true;
}

void drf_totals_subtract(struct drf_totals *totals, const struct quantities *q)
{
    quantities_subtract(&totals->now, q);
    totals->is_changed = true;
}

static bool is_excluded(const struct drf_totals *totals, uint32_t name)
{
    for (uint32_t i = 0; i < totals->excluded_count; i++) {
        if (totals->excluded[i] == name) {
            return true;
        }
    }
    return false;
}

static bool is_close(__uint128_t a, __uint128_t b, bool is_exact)
{
    __uint128_t difference = a > b ? a - b : b - a;
    return difference == 0 || (!is_exact && difference <= b / DRF_TOLERANCE);
}

/* Are `now` and `kinds` the same but for one factor? */
static bool is_proportional(const struct drf_totals *totals, bool is_exact)
{
    uint32_t place = 0;
    uint32_t i = 0;
    int64_t first = 0;
    struct quantity q;
    while (quantities_next(&totals->now, &place, &q)) {
        if (is_excluded(totals, q.name)) {
            continue;
        }
        if (i == totals->kind_count || totals->kinds[i].name != q.name) {
            return false;
        }
        first = i == 0 ? q.amount : first;
        if (!is_close((__uint128_t)(uint64_t)q.amount * (uint64_t)totals->kinds[0].total,
                      (__uint128_t)(uint64_t)first * (uint64_t)totals->kinds[i].total, is_exact)) {
            return false;
        }
        i++;
    }
    return i == totals->kind_count;
}

void drf_totals_settle(struct drf_totals *totals, bool is_exact)
{
    if (!totals->is_changed) {
        return;
    }
    bool is_new = !is_proportional(totals, is_exact);
    totals->is_changed = !is_exact && !is_new;
    if (!is_new) {
        return;
    }
    uint32_t place = 0;
    struct quantity q;
    totals->kind_count = 0;
    while (quantities_next(&totals->now, &place, &q)) {
        if (!is_excluded(totals, q.name)) {
            totals->kinds =
                xrealloc(totals->kinds, totals->kind_count + 1, sizeof(totals->kinds[0]));
            totals->kinds[totals->kind_count++] = (struct drf_kind){q.name, q.amount};
        }
    }
    totals->generation++;
}

/* --- nodes --- */

void drf_node_init(struct drf_node *node)
{
    *node = (struct drf_node){.weight_milli = DRF_WEIGHT_ONE};
}

void drf_node_deinit(struct drf_node *node)
{
    quantities_deinit(&node->allocated);
}

/* Keeps the larger of *share and amount / total. */
static void raise_share(struct drf_share *share, int64_t amount, int64_t total)
{
    if (amount > 0 && (__uint128_t)(uint64_t)amount * (uint64_t)share->total >
                          (__uint128_t)(uint64_t)share->amount * (uint64_t)total) {
        share->amount = amount;
        share->total = total;
    }
}

static struct drf_share measure(const struct drf_node *node, const struct drf_totals *totals)
{
    struct drf_share share = {.total = 1, .weight_milli = node->weight_milli};
    for (uint32_t i = 0; i < totals->kind_count; i++) {
        const struct drf_kind *kind = &totals->kinds[i];
        raise_share(&share, quantities_get(&node->allocated, kind->name), kind->total);
    }
    return share;
}

struct drf_share drf_node_share(const struct drf_node *node, const struct drf_totals *totals)
{
    struct drf_share share = {.total = 1, .weight_milli = node->weight_milli};
    uint32_t place = 0;
    struct quantity total;
    while (quantities_next(&totals->now, &place, &total)) {
        if (!is_excluded(totals, total.name)) {
            raise_share(&share, quantities_get(&node->allocated, total.name), total.amount);
        }
    }
    return share;
}

int drf_node_compare(const struct drf_node *a, const struct drf_node *b)
{
    int order = drf_share_compare(&a->share, &b->share);
    if (order != 0) {
        return order;
    }
    if (a->share_grants != b->share_grants) {
        return a->share_grants < b->share_grants ? -1 : 1;
    }
    order = slice_compare(a->name, b->name);
    if (order != 0) {
        return order;
    }
    return (a->number > b->number) - (a->number < b->number);
}

void drf_table_deinit(struct drf_table *table)
{
    free(table->nodes);
    *table = (struct drf_table){0};
}

void drf_table_set(struct drf_table *table, uint32_t id, struct drf_node *node)
{
    if (id >= table->capacity) {
        uint32_t capacity = MAX(MAX(64u, id + 1), table->capacity * 2);
        table->nodes = xrealloc(table->nodes, capacity, sizeof(struct drf_node *));
        for (uint32_t i = table->capacity; i < capacity; i++) {
            table->nodes[i] = NULL;
        }
        table->capacity = capacity;
    }
    table->nodes[id] = node;
}

/* --- orders --- */

void drf_order_deinit(struct drf_order *order)
{
    free(order->ids);
    *order = (struct drf_order){0};
}

void drf_order_add(struct drf_order *order, struct drf_node *node)
{
    ASSERT(!node->is_listed);
    if (order->count == order->capacity) {
        order->capacity = MAX(2u, order->capacity * 2);
        order->ids = xrealloc(order->ids, order->capacity, sizeof(uint32_t));
    }
    node->is_listed = true;
    node->is_touched = true;
    order->ids[order->count++] = node->id;
    order->is_unsorted = true;
}

/* The first place in ids[0 .. count) whose node does not come before `node`. */
static uint32_t lower_bound(const struct drf_order *order, const struct drf_table *table,
                            uint32_t from, uint32_t to, const struct drf_node *node)
{
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (drf_node_compare(table->nodes[order->ids[middle]], node) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Where it stands, by the key it was sorted with. */
static uint32_t place_of(const struct drf_order *order, const struct drf_table *table,
                         const struct drf_node *node)
{
    if (!order->is_unsorted) {
        uint32_t at = lower_bound(order, table, 0, order->count, node);
        ASSERT(at < order->count && order->ids[at] == node->id);
        return at;
    }
    for (uint32_t i = 0; i < order->count; i++) {
        if (order->ids[i] == node->id) {
            return i;
        }
    }
    WRONG("a listed node is in its order");
}

static void forget_touched(struct drf_order *order, uint32_t id)
{
    for (uint32_t i = 0; i < order->touched_count; i++) {
        if (order->touched[i] == id) {
            order->touched[i] = order->touched[--order->touched_count];
            return;
        }
    }
}

void drf_order_remove(struct drf_order *order, const struct drf_table *table, struct drf_node *node)
{
    ASSERT(node->is_listed);
    uint32_t at = place_of(order, table, node);
    order->count--;
    memmove(&order->ids[at], &order->ids[at + 1], (order->count - at) * sizeof(uint32_t));
    if (node->is_touched) {
        forget_touched(order, node->id);
    }
    node->is_listed = false;
    node->is_touched = false;
}

void drf_order_touch(struct drf_order *order, struct drf_node *node)
{
    if (!node->is_listed || node->is_touched) {
        return;
    }
    node->is_touched = true;
    if (order->touched_count == DRF_TOUCHED_MAX) {
        order->is_unsorted = true;
    } else if (!order->is_unsorted) {
        order->touched[order->touched_count++] = node->id;
    }
}

static void set_key(struct drf_node *node, const struct drf_totals *totals)
{
    node->share = measure(node, totals);
    node->share_grants = node->grants;
    node->is_touched = false;
}

/* Brings one touched node to its place; all others are in theirs. */
static void move(struct drf_order *order, const struct drf_table *table,
                 const struct drf_totals *totals, struct drf_node *node)
{
    uint32_t at = place_of(order, table, node);
    set_key(node, totals);
    uint32_t *ids = order->ids;
    if (at + 1 < order->count && drf_node_compare(table->nodes[ids[at + 1]], node) < 0) {
        uint32_t to = lower_bound(order, table, at + 2, order->count, node) - 1;
        memmove(&ids[at], &ids[at + 1], (to - at) * sizeof(uint32_t));
        ids[to] = node->id;
    } else if (at > 0 && drf_node_compare(node, table->nodes[ids[at - 1]]) < 0) {
        uint32_t to = lower_bound(order, table, 0, at - 1, node);
        memmove(&ids[to + 1], &ids[to], (at - to) * sizeof(uint32_t));
        ids[to] = node->id;
    }
}

static int compare_ids(const void *a, const void *b, void *nodes)
{
    struct drf_node *const *table = nodes;
    return drf_node_compare(table[*(const uint32_t *)a], table[*(const uint32_t *)b]);
}

/* New keys for all. Mostly nearly sorted then, so insertion first, with a limit on the work. */
static void sort(struct drf_order *order, const struct drf_table *table,
                 const struct drf_totals *totals)
{
    uint32_t *ids = order->ids;
    for (uint32_t i = 0; i < order->count; i++) {
        set_key(table->nodes[ids[i]], totals);
    }
    uint64_t moves_left = UINT64_C(4) * order->count;
    for (uint32_t i = 1; i < order->count; i++) {
        uint32_t id = ids[i];
        uint32_t to = i;
        while (to > 0 && moves_left > 0 &&
               drf_node_compare(table->nodes[id], table->nodes[ids[to - 1]]) < 0) {
            ids[to] = ids[to - 1];
            to--;
            moves_left--;
        }
        ids[to] = id;
        if (moves_left == 0) {
            qsort_r(ids, order->count, sizeof(ids[0]), compare_ids, table->nodes);
            break;
        }
    }
}

void drf_order_settle(struct drf_order *order, const struct drf_table *table,
                      const struct drf_totals *totals)
{
    if (order->is_unsorted || order->generation != totals->generation) {
        sort(order, table, totals);
        order->is_unsorted = false;
        order->generation = totals->generation;
    } else {
        for (uint32_t i = 0; i < order->touched_count; i++) {
            move(order, table, totals, table->nodes[order->touched[i]]);
        }
    }
    order->touched_count = 0;
}
