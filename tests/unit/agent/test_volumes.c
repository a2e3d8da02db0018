#include "operations.h"

#include "../unit.h"

#include "agent/volumes.h"

/* --- where they lie --- */

/* "" if there is none. */
static const char *place(struct shell *shell, Pb__Resource *pb)
{
    struct resources one = RESOURCES_INIT;
    struct err err;
    resources_add_pb_one(&one, pb, NULL);
    const char *path = one.count == 1 && volumes_check(&one, &err) == 0
                           ? volumes_path(&one.items[0], "/w", &shell->arena)
                           : "";
    resources_deinit(&one);
    return path;
}

static Pb__Resource *on_disk(struct shell *shell, Pb__Resource__DiskInfo__Source__Type type,
                             const char *root)
{
    struct arena *arena = &shell->arena;
    Pb__Resource *r = operations_volume(shell, 10);
    Pb__Resource__DiskInfo__Source *source = r->disk->source =
        MESSAGE_NEW(Pb__Resource__DiskInfo__Source, pb__resource__disk_info__source, arena);
    source->type = type;
    if (type == PB__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH) {
        source->path = MESSAGE_NEW(Pb__Resource__DiskInfo__Source__Path,
                                   pb__resource__disk_info__source__path, arena);
        source->path->root = root != NULL ? arena_strdup(arena, root) : NULL;
    } else if (type == PB__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT) {
        source->mount = MESSAGE_NEW(Pb__Resource__DiskInfo__Source__Mount,
                                    pb__resource__disk_info__source__mount, arena);
        source->mount->root = root != NULL ? arena_strdup(arena, root) : NULL;
    }
    return r;
}

static void each_volume_has_a_folder(void **state)
{
    struct shell *shell = *state;
    Pb__Resource *r = operations_volume(shell, 10);
    assert_string_equal(place(shell, r), "/w/volumes/roles/r/v");
    r->reservations[0]->role = arena_strdup(&shell->arena, "eng/sub");
    assert_string_equal(place(shell, r), "/w/volumes/roles/eng sub/v");
    const Pb__Resource__DiskInfo__Source__Type on_path =
        PB__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH;
    const Pb__Resource__DiskInfo__Source__Type on_mount =
        PB__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT;
    assert_string_equal(place(shell, on_disk(shell, on_path, "/mnt/a")),
                        "/mnt/a/volumes/roles/r/v");
    assert_string_equal(place(shell, on_disk(shell, on_path, "a")), "/w/a/volumes/roles/r/v");
    assert_string_equal(place(shell, on_disk(shell, on_mount, "/mnt/a")), "/mnt/a");
    assert_string_equal(place(shell, on_disk(shell, on_mount, "a")), "/w/a");
}

static void what_is_no_folders_name_is_refused(void **state)
{
    struct shell *shell = *state;
    struct arena *arena = &shell->arena;
    Pb__Resource *r = operations_volume(shell, 10);
    static const char *const ids[] = {"..", "a/b", ".", "a\nb"};
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        r->disk->persistence->id = arena_strdup(arena, ids[i]);
        assert_string_equal(place(shell, r), "");
    }
    r = operations_volume(shell, 10);
    r->reservations[0]->role = arena_strdup(arena, "..");
    assert_string_equal(place(shell, r), "");
    r = operations_volume(shell, 10);
    r->n_reservations = 0;
    assert_string_equal(place(shell, r), "");
    assert_string_equal(
        place(shell, on_disk(shell, PB__RESOURCE__DISK_INFO__SOURCE__TYPE__PATH, NULL)), "");
    assert_string_equal(
        place(shell, on_disk(shell, PB__RESOURCE__DISK_INFO__SOURCE__TYPE__BLOCK, NULL)), "");
}

static void roles_are_as_long_as_a_folders_name(void **state)
{
    struct shell *shell = *state;
    Pb__Resource *r = operations_volume(shell, 10);
    char role[VOLUMES_ROLE_MAX + 2];
    memset(role, 'r', sizeof(role));
    role[VOLUMES_ROLE_MAX / 2] = '/';
    role[VOLUMES_ROLE_MAX] = '\0';
    r->reservations[0]->role = role;
    assert_string_not_equal(place(shell, r), "");
    role[VOLUMES_ROLE_MAX] = 'r';
    role[VOLUMES_ROLE_MAX + 1] = '\0';
    assert_string_equal(place(shell, r), "");
    r = on_disk(shell, PB__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT, "/mnt/a");
    r->reservations[0]->role = role; /* its folder has no name of it */
    assert_string_equal(place(shell, r), "/mnt/a");
}

static void a_mounted_disk_is_emptied_and_stays(void **state)
{
    struct shell *shell = *state;
    shell->config.resources =
        "[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}},"
        "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":64}},"
        "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":10},"
        "\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/w/disk\"}}}}]";
    shell_register(shell);
    operations_checkpoint(
        shell, on_disk(shell, PB__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT, "/w/disk"), NULL);
    shell_put_file(shell, "disk/file", "x", 1);
    operations_checkpoint(shell, NULL, NULL);
    assert_true(operations_has(shell, "/w/disk"));
    assert_false(operations_has(shell, "/w/disk/file"));
    assert_int_equal(shell->exit_status, -1);
}

/* --- in containers --- */

static Pb__TaskInfo *user_of(struct shell *shell, const char *id, Pb__Resource *volume)
{
    struct arena *arena = &shell->arena;
    Pb__TaskInfo *task = shell_task(shell, id);
    volume->allocation_info =
        MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
    volume->allocation_info->role = arena_strdup(arena, "r");
    MESSAGE_APPEND(arena, task->n_resources, task->resources, volume);
    return task;
}

static Pb__Resource *shared(struct shell *shell)
{
    Pb__Resource *volume = operations_volume(shell, 100);
    volume->shared =
        MESSAGE_NEW(Pb__Resource__SharedInfo, pb__resource__shared_info, &shell->arena);
    return volume;
}

static void expect_volume(struct shell *shell, enum container_request_type type, bool keeps_owner)
{
    struct container_request *request = shell_take_request(shell, type);
    assert_non_null(request);
    assert_int_equal(request->spec->volume_count, 1);
    const struct container_volume *volume = &request->spec->volumes[0];
    assert_string_equal(volume->source, OPERATIONS_VOLUME);
    assert_string_equal(volume->container_path, "data");
    assert_int_equal(volume->keep_owner, keeps_owner);
    container_request_free(request);
}

static void a_container_gets_the_volumes_of_its_task(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    Pb__Resource *volume = operations_volume(shell, 100);
    volume->disk->volume->mode = PB__VOLUME__MODE__RO;
    shell_run_task(shell, shell_framework(shell, "f1", true), user_of(shell, "t1", volume), NULL);
    struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    assert_int_equal(request->spec->volume_count, 1);
    assert_true(request->spec->volumes[0].read_only);
    container_request_free(request);
}

/* A path would be mounted nowhere, but unmounted on the host when the container ends. */
static void a_volume_is_seen_under_one_name(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    static const char *const paths[] = {"/data", "../../../home", "a/b", "a\nb"};
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        Pb__Resource *volume = operations_volume(shell, 100);
        volume->disk->volume->container_path = arena_strdup(&shell->arena, paths[i]);
        const char *id = arena_printf(&shell->arena, "t%zu", i);
        shell_run_task(shell, shell_framework(shell, "f1", true), user_of(shell, id, volume), NULL);
        struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
        assert_non_null(request);
        assert_int_equal(request->spec->volume_count, 0);
        container_request_free(request);
    }
}

/* Whoever has it first gives it its user; nobody takes it away while it is used. */
static void who_shares_a_volume_leaves_its_owner(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, shared(shell), NULL);
    Pb__FrameworkInfo *framework = shell_framework(shell, "f1", true);
    shell_run_task(shell, framework, user_of(shell, "t1", shared(shell)), NULL);
    expect_volume(shell, CONTAINER_LAUNCH, false);
    shell_run_task(shell, framework, user_of(shell, "t2", shared(shell)), NULL);
    expect_volume(shell, CONTAINER_LAUNCH, true);
}

static void a_running_executor_gets_and_gives_back_the_volumes_of_tasks(void **state)
{
    struct shell *shell = *state;
    Pb__FrameworkInfo *framework = shell_framework(shell, "f1", true);
    shell_deliver(shell, framework, "t1");
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    shell_run_task(shell, framework, user_of(shell, "t2", operations_volume(shell, 100)),
                   shell_executor(shell, "f1", "e"));
    expect_volume(shell, CONTAINER_UPDATE, false);
    assert_non_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    shell_update(shell, "f1", "e", "t2", PB__TASK_STATE__TASK_FINISHED, 1, SHELL_EXECUTOR);
    struct container_request *request = shell_take_request(shell, CONTAINER_UPDATE);
    assert_non_null(request);
    assert_int_equal(request->spec->volume_count, 0);
    container_request_free(request);
}

/* CREATE and LAUNCH of one ACCEPT come one behind the other. */
static void a_running_executor_waits_for_the_volumes_folder(void **state)
{
    struct shell *shell = *state;
    Pb__FrameworkInfo *framework = shell_framework(shell, "f1", true);
    shell_deliver(shell, framework, "t1");
    shell->holds_store = true;
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    shell_run_task(shell, framework, user_of(shell, "t2", operations_volume(shell, 100)),
                   shell_executor(shell, "f1", "e"));
    assert_null(shell_take_request(shell, CONTAINER_UPDATE));
    assert_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    shell->holds_store = false;
    shell_release(shell);
    expect_volume(shell, CONTAINER_UPDATE, false);
    assert_non_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
}

static void a_new_executor_waits_for_the_volumes_folder(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *framework = shell_framework(shell, "f1", true);
    shell->holds_store = true;
    shell_run_task(shell, framework, shell_task(shell, "t1"), shell_executor(shell, "f1", "e"));
    operations_checkpoint(shell, operations_volume(shell, 100), NULL);
    shell_run_task(shell, framework, user_of(shell, "t2", operations_volume(shell, 100)),
                   shell_executor(shell, "f1", "e"));
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    shell->holds_store = false;
    shell_release(shell);
    expect_volume(shell, CONTAINER_LAUNCH, false);
}

static void a_task_with_a_volume_that_is_not_there_is_dropped(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    operations_checkpoint(shell, operations_disk(shell, 100), NULL);
    shell_run_task(shell, shell_framework(shell, "f1", true),
                   user_of(shell, "t1", operations_volume(shell, 100)), NULL);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    (void)shell_expect_update(shell, "t1", PB__TASK_STATE__TASK_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(each_volume_has_a_folder),
        SHELL_TEST(what_is_no_folders_name_is_refused),
        SHELL_TEST(roles_are_as_long_as_a_folders_name),
        SHELL_TEST(a_mounted_disk_is_emptied_and_stays),
        SHELL_TEST(a_container_gets_the_volumes_of_its_task),
        SHELL_TEST(a_volume_is_seen_under_one_name),
        SHELL_TEST(who_shares_a_volume_leaves_its_owner),
        SHELL_TEST(a_running_executor_gets_and_gives_back_the_volumes_of_tasks),
        SHELL_TEST(a_running_executor_waits_for_the_volumes_folder),
        SHELL_TEST(a_new_executor_waits_for_the_volumes_folder),
        SHELL_TEST(a_task_with_a_volume_that_is_not_there_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
