#include "operations.h"

#include "../unit.h"

#include "agent/operation.h"

#define FINISHED PB__OPERATION_STATE__OPERATION_FINISHED
#define DROPPED PB__OPERATION_STATE__OPERATION_DROPPED
#define UNKNOWN PB__OPERATION_STATE__OPERATION_UNKNOWN

#define UPDATES "meta/slaves/" AGENT_ID "/operations/00010100-0000-0000-0000-000000000000"

static bool is_told(struct shell *shell)
{
    return SHELL_TAKE(shell, UpdateOperationStatusMessage, update_operation_status_message) != NULL;
}

static void an_operation_is_stored_and_told_until_acknowledged(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    const Pb__OperationStatus *status = operations_expect(shell, 1, FINISHED);
    assert_string_equal(status->operation_id->value, "op-1");
    assert_string_equal(status->agent_id->value, AGENT_ID);
    assert_non_null(strstr(operations_stored(shell), "disk"));
    assert_string_equal(operations_stored(shell), operations_stored_for_older(shell));
    /* Again after 10 s and 20 s. */
    shell_pass(shell, 9 * NS_PER_SEC);
    assert_false(is_told(shell));
    shell_pass(shell, NS_PER_SEC);
    const Pb__OperationStatus *again = operations_expect(shell, 1, FINISHED);
    assert_true(slice_equal(message_bytes(again->uuid->value), message_bytes(status->uuid->value)));
    shell_pass(shell, 19 * NS_PER_SEC);
    assert_false(is_told(shell));
    shell_pass(shell, NS_PER_SEC);
    (void)operations_expect(shell, 1, FINISHED);
    /* The acknowledgement of another status is not of this one. */
    Pb__OperationStatus other = *status;
    other.uuid = operations_uuid(shell, 77);
    operations_acknowledge(shell, 1, &other);
    assert_int_equal(shell->agent->operations.count, 1);
    operations_acknowledge(shell, 1, status);
    assert_int_equal(shell->agent->operations.count, 0);
    shell_pass(shell, NS_PER_HOUR);
    assert_false(is_told(shell));
    assert_non_null(strstr(operations_stored(shell), "disk"));
    operations_acknowledge(shell, 1, status); /* it came twice */
}

static void a_status_is_not_told_before_it_is_stored(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell->holds_store = true;
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    assert_false(is_told(shell));
    shell->holds_store = false;
    shell_release(shell);
    (void)operations_expect(shell, 1, FINISHED);
}

static void a_registration_waits_for_what_is_being_stored(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell->holds_store = true;
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    Pb__Internal__PingSlaveMessage ping = PB__INTERNAL__PING_SLAVE_MESSAGE__INIT;
    shell_tell(shell, "PingSlaveMessage", &ping);
    shell_pass(shell, NS_PER_SEC);
    assert_null(SHELL_TAKE(shell, ReregisterSlaveMessage, reregister_slave_message));
    shell->holds_store = false;
    shell_release(shell);
    const Pb__Internal__ReregisterSlaveMessage *asked =
        SHELL_TAKE(shell, ReregisterSlaveMessage, reregister_slave_message);
    assert_non_null(asked);
    assert_int_equal(asked->n_checkpointed_resources, 1);
}

static void a_status_is_told_again_after_a_restart(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    const Pb__OperationStatus *before = operations_expect(shell, 1, FINISHED);
    shell_stop(shell);
    shell_start(shell);
    assert_string_equal(operations_advertised(shell), operations_stored(shell));
    const Pb__OperationStatus *after = operations_expect(shell, 1, FINISHED);
    assert_true(slice_equal(message_bytes(after->uuid->value), message_bytes(before->uuid->value)));
    const Pb__Internal__UpdateSlaveMessage *update =
        SHELL_TAKE(shell, UpdateSlaveMessage, update_slave_message);
    assert_non_null(update);
    assert_int_equal(update->operations->n_operations, 1);
    assert_int_equal(update->operations->operations[0]->latest_status->state, FINISHED);
    operations_acknowledge(shell, 1, after);
    /* What is over does not come back. */
    shell_stop(shell);
    shell_start(shell);
    assert_string_equal(operations_advertised(shell), operations_stored(shell));
    assert_false(is_told(shell));
}

static void an_operation_of_an_older_state_is_dropped(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    struct uuid own = shell->agent->resource_version;
    shell->agent->resource_version.bytes[0] ^= 1; /* as the master knows it */
    struct arena *arena = &shell->arena;
    Pb__Internal__ApplyOperationMessage message = PB__INTERNAL__APPLY_OPERATION_MESSAGE__INIT;
    Pb__Internal__ResourceVersionUUID version = PB__INTERNAL__RESOURCE_VERSION_UUID__INIT;
    version.uuid = messages_uuid(&own, arena);
    message.operation_info = operations_reserve(shell, operations_disk(shell, 100));
    message.operation_uuid = operations_uuid(shell, 1);
    message.resource_version_uuid = &version;
    shell_tell(shell, "ApplyOperationMessage", &message);
    const Pb__OperationStatus *status = operations_expect(shell, 1, DROPPED);
    assert_string_equal(status->message, "Operation assumes outdated resource state");
    assert_non_null(status->uuid);
    assert_string_equal(operations_stored(shell), "{}");
    /* The master took it for done: it is told what there is. */
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    assert_string_equal(operations_advertised(shell), "{}");
    status = operations_expect(shell, 1, DROPPED);
    operations_acknowledge(shell, 1, status);
    assert_int_equal(shell->agent->operations.count, 0);
}

static void what_does_not_go_is_dropped_and_the_master_corrected(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    struct uuid version = shell->agent->resource_version;
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 5000)));
    const Pb__OperationStatus *status = operations_expect(shell, 1, DROPPED);
    assert_true(strlen(status->message) > 0);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    assert_int_equal(asked->n_checkpointed_resources, 0);
    /* What is on its way was thought of with the older version. */
    assert_false(slice_equal(message_bytes(asked->resource_version_uuid->value),
                             slice_make(version.bytes, UUID_SIZE)));
    /* A dropped one is not kept on disk: who asks is told the same. */
    shell_stop(shell);
    shell_start(shell);
    (void)shell_reregister(shell);
    assert_int_equal(shell->agent->operations.count, 0);
}

static void nonsense_is_ignored(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__Offer__Operation *launch = operations_reserve(shell, operations_disk(shell, 1));
    launch->type = PB__OFFER__OPERATION__TYPE__LAUNCH;
    operations_apply(shell, 1, launch);
    assert_int_equal(shell->agent->operations.count, 0);
    operations_apply(shell, 2, operations_reserve(shell, operations_disk(shell, 10)));
    (void)operations_expect(shell, 2, FINISHED);
    operations_apply(shell, 2, operations_reserve(shell, operations_disk(shell, 10)));
    assert_int_equal(shell->agent->operations.count, 1);
    assert_non_null(strstr(shell->log, "came before"));
    assert_non_null(strstr(operations_stored(shell), ":10"));
}

/* Dropped ones count, too, and are made sooner. */
static void too_many_operations_are_dropped(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell->is_large = true;
    for (int i = 0; i < OPERATIONS_MAX; i++) {
        operations_apply(shell, i, operations_reserve(shell, operations_disk(shell, 5000)));
    }
    assert_int_equal(shell->agent->operations.count, OPERATIONS_MAX);
    (void)shell_reregister(shell);
    shell_forget(shell);
    operations_apply(shell, OPERATIONS_MAX, operations_reserve(shell, operations_disk(shell, 1)));
    const Pb__OperationStatus *status = operations_expect(shell, OPERATIONS_MAX, DROPPED);
    assert_null(status->uuid); /* told once */
    assert_string_equal(status->operation_id->value,
                        arena_printf(&shell->arena, "op-%d", OPERATIONS_MAX));
    assert_int_equal(shell->agent->operations.count, OPERATIONS_MAX);
    assert_string_equal(operations_stored(shell), "{}");
}

/* --- questions --- */

static Pb__Internal__UpdateOperationStatusMessage *
reconcile(struct shell *shell, const char *framework_id, const char *id, Pb__UUID *uuid)
{
    struct arena *arena = &shell->arena;
    Pb__Internal__ReconcileOperationsMessage message =
        PB__INTERNAL__RECONCILE_OPERATIONS_MESSAGE__INIT;
    Pb__Internal__ReconcileOperationsMessage__Operation one =
        PB__INTERNAL__RECONCILE_OPERATIONS_MESSAGE__OPERATION__INIT;
    Pb__Internal__ReconcileOperationsMessage__Operation *items[] = {&one};
    Pb__OperationID operation_id = PB__OPERATION_ID__INIT;
    operation_id.value = id != NULL ? arena_strdup(arena, id) : NULL;
    one.operation_id = id != NULL ? &operation_id : NULL;
    one.operation_uuid = uuid;
    message.framework_id = framework_id != NULL ? messages_framework_id(framework_id, arena) : NULL;
    message.n_operations = 1;
    message.operations = items;
    shell_tell(shell, "ReconcileOperationsMessage", &message);
    return SHELL_TAKE(shell, UpdateOperationStatusMessage, update_operation_status_message);
}

static void questions_about_operations_are_answered(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    (void)operations_expect(shell, 1, FINISHED);
    /* Of a framework: what is known, else UNKNOWN; not to be acknowledged. */
    const Pb__Internal__UpdateOperationStatusMessage *answer = reconcile(shell, "f1", "op-1", NULL);
    assert_int_equal(answer->status->state, FINISHED);
    assert_null(answer->status->uuid);
    assert_string_equal(answer->framework_id->value, "f1");
    answer = reconcile(shell, "f1", NULL, operations_uuid(shell, 1));
    assert_int_equal(answer->status->state, FINISHED);
    assert_int_equal(reconcile(shell, "f2", "op-1", NULL)->status->state, UNKNOWN);
    answer = reconcile(shell, "f1", "op-2", NULL);
    assert_int_equal(answer->status->state, UNKNOWN);
    assert_string_equal(answer->status->operation_id->value, "op-2");
    /* Of the master: what never came is told to be dropped, and only that. */
    assert_null(reconcile(shell, NULL, NULL, operations_uuid(shell, 1)));
    answer = reconcile(shell, NULL, NULL, operations_uuid(shell, 2));
    assert_int_equal(answer->status->state, DROPPED);
    assert_null(answer->status->uuid);
}

static void readers_see_operations_and_reservations(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    const char *text =
        shell_answer(shell, shell_request(shell, "GET", "/slave(1)/state", NULL, NULL), 200);
    assert_non_null(strstr(text, "\"reserved_resources\":{\"r\":{\"disk\":100"));
    text = shell_answer(
        shell,
        shell_request(shell, "POST", "/slave(1)/api/v1", NULL, "{\"type\":\"GET_OPERATIONS\"}"),
        200);
    assert_non_null(strstr(text, "OPERATION_FINISHED"));
    assert_non_null(strstr(text, "\"op-1\""));
}

/* --- draining --- */

static void a_drain_waits_for_operations(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    const Pb__OperationStatus *status = operations_expect(shell, 1, FINISHED);
    Pb__DrainConfig config = PB__DRAIN_CONFIG__INIT;
    shell->agent->drain_config = message_encode_blob(&config.base);
    operations_acknowledge(shell, 1, status);
    assert_null(shell->agent->drain_config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(an_operation_is_stored_and_told_until_acknowledged),
        SHELL_TEST(a_status_is_not_told_before_it_is_stored),
        SHELL_TEST(a_registration_waits_for_what_is_being_stored),
        SHELL_TEST(a_status_is_told_again_after_a_restart),
        SHELL_TEST(an_operation_of_an_older_state_is_dropped),
        SHELL_TEST(what_does_not_go_is_dropped_and_the_master_corrected),
        SHELL_TEST(nonsense_is_ignored),
        SHELL_TEST(too_many_operations_are_dropped),
        SHELL_TEST(questions_about_operations_are_answered),
        SHELL_TEST(readers_see_operations_and_reservations),
        SHELL_TEST(a_drain_waits_for_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
