#include "harness.h"

#include "common/xalloc.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

#define CALL_PATH "/master/api/v1/scheduler"

/* --- the messages that tests write and read --- */

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *desc;
} messages[] = {
#define ROW(type, lower)                            \
    {                                               \
#type, &pb__internal__##lower##__descriptor \
    }
    ROW(RegisterSlaveMessage, register_slave_message),
    ROW(ReregisterSlaveMessage, reregister_slave_message),
    ROW(UnregisterSlaveMessage, unregister_slave_message),
    ROW(SlaveRegisteredMessage, slave_registered_message),
    ROW(SlaveReregisteredMessage, slave_reregistered_message),
    ROW(PingSlaveMessage, ping_slave_message),
    ROW(PongSlaveMessage, pong_slave_message),
    ROW(ShutdownMessage, shutdown_message),
    ROW(ShutdownFrameworkMessage, shutdown_framework_message),
    ROW(ShutdownExecutorMessage, shutdown_executor_message),
    ROW(UpdateFrameworkMessage, update_framework_message),
    ROW(UpdateSlaveMessage, update_slave_message),
    ROW(RunTaskMessage, run_task_message),
    ROW(RunTaskGroupMessage, run_task_group_message),
    ROW(KillTaskMessage, kill_task_message),
    ROW(StatusUpdateMessage, status_update_message),
    ROW(StatusUpdateAcknowledgementMessage, status_update_acknowledgement_message),
    ROW(ExitedExecutorMessage, exited_executor_message),
    ROW(ExecutorToFrameworkMessage, executor_to_framework_message),
    ROW(FrameworkToExecutorMessage, framework_to_executor_message),
    ROW(RegisterFrameworkMessage, register_framework_message),
    ROW(ReregisterFrameworkMessage, reregister_framework_message),
    ROW(UnregisterFrameworkMessage, unregister_framework_message),
    ROW(DeactivateFrameworkMessage, deactivate_framework_message),
    ROW(FrameworkRegisteredMessage, framework_registered_message),
    ROW(FrameworkReregisteredMessage, framework_reregistered_message),
    ROW(FrameworkErrorMessage, framework_error_message),
    ROW(ResourceOffersMessage, resource_offers_message),
    ROW(RescindResourceOfferMessage, rescind_resource_offer_message),
    ROW(InverseOffersMessage, inverse_offers_message),
    ROW(RescindInverseOfferMessage, rescind_inverse_offer_message),
    ROW(LaunchTasksMessage, launch_tasks_message),
    ROW(ReviveOffersMessage, revive_offers_message),
    ROW(ReconcileTasksMessage, reconcile_tasks_message),
    ROW(LostSlaveMessage, lost_slave_message),
    ROW(CheckpointResourcesMessage, checkpoint_resources_message),
    ROW(DrainSlaveMessage, drain_slave_message),
    ROW(ApplyOperationMessage, apply_operation_message),
    ROW(UpdateOperationStatusMessage, update_operation_status_message),
    ROW(AcknowledgeOperationStatusMessage, acknowledge_operation_status_message),
    ROW(ReconcileOperationsMessage, reconcile_operations_message),
    ROW(AuthenticateMessage, authenticate_message),
    ROW(AuthenticationMechanismsMessage, authentication_mechanisms_message),
    ROW(AuthenticationStartMessage, authentication_start_message),
    ROW(AuthenticationStepMessage, authentication_step_message),
    ROW(AuthenticationFailedMessage, authentication_failed_message),
#undef ROW
};

static const ProtobufCMessageDescriptor *descriptor_of(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(messages); i++) {
        if (strcmp(messages[i].name, name) == 0) {
            return messages[i].desc;
        }
    }
    fail_msg("the harness does not know %s", name);
    return NULL;
}

/* --- events in, effects kept --- */

static void keep(struct harness *h, const struct net_effect *effect)
{
    struct sent *sent = arena_alloc(&h->arena, sizeof(*sent));
    CLEANUP(buf_deinit) struct buf headers = BUF_INIT;
    sent->type = effect->type;
    sent->handle = effect->handle;
    sent->status = effect->status;
    sent->name = effect->name;
    if (effect->type == NET_SEND) {
        memcpy(sent->from, effect->route->from_id, sizeof(sent->from));
        upid_format(&effect->route->to, sent->to);
    }
    struct net_answer answer = {.status = effect->status, .content_type = effect->content_type};
    if (effect->job != NULL) {
        /* A worker would do it; here it is done at once. */
        effect->job->run(effect->job, &answer);
        sent->status = answer.status;
    }
    if (answer.content_type != NULL) {
        buf_printf(&headers, "Content-Type: %s\n", answer.content_type);
    }
    for (size_t i = 0; i < effect->header_count; i++) {
        buf_printf(&headers, "%s: %s\n", effect->headers[i].name, effect->headers[i].value);
    }
    sent->headers = arena_strdup(&h->arena, buf_text(&headers));
    sent->body = arena_slice(&h->arena, effect->job != NULL ? net_answer_body(&answer)
                                                            : blob_slice(effect->body));
    net_answer_deinit(&answer);
    if (effect->lent && h->bodies_are_held) {
        sent->lent = blob_ref(effect->body);
    }
    list_push_back(&h->sent, &sent->link);
}

/* True: it was for the host, not for a client. */
static bool take_work(struct harness *h, struct net_effect *effect)
{
    if (effect->type == NET_HURRY) {
        h->hurries++;
        net_effect_free(effect);
        return true;
    }
    if (effect->type != NET_WORK) {
        return false;
    }
    struct harness_work *work = xalloc(sizeof(*work));
    work->effect = effect;
    list_push_back(&h->works, &work->link);
    return true;
}

bool harness_work(struct harness *h)
{
    struct list *link = list_pop_front(&h->works);
    if (link == NULL) {
        return false;
    }
    struct harness_work *work = LIST_ENTRY(link, struct harness_work, link);
    struct net_answer made = {0};
    work->effect->job->run(work->effect->job, &made);
    struct net_event event = {
        .type = NET_WORKED,
        .handle = work->effect->handle,
        .made = &made.body,
        .unzipped_size = made.unzipped_size,
    };
    harness_step(h, &(struct master_event){.type = MASTER_NET, .net = &event});
    net_answer_deinit(&made);
    net_effect_free(work->effect);
    free(work);
    return true;
}

void harness_step(struct harness *h, const struct master_event *event)
{
    struct master_effects effects;
    struct registry_op *op;
    struct net_effect *effect;
    master_effects_init(&effects);
    master_step(h->master, h->now, event, &effects);
    while ((op = registry_ops_pop(&effects.registry)) != NULL) {
        registry_memory_put(h->registry, op);
    }
    while ((effect = net_effects_pop(&effects.net)) != NULL) {
        if (!take_work(h, effect)) {
            keep(h, effect);
            net_effect_free(effect);
        }
    }
    struct file_request *request;
    while ((request = file_request_pop(&effects.files)) != NULL) {
        file_request_free(h->file);
        h->file = request;
    }
    struct master_log *line;
    while ((line = master_effects_pop_log(&effects)) != NULL) {
        buf_printf(&h->log, "%s\n", line->text);
        free(line->text);
        free(line);
    }
    if (effects.sets_verbosity) {
        h->verbosity = effects.verbosity;
    }
    if (effects.exits) {
        h->exits = true;
        h->exit_reason = effects.exit_reason;
    }
    master_effects_deinit(&effects);
    if (!h->registry_is_held) {
        harness_registry(h);
    }
    while (!h->workers_are_held && harness_work(h)) {
    }
}

void harness_registry(struct harness *h)
{
    struct registry_event event;
    bool held = h->registry_is_held;
    h->registry_is_held = true; /* the answers' own questions come after them */
    while (registry_memory_next(h->registry, &event)) {
        harness_step(h, &(struct master_event){.type = MASTER_REGISTRY, .registry = &event});
    }
    h->registry_is_held = held;
}

void harness_advance(struct harness *h, int64_t ns)
{
    int64_t end_ns = h->now.mono_ns + ns;
    int64_t deadline_ns;
    while ((deadline_ns = master_deadline(h->master)) <= end_ns) {
        if (deadline_ns > h->now.mono_ns) {
            h->now.wall_ns += deadline_ns - h->now.mono_ns;
            h->now.mono_ns = deadline_ns;
        }
        harness_step(h, &(struct master_event){.type = MASTER_TICK});
    }
    h->now.wall_ns += end_ns - h->now.mono_ns;
    h->now.mono_ns = end_ns;
}

const char *harness_log(struct harness *h)
{
    const char *text = arena_strdup(&h->arena, buf_text(&h->log));
    buf_clear(&h->log);
    return text;
}

/* --- creation --- */

struct harness *harness_new_follower(void (*change)(struct master_options *options))
{
    struct harness *h = xalloc(sizeof(*h));
    h->now = (struct now){.mono_ns = NS_PER_HOUR, .wall_ns = INT64_C(1700000000) * NS_PER_SEC};
    arena_init(&h->arena, 0);
    list_init(&h->sent);
    list_init(&h->works);
    h->log = (struct buf)BUF_INIT;
    h->metrics = metrics_new();
    h->registry = registry_memory_new(3);
    struct master_options options = {
        .seed = 1,
        .hostname = "master.example.org",
        .version = {.version = "1.12.0", .build_date = "", .build_user = ""},
        .allocator = &allocator_hierarchical,
        .allocator_options = {.allocation_interval_ns = 100 * NS_PER_MS,
                              .filter_gpu_resources = true},
        .min_allocatable = "cpus:0.01|mem:32",
        .constraint_limits = {4096, 100},
        .metrics = h->metrics,
        .agent_ping_timeout_ns = NS_PER_SEC,
        .max_agent_ping_timeouts = 3,
        .agent_reregister_timeout_ns = 10 * NS_PER_MIN,
        .recovery_agent_removal_permille = 1000,
        .max_completed_frameworks = 50,
        .max_completed_tasks = 1000,
        .max_unreachable_tasks = 1000,
        .registry_gc_interval_ns = 15 * NS_PER_MIN,
        .registry_max_agent_age_ns = 2 * NS_PER_WEEK,
        .registry_max_agent_count = 100,
        .root_submissions = true,
    };
    assert_true(address_parse(SLICE("10.0.0.100:5050"), &options.address));
    if (change != NULL) {
        change(&options);
    }
    h->master = master_new(&options, h->now);
    return h;
}

void harness_elect(struct harness *h)
{
    harness_step(h, &(struct master_event){.type = MASTER_ELECTED});
}

struct harness *harness_new(void (*change)(struct master_options *options))
{
    struct harness *h = harness_new_follower(change);
    harness_elect(h);
    return h;
}

void harness_fail_over(struct harness *h, void (*change)(struct master_options *options))
{
    struct harness *next = harness_new_follower(change);
    harness_forget(h);
    master_free(h->master);
    metrics_free(h->metrics);
    registry_memory_free(next->registry);
    h->master = next->master;
    h->metrics = next->metrics;
    arena_deinit(&next->arena);
    free(next);
    harness_elect(h);
}

void harness_free(struct harness *h)
{
    struct list *link;
    harness_forget(h);
    while ((link = list_pop_front(&h->works)) != NULL) {
        struct harness_work *work = LIST_ENTRY(link, struct harness_work, link);
        net_effect_free(work->effect);
        free(work);
    }
    master_free(h->master);
    registry_memory_free(h->registry);
    metrics_free(h->metrics);
    file_request_free(h->file);
    buf_deinit(&h->log);
    arena_deinit(&h->arena);
    free(h);
}

/* --- messages --- */

static struct slice encode(struct harness *h, const char *full_name,
                           const ProtobufCMessageDescriptor *desc, const char *json)
{
    struct err err;
    ProtobufCMessage *message;
    if (json_parse_message(desc, slice_from(json), JSON_V0, &h->arena, &message, &err) != 0) {
        fail_msg("%s: %s", full_name, err.text);
    }
    return message_encode_arena(message, &h->arena);
}

static void deliver(struct harness *h, const char *from, const char *to, const char *full_name,
                    struct slice body)
{
    struct net_event event = {.type = NET_MESSAGE, .body = body, .name = slice_from(full_name)};
    assert_true(upid_parse(slice_from(from), &event.from));
    snprintf(event.to, sizeof(event.to), "%s", to);
    harness_step(h, &(struct master_event){.type = MASTER_NET, .net = &event});
}

struct slice harness_encode(struct harness *h, const char *name, const char *json)
{
    return encode(h, name, descriptor_of(name), json);
}

void harness_message_bytes(struct harness *h, const char *from, const char *to, const char *name,
                           struct slice bytes)
{
    deliver(h, from, to, arena_printf(&h->arena, "mesos.internal.%s", name), bytes);
}

void harness_message(struct harness *h, const char *from, const char *to, const char *name,
                     const char *json)
{
    harness_message_bytes(h, from, to, name, harness_encode(h, name, json));
}

void harness_v0_call(struct harness *h, const char *from, const char *json)
{
    static const char name[] = "mesos.scheduler.Call";
    deliver(h, from, "master", name, encode(h, name, &pb__scheduler_v0__call__descriptor, json));
}

void harness_exited(struct harness *h, const char *pid)
{
    struct upid upid;
    assert_true(upid_parse(slice_from(pid), &upid));
    struct net_event event = {.type = NET_EXITED, .address = upid.address};
    harness_step(h, &(struct master_event){.type = MASTER_NET, .net = &event});
}

/* --- requests --- */

uint64_t harness_request(struct harness *h, const char *method, const char *path,
                         const char *headers, const char *body)
{
    struct http_header list[8];
    size_t count = 0;
    struct slice rest = slice_from(headers);
    struct slice line;
    while (headers != NULL && slice_split(&rest, '\n', &line)) {
        ptrdiff_t colon = slice_find(line, ':');
        assert_true(colon > 0 && count < ELEMENTS(list));
        list[count++] = (struct http_header){
            .name = slice_make(line.data, (size_t)colon),
            .value = slice_trim(slice_skip(line, (size_t)colon + 1)),
        };
    }
    struct slice target = slice_from(path);
    ptrdiff_t mark = slice_find(target, '?');
    struct http_head head = {
        .method = slice_from(method),
        .target = target,
        .path = mark >= 0 ? slice_make(path, (size_t)mark) : target,
        .query = mark >= 0 ? slice_skip(target, (size_t)mark + 1) : slice_make(NULL, 0),
        .headers = list,
        .header_count = count,
    };
    struct net_event event = {
        .type = NET_REQUEST,
        .handle = ++h->next_handle,
        .request = {.handle = h->next_handle,
                    .head = &head,
                    .path = head.path,
                    .body = slice_from(body)},
    };
    harness_step(h, &(struct master_event){.type = MASTER_NET, .net = &event});
    return event.handle;
}

uint64_t harness_call(struct harness *h, const char *stream_id, const char *json)
{
    const char *headers =
        stream_id != NULL
            ? arena_printf(&h->arena, "Content-Type: application/json\nMesos-Stream-Id: %s",
                           stream_id)
            : "Content-Type: application/json";
    return harness_request(h, "POST", CALL_PATH, headers, json);
}

void harness_gone(struct harness *h, uint64_t handle)
{
    struct net_event event = {.type = NET_GONE, .handle = handle};
    harness_step(h, &(struct master_event){.type = MASTER_NET, .net = &event});
}

/* --- what came out --- */

static char last_sender[UPID_ID_SIZE_MAX + 1];

const char *harness_take(struct harness *h, const char *to, const char *name)
{
    const char *full = arena_printf(&h->arena, "mesos.internal.%s", name);
    struct sent *sent;
    LIST_FOR_EACH (sent, &h->sent, link) {
        if (sent->type != NET_SEND || strcmp(sent->to, to) != 0 || strcmp(sent->name, full) != 0) {
            continue;
        }
        list_remove(&sent->link);
        memcpy(last_sender, sent->from, sizeof(last_sender));
        struct err err;
        if (message_check(descriptor_of(name), sent->body, &err) != 0) {
            fail_msg("%s: %s", name, err.text);
        }
        CLEANUP(buf_deinit) struct buf out = BUF_INIT;
        json_print_bytes(descriptor_of(name), sent->body, JSON_V0, &out);
        return arena_strdup(&h->arena, buf_text(&out));
    }
    return NULL;
}

const char *harness_sender(const struct harness *h)
{
    (void)h;
    return last_sender;
}

static struct sent *find_answer(struct harness *h, uint64_t handle)
{
    struct sent *sent;
    LIST_FOR_EACH (sent, &h->sent, link) {
        if (sent->handle == handle && (sent->type == NET_RESPOND || sent->type == NET_RENDER ||
                                       sent->type == NET_STREAM_OPEN)) {
            return sent;
        }
    }
    return NULL;
}

int harness_status(struct harness *h, uint64_t handle)
{
    struct sent *sent = find_answer(h, handle);
    if (sent == NULL) {
        return -1;
    }
    return sent->type == NET_STREAM_OPEN ? 200 : sent->status;
}

const char *harness_header(struct harness *h, uint64_t handle, const char *name)
{
    struct sent *sent = find_answer(h, handle);
    struct slice rest = slice_from(sent != NULL ? sent->headers : NULL);
    struct slice line;
    while (rest.data != NULL && slice_split(&rest, '\n', &line)) {
        if (slice_starts_with(line, slice_from(name)) && line.data[strlen(name)] == ':') {
            struct slice value = slice_trim(slice_skip(line, strlen(name) + 1));
            return arena_strndup(&h->arena, value.data, value.size);
        }
    }
    return NULL;
}

struct slice harness_body(struct harness *h, uint64_t handle)
{
    struct sent *sent = find_answer(h, handle);
    assert_non_null(sent);
    return sent->body;
}

/* The next piece of a stream, which is one record; data NULL = none. The first may come with the
 * stream, whose headers are still to be looked at. */
struct slice harness_record(struct harness *h, uint64_t handle)
{
    struct sent *sent;
    LIST_FOR_EACH (sent, &h->sent, link) {
        if (sent->handle == handle && sent->type == NET_STREAM_FIRST) {
            list_remove(&sent->link); /* in front of what was written before it came */
            list_push_front(&h->sent, &sent->link);
            break;
        }
    }
    LIST_FOR_EACH (sent, &h->sent, link) {
        bool opens = sent->type == NET_STREAM_OPEN && sent->body.size > 0;
        if (sent->handle != handle ||
            (sent->type != NET_STREAM_WRITE && sent->type != NET_STREAM_FIRST && !opens)) {
            continue;
        }
        struct slice piece = sent->body;
        sent->body = slice_make(NULL, 0);
        if (!opens) {
            list_remove(&sent->link);
            sent->lent = blob_unref(sent->lent);
        }
        ptrdiff_t newline = slice_find(piece, '\n');
        assert_true(newline > 0);
        int64_t size;
        assert_true(slice_parse_int64(slice_make(piece.data, (size_t)newline), &size));
        struct slice record = slice_skip(piece, (size_t)newline + 1);
        assert_int_equal(size, record.size); /* one record a piece */
        return record;
    }
    return slice_make(NULL, 0);
}

const char *harness_event(struct harness *h, uint64_t handle, const char *type)
{
    const char *wanted = arena_printf(&h->arena, "\"type\":\"%s\"", type);
    struct slice record;
    while ((record = harness_record(h, handle)).data != NULL) {
        const char *text = arena_strndup(&h->arena, record.data, record.size);
        if (strstr(text, wanted) != NULL) {
            return text;
        }
    }
    return NULL;
}

bool harness_stream_ended(struct harness *h, uint64_t handle)
{
    struct sent *sent;
    LIST_FOR_EACH (sent, &h->sent, link) {
        if (sent->handle == handle && sent->type == NET_STREAM_CLOSE) {
            return true;
        }
    }
    return false;
}

void harness_forget(struct harness *h)
{
    struct list *link;
    while ((link = list_pop_front(&h->sent)) != NULL) {
        struct sent *sent = LIST_ENTRY(link, struct sent, link);
        sent->lent = blob_unref(sent->lent);
    }
}

const char *harness_text(struct harness *h, const char *json, const char *key)
{
    const char *pattern = arena_printf(&h->arena, "\"%s\":\"", key);
    const char *at = json != NULL ? strstr(json, pattern) : NULL;
    if (at == NULL) {
        fail_msg("no '%s' in '%s'", key, json != NULL ? json : "nothing");
    }
    at += strlen(pattern);
    return arena_strndup(&h->arena, at, strcspn(at, "\""));
}

/* --- scenes --- */

struct scene_framework harness_subscribe(struct harness *h, const char *extra)
{
    struct scene_framework f = {0};
    f.handle = harness_call(
        h, NULL,
        arena_printf(&h->arena,
                     "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\","
                     "\"name\":\"f\"%s}}}",
                     extra));
    assert_int_equal(harness_status(h, f.handle), 200);
    f.stream_id = harness_header(h, f.handle, "Mesos-Stream-Id");
    const char *event = harness_event(h, f.handle, "SUBSCRIBED");
    assert_non_null(event);
    f.id = harness_text(h, strstr(event, "framework_id"), "value");
    return f;
}

const char *harness_agent(struct harness *h, const char *pid)
{
    harness_message(h, pid, "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"host\",\"checkpoint\":true,\"resources\":["
                    "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4}},"
                    "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1024}}]},"
                    "\"version\":\"1.12.0\",\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},"
                    "{\"type\":\"HIERARCHICAL_ROLE\"},{\"type\":\"RESERVATION_REFINEMENT\"},"
                    "{\"type\":\"RESOURCE_PROVIDER\"}]}");
    return harness_text(h, harness_take(h, pid, "SlaveRegisteredMessage"), "value");
}

void harness_launch(struct harness *h, const struct scene_framework *f, const char *task_id)
{
    harness_advance(h, 200 * NS_PER_MS);
    const char *offers = harness_event(h, f->handle, "OFFERS");
    assert_non_null(offers);
    const char *offer_id = harness_text(h, strstr(offers, "\"id\":{"), "value");
    const char *agent_id = harness_text(h, strstr(offers, "\"agent_id\":{"), "value");
    harness_call(h, f->stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},"
                              "\"accept\":{\"offer_ids\":[{\"value\":\"%s\"}],\"filters\":"
                              "{\"refuse_seconds\":0},\"operations\":[{\"type\":\"LAUNCH\","
                              "\"launch\":{\"task_infos\":[{\"name\":\"t\",\"task_id\":"
                              "{\"value\":\"%s\"},\"agent_id\":{\"value\":\"%s\"},\"command\":"
                              "{\"value\":\"true\"},\"resources\":[{\"name\":\"cpus\",\"type\":"
                              "\"SCALAR\",\"scalar\":{\"value\":1}}]}]}}]}}",
                              f->id, offer_id, task_id, agent_id));
}

static const char *uuid_text(struct harness *h, char uuid)
{
    char bytes[UUID_SIZE];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    memset(bytes, uuid, sizeof(bytes));
    base64_encode(slice_make(bytes, sizeof(bytes)), &out);
    return arena_strdup(&h->arena, buf_text(&out));
}

void harness_update(struct harness *h, const char *pid, const char *agent_id,
                    const struct scene_framework *f, const char *task_id, const char *state,
                    char uuid)
{
    const char *u = uuid_text(h, uuid);
    harness_message(
        h, pid, "master", "StatusUpdateMessage",
        arena_printf(&h->arena,
                     "{\"pid\":\"%s\",\"update\":{\"framework_id\":{\"value\":\"%s\"},"
                     "\"slave_id\":{\"value\":\"%s\"},\"timestamp\":1.0,\"uuid\":\"%s\","
                     "\"latest_state\":\"%s\",\"status\":{\"task_id\":{\"value\":\"%s\"},"
                     "\"state\":\"%s\",\"source\":\"SOURCE_EXECUTOR\",\"uuid\":\"%s\","
                     "\"data\":\"AAAA\"}}}",
                     pid, f->id, agent_id, u, state, task_id, state, u));
}

void harness_acknowledge(struct harness *h, const struct scene_framework *f, const char *agent_id,
                         const char *task_id, char uuid)
{
    harness_call(h, f->stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"ACKNOWLEDGE\",\"framework_id\":{\"value\":\"%s\"},"
                              "\"acknowledge\":{\"agent_id\":{\"value\":\"%s\"},\"task_id\":"
                              "{\"value\":\"%s\"},\"uuid\":\"%s\"}}",
                              f->id, agent_id, task_id, uuid_text(h, uuid)));
}
