#include "golden_scene.h"

#define API "/master/api/v1"

/* --- requests --- */

uint64_t scene_operator(struct harness *h, const char *accept, const char *json)
{
    return harness_request(
        h, "POST", API,
        arena_printf(&h->arena, "Content-Type: application/json\nAccept: %s", accept), json);
}

struct slice scene_operator_json(struct harness *h, const char *json)
{
    uint64_t handle = scene_operator(h, "application/json", json);
    assert_int_equal(harness_status(h, handle), 200);
    assert_string_equal(harness_header(h, handle, "Content-Type"), "application/json");
    return harness_body(h, handle);
}

struct slice scene_get(struct harness *h, const char *path)
{
    uint64_t handle = harness_request(h, "GET", path, NULL, "");
    assert_int_equal(harness_status(h, handle), 200);
    return harness_body(h, handle);
}

/* --- the scene --- */

static const char *scalar(struct harness *h, const char *name, double value, const char *role)
{
    return arena_printf(&h->arena,
                        "{\"name\":\"%s\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%g},"
                        "\"role\":\"%s\"}",
                        name, value, role);
}

static const char *ports(struct harness *h, int begin, int end)
{
    return arena_printf(&h->arena,
                        "{\"name\":\"ports\",\"type\":\"RANGES\",\"role\":\"*\",\"ranges\":{"
                        "\"range\":[{\"begin\":%d,\"end\":%d}]}}",
                        begin, end);
}

#define CAPABILITIES                                                                      \
    "\"version\":\"1.12.0\",\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},{\"type\":" \
    "\"HIERARCHICAL_ROLE\"},{\"type\":\"RESERVATION_REFINEMENT\"},{\"type\":"             \
    "\"RESOURCE_PROVIDER\"},{\"type\":\"RESIZE_VOLUME\"},{\"type\":"                      \
    "\"AGENT_OPERATION_FEEDBACK\"},{\"type\":\"AGENT_DRAINING\"},{\"type\":"              \
    "\"TASK_RESOURCE_LIMITS\"}]"

static const char *add_agent(struct harness *h, const char *pid, const char *info)
{
    harness_message(h, pid, "master", "RegisterSlaveMessage",
                    arena_printf(&h->arena, "{\"slave\":{%s},%s}", info, CAPABILITIES));
    return harness_text(h, harness_take(h, pid, "SlaveRegisteredMessage"), "value");
}

#define INFO                                                                                     \
    "\"hostname\":\"127.0.0.1\",\"port\":%d,\"checkpoint\":true,\"attributes\":["                \
    "{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":\"%s\"}}%s],\"resources\":[%s,%s," \
    "%s,%s,%s,%s%s]"

static const char *add_one(struct harness *h)
{
    static const char more[] =
        ",{\"name\":\"speed\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2.5}},{\"name\":\"slots\","
        "\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":3}]}}";
    return add_agent(h, SCENE_ONE,
                     arena_printf(&h->arena, INFO, 42229, "r1", more, scalar(h, "cpus", 4, "*"),
                                  scalar(h, "mem", 2048, "*"), scalar(h, "disk", 4096, "*"),
                                  ports(h, 31000, 31999), scalar(h, "cpus", 1, "blue"),
                                  scalar(h, "mem", 128, "blue"), ""));
}

static const char *add_two(struct harness *h)
{
    const char *disk = arena_printf(&h->arena, ",%s", scalar(h, "disk", 64, "green"));
    return add_agent(h, SCENE_TWO,
                     arena_printf(&h->arena, INFO, 38851, "r2", "", scalar(h, "cpus", 2, "*"),
                                  scalar(h, "mem", 1024, "*"), scalar(h, "disk", 2048, "*"),
                                  ports(h, 32000, 32999), scalar(h, "cpus", 1, "green"),
                                  scalar(h, "mem", 64, "green"), disk));
}

static struct scene_framework subscribe(struct harness *h, const char *info)
{
    struct scene_framework f = {0};
    f.handle = harness_call(h, NULL,
                            arena_printf(&h->arena,
                                         "{\"type\":\"SUBSCRIBE\",\"subscribe\":"
                                         "{\"framework_info\":{\"user\":\"root\",%s}}}",
                                         info));
    f.stream_id = harness_header(h, f.handle, "Mesos-Stream-Id");
    const char *event = harness_event(h, f.handle, "SUBSCRIBED");
    assert_non_null(event);
    f.id = harness_text(h, strstr(event, "framework_id"), "value");
    return f;
}

/* The id of an offer of that agent that has not been looked at yet. */
static const char *find_offer(struct harness *h, const struct scene_framework *f,
                              const char *agent_id)
{
    const char *pattern = arena_printf(&h->arena, "\"agent_id\":{\"value\":\"%s\"}", agent_id);
    for (int i = 0; i < 50; i++) {
        harness_advance(h, 100 * NS_PER_MS);
        const char *offers;
        while ((offers = harness_event(h, f->handle, "OFFERS")) != NULL) {
            const char *at = strstr(offers, pattern);
            if (at == NULL) {
                continue;
            }
            while (strncmp(at, "{\"id\":{", 7) != 0) {
                at--;
            }
            return harness_text(h, at, "value");
        }
    }
    fail_msg("no offer of %s", agent_id);
    return NULL;
}

static void launch(struct harness *h, const struct scene_framework *f, const char *agent_id,
                   const char *task)
{
    const char *offer_id = find_offer(h, f, agent_id);
    uint64_t handle = harness_call(
        h, f->stream_id,
        arena_printf(&h->arena,
                     "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},\"accept\":{"
                     "\"offer_ids\":[{\"value\":\"%s\"}],\"filters\":{\"refuse_seconds\":0},"
                     "\"operations\":[{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{"
                     "\"agent_id\":{\"value\":\"%s\"},%s}]}}]}}",
                     f->id, offer_id, agent_id, task));
    assert_int_equal(harness_status(h, handle), 202);
}

static void update(struct harness *h, const char *agent_id, const struct scene_framework *f,
                   const char *task_id, const char *state, const char *extra)
{
    harness_message(
        h, SCENE_ONE, "master", "StatusUpdateMessage",
        arena_printf(&h->arena,
                     "{\"pid\":\"%s\",\"update\":{\"framework_id\":{\"value\":\"%s\"},"
                     "\"executor_id\":{\"value\":\"e\"},\"slave_id\":{\"value\":\"%s\"},"
                     "\"timestamp\":%.1f,\"uuid\":\"AAAAAAAAQACAAAAAAAAAAA==\","
                     "\"latest_state\":\"%s\",\"status\":{\"task_id\":{\"value\":\"%s\"},"
                     "\"state\":\"%s\",\"source\":\"SOURCE_EXECUTOR\",\"timestamp\":%.1f,"
                     "\"uuid\":\"AAAAAAAAQACAAAAAAAAAAA==\",\"slave_id\":{\"value\":\"%s\"},"
                     "\"executor_id\":{\"value\":\"e\"},"
                     "\"container_status\":{\"container_id\":{\"value\":\"c\"},\"executor_pid\":7,"
                     "\"network_infos\":[{\"ip_addresses\":[{\"ip_address\":\"127.0.0.1\"}]}]}"
                     "%s}}}",
                     SCENE_ONE, f->id, agent_id, (double)h->now.wall_ns / 1e9, state, task_id,
                     state, (double)h->now.wall_ns / 1e9, agent_id, extra));
    uint64_t handle =
        harness_call(h, f->stream_id,
                     arena_printf(&h->arena,
                                  "{\"type\":\"ACKNOWLEDGE\",\"framework_id\":{\"value\":\"%s\"},"
                                  "\"acknowledge\":{\"agent_id\":{\"value\":\"%s\"},\"task_id\":{"
                                  "\"value\":\"%s\"},\"uuid\":\"AAAAAAAAQACAAAAAAAAAAA==\"}}",
                                  f->id, agent_id, task_id));
    assert_int_equal(harness_status(h, handle), 202);
}

#define SMALL                                                                            \
    "\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0.1}}," \
    "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":32}}]"

static void run_past(struct golden_scene *s)
{
    struct harness *h = s->h;
    s->gone = subscribe(h, "\"name\":\"gone\",\"roles\":[\"past\"],\"capabilities\":[{\"type\":"
                           "\"MULTI_ROLE\"}]");
    launch(
        h, &s->gone, s->one,
        "\"name\":\"old\",\"task_id\":{\"value\":\"old\"},\"command\":{\"value\":\"true\"}," SMALL);
    update(h, s->one, &s->gone, "old", "TASK_STARTING", "");
    update(h, s->one, &s->gone, "old", "TASK_RUNNING", "");
    update(h, s->one, &s->gone, "old", "TASK_FINISHED",
           ",\"message\":\"Command exited with status 0\"");
    harness_call(h, s->gone.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}",
                              s->gone.id));
}

static void run_blue(struct golden_scene *s)
{
    struct harness *h = s->h;
    s->blue =
        subscribe(h, "\"name\":\"blue framework\",\"roles\":[\"blue\"],\"capabilities\":[{\"type\":"
                     "\"MULTI_ROLE\"}],\"principal\":\"blue-principal\",\"failover_timeout\":60,"
                     "\"checkpoint\":true,\"hostname\":\"blue.example\",\"webui_url\":"
                     "\"http://blue.example/\",\"labels\":{\"labels\":[{\"key\":\"team\",\"value\":"
                     "\"one\"}]}");
    launch(h, &s->blue, s->one,
           "\"name\":\"finished\",\"task_id\":{\"value\":\"finished\"},\"command\":{\"value\":"
           "\"echo over\"}," SMALL);
    update(h, s->one, &s->blue, "finished", "TASK_STARTING", "");
    update(h, s->one, &s->blue, "finished", "TASK_RUNNING", "");
    update(h, s->one, &s->blue, "finished", "TASK_FINISHED",
           ",\"message\":\"Command exited with status 0\"");
    launch(h, &s->blue, s->one,
           "\"name\":\"running\",\"task_id\":{\"value\":\"running\"},\"command\":{\"value\":"
           "\"sleep 1000\"},\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{"
           "\"value\":0.5}},{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":64}},{"
           "\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":31000,"
           "\"end\":31001}]}}],\"labels\":{\"labels\":[{\"key\":\"tier\",\"value\":\"front\"}]},"
           "\"discovery\":{\"visibility\":\"CLUSTER\",\"name\":\"svc\",\"environment\":\"prod\","
           "\"location\":\"here\",\"version\":\"1\",\"ports\":{\"ports\":[{\"number\":31000,"
           "\"name\":\"web\",\"protocol\":\"tcp\"}]},\"labels\":{\"labels\":[{\"key\":\"d\","
           "\"value\":\"e\"}]}},\"health_check\":{\"type\":\"COMMAND\",\"command\":{\"value\":"
           "\"true\"},\"delay_seconds\":0,\"interval_seconds\":1,\"grace_period_seconds\":30},"
           "\"kill_policy\":{\"grace_period\":{\"nanoseconds\":2000000000}}");
    update(h, s->one, &s->blue, "running", "TASK_STARTING", "");
    update(h, s->one, &s->blue, "running", "TASK_RUNNING",
           ",\"healthy\":true,\"reason\":\"REASON_TASK_HEALTH_CHECK_STATUS_UPDATED\"");
    launch(h, &s->blue, s->one,
           "\"name\":\"custom\",\"task_id\":{\"value\":\"custom\"},\"executor\":{\"type\":"
           "\"CUSTOM\",\"executor_id\":{\"value\":\"mine\"},\"name\":\"mine\",\"source\":"
           "\"some-source\",\"command\":{\"shell\":true,\"value\":\"run\",\"environment\":{"
           "\"variables\":[{"
           "\"name\":\"A\",\"value\":\"b\"}]}},\"labels\":{\"labels\":[{\"key\":\"k\","
           "\"value\":\"v\"}]}," SMALL "}," SMALL);
    update(h, s->one, &s->blue, "custom", "TASK_RUNNING", "");
}

struct golden_scene golden_scene_new(void (*change)(struct master_options *options))
{
    struct golden_scene s = {.h = harness_new(change)};
    struct harness *h = s.h;
    s.watcher = scene_operator(h, "application/json", "{\"type\":\"SUBSCRIBE\"}");
    s.one = add_one(h);
    s.two = add_two(h);
    run_past(&s);
    run_blue(&s);
    s.green = subscribe(h, "\"name\":\"green framework\",\"role\":\"green\",\"labels\":{"
                           "\"labels\":[{\"key\":\"bare\"}]}");
    harness_advance(h, NS_PER_SEC);
    return s;
}

void golden_scene_free(struct golden_scene *scene)
{
    harness_free(scene->h);
}
