#include "../unit.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common/macro.h"
#include "container/apply_linux.h"

static char path[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/tepui-apply-XXXXXX");
    close(mkstemp(path));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* With many processes a list does not fit, and "123" of "12345" is somebody else. */
static void test_a_pid_that_is_cut_is_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *read;
    } cases[] = {
        {"11\n22\n333\n", 32, "11\n22\n333\n"},
        {"11\n22\n333\n", 10, "11\n22\n"},
        {"11\n22\n333\n", 9, "11\n22\n"},
        {"11\n22\n333\n", 7, "11\n22\n"},
        {"11\n22\n333\n", 6, "11\n"},
        {"11 22 333 ", 8, "11 22 "},
        {"12345\n", 4, ""},
        {"", 4, ""},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char read[32];
        put(cases[i].text);
        assert_int_equal(apply_read_pids(path, read, cases[i].size), strlen(cases[i].read));
        assert_string_equal(read, cases[i].read);
    }
}

static void test_a_list_that_is_not_there(void **state)
{
    (void)state;
    char read[32];
    assert_int_equal(apply_read_pids("/nowhere/at/all", read, sizeof(read)), -ENOENT);
}

static bool exists(const char *folder, const char *name)
{
    char whole[128];
    struct stat st;
    snprintf(whole, sizeof(whole), "%s/%s", folder, name);
    return stat(whole, &st) == 0;
}

static int do_step(struct apply *apply, int type, const char *text0, const char *text1,
                   const char *text2, int64_t number)
{
    struct plan_step step = {
        .type = type, .text = {(char *)text0, (char *)text1, (char *)text2}, .number = {number}};
    struct err err;
    return apply_step(apply, &step, &err);
}

/* While tasks run, the mount point may be something else between its making and the mount. */
static void test_a_volume_is_mounted_through_no_link_of_a_task(void **state)
{
    (void)state;
    char root[] = "/tmp/tepui-apply-XXXXXX";
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        unit_skip("no mount can be made");
    }
    assert_non_null(mkdtemp(root));
    assert_int_equal(mount("none", root, "tmpfs", 0, NULL), 0);
    assert_int_equal(chdir(root), 0);
    char sandbox[64], source[64], target[64];
    snprintf(sandbox, sizeof(sandbox), "%s/sandbox", root);
    snprintf(source, sizeof(source), "%s/volume", root);
    snprintf(target, sizeof(target), "%s/sandbox/data", root);
    assert_int_equal(mkdir("sandbox", 0755) | mkdir("volume", 0755) | mkdir("etc", 0755), 0);
    assert_int_equal(mkdir("volume/file", 0755), 0);

    struct apply apply = {.is_live = true};
    assert_int_equal(do_step(&apply, PLAN_TARGET, sandbox, "data", source, 0), 0);
    assert_int_equal(rename("sandbox/data", "sandbox/other"), 0);
    assert_int_equal(symlink("../etc", "sandbox/data"), 0);
    assert_int_equal(do_step(&apply, PLAN_MOUNT, source, target, NULL, MS_BIND), 0);
    assert_false(exists("etc", "file"));
    assert_true(exists("sandbox/other", "file"));
    /* The link is refused where the target is made, and what was not made is not mounted on. */
    assert_int_not_equal(do_step(&apply, PLAN_TARGET, sandbox, "data", source, 0), 0);
    assert_int_not_equal(do_step(&apply, PLAN_MOUNT, source, target, NULL, MS_BIND), 0);
    assert_false(exists("etc", "file"));
    /* Undisturbed, and read-only; a second time it is there already. */
    assert_int_equal(unlink("sandbox/data"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(do_step(&apply, PLAN_TARGET, sandbox, "data", source, 0), 0);
        assert_int_equal(do_step(&apply, PLAN_MOUNT, source, target, NULL, MS_BIND | MS_RDONLY), 0);
        assert_true(exists("sandbox/data", "file"));
        assert_int_equal(mkdir("sandbox/data/more", 0755), -1);
        assert_int_equal(errno, EROFS);
    }
    assert_int_equal(mkdir("volume/more", 0755), 0);
    apply_deinit(&apply);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(umount2(root, MNT_DETACH), 0);
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_pid_that_is_cut_is_left_out, set_up, tear_down),
        cmocka_unit_test(test_a_list_that_is_not_there),
        cmocka_unit_test(test_a_volume_is_mounted_through_no_link_of_a_task),
    };
    return unit_status(cmocka_run_group_tests_name("container/apply_linux", tests, NULL, NULL));
}
