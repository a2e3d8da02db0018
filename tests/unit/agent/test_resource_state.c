#include "operations.h"

#include "../unit.h"

#include "agent/operation.h"

#define FINISHED PB__OPERATION_STATE__OPERATION_FINISHED

/* --- crashes --- */

/* What the master and frameworks have heard in one life. */
struct heard {
    int applied; /* operations of the story that were told to be finished */
};

/* A story of four operations; stops where the machine dies. */
static void tell_story(struct shell *shell, struct heard *heard)
{
    Pb__Offer__Operation *story[] = {
        operations_reserve(shell, operations_disk(shell, 100)),
        operations_create(shell, operations_volume(shell, 100)),
        operations_destroy(shell, operations_volume(shell, 100)),
        operations_unreserve(shell, operations_disk(shell, 100)),
    };
    for (int i = 0; i < (int)ELEMENTS(story); i++) {
        operations_apply(shell, i, story[i]);
        Pb__Internal__UpdateOperationStatusMessage *message =
            SHELL_TAKE(shell, UpdateOperationStatusMessage, update_operation_status_message);
        if (message != NULL) {
            assert_int_equal(message->status->state, FINISHED);
            heard->applied = i + 1;
            operations_acknowledge(shell, i, message->status);
        }
    }
}

/* After each operation: what there is. */
static const char *const states[] = {"{}", "RESERVED", "VOLUME", "RESERVED", "{}"};

static const char *name_state(const char *text)
{
    return strcmp(text, "{}") == 0            ? "{}"
           : strstr(text, "[v:data]") != NULL ? "VOLUME"
                                              : "RESERVED";
}

static void check_after_crash(struct shell *shell, const struct heard *heard)
{
    shell->writes_left = -1;
    shell_start(shell);
    const char *advertised = operations_advertised(shell);
    assert_string_equal(advertised, operations_stored(shell));
    assert_string_equal(operations_stored(shell), operations_stored_for_older(shell));
    /* What was told to be done is done; at most the next one, too. */
    const char *name = name_state(advertised);
    assert_true(strcmp(name, states[heard->applied]) == 0 ||
                strcmp(name, states[MIN((size_t)heard->applied + 1, ELEMENTS(states) - 1)]) == 0);
    assert_int_equal(operations_has(shell, OPERATIONS_VOLUME), strcmp(name, "VOLUME") == 0);
    assert_false(operations_has(shell, "/w/meta/resources/resources_and_operations.target"));
    assert_int_equal(shell->exit_status, -1);
}

static void a_crash_at_any_write_leaves_what_was_before_or_after(void **state)
{
    (void)state;
    bool is_over = false;
    int count = 0;
    for (; !is_over; count++) {
        struct shell *shell = xalloc(sizeof(*shell));
        shell_init(shell);
        shell_register(shell);
        shell->writes_left = count;
        struct heard heard = {0};
        tell_story(shell, &heard);
        is_over = shell->writes_left > 0;
        assert_true(!is_over || heard.applied == ELEMENTS(states) - 1);
        shell_stop(shell);
        check_after_crash(shell, &heard);
        shell_deinit(shell);
        free(shell);
    }
    assert_true(count > 20); /* there were writes to crash at */
}

/* The recovery of a commit that was cut short is itself cut short, at each of its writes. */
static void a_crash_while_a_crash_is_mended_changes_nothing(void **state)
{
    (void)state;
    for (int first = 0; first < 30; first++) {
        for (int second = 0; second < 12; second++) {
            struct shell *shell = xalloc(sizeof(*shell));
            shell_init(shell);
            shell_register(shell);
            shell->writes_left = first;
            struct heard heard = {0};
            tell_story(shell, &heard);
            shell_stop(shell);
            shell->writes_left = second;
            shell_start(shell);
            shell_stop(shell);
            check_after_crash(shell, &heard);
            shell_deinit(shell);
            free(shell);
        }
    }
}

/* --- failures --- */

static void a_volume_that_cannot_be_made_ends_the_agent_and_is_made_at_the_next_start(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_apply(shell, 1, operations_reserve(shell, operations_disk(shell, 100)));
    shell->fails_folders = true;
    operations_apply(shell, 2, operations_create(shell, operations_volume(shell, 100)));
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(
        strstr(shell->exit_text, "Failed to create the persistent volume at '" OPERATIONS_VOLUME));
    assert_string_equal(name_state(operations_stored(shell)), "RESERVED"); /* not committed */
    shell_stop(shell);
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1); /* still not */
    shell_stop(shell);
    shell->fails_folders = false;
    shell_start(shell);
    assert_string_equal(name_state(operations_advertised(shell)), "VOLUME");
    assert_true(operations_has(shell, OPERATIONS_VOLUME));
}

static void a_volume_that_cannot_be_removed_is_removed_at_the_next_start(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    assert_true(operations_has(shell, OPERATIONS_VOLUME));
    shell->fails_removals = true;
    operations_checkpoint(shell, NULL, NULL);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(
        strstr(shell->exit_text, "Failed to remove the persistent volume at '" OPERATIONS_VOLUME));
    assert_string_equal(name_state(operations_stored(shell)), "VOLUME");
    shell_stop(shell);
    shell->fails_removals = false;
    shell_start(shell);
    assert_string_equal(operations_advertised(shell), "{}");
    assert_false(operations_has(shell, OPERATIONS_VOLUME));
}

/* --- all resources at once --- */

static void checkpointed_resources_are_taken_as_a_whole(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_volume(shell, 60), operations_disk(shell, 40));
    assert_string_equal(name_state(operations_stored(shell)), "VOLUME");
    /* Growing keeps the folder. */
    shell_put_file(shell, "volumes/roles/r/v/file", "kept", 4);
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    assert_true(operations_has(shell, OPERATIONS_VOLUME "/file"));
    operations_checkpoint(shell, operations_disk(shell, 100), NULL);
    assert_false(operations_has(shell, OPERATIONS_VOLUME));
}

static void checkpointed_resources_that_do_not_fit_are_refused(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_disk(shell, 100), NULL);
    operations_checkpoint(shell, operations_disk(shell, 5000), NULL);
    assert_non_null(strstr(shell->log, "cannot be checkpointed"));
    Pb__Resource *volume = operations_volume(shell, 10);
    volume->disk->persistence->id = arena_strdup(&shell->arena, "../up");
    (void)shell_reregister(shell);
    operations_checkpoint(shell, volume, NULL);
    assert_false(operations_has(shell, "/w/volumes/roles/up"));
    assert_string_equal(name_state(operations_advertised(shell)), "RESERVED");
    assert_int_equal(shell->exit_status, -1);
}

/* --- files of others --- */

static void resources_of_an_older_agent_are_taken_up(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    shell_stop(shell);
    /* As if only that had been written. */
    struct buf info = BUF_INIT;
    buf_append_slice(&info, buf_slice(shell_file(shell, "meta/resources/resources.info")));
    shell_put_file(shell, "meta/resources/resources_and_operations.state", "", 0);
    shell_start(shell);
    assert_string_equal(name_state(operations_advertised(shell)), "VOLUME");
    shell_stop(shell);
    /* One of its changes was cut short. */
    shell_put_file(shell, "meta/resources/resources.info", "", 0);
    shell_put_file(shell, "meta/resources/resources.target", info.data, info.size);
    shell_start(shell);
    assert_string_equal(name_state(operations_advertised(shell)), "VOLUME");
    assert_string_equal(name_state(operations_stored(shell)), "VOLUME");
    buf_deinit(&info);
}

/* An original writes down that it has an operation before it applies it. */
static void an_operation_that_was_begun_is_finished(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    struct arena *arena = &shell->arena;
    Pb__Internal__Slave__ResourceState found = PB__INTERNAL__SLAVE__RESOURCE_STATE__INIT;
    Pb__Operation pending = PB__OPERATION__INIT;
    Pb__OperationStatus status = PB__OPERATION_STATUS__INIT;
    Pb__Operation *operations[] = {&pending};
    Pb__Resource *resources[] = {operations_disk(shell, 100)};
    status.state = PB__OPERATION_STATE__OPERATION_PENDING;
    pending.framework_id = messages_framework_id("f1", arena);
    pending.info = operations_create(shell, operations_volume(shell, 100));
    pending.latest_status = &status;
    pending.uuid = operations_uuid(shell, 1);
    found.n_operations = 1;
    found.operations = operations;
    found.n_resources = 1;
    found.resources = resources;
    shell_stop(shell);
    struct buf bytes = BUF_INIT;
    struct blob *message = message_encode_blob(&found.base);
    agent_put_size(&bytes, message->size);
    buf_append_slice(&bytes, blob_slice(message));
    blob_unref(message);
    shell_put_file(shell, "meta/resources/resources_and_operations.state", bytes.data, bytes.size);
    buf_deinit(&bytes);
    shell_start(shell);
    assert_string_equal(name_state(operations_advertised(shell)), "VOLUME");
    assert_true(operations_has(shell, OPERATIONS_VOLUME));
    const Pb__OperationStatus *told = operations_expect(shell, 1, FINISHED);
    operations_acknowledge(shell, 1, told);
    assert_string_equal(name_state(operations_stored(shell)), "VOLUME");
}

static void a_target_that_is_cut_off_was_never_begun(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_disk(shell, 100), NULL);
    shell_stop(shell);
    shell_put_file(shell, "meta/resources/resources_and_operations.target", "\x10\0\0\0cut", 7);
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
    assert_string_equal(name_state(operations_advertised(shell)), "RESERVED");
}

static void a_damaged_state_is_told(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_disk(shell, 100), NULL);
    shell_stop(shell);
    shell_put_file(shell, "meta/resources/resources_and_operations.state",
                   "\4\0\0\0\x0f\x0f\x0f\x0f", 8);
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(strstr(shell->exit_text, "resources_and_operations.state' is damaged"));
}

static void flags_that_do_not_hold_what_is_checkpointed_are_refused(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_disk(shell, 100), NULL);
    shell_stop(shell);
    shell->config.resources = "cpus:4;mem:1024;disk:50;ports:[1-9]";
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(strstr(shell->exit_text, "are incompatible with agent resources"));
    assert_non_null(strstr(shell->exit_text, "disk"));
    shell_stop(shell);
    shell->config.resources = "cpus:4;mem:1024;disk:1024;ports:[1-9]";
    shell_start(shell);
    assert_string_equal(name_state(operations_advertised(shell)), "RESERVED");
}

static void a_folder_that_somebody_removed_is_made_again(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    shell_stop(shell);
    struct disk_file *file = CONTAINER_OF(map_find(&shell->disk_by_path, SLICE(OPERATIONS_VOLUME)),
                                          struct disk_file, by_path);
    map_remove(&shell->disk_by_path, &file->by_path);
    list_remove(&file->link);
    free(file->path);
    buf_deinit(&file->bytes);
    free(file);
    shell_start(shell);
    assert_true(operations_has(shell, OPERATIONS_VOLUME));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_at_any_write_leaves_what_was_before_or_after),
        cmocka_unit_test(a_crash_while_a_crash_is_mended_changes_nothing),
        SHELL_TEST(a_volume_that_cannot_be_made_ends_the_agent_and_is_made_at_the_next_start),
        SHELL_TEST(a_volume_that_cannot_be_removed_is_removed_at_the_next_start),
        SHELL_TEST(checkpointed_resources_are_taken_as_a_whole),
        SHELL_TEST(checkpointed_resources_that_do_not_fit_are_refused),
        SHELL_TEST(resources_of_an_older_agent_are_taken_up),
        SHELL_TEST(an_operation_that_was_begun_is_finished),
        SHELL_TEST(a_target_that_is_cut_off_was_never_begun),
        SHELL_TEST(a_damaged_state_is_told),
        SHELL_TEST(flags_that_do_not_hold_what_is_checkpointed_are_refused),
        SHELL_TEST(a_folder_that_somebody_removed_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
