/* The registry as bytes: against what the original wrote, and what we do not know. */
#include "../unit.h"
#include "registry_apply.h"

#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef json_string
#undef json_null

#include "registry/registry_codec.h"
#include "registry/state_operation.h"
#include "wire/base64.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

/* --- helpers --- */

static void encode(struct registry *registry, struct buf *out)
{
    size_t size = registry_encoded_size(registry);
    buf_clear(out);
    registry_encode(registry, out);
    assert_int_equal(out->size, size);
    assert_true(size <= registry->size_max);
}

static struct registry *decode(struct slice value)
{
    struct registry *registry = NULL;
    struct err err = {""};
    if (registry_decode(value, 1, &registry, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return registry;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct buf text = BUF_INIT;
    size_t got;
    while ((got = fread(buf_reserve(&text, 4096), 1, 4096, file)) > 0) {
        text.size += got;
    }
    (void)fclose(file);
    (void)buf_text(&text);
    return text.data;
}

/* The registry that JSON describes, encoded. */
static void from_json(const char *text, struct buf *out)
{
    struct arena arena;
    ProtobufCMessage *message;
    struct err err = {""};
    arena_init(&arena, 0);
    if (json_parse_message(&pb__internal__registry__descriptor, slice_from(text), JSON_V0, &arena,
                           &message, &err) != 0) {
        fail_msg("%s", err.text);
    }
    message_encode(message, out);
    arena_deinit(&arena);
}

static json_t *to_json(struct slice value)
{
    struct buf text = BUF_INIT;
    json_error_t error;
    assert_int_equal(message_check(&pb__internal__registry__descriptor, value, NULL), 0);
    json_print_bytes(&pb__internal__registry__descriptor, value, JSON_V0, &text);
    json_t *json = json_loadb(text.data, text.size, 0, &error);
    assert_non_null(json);
    buf_deinit(&text);
    return json;
}

static bool apply(struct registry *registry, enum registry_op_type type, const char *id,
                  struct slice info, int64_t time_ns)
{
    struct registry_ops ops;
    bool changed;
    registry_ops_init(&ops);
    struct registry_op *op =
        registry_ask(&ops, type, 1, id != NULL ? blob_from(slice_from(id)) : NULL,
                     info.size > 0 ? blob_from(info) : NULL);
    op->time_ns = time_ns;
    bool fitted = apply_op(registry, op, &changed);
    registry_ops_deinit(&ops);
    return fitted;
}

/* An AgentInfo as the master keeps it: resources in the newer format. */
static struct blob *agent_info(const char *id, const char *resources)
{
    struct arena arena;
    struct err err = {""};
    ProtobufCMessage *message;
    arena_init(&arena, 0);
    char *text = arena_printf(&arena,
                              "{\"id\":{\"value\":\"%s\"},\"hostname\":\"h\",\"port\":5051,"
                              "\"resources\":[%s]}",
                              id, resources);
    if (json_parse_message(&pb__agent_info__descriptor, slice_from(text), JSON_V1, &arena, &message,
                           &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct blob *info = message_encode_blob(message);
    arena_deinit(&arena);
    return info;
}

static const char cpus[] = "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2}}";

static size_t list_count(const struct list *list)
{
    size_t count = 0;
    struct registry_agent *agent;
    LIST_FOR_EACH (agent, list, link) {
        count++;
    }
    return count;
}

/* --- what the original wrote --- */

static void test_the_recorded_page_is_kept(void **state)
{
    (void)state;
    char *text = read_file(TEST_DATA_DIR "/golden/master/registry.json");
    struct buf value = BUF_INIT;
    struct buf again = BUF_INIT;
    from_json(text, &value);
    struct registry *registry = decode(buf_slice(&value));
    assert_int_equal(list_count(&registry->admitted), 2);
    assert_non_null(registry->master);
    assert_non_null(registry->parts[REGISTRY_MACHINES]);
    assert_non_null(registry->parts[REGISTRY_SCHEDULES]);
    assert_non_null(registry->parts[REGISTRY_WEIGHTS]);
    assert_non_null(registry->parts[REGISTRY_MINIMUM_CAPABILITIES]);
    assert_non_null(registry->parts[REGISTRY_QUOTA_CONFIGS]);
    assert_null(registry->parts[REGISTRY_UNKNOWN]);
    encode(registry, &again);
    json_error_t error;
    json_t *expected = json_loads(text, 0, &error);
    json_t *got = to_json(buf_slice(&again));
    assert_true(json_equal(expected, got));

    /* Also when what is stored of the agents is made anew, from the newer format. */
    struct registry_agent *agent;
    LIST_FOR_EACH (agent, &registry->admitted, link) {
        assert_false(slice_equal(blob_slice(agent->info), blob_slice(agent->stored)));
        agent->stored = blob_unref(agent->stored);
    }
    encode(registry, &again);
    json_decref(got);
    got = to_json(buf_slice(&again));
    assert_true(json_equal(expected, got));
    json_decref(got);
    json_decref(expected);
    registry_free(registry);
    buf_deinit(&value);
    buf_deinit(&again);
    free(text);
}

/* The entries of the recorded log: each comes back byte for byte. */
static void test_recorded_entries_are_written_as_they_were_read(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA_DIR "/golden/replicated_log.jsonl", "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0;
    size_t entries = 0;
    struct arena arena;
    arena_init(&arena, 0);
    while (getline(&line, &capacity, file) > 0) {
        json_error_t error;
        struct buf body = BUF_INIT;
        Pb__Internal__Log__WriteRequest *write;
        json_t *json = json_loads(line, 0, &error);
        const char *name = json_string_value(json_object_get(json, "name"));
        if (strcmp(name, "mesos.internal.log.WriteRequest") == 0 &&
            base64_decode(slice_from(json_string_value(json_object_get(json, "body"))), &body) &&
            MESSAGE_DECODE(Pb__Internal__Log__WriteRequest, pb__internal__log__write_request,
                           buf_slice(&body), &arena, &write, NULL) == 0 &&
            write->append != NULL) {
            struct slice bytes = message_bytes(write->append->bytes);
            struct state_operation operation;
            struct cursor_field uuid;
            struct buf out = BUF_INIT;
            struct buf value = BUF_INIT;
            entries++;
            assert_int_equal(state_operation_decode(bytes, &operation, NULL), 0);
            assert_int_equal(operation.type, STATE_SNAPSHOT);
            assert_slice(operation.name, "registry");
            struct registry *registry = decode(operation.value);
            encode(registry, &value);
            assert_true(slice_equal(buf_slice(&value), operation.value));
            struct uuid version;
            assert_true(cursor_path(bytes, (const uint32_t[]){2, 1, 2}, 3, &uuid));
            assert_true(uuid_from_bytes(uuid.bytes, &version));
            state_operation_begin_snapshot(operation.name, &version, value.size, &out);
            buf_append_slice(&out, buf_slice(&value));
            assert_true(slice_equal(buf_slice(&out), bytes));
            registry_free(registry);
            buf_deinit(&value);
            buf_deinit(&out);
        }
        buf_deinit(&body);
        json_decref(json);
    }
    assert_true(entries >= 4);
    arena_deinit(&arena);
    free(line);
    (void)fclose(file);
}

/* --- agents --- */

static void test_agents_are_stored_in_the_older_format(void **state)
{
    (void)state;
    struct buf value = BUF_INIT;
    struct registry *registry = registry_new(1);
    struct blob *plain = agent_info("a", cpus);
    struct blob *reserved =
        agent_info("b", "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2},"
                        "\"reservations\":[{\"type\":\"STATIC\",\"role\":\"blue\"}]}");
    struct blob *refined =
        agent_info("c", "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2},"
                        "\"reservations\":[{\"type\":\"STATIC\",\"role\":\"blue\"},"
                        "{\"type\":\"DYNAMIC\",\"role\":\"blue/sky\"}]}");
    assert_true(apply(registry, REGISTRY_ADMIT_AGENT, "a", blob_slice(plain), 0));
    assert_true(apply(registry, REGISTRY_ADMIT_AGENT, "b", blob_slice(reserved), 0));
    assert_true(apply(registry, REGISTRY_ADMIT_AGENT, "c", blob_slice(refined), 0));
    encode(registry, &value);
    json_t *json = to_json(buf_slice(&value));
    json_t *slaves = json_object_get(json_object_get(json, "slaves"), "slaves");
    static const char *const roles[] = {"*", "blue", NULL};
    for (size_t i = 0; i < ELEMENTS(roles); i++) {
        json_t *info = json_object_get(json_array_get(slaves, i), "info");
        json_t *resource = json_array_get(json_object_get(info, "resources"), 0);
        const char *role = json_string_value(json_object_get(resource, "role"));
        if (roles[i] != NULL) {
            assert_string_equal(role, roles[i]);
            assert_null(json_object_get(resource, "reservations"));
        } else {
            /* There is no older way to say it. */
            assert_int_equal(json_array_size(json_object_get(resource, "reservations")), 2);
        }
    }
    json_decref(json);

    /* Read again, they are what the master knows. */
    struct registry *again = decode(buf_slice(&value));
    assert_true(slice_equal(blob_slice(registry_find(again, SLICE("a"))->info), blob_slice(plain)));
    assert_true(
        slice_equal(blob_slice(registry_find(again, SLICE("b"))->info), blob_slice(reserved)));
    assert_true(
        slice_equal(blob_slice(registry_find(again, SLICE("c"))->info), blob_slice(refined)));
    registry_free(again);
    registry_free(registry);
    blob_unref(plain);
    blob_unref(reserved);
    blob_unref(refined);
    buf_deinit(&value);
}

/* In the order in which they entered the lists, with all their times. */
static void test_lists_keep_their_order(void **state)
{
    (void)state;
    static const char *const ids[] = {"a", "b", "c", "d", "e", "f"};
    struct buf value = BUF_INIT;
    struct registry *registry = registry_new(1);
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        struct blob *info = agent_info(ids[i], cpus);
        assert_true(apply(registry, REGISTRY_ADMIT_AGENT, ids[i], blob_slice(info), 0));
        blob_unref(info);
    }
    assert_true(apply(registry, REGISTRY_MARK_UNREACHABLE, "e", SLICE(""), 1700000000000000001));
    assert_true(apply(registry, REGISTRY_MARK_UNREACHABLE, "a", SLICE(""), -5));
    assert_true(apply(registry, REGISTRY_MARK_GONE, "c", SLICE(""), INT64_MAX));
    assert_true(apply(registry, REGISTRY_MARK_GONE, "b", SLICE(""), 0));
    encode(registry, &value);
    struct registry *again = decode(buf_slice(&value));
    static const struct {
        const char *id;
        enum registry_agent_state state;
        int64_t time_ns;
    } expected[] = {
        {"d", REGISTRY_ADMITTED, 0},
        {"f", REGISTRY_ADMITTED, 0},
        {"e", REGISTRY_UNREACHABLE, 1700000000000000001},
        {"a", REGISTRY_UNREACHABLE, -5},
        {"c", REGISTRY_GONE, INT64_MAX},
        {"b", REGISTRY_GONE, 0},
    };
    const struct list *lists[] = {&again->admitted, &again->unreachable, &again->gone};
    size_t i = 0;
    for (size_t l = 0; l < ELEMENTS(lists); l++) {
        struct registry_agent *agent;
        LIST_FOR_EACH (agent, lists[l], link) {
            assert_slice(blob_slice(agent->id), expected[i].id);
            assert_int_equal(agent->state, expected[i].state);
            assert_true(agent->time_ns == expected[i].time_ns);
            i++;
        }
    }
    assert_int_equal(i, ELEMENTS(expected));
    registry_free(again);
    registry_free(registry);
    buf_deinit(&value);
}

/* A draining agent of another master's stays so while it comes and goes, until it is gone. */
static void test_draining_goes_with_the_agent(void **state)
{
    (void)state;
    struct buf value = BUF_INIT;
    from_json("{\"slaves\":{\"slaves\":[{\"info\":{\"id\":{\"value\":\"a\"},\"hostname\":\"h\"},"
              "\"drain_info\":{\"state\":\"DRAINING\",\"config\":{\"mark_gone\":true}},"
              "\"deactivated\":true}]},"
              "\"unreachable\":{\"slaves\":[{\"id\":{\"value\":\"b\"},"
              "\"timestamp\":{\"nanoseconds\":7},\"deactivated\":true}]}}",
              &value);
    struct registry *registry = decode(buf_slice(&value));
    struct blob *info = blob_ref(registry_find(registry, SLICE("a"))->info);
    assert_true(apply(registry, REGISTRY_MARK_UNREACHABLE, "a", SLICE(""), 9));
    encode(registry, &value);
    registry_free(registry);
    registry = decode(buf_slice(&value));
    assert_true(registry_find(registry, SLICE("a"))->deactivated);
    assert_true(apply(registry, REGISTRY_MARK_REACHABLE, "a", blob_slice(info), 0));
    assert_true(apply(registry, REGISTRY_MARK_GONE, "b", SLICE(""), 9));
    encode(registry, &value);
    json_t *json = to_json(buf_slice(&value));
    json_error_t error;
    json_t *expected = json_loads(
        "{\"slaves\":{\"slaves\":[{\"info\":{\"id\":{\"value\":\"a\"},\"hostname\":\"h\","
        "\"port\":5051,\"checkpoint\":false},"
        "\"drain_info\":{\"state\":\"DRAINING\",\"config\":{\"mark_gone\":true}},"
        "\"deactivated\":true}]},"
        "\"gone\":{\"slaves\":[{\"id\":{\"value\":\"b\"},\"timestamp\":{\"nanoseconds\":9}}]}}",
        0, &error);
    assert_non_null(expected);
    assert_true(json_equal(json, expected));
    json_decref(expected);
    json_decref(json);
    registry_free(registry);
    blob_unref(info);
    buf_deinit(&value);
}

/* --- what we do not know --- */

static void test_unknown_fields_stay(void **state)
{
    (void)state;
    struct buf value = BUF_INIT;
    struct buf again = BUF_INIT;
    struct blob *info = agent_info("a", cpus);
    size_t slaves = wire_begin(&value, 2);
    size_t slave = wire_begin(&value, 1);
    wire_put_bytes(&value, 1, blob_slice(info));
    wire_put_bytes(&value, 77, SLICE("of the agent"));
    wire_end(&value, slave);
    wire_end(&value, slaves);
    size_t gone = wire_begin(&value, 8);
    slave = wire_begin(&value, 1);
    wire_put_bytes(&value, 1, SLICE("\x0a\x01g"));
    wire_put_bytes(&value, 2, SLICE("\x08\x07"));
    wire_put_varint(&value, 3, 5);
    wire_end(&value, slave);
    wire_end(&value, gone);
    wire_put_bytes(&value, 100, SLICE("of a later version"));
    wire_put_varint(&value, 2000, 3);
    struct registry *registry = decode(buf_slice(&value));
    encode(registry, &again);
    assert_true(slice_equal(buf_slice(&value), buf_slice(&again)));

    /* They go with what they belong to. */
    assert_true(apply(registry, REGISTRY_REMOVE_AGENT, "a", SLICE(""), 0));
    encode(registry, &again);
    struct cursor_field field;
    assert_false(cursor_find(buf_slice(&again), 2, &field));
    assert_true(cursor_find(buf_slice(&again), 100, &field));
    assert_slice(field.bytes, "of a later version");
    registry_free(registry);
    blob_unref(info);
    buf_deinit(&value);
    buf_deinit(&again);
}

static void test_an_agent_in_two_lists_is_in_one(void **state)
{
    (void)state;
    struct buf value = BUF_INIT;
    from_json("{\"slaves\":{\"slaves\":["
              "{\"info\":{\"id\":{\"value\":\"a\"},\"hostname\":\"h\"}},"
              "{\"info\":{\"id\":{\"value\":\"b\"},\"hostname\":\"h\"}},"
              "{\"info\":{\"id\":{\"value\":\"b\"},\"hostname\":\"again\"}}]},"
              "\"unreachable\":{\"slaves\":["
              "{\"id\":{\"value\":\"b\"},\"timestamp\":{\"nanoseconds\":7}}]},"
              "\"gone\":{\"slaves\":["
              "{\"id\":{\"value\":\"a\"},\"timestamp\":{\"nanoseconds\":7}}]}}",
              &value);
    struct registry *registry = decode(buf_slice(&value));
    assert_int_equal(registry->agents.count, 2);
    assert_int_equal(registry_find(registry, SLICE("a"))->state, REGISTRY_GONE);
    assert_int_equal(registry_find(registry, SLICE("b"))->state, REGISTRY_ADMITTED);
    registry_free(registry);
    buf_deinit(&value);
}

static void expect_damage(struct slice value, const char *where)
{
    struct registry *registry = NULL;
    struct err err = {""};
    assert_int_equal(registry_decode(value, 1, &registry, &err), REGISTRY_E_DAMAGED);
    assert_null(registry);
    if (strstr(err.text, "The registry is damaged") == NULL || strstr(err.text, where) == NULL) {
        fail_msg("expected '%s', got '%s'", where, err.text);
    }
}

static void test_damage_is_told(void **state)
{
    (void)state;
    struct buf value = BUF_INIT;
    expect_damage(SLICE("nonsense"), "");
    expect_damage(SLICE("\x12\x02\x0a\x00"), "info");
    from_json("{\"slaves\":{\"slaves\":[{\"info\":{\"hostname\":\"h\",\"port\":7}}]}}", &value);
    expect_damage(buf_slice(&value), "the agent at h:7 has no id");
    buf_clear(&value);

    /* An entry in two pieces, of which the last lacks what the first has. */
    size_t list = wire_begin(&value, 7);
    size_t slave = wire_begin(&value, 1);
    wire_put_bytes(&value, 1, SLICE("\x0a\x01u"));
    wire_put_bytes(&value, 2, SLICE("\x08\x07"));
    wire_put_bytes(&value, 1, SLICE(""));
    wire_end(&value, slave);
    wire_end(&value, list);
    expect_damage(buf_slice(&value), "an entry lacks what is required");
    buf_deinit(&value);

    /* A good one that is cut off is good only where a field ends. */
    char *text = read_file(TEST_DATA_DIR "/golden/master/registry.json");
    from_json(text, &value);
    size_t whole = 0;
    for (size_t size = 0; size < value.size; size++) {
        struct registry *registry = NULL;
        if (registry_decode(slice_make(value.data, size), 1, &registry, NULL) == 0) {
            whole++;
            registry_free(registry);
        }
    }
    assert_true(whole >= 1 && whole <= 8);
    free(text);
    buf_deinit(&value);
}

/* --- limits --- */

static void test_capabilities_that_we_lack_are_named(void **state)
{
    (void)state;
    struct buf value = BUF_INIT;
    struct err err = {""};
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    Pb__MasterInfo__Capability quota = PB__MASTER_INFO__CAPABILITY__INIT;
    Pb__MasterInfo__Capability *capabilities[] = {&quota};
    quota.has_type = true;
    quota.type = PB__MASTER_INFO__CAPABILITY__TYPE__QUOTA_V2;
    info.id = (char *)(uintptr_t) "m";
    info.n_capabilities = 1;
    info.capabilities = capabilities;
    struct blob *master = message_encode_blob(&info.base);
    from_json("{\"minimum_capabilities\":[{\"capability\":\"QUOTA_V2\"}]}", &value);
    struct registry *registry = decode(buf_slice(&value));
    assert_int_equal(registry_check_capabilities(registry, blob_slice(master), &err), 0);
    registry_free(registry);

    buf_clear(&value);
    from_json("{\"minimum_capabilities\":[{\"capability\":\"AGENT_DRAINING\"},"
              "{\"capability\":\"QUOTA_V2\"},{\"capability\":\"TELEPATHY\"}]}",
              &value);
    registry = decode(buf_slice(&value));
    assert_int_equal(registry_check_capabilities(registry, blob_slice(master), &err),
                     REGISTRY_E_CAPABILITIES);
    assert_non_null(strstr(err.text, "AGENT_DRAINING, TELEPATHY."));
    registry_free(registry);
    blob_unref(master);
    buf_deinit(&value);
}

/* What fits is let in, and the encoding never gets larger than what is counted. */
static void test_a_full_registry_lets_nobody_in(void **state)
{
    (void)state;
    struct registry *registry = registry_new(1);
    struct buf large = BUF_INIT;
    struct buf value = BUF_INIT;
    /* Names of 3 MiB. */
    size_t text_size = 3u << 20;
    char *text = malloc(text_size + 1);
    memset(text, 'x', text_size);
    text[text_size] = '\0';
    size_t admitted = 0;
    for (;; admitted++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "a%zu", admitted);
        Pb__AgentInfo info = PB__AGENT_INFO__INIT;
        Pb__AgentID agent_id = PB__AGENT_ID__INIT;
        agent_id.value = id;
        info.id = &agent_id;
        info.hostname = text;
        buf_clear(&large);
        message_encode(&info.base, &large);
        if (!apply(registry, REGISTRY_ADMIT_AGENT, id, buf_slice(&large), 0)) {
            break;
        }
    }
    /* 63 MiB hold 16 times 3 MiB and a quarter. */
    assert_int_equal(admitted, 16);
    assert_int_equal(registry->full_count, 1);
    assert_false(apply(registry, REGISTRY_MARK_REACHABLE, "b", buf_slice(&large), 0));
    assert_int_equal(registry->full_count, 2);
    encode(registry, &value);
    assert_true(value.size <= REGISTRY_SIZE_MAX);

    /* All else goes on, and makes room. */
    assert_true(apply(registry, REGISTRY_UPDATE_AGENT, "a0", buf_slice(&large), 0));
    struct blob *small = agent_info("small", cpus);
    assert_true(apply(registry, REGISTRY_ADMIT_AGENT, "small", blob_slice(small), 0));
    assert_true(apply(registry, REGISTRY_MARK_UNREACHABLE, "a1", SLICE(""), 1));
    assert_true(apply(registry, REGISTRY_MARK_REACHABLE, "a1", buf_slice(&large), 0));
    assert_true(apply(registry, REGISTRY_MARK_UNREACHABLE, "a1", SLICE(""), 1));
    assert_true(apply(registry, REGISTRY_ADMIT_AGENT, "b", buf_slice(&large), 0));
    assert_false(apply(registry, REGISTRY_MARK_REACHABLE, "a1", buf_slice(&large), 0));
    registry_free(registry);
    blob_unref(small);
    free(text);
    buf_deinit(&large);
    buf_deinit(&value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_recorded_page_is_kept),
        cmocka_unit_test(test_recorded_entries_are_written_as_they_were_read),
        cmocka_unit_test(test_agents_are_stored_in_the_older_format),
        cmocka_unit_test(test_lists_keep_their_order),
        cmocka_unit_test(test_draining_goes_with_the_agent),
        cmocka_unit_test(test_unknown_fields_stay),
        cmocka_unit_test(test_an_agent_in_two_lists_is_in_one),
        cmocka_unit_test(test_damage_is_told),
        cmocka_unit_test(test_capabilities_that_we_lack_are_named),
        cmocka_unit_test(test_a_full_registry_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
