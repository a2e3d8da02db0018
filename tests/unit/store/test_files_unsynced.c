#include "../unit.h"

#include <errno.h>
#include <fcntl.h>

#include "common/xalloc.h"
#include "store/files_unsynced.h"

#define MANY 40

static char root[] = "/tmp/tepui-unsynced-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *command = xasprintf("rm -r %s", root);
    return system(command);
}

static int create(const char *name)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", root, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, name, strlen(name)), strlen(name));
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void test_nothing(void **state)
{
    (void)state;
    struct files_unsynced unsynced;
    files_unsynced_init(&unsynced);
    assert_int_equal(files_unsynced_sync(&unsynced), 0);
    files_unsynced_deinit(&unsynced);
}

/* One alone, a few, and more than there are helpers; twice, since all is forgotten in between. */
static void test_files_and_folders(void **state)
{
    (void)state;
    struct files_unsynced unsynced;
    files_unsynced_init(&unsynced);
    for (int count = 1; count <= MANY; count = count * 3 + 1) {
        int fds[MANY];
        for (int i = 0; i < count; i++) {
            CLEANUP(xfreep) char *name = xasprintf("file-%d", i);
            CLEANUP(xfreep) char *path = xasprintf("%s/%s", root, name);
            fds[i] = create(name);
            files_unsynced_add_file(&unsynced, fds[i]);
            files_unsynced_add_folder_of(&unsynced, path); /* the same one each time */
        }
        assert_int_equal(files_unsynced_sync(&unsynced), 0);
        for (int i = 0; i < count; i++) {
            assert_false(is_open(fds[i]));
        }
        assert_int_equal(unsynced.fd_count + unsynced.folder_count, 0);
    }
    files_unsynced_deinit(&unsynced);
}

static void test_a_folder_that_is_gone(void **state)
{
    (void)state;
    struct files_unsynced unsynced;
    files_unsynced_init(&unsynced);
    CLEANUP(xfreep) char *path = xasprintf("%s/gone/file", root);
    files_unsynced_add_folder_of(&unsynced, path);
    assert_int_equal(files_unsynced_sync(&unsynced), 0);
    files_unsynced_deinit(&unsynced);
}

/* What cannot be synced is told, whoever tried it; the others are let go of all the same. */
static void test_a_failure(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++) {
        struct files_unsynced unsynced;
        files_unsynced_init(&unsynced);
        int ends[2], fds[3];
        assert_int_equal(pipe(ends), 0);
        for (int i = 0; i < 3; i++) {
            CLEANUP(xfreep) char *name = xasprintf("file-%d", i);
            fds[i] = i == at ? ends[1] : create(name);
            files_unsynced_add_file(&unsynced, fds[i]);
        }
        assert_int_equal(files_unsynced_sync(&unsynced), -EINVAL);
        for (int i = 0; i < 3; i++) {
            assert_false(is_open(fds[i]));
        }
        close(ends[0]);
        files_unsynced_deinit(&unsynced);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),
        TEST(test_files_and_folders),
        TEST(test_a_folder_that_is_gone),
        TEST(test_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
