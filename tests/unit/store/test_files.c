#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/xalloc.h"
#include "store/files.h"

/* A wait longer than this is a failure. */
#define WAIT_MS 60000

static struct rig {
    char root[64]; /* a folder of the test's own */
    char *trash;
    struct files *files;
    struct store_ops ops; /* not submitted yet */
} rig;

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", rig.root, name);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(rig.root, sizeof(rig.root), "/tmp/tepui-files-XXXXXX");
    assert_non_null(mkdtemp(rig.root));
    rig.trash = path_of("trash");
    store_ops_init(&rig.ops);
    struct err err;
    assert_int_equal(files_start(rig.trash, &rig.files, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig.files = files_free(rig.files);
    store_ops_deinit(&rig.ops);
    CLEANUP(xfreep) char *command = xasprintf("rm -rf %s", rig.root);
    assert_int_equal(system(command), 0);
    free(rig.trash);
    return 0;
}

/* --- making operations --- */

static struct blob *bytes(const char *text)
{
    return blob_from(slice_from(text));
}

static struct store_op *add_replace(uint64_t token, const char *name, const char *text)
{
    CLEANUP(xfreep) char *path = path_of(name);
    return store_replace(&rig.ops, token, path, bytes(text));
}

static struct store_op *add_append(uint64_t token, const char *name, const char *text)
{
    CLEANUP(xfreep) char *path = path_of(name);
    return store_append(&rig.ops, token, path, bytes(text));
}

static struct store_op *add_mkdir(uint64_t token, const char *name, uint32_t mode)
{
    CLEANUP(xfreep) char *path = path_of(name);
    return store_mkdir(&rig.ops, token, path, mode);
}

static void add_remove(uint64_t token, const char *name)
{
    CLEANUP(xfreep) char *path = path_of(name);
    store_remove(&rig.ops, token, path);
}

static void add_rename(uint64_t token, const char *name, const char *target)
{
    CLEANUP(xfreep) char *path = path_of(name);
    CLEANUP(xfreep) char *to = path_of(target);
    store_rename(&rig.ops, token, path, to);
}

static void add_symlink(uint64_t token, const char *name, const char *target)
{
    CLEANUP(xfreep) char *path = path_of(name);
    store_symlink(&rig.ops, token, path, target);
}

/* --- waiting and looking --- */

static struct store_done next_done(void)
{
    struct store_done done;
    while (!files_take(rig.files, &done)) {
        struct pollfd poll_fd = {.fd = files_fd(rig.files), .events = POLLIN};
        assert_int_equal(poll(&poll_fd, 1, WAIT_MS), 1);
    }
    return done;
}

static void expect_done(uint64_t token, int status)
{
    struct store_done done = next_done();
    assert_int_equal(done.token, token);
    assert_int_equal(done.status, status);
}

static void submit(void)
{
    files_submit(rig.files, &rig.ops);
    assert_true(list_is_empty(&rig.ops.list));
}

static char *read_file(const char *name)
{
    CLEANUP(xfreep) char *path = path_of(name);
    int fd = open(path, O_RDONLY);
    if (fd < 0) {
        return NULL;
    }
    struct buf text = BUF_INIT;
    ssize_t got;
    while ((got = read(fd, buf_reserve(&text, 65536), 65536)) > 0) {
        text.size += (size_t)got;
    }
    (void)close(fd);
    assert_int_equal(got, 0);
    (void)buf_text(&text);
    return text.data;
}

static void check_file(const char *name, const char *expected)
{
    CLEANUP(xfreep) char *text = read_file(name);
    if (expected == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, expected);
    }
}

static struct stat look_at(const char *name)
{
    CLEANUP(xfreep) char *path = path_of(name);
    struct stat stat;
    assert_int_equal(lstat(path, &stat), 0);
    return stat;
}

static size_t count_entries(const char *name)
{
    CLEANUP(xfreep) char *path = path_of(name);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t count = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

/* --- one of each --- */

static void test_files_are_written(void **state)
{
    (void)state;
    add_replace(1, "a/b/replaced", "first");
    add_replace(2, "a/b/replaced", "second")->mode = 0600;
    add_append(3, "a/c/appended", "one ");
    add_append(0, "a/c/appended", "two ");
    add_append(4, "a/c/appended", "three");
    add_replace(5, "a/empty", "");
    submit();
    for (uint64_t token = 1; token <= 5; token++) {
        expect_done(token, 0);
    }
    check_file("a/b/replaced", "second");
    check_file("a/c/appended", "one two three");
    check_file("a/empty", "");
    assert_int_equal(count_entries("a/b"), 1); /* nothing temporary is left */
    assert_int_equal(look_at("a/b/replaced").st_mode & 0777, 0600);
    CLEANUP(xfreep) char *appended = path_of("a/c/appended");
    store_truncate(&rig.ops, 6, appended, 7);
    add_append(7, "a/c/appended", "!");
    submit();
    expect_done(6, 0);
    expect_done(7, 0);
    check_file("a/c/appended", "one two!");
}

static void test_folders_and_links(void **state)
{
    (void)state;
    mode_t mask = umask(077);
    add_mkdir(1, "a/b/c", 0777);
    add_mkdir(2, "a/b/c", 0);
    add_symlink(3, "a/latest", "b/c");
    add_symlink(4, "a/latest", "b");
    add_rename(5, "a/b/c", "x/y/moved");
    submit();
    for (uint64_t token = 1; token <= 5; token++) {
        expect_done(token, 0);
    }
    (void)umask(mask);
    assert_int_equal(look_at("x/y/moved").st_mode, S_IFDIR | 0777); /* whatever the umask */
    char target[16] = "";
    CLEANUP(xfreep) char *link = path_of("a/latest");
    assert_int_equal(readlink(link, target, sizeof(target)), 1);
    assert_string_equal(target, "b");
    assert_int_equal(count_entries("a"), 2);
    assert_int_equal(count_entries("a/b"), 0);
}

static void test_owners(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        unit_skip("only root can give files away");
    }
    add_replace(0, "tree/sub/file", "x");
    add_replace(0, "outside", "x");
    CLEANUP(xfreep) char *outside = path_of("outside");
    add_symlink(0, "tree/link", outside);
    add_remove(1, "tree"); /* there is no function that makes this one */
    struct store_op *give = LIST_ENTRY(rig.ops.list.prev, struct store_op, link);
    give->type = STORE_CHOWN;
    give->uid = 1234;
    give->gid = 2345;
    struct store_op *make = add_mkdir(2, "tree/sub/made", 0700);
    make->owned = true;
    make->uid = 77;
    make->gid = 78;
    submit();
    expect_done(1, 0);
    expect_done(2, 0);
    assert_int_equal(look_at("tree").st_uid, 1234);
    assert_int_equal(look_at("tree/sub/file").st_gid, 2345);
    assert_int_equal(look_at("tree/link").st_uid, 1234);
    assert_int_equal(look_at("outside").st_uid, 0); /* links are not followed */
    assert_int_equal(look_at("tree/sub/made").st_uid, 77);
    assert_int_equal(look_at("tree/sub/made").st_gid, 78);
}

static bool is_trash_empty(void)
{
    for (int i = 0; i < WAIT_MS; i++) {
        if (count_entries("trash") == 0) {
            return true;
        }
        (void)usleep(1000);
    }
    return false;
}

static void test_removal(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *outside = path_of("outside");
    add_replace(0, "outside/kept", "x");
    for (int i = 0; i < 300; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "tree/%d/%d/file", i % 10, i);
        add_replace(0, name, "x")->durable = false;
    }
    add_symlink(0, "tree/link", outside);
    add_replace(0, "file", "x");
    add_remove(1, "tree");
    add_remove(2, "tree");
    add_remove(3, "file");
    add_remove(4, "file/below/no/folder");
    add_replace(5, "tree/new", "again");
    submit();
    for (uint64_t token = 1; token <= 5; token++) {
        expect_done(token, 0);
    }
    assert_int_equal(count_entries("tree"), 1);
    check_file("tree/new", "again");
    check_file("file", NULL);
    check_file("outside/kept", "x");
    assert_true(is_trash_empty());
}

/* A task has put a link in the place of the folder around a nested container's sandbox. */
static void test_below_a_root_no_link_is_followed(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *root = path_of("sandbox");
    CLEANUP(xfreep) char *outside = path_of("outside");
    add_mkdir(0, "outside", 0755); /* whatever the umask */
    add_replace(0, "outside/kept/file", "x");
    add_mkdir(1, "sandbox", 0);
    add_symlink(0, "sandbox/containers", outside);
    add_mkdir(2, "sandbox/containers/kept/made", 0)->root = xstrdup(root);
    add_remove(3, "sandbox/containers/kept");
    LIST_ENTRY(rig.ops.list.prev, struct store_op, link)->root = xstrdup(root);
    add_symlink(0, "sandbox/last", outside);
    add_mkdir(4, "sandbox/last", 0700)->root = xstrdup(root);
    add_mkdir(5, "sandbox/../elsewhere/made", 0)->root = xstrdup(root);
    add_mkdir(6, "outside/made", 0)->root = xstrdup(root);
    submit();
    static const int statuses[] = {0, -ENOTDIR, 0, -EEXIST, -EXDEV, -EINVAL};
    for (uint64_t token = 1; token <= ELEMENTS(statuses); token++) {
        expect_done(token, statuses[token - 1]);
    }
    check_file("outside/kept/file", "x");
    assert_int_equal(count_entries("outside"), 1);
    assert_int_equal(count_entries("outside/kept"), 1);
    assert_int_equal(look_at("outside").st_mode & 0777, 0755);
    check_file("elsewhere", NULL);
}

static void test_below_a_root_folders_are_made_and_removed(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *root = path_of("sandbox");
    add_mkdir(1, "sandbox", 0);
    add_mkdir(2, "sandbox/containers/a/containers/b", 0750)->root = xstrdup(root);
    add_mkdir(3, "sandbox/containers/a/containers/b", 0700)->root = xstrdup(root); /* as it is */
    submit();
    for (uint64_t token = 1; token <= 3; token++) {
        expect_done(token, 0);
    }
    assert_int_equal(look_at("sandbox/containers/a/containers/b").st_mode & 0777, 0750);
    add_remove(4, "sandbox/containers/a");
    LIST_ENTRY(rig.ops.list.prev, struct store_op, link)->root = xstrdup(root);
    add_remove(5, "sandbox/containers/a");
    LIST_ENTRY(rig.ops.list.prev, struct store_op, link)->root = xstrdup(root);
    submit();
    expect_done(4, 0);
    expect_done(5, 0);
    assert_int_equal(count_entries("sandbox/containers"), 0);
}

static void test_what_was_left_in_the_trash_goes_at_the_next_start(void **state)
{
    (void)state;
    rig.files = files_free(rig.files);
    CLEANUP(xfreep)
    char *command = xasprintf("mkdir -p %s/5/x && touch %s/5/x/y && mkdir %s/0", rig.trash,
                              rig.trash, rig.trash);
    assert_int_equal(system(command), 0);
    assert_int_equal(files_start(rig.trash, &rig.files, NULL), 0);
    add_replace(0, "tree/x", "x");
    add_remove(1, "tree");
    submit();
    expect_done(1, 0);
    assert_true(is_trash_empty());
}

/* --- order, rounds, completions --- */

static void test_completions_come_in_order_over_many_rounds(void **state)
{
    (void)state;
    enum { COUNT = 3 * FILES_ROUND_MAX + 7 };
    for (uint64_t i = 1; i <= COUNT; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "many/%d", (int)(i % 40));
        add_append(i, name, "x");
        if (i % 100 == 0) {
            submit();
        }
    }
    submit();
    for (uint64_t i = 1; i <= COUNT; i++) {
        expect_done(i, 0);
    }
    struct store_done done;
    assert_false(files_take(rig.files, &done));
    struct pollfd poll_fd = {.fd = files_fd(rig.files), .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 0), 0); /* nothing waits, and it does not say so */
    size_t total = 0;
    for (int i = 0; i < 40; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "many/%d", i);
        total += (size_t)look_at(name).st_size;
    }
    assert_int_equal(total, COUNT);
}

static void test_what_wants_no_completion_gets_none(void **state)
{
    (void)state;
    add_replace(0, "a", "x");
    add_replace(0, "b", "x")->durable = true;
    add_replace(9, "c", "x")->durable = false;
    submit();
    expect_done(9, 0);
    struct store_done done;
    assert_false(files_take(rig.files, &done));
    check_file("b", "x");
}

static void test_a_file_is_replaced_whole(void **state)
{
    (void)state;
    enum { SIZE = 200000, TIMES = 60 };
    struct blob *contents[2];
    for (int i = 0; i < 2; i++) {
        struct buf text = BUF_INIT;
        memset(buf_reserve(&text, SIZE), 'a' + i, SIZE);
        text.size = SIZE;
        contents[i] = blob_take(&text);
    }
    CLEANUP(xfreep) char *path = path_of("file");
    for (uint64_t i = 1; i <= TIMES; i++) {
        store_replace(&rig.ops, i, path, blob_ref(contents[i % 2]))->durable = i % 10 == 0;
    }
    submit();
    uint64_t told = 0;
    while (told < TIMES) {
        struct store_done done;
        while (files_take(rig.files, &done)) {
            assert_int_equal(done.token, ++told);
            assert_int_equal(done.status, 0);
        }
        CLEANUP(xfreep) char *text = read_file("file");
        if (text != NULL) {
            assert_int_equal(strlen(text), SIZE);
            assert_true(text[0] == text[SIZE / 2] && text[0] == text[SIZE - 1]);
        }
    }
    blob_unref(contents[0]);
    blob_unref(contents[1]);
}

static void test_the_end_performs_what_was_submitted(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        add_append(i, "file", "x");
    }
    submit();
    rig.files = files_free(rig.files);
    assert_int_equal(look_at("file").st_size, 100);
    assert_int_equal(files_start(rig.trash, &rig.files, NULL), 0);
}

/* --- failures --- */

static void test_failures_are_told_and_end_nothing(void **state)
{
    (void)state;
    add_replace(1, "file", "x");
    add_replace(2, "file/below", "x");
    add_append(3, "file/below", "x");
    add_mkdir(4, "file/below", 0755);
    add_rename(5, "missing", "somewhere");
    CLEANUP(xfreep) char *missing = path_of("missing");
    store_truncate(&rig.ops, 6, missing, 0);
    store_append(&rig.ops, 7, "/dev/full", bytes("x"));
    add_mkdir(8, "file", 0755); /* there is something of that name */
    add_replace(0, "file/below", "x")->durable = true;
    add_replace(0, "file/below", "x")->durable = false;
    add_replace(9, "other", "y");
    submit();
    expect_done(1, 0);
    expect_done(2, -ENOTDIR);
    expect_done(3, -ENOTDIR);
    expect_done(4, -ENOTDIR);
    expect_done(5, -ENOENT);
    expect_done(6, -ENOENT);
    expect_done(7, -ENOSPC);
    expect_done(8, -EEXIST);
    expect_done(0, -ENOTDIR); /* it was to be durable, and is not */
    expect_done(9, 0);
    check_file("other", "y");
    check_file("file", "x");
}

static void test_a_replacement_that_fails_leaves_the_old_file(void **state)
{
    (void)state;
    add_replace(1, "file", "old");
    add_mkdir(2, "file.new", 0755); /* where the new one would be written */
    add_replace(3, "file", "new");
    submit();
    expect_done(1, 0);
    expect_done(2, 0);
    expect_done(3, -EISDIR);
    check_file("file", "old");
}

static void test_a_chain_ends_where_something_fails(void **state)
{
    (void)state;
    add_replace(0, "file", "x");
    add_mkdir(1, "file/below", 0755)->durable = true; /* fails */
    add_replace(2, "second", "x")->chained = true;
    struct store_op *third = add_replace(3, "third", "x");
    third->chained = third->after_sync = true;
    add_replace(4, "beside", "x"); /* not of the chain */
    add_replace(5, "behind", "x")->chained = true;
    submit();
    expect_done(1, -ENOTDIR);
    expect_done(2, -ECANCELED);
    expect_done(3, -ECANCELED);
    expect_done(4, 0);
    expect_done(5, 0);
    check_file("behind", "x");
    CLEANUP(xfreep) char *second = path_of("second");
    CLEANUP(xfreep) char *third_path = path_of("third");
    assert_int_equal(access(second, F_OK), -1);
    assert_int_equal(access(third_path, F_OK), -1);
}

static void test_a_commit_by_renaming(void **state)
{
    (void)state;
    add_replace(0, "state", "old")->durable = true;
    add_replace(1, "target", "new")->durable = true;
    CLEANUP(xfreep) char *from = path_of("target");
    CLEANUP(xfreep) char *to = path_of("state");
    struct store_op *move = store_rename(&rig.ops, 2, from, to);
    move->durable = move->chained = move->after_sync = true;
    submit();
    expect_done(1, 0);
    expect_done(2, 0);
    check_file("state", "new");
}

static void test_a_folder_that_is_to_stay_is_emptied(void **state)
{
    (void)state;
    add_replace(0, "disk/a/file", "x");
    add_replace(0, "disk/file", "x");
    add_remove(1, "disk");
    LIST_ENTRY(rig.ops.list.prev, struct store_op, link)->keeps_folder = true;
    submit();
    expect_done(1, 0);
    assert_int_equal(count_entries("disk"), 0);
}

static void test_a_trash_that_cannot_be(void **state)
{
    (void)state;
    struct files *files;
    struct err err = {""};
    assert_int_equal(files_start("/dev/null/trash", &files, &err), -ENOTDIR);
    assert_non_null(strstr(err.text, "/dev/null/trash"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_files_are_written),
        TEST(test_folders_and_links),
        TEST(test_owners),
        TEST(test_removal),
        TEST(test_below_a_root_no_link_is_followed),
        TEST(test_below_a_root_folders_are_made_and_removed),
        TEST(test_what_was_left_in_the_trash_goes_at_the_next_start),
        TEST(test_completions_come_in_order_over_many_rounds),
        TEST(test_what_wants_no_completion_gets_none),
        TEST(test_a_file_is_replaced_whole),
        TEST(test_the_end_performs_what_was_submitted),
        TEST(test_failures_are_told_and_end_nothing),
        TEST(test_a_replacement_that_fails_leaves_the_old_file),
        TEST(test_a_chain_ends_where_something_fails),
        TEST(test_a_commit_by_renaming),
        TEST(test_a_folder_that_is_to_stay_is_emptied),
        TEST(test_a_trash_that_cannot_be),
    };
    return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
