#include "../unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/xalloc.h"
#include "daemon/agent_disks.h"

static char root[64]; /* a folder of the test's own */

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tepui-disks-XXXXXX");
    assert_non_null(mkdtemp(root));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *command = xasprintf("rm -rf %s", root);
    assert_int_equal(system(command), 0);
    return 0;
}

static bool is_folder(const char *name)
{
    struct stat st;
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", root, name);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int prepare(const char *kind, const char *member, const char *where, struct err *err)
{
    CLEANUP(xfreep)
    char *text = xasprintf("[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},"
                           "\"disk\":{\"source\":{\"type\":\"%s\",\"%s\":{\"root\":\"%s\"}}}}]",
                           kind, member, where);
    return agent_disks_prepare(text, root, err);
}

static void test_the_root_of_a_path_disk_is_made(void **state)
{
    (void)state;
    struct err err = {""};
    CLEANUP(xfreep) char *where = xasprintf("%s/a/b", root);
    assert_int_equal(prepare("PATH", "path", where, &err), 0);
    assert_true(is_folder("a/b"));
    assert_int_equal(prepare("PATH", "path", where, &err), 0); /* it is there */
    assert_int_equal(prepare("PATH", "path", "below/work", &err), 0);
    assert_true(is_folder("below/work"));
    assert_int_equal(prepare("PATH", "path", "/dev/null/x", &err), -ENOTDIR);
    assert_non_null(strstr(err.text, "--resources: PATH disk: /dev/null/x"));
}

static void test_a_mount_disk_must_be_mounted(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(prepare("MOUNT", "mount", "/proc", &err), 0);
    assert_int_equal(prepare("MOUNT", "mount", root, &err), -ENODEV);
    assert_non_null(strstr(err.text, "nothing is mounted there"));
    assert_int_equal(prepare("MOUNT", "mount", "missing", &err), -ENOENT);
    assert_false(is_folder("missing"));
}

static void test_other_resources_pass(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(agent_disks_prepare(NULL, root, &err), 0);
    assert_int_equal(agent_disks_prepare("cpus:4;disk:100", root, &err), 0);
    assert_int_equal(agent_disks_prepare("[{", root, &err), 0); /* the core refuses it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_root_of_a_path_disk_is_made),
        TEST(test_a_mount_disk_must_be_mounted),
        TEST(test_other_resources_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
