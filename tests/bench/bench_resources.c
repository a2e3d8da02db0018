/*
 * How fast resources are, by the measures of the reference's own benchmarks
 * (Resources_{Scalar_Arithmetic,Filter,Contains,Parse,Ranges}_BENCHMARK_Test: the same operands,
 * the same counts), and of what the allocator does most. One line a measure; each is done once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"
#include "resources/resource_pb.h"
#include "resources/resources.h"
#include "wire/message.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void report(const char *what, const char *on, size_t count, double begun_s)
{
    double took_s = now_s() - begun_s;
    printf("%-28s %-34s %8zu times %10.3f ms %10.1f ns each\n", what, on, count, took_s * 1e3,
           took_s * 1e9 / (double)count);
}

static struct resources parse(const char *text)
{
    struct resources r;
    struct err err;
    if (resources_parse_any(slice_from(text), SLICE("*"), &r, &err) != 0) {
        fprintf(stderr, "%s: %s\n", text, err.text);
        exit(1);
    }
    return r;
}

/* --- sums and differences --- */

static void bench_arithmetic(const struct resources *r, const char *on, size_t count)
{
    struct resources total = RESOURCES_INIT;
    double begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        resources_add(&total, r);
    }
    report("total += r", on, count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        resources_subtract(&total, r);
    }
    report("total -= r", on, count, begun_s);
    if (!resources_is_empty(&total)) {
        fprintf(stderr, "something is left\n");
        exit(1);
    }
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources sum;
        resources_copy(&total, &sum);
        resources_add(&sum, r);
        resources_deinit(&total);
        total = sum;
    }
    report("total = total + r", on, count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources difference;
        resources_copy(&total, &difference);
        resources_subtract(&difference, r);
        resources_deinit(&total);
        total = difference;
    }
    report("total = total - r", on, count, begun_s);
    resources_deinit(&total);
}

static void bench_all_arithmetic(void)
{
    struct resources scalars = parse("cpus:1;gpus:1;mem:128;disk:256");
    bench_arithmetic(&scalars, "4 scalars", 50000);

    struct resources reservations = RESOURCES_INIT;
    for (int i = 0; i < 1000; i++) {
        char role[16];
        char principal[32];
        char key[32];
        char value[32];
        snprintf(role, sizeof(role), "%d", i);
        snprintf(principal, sizeof(principal), "principal_%d", i);
        snprintf(key, sizeof(key), "key_%d", i);
        snprintf(value, sizeof(value), "value_%d", i);
        struct resource_label label = {slice_from(key), slice_from(value)};
        struct resource_reservation reservation = {
            .type = RESERVATION_DYNAMIC,
            .role = slice_from(role),
            .principal = slice_from(principal),
            .labels = {&label, 1, true},
        };
        struct resources pushed;
        resources_push_reservation(&scalars, &reservation, &pushed);
        resources_add(&reservations, &pushed);
        resources_deinit(&pushed);
    }
    bench_arithmetic(&reservations, "4 scalars x 1000 reservations", 10);

    struct resources shared = parse("cpus:1;mem:128");
    struct resource_disk disk = {.persistence_id = SLICE("persistentId")};
    struct resource_reservation reservation = {.type = RESERVATION_STATIC, .role = SLICE("test")};
    struct resource_kind draft = {
        .name = SLICE("disk"),
        .type = VALUE_SCALAR,
        .is_shared = true,
        .has_disk = true,
        .disk = &disk,
        .reservations = &reservation,
        .reservation_count = 1,
    };
    resources_add_take(&shared, resource_make_scalar(resource_kind_make(&draft, NULL), 256000));
    bench_arithmetic(&shared, "2 scalars, 1 shared volume", 50000);
    resources_deinit(&scalars);
    resources_deinit(&reservations);
    resources_deinit(&shared);
}

/* --- selections --- */

typedef void (*select_fn)(const struct resources *r, struct resources *ret_selected);

static void reserved_to_role(const struct resources *r, struct resources *ret_selected)
{
    resources_reserved_to(r, SLICE("role"), ret_selected);
}

static void bench_selection(const char *what, const struct resources *r, select_fn select)
{
    double begun_s = now_s();
    for (size_t i = 0; i < 50000; i++) {
        struct resources selected;
        select(r, &selected);
        resources_deinit(&selected);
    }
    report(what, "4 scalars", 50000, begun_s);
}

static void bench_selections(void)
{
    struct resources plain = parse("cpus:1;gpus:1;mem:128;disk:256");
    struct resources reserved = parse("cpus(role):1;gpus(role):1;mem(role):128;disk(role):256");
    struct resources revocable = RESOURCES_INIT;
    struct resource_kind draft = {
        .name = SLICE("cpus"), .type = VALUE_SCALAR, .is_revocable = true};
    resources_add_take(&revocable, resource_make_scalar(resource_kind_make(&draft, NULL), 1000));
    bench_selection("r.nonRevocable()", &plain, resources_nonrevocable);
    bench_selection("r.revocable()", &revocable, resources_revocable);
    bench_selection("r.unreserved()", &plain, resources_unreserved);
    bench_selection("r.reserved(role)", &reserved, reserved_to_role);
    resources_deinit(&plain);
    resources_deinit(&reserved);
    resources_deinit(&revocable);
}

/* --- containment --- */

/* ports:[1-1,3-3,5-5,...]: `count` ranges out of twice as many numbers. */
static struct resources fragments(size_t count)
{
    struct range *items = calloc(count, sizeof(*items));
    struct resource_kind draft = {.name = SLICE("ports"), .type = VALUE_RANGES};
    struct resources r = RESOURCES_INIT;
    if (items == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct range){2 * i + 1, 2 * i + 1};
    }
    resources_add_take(
        &r, resource_make_ranges(resource_kind_make(&draft, NULL), ranges_new(items, count)));
    free(items);
    return r;
}

static void bench_contain(const struct resources *superset, const struct resources *subset,
                          const char *on, size_t count)
{
    size_t contained = 0;
    double begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        contained += resources_contain(superset, subset);
    }
    char what[40];
    snprintf(what, sizeof(what), "contains: %s", contained != 0 ? "yes" : "no");
    report(what, on, count, begun_s);
}

static void bench_all_contain(void)
{
    struct resources two = parse("cpus:1;mem:128");
    struct resources four = parse("cpus:1;gpus:1;mem:128;disk:256");
    struct resources pieces = fragments(8000);
    struct resources whole = parse("ports:[1-16000]");
    bench_contain(&four, &two, "2 in 4 scalars", 5000);
    bench_contain(&two, &four, "4 in 2 scalars", 5000);
    bench_contain(&two, &two, "2 in 2 scalars", 5000);
    bench_contain(&whole, &pieces, "8000 ranges in one", 100);
    bench_contain(&pieces, &whole, "one range in 8000", 50);
    struct resources again = fragments(8000);
    bench_contain(&pieces, &again, "8000 ranges in the same", 1);
    resources_add(&two, &pieces);
    resources_add(&four, &whole);
    bench_contain(&four, &two, "2 scalars, 8000 ranges in 4, 1", 100);
    bench_contain(&two, &four, "4 scalars, 1 range in 2, 8000", 50);
    resources_add(&again, &two);
    bench_contain(&two, &again, "2 scalars, 8000 ranges in same", 1);
    resources_deinit(&two);
    resources_deinit(&four);
    resources_deinit(&pieces);
    resources_deinit(&whole);
    resources_deinit(&again);
}

/* --- text --- */

static void bench_parse(void)
{
    static const size_t counts[] = {1000, 10000, 50000};
    struct buf text = BUF_INIT;
    for (int i = 0; i < 100; i++) {
        buf_printf(&text, "%sres%d:%d", i > 0 ? ";" : "", i, i);
    }
    for (size_t c = 0; c < ELEMENTS(counts); c++) {
        double begun_s = now_s();
        for (size_t i = 0; i < counts[c]; i++) {
            struct resources r;
            if (resources_parse(buf_slice(&text), SLICE("*"), &r, NULL) != 0) {
                abort();
            }
            resources_deinit(&r);
        }
        report("parse", "100 scalars", counts[c], begun_s);
    }
    buf_deinit(&text);
}

/* --- ranges --- */

/* `count` ranges of six numbers each, ten apart, from `begin` on. */
static struct resources comb(size_t count, uint64_t begin)
{
    struct range *items = calloc(count, sizeof(*items));
    struct resource_kind draft = {.name = SLICE("ports"), .type = VALUE_RANGES};
    struct resources r = RESOURCES_INIT;
    if (items == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct range){begin + i * 10, begin + i * 10 + 5};
    }
    resources_add_take(
        &r, resource_make_ranges(resource_kind_make(&draft, NULL), ranges_new(items, count)));
    free(items);
    return r;
}

static void bench_ranges(size_t ranges_count)
{
    const size_t count = 1000;
    struct resources a = comb(ranges_count, 1);
    struct resources b = comb(ranges_count, 3);
    char on[40];
    snprintf(on, sizeof(on), "%zu ranges, half over each other", ranges_count);
    double begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources sum;
        resources_copy(&a, &sum);
        resources_add(&sum, &b);
        resources_deinit(&sum);
    }
    report("a + b", on, count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources difference;
        resources_copy(&a, &difference);
        resources_subtract(&difference, &b);
        resources_deinit(&difference);
    }
    report("a - b", on, count, begun_s);
    resources_deinit(&a);
    resources_deinit(&b);
}

/* --- what master and allocator do most --- */

static void bench_quantities(void)
{
    const size_t count = 1000000;
    struct resource_names names;
    struct resources r = parse("cpus:1;gpus:1;mem:128;disk:256");
    struct quantities one = QUANTITIES_INIT;
    struct quantities total = QUANTITIES_INIT;
    size_t contained = 0;
    resource_names_init(&names);
    quantities_add_scalars(&one, &r, &names);
    double begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        quantities_add(&total, &one);
    }
    report("quantities: total += q", "4 scalars", count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        contained += quantities_contain(&total, &one);
        quantities_subtract(&total, &one);
    }
    report("contains, total -= q", "4 scalars", count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        quantities_add_scalars(&total, &r, &names);
    }
    report("quantities of resources", "4 scalars", count, begun_s);
    if (contained != count) {
        abort();
    }
    quantities_deinit(&one);
    quantities_deinit(&total);
    resources_deinit(&r);
    resource_names_deinit(&names);
}

static void bench_messages(void)
{
    const size_t count = 100000;
    struct resource_kinds pool;
    struct arena arena;
    Pb__Resource **items;
    size_t items_count;
    struct resources r = parse("cpus:1;mem:128;disk:256;ports:[31000-31001]");
    struct buf bytes = BUF_INIT;
    resource_kinds_init(&pool);
    arena_init(&arena, 0);
    resources_intern(&r, &pool);
    double begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources allocated;
        resources_copy(&r, &allocated);
        resources_allocate(&allocated, SLICE("eng/web"), &pool);
        resources_deinit(&allocated);
    }
    report("copy, allocate to a role", "3 scalars, 1 range", count, begun_s);
    resources_allocate(&r, SLICE("eng/web"), &pool);
    resources_to_pb(&r, RESOURCE_FORMAT_POST, &arena, &items, &items_count);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources read = RESOURCES_INIT;
        resources_add_pb(&read, items, items_count, &pool);
        resources_deinit(&read);
    }
    report("from messages", "3 scalars, 1 range", count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        buf_clear(&bytes);
        resources_encode(&r, RESOURCE_FORMAT_POST, 5, &bytes);
    }
    report("to bytes", "3 scalars, 1 range", count, begun_s);
    begun_s = now_s();
    for (size_t i = 0; i < count; i++) {
        struct resources read = RESOURCES_INIT;
        resources_add_bytes(&read, buf_slice(&bytes), 5, &pool);
        resources_deinit(&read);
    }
    report("from bytes", "3 scalars, 1 range", count, begun_s);
    resources_deinit(&r);
    buf_deinit(&bytes);
    arena_deinit(&arena);
    resource_kinds_deinit(&pool);
}

int main(void)
{
    bench_all_arithmetic();
    bench_selections();
    bench_all_contain();
    bench_parse();
    bench_ranges(10);
    bench_ranges(100);
    bench_ranges(1000);
    bench_quantities();
    bench_messages();
    return 0;
}
