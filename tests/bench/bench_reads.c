/*
 * What whole-state answers cost: CPU time of rendering alone, at 2,000 agents x 5 frameworks x 10
 * tasks unless told otherwise (the shape of ../shared/bench/load.py).
 *
 *     bench_reads [AGENTS [FRAMEWORKS [TASKS]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"
#include "master/master.h"
#include "master/master_state.h"
#include "registry/registry_memory.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

#define ROUNDS 5

struct bench {
    struct master *master;
    struct registry_memory *registry;
    struct now now;
    struct net_job *job; /* of the last request */
};

static double cpu_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void step(struct bench *b, const struct master_event *event)
{
    struct master_effects effects;
    struct registry_op *op;
    struct registry_event answer;
    struct net_effect *effect;
    master_effects_init(&effects);
    b->now.mono_ns += 1000;
    master_step(b->master, b->now, event, &effects);
    while ((op = registry_ops_pop(&effects.registry)) != NULL) {
        registry_memory_put(b->registry, op);
    }
    while ((effect = net_effects_pop(&effects.net)) != NULL) {
        if (effect->job != NULL) {
            b->job = TAKE_PTR(effect->job);
        }
        net_effect_free(effect);
    }
    master_effects_deinit(&effects);
    while (event->type != MASTER_REGISTRY && registry_memory_next(b->registry, &answer)) {
        step(b, &(struct master_event){.type = MASTER_REGISTRY, .registry = &answer});
    }
}

static void put_resources(struct buf *out, int framework, double cpus, double mem)
{
    static const char *const names[] = {"cpus", "mem"};
    buf_append_text(out, "\"resources\":[");
    for (int i = 0; i < 2; i++) {
        buf_printf(out, "%s{\"name\":\"%s\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%g}",
                   i > 0 ? "," : "", names[i], i > 0 ? mem : cpus);
        if (framework >= 0) {
            buf_printf(out, ",\"allocation_info\":{\"role\":\"role-%d\"}", framework);
        }
        buf_append_text(out, "}");
    }
    buf_append_text(out, "]");
}

static void put_task(struct buf *out, int agent, int framework, int task)
{
    buf_printf(out,
               "{\"name\":\"web\",\"task_id\":{\"value\":\"agent-%08d-%d-%d\"},\"framework_id\":{"
               "\"value\":\"11111111-2222-3333-4444-555555555555-%04d\"},\"slave_id\":{\"value\":"
               "\"agent-%08d\"},\"state\":\"TASK_RUNNING\",",
               agent, framework, task, framework, agent);
    put_resources(out, framework, 0.1, 32);
    buf_printf(out,
               ",\"statuses\":[{\"task_id\":{\"value\":\"agent-%08d-%d-%d\"},\"state\":"
               "\"TASK_RUNNING\",\"source\":\"SOURCE_EXECUTOR\",\"timestamp\":1.7e9,\"uuid\":"
               "\"AAAAAAAAAAAAAAAAAAAAAA==\",\"slave_id\":{\"value\":\"agent-%08d\"},"
               "\"container_status\":{\"network_infos\":[{\"ip_addresses\":[{\"ip_address\":"
               "\"10.0.0.1\"}]}]}}],\"status_update_state\":\"TASK_RUNNING\","
               "\"status_update_uuid\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"labels\":{\"labels\":[{"
               "\"key\":\"team\",\"value\":\"search\"},{\"key\":\"stage\",\"value\":"
               "\"production\"}]}}",
               agent, framework, task, agent);
}

static void put_message(struct buf *out, int agent, int frameworks, int tasks)
{
    buf_printf(out,
               "{\"slave\":{\"hostname\":\"agent-%08d\",\"port\":5051,\"checkpoint\":true,\"id\":{"
               "\"value\":\"agent-%08d\"},\"attributes\":[{\"name\":\"rack\",\"type\":\"TEXT\","
               "\"text\":{\"value\":\"r1\"}}],",
               agent, agent);
    put_resources(out, -1, frameworks * tasks, 1 << 16);
    buf_append_text(out, "},\"version\":\"1.12.0\",\"agent_capabilities\":[{\"type\":"
                         "\"MULTI_ROLE\"},{\"type\":\"RESERVATION_REFINEMENT\"}],"
                         "\"frameworks\":[");
    for (int f = 0; f < frameworks; f++) {
        buf_printf(out,
                   "%s{\"user\":\"root\",\"name\":\"framework-%d\",\"id\":{\"value\":"
                   "\"11111111-2222-3333-4444-555555555555-%04d\"},\"roles\":[\"role-%d\"],"
                   "\"checkpoint\":true,\"failover_timeout\":1e6,\"capabilities\":[{\"type\":"
                   "\"MULTI_ROLE\"},{\"type\":\"RESERVATION_REFINEMENT\"}]}",
                   f > 0 ? "," : "", f, f, f);
    }
    buf_append_text(out, "],\"tasks\":[");
    for (int f = 0; f < frameworks; f++) {
        for (int t = 0; t < tasks; t++) {
            buf_append_text(out, f + t > 0 ? "," : "");
            put_task(out, agent, f, t);
        }
    }
    buf_append_text(out, "]}");
}

static void reregister(struct bench *b, int agent, int frameworks, int tasks)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    CLEANUP(arena_deinit) struct arena arena;
    ProtobufCMessage *message;
    struct err err;
    arena_init(&arena, 0);
    put_message(&text, agent, frameworks, tasks);
    if (json_parse_message(&pb__internal__reregister_slave_message__descriptor, buf_slice(&text),
                           JSON_V0, &arena, &message, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    struct net_event event = {
        .type = NET_MESSAGE,
        .body = message_encode_arena(message, &arena),
        .name = SLICE("mesos.internal.ReregisterSlaveMessage"),
    };
    char from[64];
    (void)snprintf(from, sizeof(from), "slave(%d)@10.0.0.1:5051", agent);
    ASSERT(upid_parse(slice_from(from), &event.from));
    (void)snprintf(event.to, sizeof(event.to), "master");
    step(b, &(struct master_event){.type = MASTER_NET, .net = &event});
}

static void measure(struct bench *b, const char *what, enum view_kind kind, bool json)
{
    double best = 1e9;
    size_t size = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct master_effects effects;
        master_effects_init(&effects);
        b->master->effects = &effects;
        master_view_answers_deinit(&b->master->reads->views); /* nothing is known of before */
        master_view_answers_init(&b->master->reads->views, 1);
        master_view_respond(
            b->master, 1,
            &(struct view_query){.kind = kind, .json = json, .limit = VIEW_TASKS_LIMIT});
        b->master->effects = NULL;
        struct net_effect *effect = net_effects_pop(&effects.net);
        struct net_answer answer = {0};
        double begun = cpu_ms();
        effect->job->run(effect->job, &answer);
        double took = cpu_ms() - begun;
        best = MIN(best, took);
        size = net_answer_body(&answer).size;
        net_answer_deinit(&answer);
        net_effect_free(effect);
        master_effects_deinit(&effects);
    }
    printf("%-20s %8.1f ms %8.1f MB\n", what, best, (double)size / 1e6);
}

int main(int argc, char **argv)
{
    int agents = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    int frameworks = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
    int tasks = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 10;
    struct bench b = {.now = {NS_PER_HOUR, INT64_C(1700000000) * NS_PER_SEC}};
    struct master_options options = {
        .seed = 1,
        .hostname = "master",
        .version = {.version = "1.12.0", .build_date = "", .build_user = ""},
        .allocator = &allocator_hierarchical,
        .allocator_options = {.allocation_interval_ns = NS_PER_SEC},
        .agent_ping_timeout_ns = NS_PER_HOUR,
        .max_agent_ping_timeouts = 3,
        .agent_reregister_timeout_ns = NS_PER_DAY,
        .recovery_agent_removal_permille = 1000,
        .max_completed_frameworks = 50,
        .max_completed_tasks = 1000,
        .max_unreachable_tasks = 1000,
        .registry_max_agent_age_ns = NS_PER_WEEK,
        .registry_max_agent_count = 102400,
        .root_submissions = true,
    };
    ASSERT(address_parse(SLICE("10.0.0.100:5050"), &options.address));
    b.registry = registry_memory_new(1);
    b.master = master_new(&options, b.now);
    step(&b, &(struct master_event){.type = MASTER_ELECTED});
    for (int i = 0; i < agents; i++) {
        reregister(&b, i, frameworks, tasks);
    }
    printf("%d agents, %d tasks: CPU time of one answer\n", agents,
           (int)b.master->task_records.count);
    measure(&b, "/state", VIEW_STATE, true);
    measure(&b, "/state-summary", VIEW_STATE_SUMMARY, true);
    measure(&b, "/slaves", VIEW_SLAVES, true);
    measure(&b, "/tasks", VIEW_TASKS, true);
    measure(&b, "/roles", VIEW_ROLES, true);
    measure(&b, "GET_STATE json", VIEW_GET_STATE, true);
    measure(&b, "GET_STATE protobuf", VIEW_GET_STATE, false);
    measure(&b, "GET_AGENTS protobuf", VIEW_GET_AGENTS, false);
    master_free(b.master);
    registry_memory_free(b.registry);
    return 0;
}
