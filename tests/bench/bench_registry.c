/*
 * The durable registry with many agents, on the replicated log and LevelDB: all of them admitted,
 * marked unreachable, reachable, and removed; then recovered by the next master.
 *
 *   bench_registry [agents [folder]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "daemon/master_registry.h"
#include "wire/message.h"
#include "wire/pb.h"

/* Agents that come and go one after another. */
#define SINGLE_COUNT 10

struct bench {
    struct loop *loop;
    struct workers *workers;
    struct net_host *net;
    struct metrics *metrics;
    struct master_registry *registry;
    size_t count;
    struct blob **ids;
    struct blob **infos;
    size_t waiting; /* for answers */
    size_t refused;
    size_t recovered;
    size_t size; /* bytes stored */
};

static double now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static Pb__Resource *resource(struct arena *arena, const char *name, double amount)
{
    Pb__Resource *resource = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    resource->name = arena_strdup(arena, name);
    resource->type = PB__VALUE__TYPE__SCALAR;
    resource->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    resource->scalar->value = amount;
    return resource;
}

static Pb__Attribute *attribute(struct arena *arena, const char *name, const char *text)
{
    Pb__Attribute *attribute = MESSAGE_NEW(Pb__Attribute, pb__attribute, arena);
    attribute->name = arena_strdup(arena, name);
    attribute->type = PB__VALUE__TYPE__TEXT;
    attribute->text = MESSAGE_NEW(Pb__Value__Text, pb__value__text, arena);
    attribute->text->value = arena_strdup(arena, text);
    return attribute;
}

/* What an agent of a large cluster tells of itself. */
static struct blob *make_info(const char *id, size_t number)
{
    struct arena arena;
    Pb__AgentInfo info = PB__AGENT_INFO__INIT;
    Pb__AgentID agent_id = PB__AGENT_ID__INIT;
    arena_init(&arena, 0);
    agent_id.value = arena_strdup(&arena, id);
    info.id = &agent_id;
    info.hostname = arena_printf(&arena, "node-%06zu.rack-%03zu.example.org", number, number / 40);
    info.has_port = true;
    info.port = 5051;
    static const char *const names[] = {"cpus", "mem", "disk", "gpus"};
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        MESSAGE_APPEND(&arena, info.n_resources, info.resources,
                       resource(&arena, names[i], 64.0 * (double)(i + 1)));
    }
    MESSAGE_APPEND(&arena, info.n_attributes, info.attributes,
                   attribute(&arena, "rack", arena_printf(&arena, "rack-%03zu", number / 40)));
    MESSAGE_APPEND(&arena, info.n_attributes, info.attributes,
                   attribute(&arena, "kernel", "6.1.0-18-amd64"));
    struct blob *blob = message_encode_blob(&info.base);
    arena_deinit(&arena);
    return blob;
}

/* --- asking --- */

static void ask(struct bench *bench, enum registry_op_type type, size_t i)
{
    struct registry_ops ops;
    bool has_info = type == REGISTRY_ADMIT_AGENT || type == REGISTRY_MARK_REACHABLE;
    registry_ops_init(&ops);
    registry_ask(&ops, type, i + 1, type != REGISTRY_RECOVER ? blob_ref(bench->ids[i]) : NULL,
                 has_info ? blob_ref(bench->infos[i]) : NULL)
        ->time_ns = 1700000000 * NS_PER_SEC;
    bench->waiting++;
    master_registry_ask(bench->registry, registry_ops_pop(&ops));
}

static void on_answer(void *arg, const struct registry_event *event)
{
    struct bench *bench = arg;
    if (event->status != 0) {
        fprintf(stderr, "%s\n", event->why);
        exit(1);
    }
    bench->waiting--;
    bench->refused += !event->applied;
    bench->size = event->size;
    if (event->registry != NULL) {
        bench->recovered = event->registry->agents.count;
    }
    if (bench->waiting == 0) {
        loop_stop(bench->loop);
    }
}

static void on_failed(void *arg, const char *why)
{
    (void)arg;
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void on_net(void *arg, const struct net_event *event)
{
    struct bench *bench = arg;
    (void)master_registry_take_net(bench->registry, event);
}

static bool has_actor(void *arg, struct slice id)
{
    struct bench *bench = arg;
    return master_registry_has_actor(bench->registry, id);
}

static void report(struct bench *bench, const char *what, double begun_ms)
{
    double took_ms = now_ms() - begun_ms;
    printf("%-40s %8.1f ms, %6.2f us each, %5.1f MB stored\n", what, took_ms,
           took_ms * 1e3 / (double)bench->count, (double)bench->size / 1e6);
    if (bench->refused != 0) {
        fprintf(stderr, "%zu operations did not fit\n", bench->refused);
        exit(1);
    }
}

/* All at once. */
static void measure(struct bench *bench, enum registry_op_type type, const char *what)
{
    double begun_ms = now_ms();
    for (size_t i = 0; i < bench->count; i++) {
        ask(bench, type, i);
    }
    loop_run(bench->loop);
    report(bench, what, begun_ms);
}

/* One after another, with all the others there. */
static void measure_single(struct bench *bench)
{
    double begun_ms = now_ms();
    size_t count = MIN((size_t)SINGLE_COUNT, bench->count);
    for (size_t i = 0; i < count; i++) {
        ask(bench, REGISTRY_MARK_UNREACHABLE, i);
        loop_run(bench->loop);
        ask(bench, REGISTRY_MARK_REACHABLE, i);
        loop_run(bench->loop);
    }
    printf("%-40s %8.1f ms each\n", "one after another",
           (now_ms() - begun_ms) / (double)(2 * count));
}

static void start(struct bench *bench, const char *root)
{
    struct err err;
    struct master_registry_options options = {
        .loop = bench->loop,
        .net = bench->net,
        .metrics = bench->metrics,
        .work_dir = root,
        .quorum = 1,
        .auto_initialize = true,
        .compacts = true,
        .self = {.family = 4, .ip = {127, 0, 0, 1}, .port = 5050},
        .fetch_timeout_ns = NS_PER_MIN,
        .store_timeout_ns = NS_PER_MIN,
        .seed = 1,
        .on_answer = on_answer,
        .on_failed = on_failed,
        .arg = bench,
    };
    bench->metrics = options.metrics = metrics_new();
    if (master_registry_new(&options, &bench->registry, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    double begun_ms = now_ms();
    ask(bench, REGISTRY_RECOVER, 0);
    loop_run(bench->loop);
    printf("%-40s %8.1f ms (%zu agents)\n", "recovered", now_ms() - begun_ms, bench->recovered);
}

static void stop(struct bench *bench)
{
    bench->registry = master_registry_free(bench->registry);
    bench->metrics = metrics_free(bench->metrics);
}

int main(int argc, char **argv)
{
    static const struct net_host_callbacks callbacks = {.on_event = on_net, .has_actor = has_actor};
    struct bench bench = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 50000};
    char *root = xasprintf("%s/tepui-bench-registry-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(root) == NULL) {
        perror(root);
        return 1;
    }
    bench.loop = loop_new();
    bench.workers = workers_new(bench.loop, 1);
    bench.net = net_host_new(&(struct net_host_options){.loop = bench.loop,
                                                        .workers = bench.workers,
                                                        .callbacks = &callbacks,
                                                        .arg = &bench,
                                                        .seed = 1});
    bench.ids = xcalloc(bench.count + 1, sizeof(bench.ids[0]));
    bench.infos = xcalloc(bench.count + 1, sizeof(bench.infos[0]));
    for (size_t i = 0; i < bench.count; i++) {
        char id[64];
        (void)snprintf(id, sizeof(id), "6b0b17ce-d2f7-481e-9062-f7a5a3ce59ae-S%zu", i);
        bench.ids[i] = blob_from(slice_from(id));
        bench.infos[i] = make_info(id, i);
    }
    start(&bench, root);
    measure(&bench, REGISTRY_ADMIT_AGENT, "admitted");
    measure(&bench, REGISTRY_MARK_UNREACHABLE, "marked unreachable");
    measure(&bench, REGISTRY_MARK_REACHABLE, "marked reachable");
    measure_single(&bench);
    stop(&bench);
    start(&bench, root);
    measure(&bench, REGISTRY_REMOVE_AGENT, "removed");
    stop(&bench);

    for (size_t i = 0; i < bench.count; i++) {
        blob_unref(bench.ids[i]);
        blob_unref(bench.infos[i]);
    }
    free(bench.ids);
    free(bench.infos);
    net_host_free(bench.net);
    workers_free(bench.workers);
    loop_free(bench.loop);
    char *command = xasprintf("rm -rf '%s'", root);
    int r = system(command);
    free(command);
    free(root);
    return r;
}
