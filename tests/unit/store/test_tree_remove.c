#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/xalloc.h"
#include "store/tree_remove.h"

static char root[64]; /* a folder of the test's own */

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % ELEMENTS(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tepui-tree-XXXXXX");
    assert_non_null(mkdtemp(root));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(tree_remove(root), 0);
    assert_int_equal(access(root, F_OK), -1);
    return 0;
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(path_of(name), 0755), 0);
}

static void make_file(const char *name)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    close(fd);
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(path_of(name), &st) == 0;
}

static void test_a_folder_is_emptied_and_stays(void **state)
{
    (void)state;
    make_folder("disk");
    make_folder("disk/a");
    make_file("disk/a/file");
    make_file("disk/file");
    assert_int_equal(symlink(path_of("disk"), path_of("link")), 0);
    assert_int_equal(tree_empty(path_of("link")), 0);
    assert_true(exists("disk") && exists("link"));
    assert_false(exists("disk/a"));
    assert_false(exists("disk/file"));
    assert_int_equal(tree_empty(path_of("missing")), 0);
    make_file("plain");
    assert_int_equal(tree_empty(path_of("plain")), -ENOTDIR);
}

static void test_what_is_removed(void **state)
{
    (void)state;
    make_folder("tree");
    make_folder("tree/a");
    make_file("tree/a/file");
    make_folder("kept");
    make_file("kept/file");
    assert_int_equal(symlink(path_of("kept"), path_of("tree/link")), 0);
    assert_int_equal(symlink(path_of("kept"), path_of("link")), 0);
    make_file("file");
    assert_int_equal(tree_remove(path_of("tree")), 0);
    assert_int_equal(tree_remove(path_of("tree")), 0); /* there is nothing any more */
    assert_int_equal(tree_remove(path_of("file")), 0);
    assert_int_equal(tree_remove(path_of("link")), 0);
    assert_false(exists("tree") || exists("file") || exists("link"));
    assert_true(exists("kept/file"));
}

static void test_a_folder_in_an_open_one(void **state)
{
    (void)state;
    make_folder("tree");
    make_file("tree/file");
    int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    assert_int_equal(tree_remove_at(at, "tree"), 0);
    close(at);
    assert_false(exists("tree"));
}

/* Deeper than there are descriptors: a task may make what it likes. */
static void test_a_tree_of_any_depth_takes_few_descriptors(void **state)
{
    (void)state;
    enum { DEPTH = 5 * TREE_REMOVE_DEPTH_MAX + 3 };
    make_folder("tree");
    int at = open(path_of("tree"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(at, "below", 0755), 0);
        assert_int_equal(mkdirat(at, ".deep-0", 0755), 0); /* such names may be taken */
        int next = openat(at, "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = TREE_REMOVE_DEPTH_MAX + 32;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int r = tree_remove(path_of("tree"));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(r, 0);
    assert_false(exists("tree"));
}

/* --- mounts: in a process with mounts of its own --- */

static bool set_apart(void)
{
    int flags = CLONE_NEWNS | (geteuid() != 0 ? CLONE_NEWUSER : 0);
    return unshare(flags) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool bind(const char *from, const char *to)
{
    return mount(path_of(from), path_of(to), NULL, MS_BIND, NULL) == 0;
}

/* UNIT_SKIPPED, 0 if all is as it should be, or the number of what is not. */
static int remove_with_mounts(void)
{
    if (!set_apart() || !bind("volume", "tree/data") || !bind("volume", "tree/a/data") ||
        !bind("volume/file", "tree/file") || !bind("volume", "tree/data")) {
        return UNIT_SKIPPED;
    }
    return tree_remove(path_of("tree")) != 0 ? 1 : exists("tree") ? 2 : 0;
}

/* From here on openat2 fails like that. */
static bool take_openat2(int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ELEMENTS(filter), .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* As kernels before 5.6 answer. */
static int remove_with_mounts_on_an_old_kernel(void)
{
    return take_openat2(ENOSYS) ? remove_with_mounts() : UNIT_SKIPPED;
}

/* As some filters of system calls do. */
static int remove_with_mounts_under_a_filter(void)
{
    return take_openat2(EPERM) ? remove_with_mounts() : UNIT_SKIPPED;
}

static int run_apart(int (*fn)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(fn());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A persistent volume that is still mounted in an old sandbox (MESOS-8830), on the same file system
 * as the sandbox, as it usually is. */
static void expect_that_mounts_are_spared(int (*fn)(void))
{
    make_folder("volume");
    make_file("volume/file");
    make_folder("tree");
    make_folder("tree/data");
    make_folder("tree/a");
    make_folder("tree/a/data");
    make_folder("tree/a/empty");
    make_file("tree/file");
    int status = run_apart(fn);
    assert_true(exists("volume/file"));
    if (status == UNIT_SKIPPED) {
        unit_skip("no mount can be made");
    }
    assert_int_equal(status, 0);
    assert_false(exists("tree"));
}

static void test_what_is_mounted_in_a_tree_is_unmounted_and_not_emptied(void **state)
{
    (void)state;
    expect_that_mounts_are_spared(remove_with_mounts);
}

static void test_the_same_on_a_kernel_without_openat2(void **state)
{
    (void)state;
    expect_that_mounts_are_spared(remove_with_mounts_on_an_old_kernel);
}

static void test_the_same_where_openat2_is_not_permitted(void **state)
{
    (void)state;
    expect_that_mounts_are_spared(remove_with_mounts_under_a_filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_folder_is_emptied_and_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_folder_in_an_open_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_tree_of_any_depth_takes_few_descriptors, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_mounted_in_a_tree_is_unmounted_and_not_emptied,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_same_on_a_kernel_without_openat2, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_same_where_openat2_is_not_permitted, set_up,
                                        tear_down),
    };
    return unit_status(cmocka_run_group_tests_name("store/tree_remove", tests, NULL, NULL));
}
