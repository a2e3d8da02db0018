#include "operation_scene.h"

#include "wire/base64.h"

const char *uuid_of(struct harness *h, char letter)
{
    char bytes[UUID_SIZE];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    memset(bytes, letter, sizeof(bytes));
    base64_encode(slice_make(bytes, sizeof(bytes)), &out);
    return arena_strdup(&h->arena, buf_text(&out));
}

static const char *self_of(struct harness *h, const char *id, const char *capabilities,
                           char version, const char *checkpointed)
{
    return arena_printf(
        &h->arena,
        "{\"slave\":{%s\"hostname\":\"host\",\"checkpoint\":true,\"resources\":[%s,%s,%s]},"
        "\"version\":\"1.12.0\",%s,\"resource_version_uuid\":{\"value\":\"%s\"},"
        "\"checkpointed_resources\":[%s]}",
        id != NULL ? arena_printf(&h->arena, "\"id\":{\"value\":\"%s\"},", id) : "",
        res(h, "cpus", 4, NULL), res(h, "mem", 1024, NULL), res(h, "disk", 1024, NULL),
        capabilities, uuid_of(h, version), checkpointed);
}

/* Agents need not answer pings. */
static void patient(struct master_options *options)
{
    options->agent_ping_timeout_ns = NS_PER_DAY;
}

struct operation_scene operation_scene_new(const char *capabilities)
{
    struct operation_scene s = {.h = harness_new(patient)};
    harness_message(s.h, AGENT, "master", "RegisterSlaveMessage",
                    self_of(s.h, NULL, capabilities, 'v', ""));
    s.agent_id = harness_text(s.h, harness_take(s.h, AGENT, "SlaveRegisteredMessage"), "value");
    return s;
}

void operation_scene_return(const struct operation_scene *s, const char *capabilities, char version,
                            const char *checkpointed)
{
    harness_message(s->h, AGENT, "master", "ReregisterSlaveMessage",
                    self_of(s->h, s->agent_id, capabilities, version, checkpointed));
    assert_non_null(harness_take(s->h, AGENT, "SlaveReregisteredMessage"));
}

/* --- resources --- */

#define RESERVED ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"%s\"}]"

const char *res(struct harness *h, const char *name, double amount, const char *role)
{
    return arena_printf(&h->arena,
                        "{\"name\":\"%s\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%g}%s}", name,
                        amount, role != NULL ? arena_printf(&h->arena, RESERVED, role) : "");
}

const char *vol(struct harness *h, const char *id, double amount, bool shared)
{
    return arena_printf(&h->arena,
                        "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":%g}" RESERVED
                        ",\"disk\":{\"persistence\":{\"id\":\"%s\"},\"volume\":{"
                        "\"container_path\":\"p\",\"mode\":\"RW\"}}%s}",
                        amount, "r", id, shared ? ",\"shared\":{}" : "");
}

/* --- asking --- */

uint64_t operate(const struct operation_scene *s, const char *type, const char *member,
                 const char *parts)
{
    return harness_request(s->h, "POST", "/master/api/v1", JSON_TYPE,
                           arena_printf(&s->h->arena,
                                        "{\"type\":\"%s\",\"%s\":{\"agent_id\":{\"value\":\"%s\"},"
                                        "%s}}",
                                        type, member, s->agent_id, parts));
}

const char *op(struct harness *h, const char *type, const char *member, const char *parts,
               const char *id)
{
    return arena_printf(&h->arena, "{\"type\":\"%s\",\"%s\":{%s}%s}", type, member, parts,
                        id != NULL ? arena_printf(&h->arena, ",\"id\":{\"value\":\"%s\"}", id)
                                   : "");
}

const char *next_offer(struct harness *h, const struct scene_framework *f)
{
    harness_advance(h, 200 * NS_PER_MS);
    const char *offers = harness_event(h, f->handle, "OFFERS");
    assert_non_null(offers);
    return offers;
}

void accept_offer(struct harness *h, const struct scene_framework *f, const char *offers,
                  const char *operations)
{
    uint64_t asked = harness_call(
        h, f->stream_id,
        arena_printf(&h->arena,
                     "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},"
                     "\"accept\":{\"offer_ids\":[{\"value\":\"%s\"}],\"filters\":"
                     "{\"refuse_seconds\":0},\"operations\":[%s]}}",
                     f->id, harness_text(h, strstr(offers, "\"id\":{"), "value"), operations));
    assert_int_equal(harness_status(h, asked), 202);
}

const char *applied(struct harness *h)
{
    const char *message = harness_take(h, AGENT, "ApplyOperationMessage");
    assert_non_null(message);
    return harness_text(h, strstr(message, "\"operation_uuid\""), "value");
}

void tell_status(const struct operation_scene *s, const char *operation, const char *state,
                 char uuid)
{
    struct harness *h = s->h;
    const char *told =
        uuid != 0 ? arena_printf(&h->arena, ",\"uuid\":{\"value\":\"%s\"}", uuid_of(h, uuid)) : "";
    harness_message(h, AGENT, "master", "UpdateOperationStatusMessage",
                    arena_printf(&h->arena,
                                 "{\"slave_id\":{\"value\":\"%s\"},\"operation_uuid\":"
                                 "{\"value\":\"%s\"},\"status\":{\"state\":\"%s\"%s}}",
                                 s->agent_id, operation, state, told));
}

static const char *body_of(struct harness *h, uint64_t handle)
{
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

const char *get(struct harness *h, const char *path)
{
    return body_of(h, harness_request(h, "GET", path, NULL, ""));
}

const char *call(struct harness *h, const char *type)
{
    return body_of(h, harness_request(h, "POST", "/master/api/v1", JSON_TYPE,
                                      arena_printf(&h->arena, "{\"type\":\"%s\"}", type)));
}

double metric_of(struct harness *h, const char *name)
{
    const struct metric *metric = metrics_find(h->metrics, name);
    assert_non_null(metric);
    return metric_value(metric);
}
