/*
 * Recordings of Apache Mesos (tests/data/golden): what it said in JSON comes back the same out of
 * our messages, and what its daemons said to one another decodes and encodes to the same bytes.
 */
#include "../unit.h"

/* Names that ours and jansson's headers share. */
#define json_string jansson_string
#define json_null jansson_null
#include <jansson.h>
#undef json_string
#undef json_null

#include "common/arena.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

/* --- v1 JSON --- */

/* The one exception: a v0 field that shows in some v1 answers (facts/observed.md, operator API 8).
 */
static void drop_agent_checkpoint(json_t *value)
{
    const char *key;
    json_t *member;
    size_t index;
    if (json_is_object(value)) {
        json_object_foreach(value, key, member)
        {
            if (strcmp(key, "agent_info") == 0) {
                (void)json_object_del(member, "checkpoint");
            }
            drop_agent_checkpoint(member);
        }
    } else {
        json_array_foreach(value, index, member)
        {
            drop_agent_checkpoint(member);
        }
    }
}

static json_t *load(const char *text, size_t size)
{
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL) {
        fail_msg("not JSON: %s at %d in %.*s", error.text, error.position, (int)size, text);
    }
    return value;
}

static void assert_same(json_t *expected, json_t *got, const char *what)
{
    drop_agent_checkpoint(expected);
    drop_agent_checkpoint(got);
    if (!json_equal(expected, got)) {
        char *of_expected = json_dumps(expected, JSON_SORT_KEYS | JSON_INDENT(1));
        char *of_got = json_dumps(got, JSON_SORT_KEYS | JSON_INDENT(1));
        size_t at = 0;
        while (of_expected[at] == of_got[at] && of_got[at] != '\0') {
            at++;
        }
        at = at > 100 ? at - 100 : 0;
        fail_msg("%s differs: expected ...%.300s\ngot ...%.300s", what, of_expected + at,
                 of_got + at);
    }
}

static void check_value(const ProtobufCMessageDescriptor *desc, json_t *value, const char *what)
{
    struct arena arena;
    struct err err = {""};
    ProtobufCMessage *message;
    struct buf printed = BUF_INIT;
    struct buf bytes = BUF_INIT;
    struct buf printed_bytes = BUF_INIT;
    char *text = json_dumps(value, JSON_COMPACT);
    arena_init(&arena, 0);
    if (json_parse_message(desc, slice_from(text), JSON_V1, &arena, &message, &err) != 0) {
        fail_msg("%s: %s", what, err.text);
    }
    json_print_message(message, JSON_V1, &printed);
    json_t *again = load(printed.data, printed.size);
    assert_same(value, again, what);

    /* From the bytes comes the same text. */
    message_encode(message, &bytes);
    assert_int_equal(message_check(desc, buf_slice(&bytes), &err), 0);
    json_print_bytes(desc, buf_slice(&bytes), JSON_V1, &printed_bytes);
    assert_string_equal(buf_text(&printed_bytes), buf_text(&printed));

    json_decref(again);
    free(text);
    buf_deinit(&printed);
    buf_deinit(&bytes);
    buf_deinit(&printed_bytes);
    arena_deinit(&arena);
}

static json_t *load_file(const char *name)
{
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/golden/%s", TEST_DATA_DIR, name);
    json_t *value = json_load_file(path, 0, &error);
    if (value == NULL) {
        fail_msg("%s: %s", path, error.text);
    }
    return value;
}

static void check_call(const ProtobufCMessageDescriptor *desc, const char *name)
{
    json_t *value = load_file(name);
    check_value(desc, value, name);
    json_decref(value);
}

static void test_master_calls(void **state)
{
    (void)state;
    static const char *const calls[] = {
        "GET_AGENTS",  "GET_EXECUTORS",  "GET_FLAGS",         "GET_FRAMEWORKS",
        "GET_HEALTH",  "GET_MASTER",     "GET_LOGGING_LEVEL", "GET_MAINTENANCE_SCHEDULE",
        "GET_METRICS", "GET_OPERATIONS", "GET_QUOTA",         "GET_MAINTENANCE_STATUS",
        "GET_ROLES",   "GET_STATE",      "GET_TASKS",         "GET_VERSION",
        "GET_WEIGHTS", "READ_FILE",
    };
    for (size_t i = 0; i < ELEMENTS(calls); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "master/%s.json", calls[i]);
        check_call(&pb__master__response__descriptor, name);
    }
}

static void test_agent_calls(void **state)
{
    (void)state;
    static const char *const calls[] = {
        "GET_AGENT",  "GET_CONTAINERS", "GET_EXECUTORS", "GET_FLAGS",  "GET_RESOURCE_PROVIDERS",
        "GET_HEALTH", "GET_FRAMEWORKS", "GET_METRICS",   "GET_STATE",  "GET_LOGGING_LEVEL",
        "GET_TASKS",  "GET_OPERATIONS", "GET_VERSION",   "LIST_FILES", "READ_FILE",
    };
    for (size_t i = 0; i < ELEMENTS(calls); i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "agent/%s.json", calls[i]);
        check_call(&pb__agent__response__descriptor, name);
    }
}

/* Events by type, several of each. */
static void check_events(const ProtobufCMessageDescriptor *desc, const char *name)
{
    json_t *types = load_file(name);
    const char *type;
    json_t *events;
    size_t count = 0;
    json_object_foreach(types, type, events)
    {
        size_t index;
        json_t *event;
        json_array_foreach(events, index, event)
        {
            check_value(desc, event, type);
            count++;
        }
    }
    assert_true(count > 5);
    json_decref(types);
}

static void test_events(void **state)
{
    (void)state;
    check_events(&pb__master__event__descriptor, "master/SUBSCRIBE.json");
    check_events(&pb__scheduler__event__descriptor, "scheduler/SUBSCRIBE.json");
}

/* --- libprocess --- */

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *desc;
} messages[] = {
    {"mesos.internal.AcknowledgeOperationStatusMessage",
     &pb__internal__acknowledge_operation_status_message__descriptor},
    {"mesos.internal.ApplyOperationMessage", &pb__internal__apply_operation_message__descriptor},
    {"mesos.internal.AuthenticateMessage", &pb__internal__authenticate_message__descriptor},
    {"mesos.internal.AuthenticationCompletedMessage",
     &pb__internal__authentication_completed_message__descriptor},
    {"mesos.internal.AuthenticationMechanismsMessage",
     &pb__internal__authentication_mechanisms_message__descriptor},
    {"mesos.internal.AuthenticationStartMessage",
     &pb__internal__authentication_start_message__descriptor},
    {"mesos.internal.AuthenticationStepMessage",
     &pb__internal__authentication_step_message__descriptor},
    {"mesos.internal.ExecutorRegisteredMessage",
     &pb__internal__executor_registered_message__descriptor},
    {"mesos.internal.ExecutorReregisteredMessage",
     &pb__internal__executor_reregistered_message__descriptor},
    {"mesos.internal.ExitedExecutorMessage", &pb__internal__exited_executor_message__descriptor},
    {"mesos.internal.FrameworkErrorMessage", &pb__internal__framework_error_message__descriptor},
    {"mesos.internal.FrameworkRegisteredMessage",
     &pb__internal__framework_registered_message__descriptor},
    {"mesos.internal.KillTaskMessage", &pb__internal__kill_task_message__descriptor},
    {"mesos.internal.PingSlaveMessage", &pb__internal__ping_slave_message__descriptor},
    {"mesos.internal.PongSlaveMessage", &pb__internal__pong_slave_message__descriptor},
    {"mesos.internal.ReconnectExecutorMessage",
     &pb__internal__reconnect_executor_message__descriptor},
    {"mesos.internal.RegisterExecutorMessage",
     &pb__internal__register_executor_message__descriptor},
    {"mesos.internal.RegisterSlaveMessage", &pb__internal__register_slave_message__descriptor},
    {"mesos.internal.ReregisterExecutorMessage",
     &pb__internal__reregister_executor_message__descriptor},
    {"mesos.internal.ReregisterSlaveMessage", &pb__internal__reregister_slave_message__descriptor},
    {"mesos.internal.RescindResourceOfferMessage",
     &pb__internal__rescind_resource_offer_message__descriptor},
    {"mesos.internal.ResourceOffersMessage", &pb__internal__resource_offers_message__descriptor},
    {"mesos.internal.RunTaskMessage", &pb__internal__run_task_message__descriptor},
    {"mesos.internal.ShutdownExecutorMessage",
     &pb__internal__shutdown_executor_message__descriptor},
    {"mesos.internal.ShutdownFrameworkMessage",
     &pb__internal__shutdown_framework_message__descriptor},
    {"mesos.internal.SlaveRegisteredMessage", &pb__internal__slave_registered_message__descriptor},
    {"mesos.internal.SlaveReregisteredMessage",
     &pb__internal__slave_reregistered_message__descriptor},
    {"mesos.internal.StatusUpdateAcknowledgementMessage",
     &pb__internal__status_update_acknowledgement_message__descriptor},
    {"mesos.internal.StatusUpdateMessage", &pb__internal__status_update_message__descriptor},
    {"mesos.internal.UnregisterSlaveMessage", &pb__internal__unregister_slave_message__descriptor},
    {"mesos.internal.UpdateFrameworkMessage", &pb__internal__update_framework_message__descriptor},
    {"mesos.internal.UpdateOperationStatusMessage",
     &pb__internal__update_operation_status_message__descriptor},
    {"mesos.internal.UpdateSlaveMessage", &pb__internal__update_slave_message__descriptor},
    {"mesos.internal.log.LearnedMessage", &pb__internal__log__learned_message__descriptor},
    {"mesos.internal.log.PromiseRequest", &pb__internal__log__promise_request__descriptor},
    {"mesos.internal.log.PromiseResponse", &pb__internal__log__promise_response__descriptor},
    {"mesos.internal.log.RecoverRequest", &pb__internal__log__recover_request__descriptor},
    {"mesos.internal.log.RecoverResponse", &pb__internal__log__recover_response__descriptor},
    {"mesos.internal.log.WriteRequest", &pb__internal__log__write_request__descriptor},
    {"mesos.internal.log.WriteResponse", &pb__internal__log__write_response__descriptor},
    {"mesos.scheduler.Call", &pb__scheduler_v0__call__descriptor},
};

static const ProtobufCMessageDescriptor *find_message(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(messages); i++) {
        if (strcmp(messages[i].name, name) == 0) {
            return messages[i].desc;
        }
    }
    fail_msg("no message %s", name);
    return NULL;
}

/* What was recorded is there. The recorder wrote 64-bit integers as strings, and left out defaults.
 */
static bool is_contained(json_t *recorded, json_t *printed)
{
    if (json_is_object(recorded)) {
        const char *key;
        json_t *member;
        json_object_foreach(recorded, key, member)
        {
            json_t *other = json_object_get(printed, key);
            if (other == NULL || !is_contained(member, other)) {
                return false;
            }
        }
        return json_is_object(printed);
    }
    if (json_is_array(recorded)) {
        if (!json_is_array(printed) || json_array_size(recorded) != json_array_size(printed)) {
            return false;
        }
        for (size_t i = 0; i < json_array_size(recorded); i++) {
            if (!is_contained(json_array_get(recorded, i), json_array_get(printed, i))) {
                return false;
            }
        }
        return true;
    }
    if (json_is_string(recorded) && json_is_integer(printed)) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(printed));
        return strcmp(text, json_string_value(recorded)) == 0;
    }
    return json_equal(recorded, printed);
}

static void check_recording(json_t *line)
{
    const char *name = json_string_value(json_object_get(line, "name"));
    const ProtobufCMessageDescriptor *desc = find_message(name);
    json_t *recorded = json_object_get(line, "json");
    struct buf body = BUF_INIT;
    struct buf encoded = BUF_INIT;
    struct buf printed = BUF_INIT;
    struct arena arena;
    struct err err = {""};
    ProtobufCMessage *message;
    arena_init(&arena, 0);
    assert_true(base64_decode(slice_from(json_string_value(json_object_get(line, "body"))), &body));

    assert_int_equal(message_check(desc, buf_slice(&body), &err), 0);
    assert_int_equal(message_decode(desc, buf_slice(&body), &arena, &message, &err), 0);
    message_encode(message, &encoded);
    assert_true(slice_equal(buf_slice(&encoded), buf_slice(&body)));
    buf_clear(&encoded);
    message_encode(message_clone(message, &arena), &encoded);
    assert_true(slice_equal(buf_slice(&encoded), buf_slice(&body)));

    json_print_bytes(desc, buf_slice(&body), JSON_V0, &printed);
    json_t *again = load(printed.data, printed.size);
    if (!is_contained(recorded, again)) {
        fail_msg("%s: printed %s", name, buf_text(&printed));
    }
    json_decref(again);

    /* And the recorded JSON says all that the bytes say. */
    char *text = json_dumps(recorded, JSON_COMPACT);
    if (json_parse_message(desc, slice_from(text), JSON_V0, &arena, &message, &err) != 0) {
        fail_msg("%s: %s", name, err.text);
    }
    buf_clear(&encoded);
    message_encode(message, &encoded);
    assert_true(slice_equal(buf_slice(&encoded), buf_slice(&body)));
    free(text);
    buf_deinit(&body);
    buf_deinit(&encoded);
    buf_deinit(&printed);
    arena_deinit(&arena);
}

static void check_recordings(const char *name, size_t count_expected)
{
    char path[512];
    char *line = NULL;
    size_t size = 0;
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/golden/%s", TEST_DATA_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (getline(&line, &size, file) > 0) {
        json_t *recording = load(line, strlen(line));
        check_recording(recording);
        json_decref(recording);
        count++;
    }
    free(line);
    fclose(file);
    assert_int_equal(count, count_expected);
}

static void test_libprocess(void **state)
{
    (void)state;
    check_recordings("libprocess.jsonl", 178);
}

static void test_replicated_log(void **state)
{
    (void)state;
    check_recordings("replicated_log.jsonl", 134);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_master_calls),   cmocka_unit_test(test_agent_calls),
        cmocka_unit_test(test_events),         cmocka_unit_test(test_libprocess),
        cmocka_unit_test(test_replicated_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
