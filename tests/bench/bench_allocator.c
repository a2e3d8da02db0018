/*
 * How fast the allocator is, on the work that the original's benchmarks do
 * (hierarchical_allocator_tests.cpp), under their names. Prints one line a measure, beside what the
 * original takes for it; times are of this thread's CPU.
 *
 * `bench_allocator [AGENTS [FRAMEWORKS]]`: 20000 and 1000 unless given; the original's figures are
 * for these.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/duration.h"
#include "common/xalloc.h"
#include "resources/offer_constraints.h"
#include "resources/resources.h"
#include "tepui/allocator.h"
#include "wire/json.h"

#define INTERVAL_NS NS_PER_SEC
#define FOREVER_NS (365 * NS_PER_DAY)
#define ALL_CAPABILITIES (ALLOCATOR_MULTI_ROLE | ALLOCATOR_HIERARCHICAL_ROLE | ALLOCATOR_REFINEMENT)

static const struct allocator_ops *const ops = &allocator_hierarchical;

/* An offer that is held until the next round. */
struct offer {
    uint32_t framework;
    uint32_t agent;
    struct resources resources;
};

struct bench {
    void *allocator;
    struct resource_names names;
    uint32_t agent_count;
    uint32_t framework_count;
    int64_t now_ns;
    size_t offer_count; /* since the last measure */
    bool keeps_offers;
    struct offer *offers;
    size_t kept_count;
    size_t kept_capacity;
};

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* original_ms 0: it has no figure. */
static void report(const char *what, double ms, double original_ms)
{
    printf("  %-54s %9.2f ms", what, ms);
    if (original_ms != 0) {
        printf("   original %8.0f ms: x %.0f", original_ms, original_ms / ms);
    }
    printf("\n");
}

static struct resources parse(const char *text)
{
    struct resources r;
    struct err err;
    if (resources_parse(slice_from(text), SLICE("*"), &r, &err) != 0) {
        fprintf(stderr, "%s: %s\n", text, err.text);
        exit(1);
    }
    return r;
}

static struct resources parse_allocated(const char *text, const char *role)
{
    struct resources r = parse(text);
    resources_allocate(&r, slice_from(role), NULL);
    return r;
}

static void begin(struct bench *b, uint32_t agent_count, uint32_t framework_count)
{
    *b = (struct bench){.agent_count = agent_count, .framework_count = framework_count};
    resource_names_init(&b->names);
    struct err err;
    struct quantities min[2];
    if (quantities_parse(SLICE("cpus:0.01"), &b->names, &min[0], &err) != 0 ||
        quantities_parse(SLICE("mem:32"), &b->names, &min[1], &err) != 0) {
        exit(1);
    }
    struct allocator_options options = {
        .allocation_interval_ns = INTERVAL_NS,
        .names = &b->names,
        .seed = 1,
        .filter_gpu_resources = true,
        .min_allocatable = min,
        .min_allocatable_count = 2,
        .recovery_factor = 0.8,
    };
    b->allocator = ops->create(&options);
}

static void drop_offers(struct bench *b)
{
    for (size_t i = 0; i < b->kept_count; i++) {
        resources_deinit(&b->offers[i].resources);
    }
    b->kept_count = 0;
}

static void end(struct bench *b)
{
    drop_offers(b);
    free(b->offers);
    ops->destroy(b->allocator);
    resource_names_deinit(&b->names);
}

static void keep(struct bench *b, const struct allocator_offer *offer)
{
    if (b->kept_count == b->kept_capacity) {
        b->kept_capacity = MAX(1024u, b->kept_capacity * 2);
        b->offers = xrealloc(b->offers, b->kept_capacity, sizeof(b->offers[0]));
    }
    b->offers[b->kept_count++] = (struct offer){
        .framework = offer->framework,
        .agent = offer->agent,
        .resources = resources_take(offer->resources),
    };
}

static void step(struct bench *b)
{
    struct allocator_batch batch;
    ops->step(b->allocator, b->now_ns, &batch);
    b->offer_count += batch.offer_count;
    for (size_t i = 0; b->keeps_offers && i < batch.offer_count; i++) {
        keep(b, &batch.offers[i]);
    }
}

/* What the master does after each event. */
static void settle(struct bench *b)
{
    while (ops->deadline(b->allocator) <= b->now_ns) {
        step(b);
    }
}

/* One interval on; returns the CPU time of the run. */
static double interval(struct bench *b)
{
    b->now_ns += INTERVAL_NS;
    double start = cpu_ms();
    settle(b);
    return cpu_ms() - start;
}

static void decline_all(struct bench *b, int64_t refuse_ns)
{
    struct allocator_refusal refusal = {refuse_ns};
    for (size_t i = 0; i < b->kept_count; i++) {
        ops->recover_resources(b->allocator, b->now_ns, b->offers[i].framework, b->offers[i].agent,
                               &b->offers[i].resources, &refusal);
    }
    drop_offers(b);
}

static void add_framework(struct bench *b, uint32_t id, const char *role, uint32_t capabilities)
{
    const char *roles[] = {role, NULL};
    const char *none[] = {NULL};
    struct allocator_framework info = {
        .roles = roles,
        .suppressed_roles = none,
        .capabilities = ALLOCATOR_MULTI_ROLE | ALLOCATOR_REFINEMENT | capabilities,
        .active = true,
    };
    ops->add_framework(b->allocator, b->now_ns, id, &info, NULL, 0);
    settle(b);
}

static void add_frameworks(struct bench *b, uint32_t capabilities)
{
    for (uint32_t i = 0; i < b->framework_count; i++) {
        add_framework(b, i, "*", capabilities);
    }
}

/* Every agent with a part used by one framework, in turn; `used` may be NULL. A run after each, as
 * if the master had nothing else to do in between. Returns the CPU time. */
static double add_agents(struct bench *b, const struct resources *total,
                         const struct resources *used)
{
    struct allocator_agent info = {
        .total = total, .capabilities = ALL_CAPABILITIES, .active = true};
    double start = cpu_ms();
    for (uint32_t i = 0; i < b->agent_count; i++) {
        struct allocator_used use = {i % b->framework_count, i, used};
        ops->add_agent(b->allocator, b->now_ns, i, &info, &use, used != NULL);
        settle(b);
    }
    return cpu_ms() - start;
}

static void bench_add_and_update_slave(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("AddAndUpdateSlave\n");
    begin(&b, agent_count, framework_count);
    add_frameworks(&b, ALLOCATOR_REVOCABLE);
    struct resources total = parse("cpus:2;mem:1024;disk:4096;ports:[31000-32000]");
    struct resources used =
        parse_allocated("cpus:1;mem:128;disk:1024;"
                        "ports:[31126-31510,31512-31623,31810-31852,31854-31964]",
                        "*");
    report("added", add_agents(&b, &total, &used), 1700);
    struct resources more;
    resources_copy(&total, &more);
    struct resources extra = parse("cpus:10");
    struct resource_kind draft = *extra.items[0].kind;
    draft.is_revocable = true;
    resource_set_kind(&extra.items[0], resource_kind_make(&draft, NULL));
    resources_add(&more, &extra);
    struct allocator_agent info = {.total = &more, .capabilities = ALL_CAPABILITIES};
    double start = cpu_ms();
    for (uint32_t i = 0; i < agent_count; i++) {
        ops->update_agent(b.allocator, b.now_ns, i, &info);
        settle(&b);
    }
    report("updated", cpu_ms() - start, 1200);
    printf("  %zu offers\n", b.offer_count);
    resources_deinit(&total);
    resources_deinit(&used);
    resources_deinit(&more);
    resources_deinit(&extra);
    end(&b);
}

/* 16 tasks' worth of cpus, and ports in 16 ranges. */
static struct resources sixteen_tasks(const char *rest)
{
    char text[1024];
    int size = snprintf(text, sizeof(text), "cpus:16;disk:1024;%s;ports:[", rest);
    for (int i = 0; i < 16; i++) {
        size += snprintf(text + size, sizeof(text) - (size_t)size, "%s%d-%d", i != 0 ? "," : "",
                         31000 + i * 62, 31000 + i * 62 + 60);
    }
    snprintf(text + size, sizeof(text) - (size_t)size, "]");
    return parse_allocated(text, "*");
}

static void bench_decline_offers(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("DeclineOffers\n");
    begin(&b, agent_count, framework_count);
    add_frameworks(&b, 0);
    b.keeps_offers = true;
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    struct resources used = sixteen_tasks("mem:2014");
    report("added", add_agents(&b, &total, &used), 0);
    double last = 0;
    double declines = 0;
    for (int round = 0; round < 60; round++) {
        double start = cpu_ms();
        decline_all(&b, FOREVER_NS);
        declines += cpu_ms() - start;
        b.offer_count = 0;
        last = interval(&b);
    }
    struct allocator_stats stats;
    ops->stats(b.allocator, &stats);
    report("60 rounds of declines, each", declines / 60, 0);
    report("a cycle after 60 rounds", last, 1700);
    printf("  %zu offers in it, %zu filters\n", b.offer_count, stats.offer_filters_active);
    decline_all(&b, FOREVER_NS);
    for (uint32_t i = 0; i < framework_count; i++) {
        ops->suppress(b.allocator, b.now_ns, i, NULL);
    }
    report("a cycle when nobody wants anything", interval(&b), 0);
    resources_deinit(&total);
    resources_deinit(&used);
    end(&b);
}

static void bench_suppress_offers(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("SuppressOffers\n");
    begin(&b, agent_count, framework_count);
    add_frameworks(&b, 0);
    b.keeps_offers = true;
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    struct resources used = sixteen_tasks("mem:1024");
    add_agents(&b, &total, &used);
    uint32_t suppressed = 0;
    for (int round = 1; round <= 5; round++) {
        decline_all(&b, 0);
        for (uint32_t i = 0; i < framework_count / 5; i++) {
            ops->suppress(b.allocator, b.now_ns, suppressed++, NULL);
        }
        b.offer_count = 0;
        double ms = interval(&b);
        char what[64];
        snprintf(what, sizeof(what), "a cycle, %u of %u suppressed, %zu offers", suppressed,
                 framework_count, b.offer_count);
        report(what, ms, round == 4 ? 880 : round == 5 ? 210 : 0);
    }
    resources_deinit(&total);
    resources_deinit(&used);
    end(&b);
}

static void bench_extreme_suppress_offers(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("ExtremeSuppressOffers\n");
    begin(&b, agent_count, framework_count);
    add_frameworks(&b, 0);
    b.keeps_offers = true;
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    struct resources used = sixteen_tasks("mem:1024");
    add_agents(&b, &total, &used);
    for (uint32_t i = 0; i < framework_count * 99 / 100; i++) {
        ops->suppress(b.allocator, b.now_ns, i, NULL);
    }
    double worst = 0;
    for (int round = 0; round < 5; round++) {
        decline_all(&b, 0);
        double ms = interval(&b);
        worst = MAX(worst, ms);
    }
    report("a cycle, 99 % suppressed, the worst of 5", worst, 0);
    resources_deinit(&total);
    resources_deinit(&used);
    end(&b);
}

/* Reserved with 12 labels, of which the last differs. */
static struct resources labelled(const char *text, const char *role, const char *last)
{
    struct resources r = parse(text);
    char keys[12][16];
    struct resource_label labels[12];
    for (int i = 0; i < 12; i++) {
        snprintf(keys[i], sizeof(keys[i]), "key%d", i);
        labels[i] = (struct resource_label){slice_from(keys[i]), SLICE("value")};
    }
    labels[11].value = slice_from(last);
    struct resource_reservation reservation = {
        .type = RESERVATION_DYNAMIC,
        .role = slice_from(role),
        .principal = SLICE("principal1"),
        .labels = {.items = labels, .count = 12, .is_set = true},
    };
    struct resources pushed;
    resources_push_reservation(&r, &reservation, &pushed);
    resources_deinit(&r);
    return pushed;
}

/* The same as DeclineOffers, but cpus are used under reservations that differ on every agent. */
static void bench_resource_labels(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("ResourceLabels\n");
    begin(&b, agent_count, framework_count);
    for (uint32_t i = 0; i < framework_count; i++) {
        add_framework(&b, i, "role1", 0);
    }
    b.keeps_offers = true;
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    struct allocator_agent info = {
        .total = &total, .capabilities = ALL_CAPABILITIES, .active = true};
    double start = cpu_ms();
    for (uint32_t i = 0; i < agent_count; i++) {
        char text[2][32];
        struct resources used = parse_allocated("mem:2014;disk:1024;ports:[31000-31099]", "role1");
        for (int j = 0; j < 2; j++) {
            snprintf(text[j], sizeof(text[j]), "value_%u_%d", i, j);
            struct resources part = labelled("cpus:8", "role1", text[j]);
            resources_allocate(&part, SLICE("role1"), NULL);
            resources_add(&used, &part);
            resources_deinit(&part);
        }
        struct allocator_used use = {i % framework_count, i, &used};
        ops->add_agent(b.allocator, b.now_ns, i, &info, &use, 1);
        settle(&b);
        resources_deinit(&used);
    }
    report("added", cpu_ms() - start, 0);
    double last = 0;
    for (int round = 0; round < 60; round++) {
        decline_all(&b, FOREVER_NS);
        last = interval(&b);
    }
    report("a cycle after 60 rounds", last, 0);
    resources_deinit(&total);
    end(&b);
}

/* One framework reserves and unreserves on an agent with 4 * roles reserved resources. */
static void bench_update_allocation(uint32_t role_count)
{
    struct bench b;
    begin(&b, 1, role_count);
    struct resources total = RESOURCES_INIT;
    struct resources *used = xcalloc(role_count, sizeof(*used));
    struct allocator_used *uses = xcalloc(role_count, sizeof(*uses));
    char role[32];
    for (uint32_t i = 0; i < role_count; i++) {
        snprintf(role, sizeof(role), "role-%u", i);
        add_framework(&b, i, role, 0);
        struct resources part = labelled("cpus:100;mem:100;disk:100;port:[2-2]", role, role);
        resources_add(&total, &part);
        resources_allocate(&part, slice_from(role), NULL);
        used[i] = part;
        uses[i] = (struct allocator_used){i, 0, &used[i]};
    }
    struct allocator_agent info = {
        .total = &total, .capabilities = ALL_CAPABILITIES, .active = true};
    ops->add_agent(b.allocator, b.now_ns, 0, &info, uses, role_count);
    settle(&b);
    struct resources unreserved;
    resources_to_unreserved(&used[0], &unreserved);
    double start = cpu_ms();
    for (int i = 0; i < 20; i++) {
        ops->update_allocation(b.allocator, b.now_ns, 0, 0, &used[0], &unreserved);
        ops->update_allocation(b.allocator, b.now_ns, 0, 0, &unreserved, &used[0]);
    }
    char what[64];
    snprintf(what, sizeof(what), "%u reserved resources, a call", 4 * role_count);
    report(what, (cpu_ms() - start) / 40, 0);
    for (uint32_t i = 0; i < role_count; i++) {
        resources_deinit(&used[i]);
    }
    resources_deinit(&unreserved);
    resources_deinit(&total);
    free(used);
    free(uses);
    end(&b);
}

static void bench_allocator_backlog(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("AllocatorBacklog\n");
    begin(&b, agent_count, framework_count);
    add_frameworks(&b, 0);
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    report("agents added", add_agents(&b, &total, NULL), 0);
    double start = cpu_ms();
    for (uint32_t i = 0; i < framework_count; i++) {
        ops->revive(b.allocator, b.now_ns, i, NULL);
        settle(&b);
    }
    report("REVIVE of every framework, a run after each", cpu_ms() - start, 16700);
    resources_deinit(&total);
    end(&b);
}

/* Not the original's: every agent is free and refused by all but those that revive. */
static void bench_revive_filtered(uint32_t agent_count)
{
    struct bench b;
    printf("REVIVE where all is free and filtered\n");
    begin(&b, agent_count, 50);
    add_frameworks(&b, 0);
    b.keeps_offers = true;
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    add_agents(&b, &total, NULL);
    for (int round = 0; round < 60; round++) {
        decline_all(&b, FOREVER_NS);
        interval(&b);
    }
    report("a cycle when everybody refused everything", interval(&b), 0);
    double start = cpu_ms();
    for (uint32_t i = 0; i < 10; i++) {
        ops->revive(b.allocator, b.now_ns, i, NULL);
        settle(&b);
        decline_all(&b, FOREVER_NS);
    }
    report("10 frameworks, each offered and refusing all again", cpu_ms() - start, 0);
    resources_deinit(&total);
    end(&b);
}

static void bench_metrics(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    printf("Metrics, with quota for every role\n");
    begin(&b, agent_count, framework_count);
    struct err err;
    struct quantities guarantees;
    struct resource_limits limits;
    if (quantities_parse(SLICE("cpus:1;mem:512;disk:256"), &b.names, &guarantees, &err) != 0 ||
        resource_limits_parse(SLICE("cpus:1;mem:512;disk:256"), &b.names, &limits, &err) != 0) {
        exit(1);
    }
    double start = cpu_ms();
    char role[16];
    for (uint32_t i = 0; i < framework_count; i++) {
        snprintf(role, sizeof(role), "%u", i);
        ops->set_quota(b.allocator, b.now_ns, role, &guarantees, &limits);
    }
    for (uint32_t i = 0; i < framework_count; i++) {
        snprintf(role, sizeof(role), "%u", i);
        add_framework(&b, i, role, 0);
    }
    report("roles and frameworks added", cpu_ms() - start, 0);
    struct resources total = parse("cpus:16;mem:2048;disk:1024");
    report("agents added", add_agents(&b, &total, NULL), 91000);
    report("a cycle", interval(&b), 0);
    printf("  %zu offers\n", b.offer_count);
    quantities_deinit(&guarantees);
    resource_limits_deinit(&limits);
    resources_deinit(&total);
    end(&b);
}

/* The goal: a cycle with all agents free and all filters expired within 100 ms. */
static void bench_full_cycle(uint32_t agent_count, uint32_t framework_count, uint32_t role_count)
{
    struct bench b;
    begin(&b, agent_count, framework_count);
    char role[32];
    for (uint32_t i = 0; i < framework_count; i++) {
        snprintf(role, sizeof(role), "role-%u/%s", i % role_count, i % 2 == 0 ? "a" : "b");
        add_framework(&b, i, role, 0);
    }
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    b.keeps_offers = true;
    add_agents(&b, &total, NULL);
    double worst = 0;
    for (int round = 0; round < 5; round++) {
        decline_all(&b, INTERVAL_NS);
        b.now_ns += INTERVAL_NS;
        b.offer_count = 0;
        double ms = interval(&b);
        worst = MAX(worst, ms);
    }
    char what[64];
    snprintf(what, sizeof(what), "%u x %u, %u roles, %zu offers; goal 100 ms", agent_count,
             framework_count, role_count, b.offer_count);
    report(what, worst, 0);
    resources_deinit(&total);
    end(&b);
}

/* Attributes of agents, by id. */
struct racks {
    struct offer_constraints *constraints;
    struct agent_traits *agents;
};

static bool is_on_rack(const void *arg, const char *role, uint32_t agent)
{
    const struct racks *racks = arg;
    return offer_constraints_admit(racks->constraints, role, &racks->agents[agent]);
}

/* One group of two: a name, and an expression on half of the racks. */
static struct offer_constraints *even_racks(void)
{
    static const char json[] =
        "{\"role_constraints\":{\"*\":{\"groups\":[{\"attribute_constraints\":["
        "{\"selector\":{\"attribute_name\":\"kernel\"},\"predicate\":{\"text_equals\":"
        "{\"value\":\"6.1\"}}},"
        "{\"selector\":{\"attribute_name\":\"rack\"},\"predicate\":{\"text_matches\":"
        "{\"regex\":\"rack-[0-9]*[02468]\"}}}]}]}}}";
    static const struct pattern_limits limits = {4096, 100};
    CLEANUP(arena_deinit) struct arena arena;
    struct offer_constraints *constraints = NULL;
    ProtobufCMessage *message;
    arena_init(&arena, 0);
    int r = json_parse_message(&pb__scheduler__offer_constraints__descriptor, slice_from(json),
                               JSON_V1, &arena, &message, NULL);
    if (r == 0) {
        r = offer_constraints_new((const Pb__Scheduler__OfferConstraints *)message, &limits,
                                  &constraints, NULL);
    }
    ASSERT(r == 0);
    return constraints;
}

static void init_traits(struct agent_traits *traits, uint32_t number)
{
    char rack[32];
    snprintf(rack, sizeof(rack), "rack-%u", number % 100);
    *traits = (struct agent_traits){
        .hostname = xstrdup("host"), .items = xcalloc(2, sizeof(traits->items[0])), .count = 2};
    traits->items[0] = (struct agent_trait){xstrdup("kernel"), xstrdup("6.1")};
    traits->items[1] = (struct agent_trait){xstrdup("rack"), xstrdup(rack)};
}

#define CONSTRAINTS_ROUNDS 25

/* Every second framework wants every second agent. */
static void bench_constraints(uint32_t agent_count, uint32_t framework_count)
{
    struct bench b;
    begin(&b, agent_count, framework_count);
    struct racks racks = {even_racks(), xcalloc(agent_count, sizeof(racks.agents[0]))};
    const char *roles[] = {"*", NULL};
    const char *none[] = {NULL};
    for (uint32_t i = 0; i < agent_count; i++) {
        init_traits(&racks.agents[i], i);
    }
    for (uint32_t i = 0; i < framework_count; i++) {
        struct allocator_framework info = {
            .roles = roles,
            .suppressed_roles = none,
            .capabilities = ALLOCATOR_MULTI_ROLE | ALLOCATOR_REFINEMENT,
            .active = true,
            .constraint = i % 2 == 0 ? is_on_rack : NULL,
            .constraint_arg = &racks,
        };
        ops->add_framework(b.allocator, b.now_ns, i, &info, NULL, 0);
    }
    struct resources total = parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]");
    b.keeps_offers = true;
    add_agents(&b, &total, NULL);
    /* At first constraints are asked; the noes are remembered. */
    double worst[2] = {0};
    for (int round = 0; round < CONSTRAINTS_ROUNDS; round++) {
        decline_all(&b, INTERVAL_NS);
        b.now_ns += INTERVAL_NS;
        b.offer_count = 0;
        double ms = interval(&b);
        bool is_known = round >= CONSTRAINTS_ROUNDS - 5;
        worst[is_known] = MAX(worst[is_known], ms);
    }
    report("the same, half of them with constraints, at first", worst[0], 0);
    report("once it is known whom they exclude", worst[1], 0);
    resources_deinit(&total);
    end(&b);
    for (uint32_t i = 0; i < agent_count; i++) {
        agent_traits_deinit(&racks.agents[i]);
    }
    free(racks.agents);
    offer_constraints_unref(racks.constraints);
}

int main(int argc, char **argv)
{
    uint32_t agents = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20000;
    uint32_t frameworks = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000;
    printf("%u agents, %u frameworks\n", agents, frameworks);
    bench_add_and_update_slave(agents, frameworks);
    bench_decline_offers(agents, frameworks);
    bench_suppress_offers(agents, frameworks);
    bench_extreme_suppress_offers(agents, frameworks);
    bench_resource_labels(agents, frameworks);
    printf("UpdateAllocation\n");
    bench_update_allocation(50);
    bench_update_allocation(200);
    bench_allocator_backlog(agents, frameworks);
    bench_metrics(agents, frameworks);
    bench_revive_filtered(agents);
    printf("A full cycle, all agents free, all filters expired: the worst of 5\n");
    bench_full_cycle(agents, 2 * frameworks, 1);
    bench_constraints(agents, 2 * frameworks);
    bench_full_cycle(agents, 2 * frameworks, 100);
    bench_full_cycle(agents, 2 * frameworks, 2 * frameworks);
    return 0;
}
