#include "../unit.h"

#include "allocator/alloc_drf.h"
#include "common/prng.h"

static struct drf_share share(int64_t amount, int64_t total, int64_t weight_milli)
{
    return (struct drf_share){amount, total, weight_milli};
}

static int compare(struct drf_share a, struct drf_share b)
{
    int order = drf_share_compare(&a, &b);
    assert_int_equal(drf_share_compare(&b, &a), -order);
    return order;
}

static void test_shares_are_compared_as_fractions(void **state)
{
    (void)state;
    assert_int_equal(compare(share(1, 2, 1000), share(2, 4, 1000)), 0);
    assert_int_equal(compare(share(1, 3, 1000), share(1, 2, 1000)), -1);
    assert_int_equal(compare(share(0, 1, 1000), share(1, INT64_MAX, 1000)), -1);
    assert_int_equal(compare(share(3, 7, 1000), share(2, 7, 1000)), 1);
    /* A double cannot tell these apart. */
    assert_int_equal(compare(share(INT64_MAX - 1, INT64_MAX, 1000), share(1, 1, 1000)), -1);
    assert_int_equal(
        compare(share(INT64_MAX - 2, INT64_MAX - 1, 1000), share(INT64_MAX - 1, INT64_MAX, 1000)),
        -1);
}

static void test_shares_are_divided_by_weights(void **state)
{
    (void)state;
    assert_int_equal(compare(share(2, 4, 2000), share(1, 4, 1000)), 0);
    assert_int_equal(compare(share(3, 10, 1500), share(1, 5, 1000)), 0);
    assert_int_equal(compare(share(3, 10, 1499), share(1, 5, 1000)), 1);
    /* 192 bits: the products differ only in the last place. */
    assert_int_equal(
        compare(share(INT64_MAX, INT64_MAX, INT64_MAX), share(INT64_MAX, INT64_MAX, INT64_MAX - 1)),
        -1);
    assert_int_equal(compare(share(INT64_MAX, INT64_MAX, INT64_MAX),
                             share(INT64_MAX - 1, INT64_MAX - 1, INT64_MAX)),
                     0);
}

static struct quantities amounts(int64_t cpus, int64_t mem)
{
    return (struct quantities){.common = {cpus, mem, 0, 0}};
}

static void test_the_dominant_kind_decides(void **state)
{
    (void)state;
    struct drf_totals totals;
    struct drf_node node;
    drf_totals_init(&totals);
    struct quantities all = amounts(100, 1000);
    drf_totals_add(&totals, &all);
    drf_node_init(&node);
    node.allocated = amounts(20, 100);
    struct drf_share s = drf_node_share(&node, &totals);
    assert_int_equal(s.amount, 20);
    assert_int_equal(s.total, 100);
    node.allocated = amounts(20, 300);
    s = drf_node_share(&node, &totals);
    assert_int_equal(s.amount, 300);
    assert_int_equal(s.total, 1000);
    drf_totals_exclude(&totals, RESOURCE_NAME_MEM);
    s = drf_node_share(&node, &totals);
    assert_int_equal(s.amount, 20);
    drf_node_deinit(&node);
    drf_totals_deinit(&totals);
}

static void test_a_new_generation_begins_when_proportions_change(void **state)
{
    (void)state;
    struct drf_totals totals;
    drf_totals_init(&totals);
    struct quantities one = amounts(1000, 2000);
    drf_totals_add(&totals, &one);
    drf_totals_settle(&totals, true);
    uint32_t generation = totals.generation;
    for (int i = 0; i < 1000; i++) {
        drf_totals_add(&totals, &one);
        drf_totals_settle(&totals, true);
    }
    assert_int_equal(totals.generation, generation);
    /* 1001000 and 2002000 so far. */
    struct quantities other = amounts(1, 0);
    drf_totals_add(&totals, &other);
    drf_totals_settle(&totals, false);
    assert_int_equal(totals.generation, generation);
    drf_totals_settle(&totals, true);
    assert_int_equal(totals.generation, generation + 1);
    other = amounts(0, 20000);
    drf_totals_add(&totals, &other);
    drf_totals_settle(&totals, false);
    assert_int_equal(totals.generation, generation + 2);
    struct quantities gpus = {.common = {0, 0, 0, 1}};
    drf_totals_add(&totals, &gpus);
    drf_totals_settle(&totals, false);
    assert_int_equal(totals.generation, generation + 3);
    drf_totals_subtract(&totals, &gpus);
    drf_totals_settle(&totals, false);
    assert_int_equal(totals.generation, generation + 4);
    drf_totals_deinit(&totals);
}

#define NODES 200

/* Is the order what sorting from scratch would give? */
static void assert_sorted(const struct drf_order *order, const struct drf_table *table,
                          const struct drf_totals *totals)
{
    for (uint32_t i = 0; i < order->count; i++) {
        struct drf_node *node = table->nodes[order->ids[i]];
        struct drf_share now = drf_node_share(node, totals);
        assert_int_equal(drf_share_compare(&now, &node->share), 0);
        assert_int_equal(node->grants, node->share_grants);
        if (i != 0) {
            assert_true(drf_node_compare(table->nodes[order->ids[i - 1]], node) < 0);
        }
    }
}

static void test_an_order_is_kept_while_nodes_come_change_and_go(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 11);
    struct drf_totals totals;
    drf_totals_init(&totals);
    struct quantities all = amounts(100000, 100000);
    drf_totals_add(&totals, &all);
    struct drf_table table = {0};
    struct drf_order order = {0};
    static struct drf_node nodes[NODES];
    for (uint32_t i = 0; i < NODES; i++) {
        drf_node_init(&nodes[i]);
        nodes[i].id = i;
        nodes[i].number = NODES - i;
        drf_table_set(&table, i, &nodes[i]);
    }
    uint32_t listed = 0;
    for (int step = 0; step < 20000; step++) {
        struct drf_node *node = &nodes[prng_below(&prng, NODES)];
        switch (prng_below(&prng, 8)) {
        case 0:
            if (!node->is_listed) {
                drf_order_add(&order, node);
                listed++;
            }
            break;
        case 1:
            if (node->is_listed && prng_below(&prng, 3) == 0) {
                drf_order_remove(&order, &table, node);
                listed--;
            }
            break;
        case 2:
            if (prng_below(&prng, 20) == 0) {
                struct quantities more = amounts((int64_t)prng_below(&prng, 1000), 1);
                drf_totals_add(&totals, &more);
            }
            break;
        default:
            node->allocated =
                amounts((int64_t)prng_below(&prng, 50), (int64_t)prng_below(&prng, 50));
            node->grants += prng_below(&prng, 2);
            node->weight_milli = 500 + 500 * (int64_t)prng_below(&prng, 3);
            drf_order_touch(&order, node);
            break;
        }
        if (prng_below(&prng, 4) == 0) {
            drf_totals_settle(&totals, true);
            drf_order_settle(&order, &table, &totals);
            assert_int_equal(order.count, listed);
            if (totals.kinds[0].total == totals.now.common[0]) {
                assert_sorted(&order, &table, &totals);
            }
        }
    }
    drf_order_deinit(&order);
    drf_table_deinit(&table);
    drf_totals_deinit(&totals);
}

static void test_an_order_stands_still_between_settlements(void **state)
{
    (void)state;
    struct drf_totals totals;
    drf_totals_init(&totals);
    struct quantities all = amounts(10, 10);
    drf_totals_add(&totals, &all);
    drf_totals_settle(&totals, true);
    struct drf_table table = {0};
    struct drf_order order = {0};
    struct drf_node nodes[3];
    for (uint32_t i = 0; i < 3; i++) {
        drf_node_init(&nodes[i]);
        nodes[i].id = nodes[i].number = i;
        drf_table_set(&table, i, &nodes[i]);
        drf_order_add(&order, &nodes[i]);
    }
    drf_order_settle(&order, &table, &totals);
    nodes[0].allocated = amounts(5, 0);
    drf_order_touch(&order, &nodes[0]);
    assert_int_equal(order.ids[0], 0);
    drf_order_settle(&order, &table, &totals);
    assert_int_equal(order.ids[0], 1);
    assert_int_equal(order.ids[2], 0);
    /* Equal shares: fewer grants first. */
    nodes[1].grants = 1;
    drf_order_touch(&order, &nodes[1]);
    drf_order_settle(&order, &table, &totals);
    assert_int_equal(order.ids[0], 2);
    assert_int_equal(order.ids[1], 1);
    drf_order_deinit(&order);
    drf_table_deinit(&table);
    drf_totals_deinit(&totals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_are_compared_as_fractions),
        cmocka_unit_test(test_shares_are_divided_by_weights),
        cmocka_unit_test(test_the_dominant_kind_decides),
        cmocka_unit_test(test_a_new_generation_begins_when_proportions_change),
        cmocka_unit_test(test_an_order_is_kept_while_nodes_come_change_and_go),
        cmocka_unit_test(test_an_order_stands_still_between_settlements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
