#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/xalloc.h"
#include "store/file_reader.h"

static struct rig {
    char top[64]; /* a folder of the test's own */
    char *root;   /* top/sandbox: what must not be left */
    struct file_requests asked;
    struct file_result result; /* of the last request */
} rig;

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", rig.top, name);
}

static void write_file(const char *name, const char *text)
{
    CLEANUP(xfreep) char *path = path_of(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void make_folder(const char *name)
{
    CLEANUP(xfreep) char *path = path_of(name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *name, const char *target)
{
    CLEANUP(xfreep) char *path = path_of(name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(rig.top, sizeof(rig.top), "/tmp/tepui-reader-XXXXXX");
    assert_non_null(mkdtemp(rig.top));
    rig.root = path_of("sandbox");
    file_requests_init(&rig.asked);
    make_folder("sandbox");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    file_requests_deinit(&rig.asked);
    file_result_deinit(&rig.result);
    free(rig.root);
    CLEANUP(xfreep) char *command = xasprintf("rm -rf %s", rig.top);
    assert_int_equal(system(command), 0);
    return 0;
}

/* Asks for a file or folder, and returns how it went. */
static int ask(enum file_request_type type, const char *name, int64_t offset, int64_t size_max)
{
    CLEANUP(xfreep) char *path = path_of(name);
    struct file_request *request = file_request_add(&rig.asked, type, 7, rig.root, path);
    request->offset = offset;
    request->size_max = size_max;
    request = file_request_pop(&rig.asked);
    file_result_deinit(&rig.result);
    file_reader_perform(request, &rig.result);
    file_request_free(request);
    assert_int_equal(rig.result.token, 7);
    return rig.result.status;
}

static int ask_piece(const char *name, int64_t offset, int64_t size_max)
{
    return ask(FILE_READ, name, offset, size_max);
}

static void expect_bytes(const char *text)
{
    assert_slice(blob_slice(rig.result.bytes), text);
}

/* --- reading --- */

static void a_piece_comes_with_the_size_of_all(void **state)
{
    (void)state;
    write_file("sandbox/digits", "0123456789");
    assert_int_equal(ask_piece("sandbox/digits", 3, 4), 0);
    expect_bytes("3456");
    assert_int_equal(rig.result.size, 10);
    assert_int_equal(ask_piece("sandbox/digits", 8, 100), 0);
    expect_bytes("89");
    assert_int_equal(ask_piece("sandbox/digits", 10, 100), 0);
    expect_bytes("");
    assert_int_equal(ask_piece("sandbox/digits", INT64_MAX, 100), 0);
    expect_bytes("");
    assert_int_equal(ask_piece("sandbox/digits", -1, 100), 0); /* only the size */
    expect_bytes("");
    assert_int_equal(rig.result.size, 10);
}

static void a_piece_ends_at_the_limit(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *path = path_of("sandbox/long");
    write_file("sandbox/long", "");
    assert_int_equal(truncate(path, FILE_READ_SIZE_MAX + 1), 0);
    assert_int_equal(ask_piece("sandbox/long", 0, INT64_MAX), 0);
    assert_int_equal(blob_slice(rig.result.bytes).size, FILE_READ_SIZE_MAX);
    assert_int_equal(ask_piece("sandbox/long", 1, FILE_READ_SIZE_MAX), 0);
    assert_int_equal(blob_slice(rig.result.bytes).size, FILE_READ_SIZE_MAX);
}

static void a_download_is_whole_or_refused(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *path = path_of("sandbox/long");
    write_file("sandbox/long", "");
    assert_int_equal(truncate(path, FILE_READ_SIZE_MAX + 1), 0);
    assert_int_equal(ask(FILE_DOWNLOAD, "sandbox/long", 0, 0), 0);
    assert_int_equal(blob_slice(rig.result.bytes).size, FILE_READ_SIZE_MAX + 1);
    assert_int_equal(truncate(path, (off_t)FILE_DOWNLOAD_SIZE_MAX + 1), 0);
    assert_int_equal(ask(FILE_DOWNLOAD, "sandbox/long", 0, 0), -EFBIG);
}

static void what_is_no_file_is_told(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *pipe_path = path_of("sandbox/pipe");
    make_folder("sandbox/folder");
    assert_int_equal(mkfifo(pipe_path, 0644), 0);
    assert_int_equal(ask_piece("sandbox/nothing", 0, 10), -ENOENT);
    assert_int_equal(ask_piece("sandbox/folder", 0, 10), -EISDIR);
    assert_int_equal(ask(FILE_DOWNLOAD, "sandbox/folder", 0, 0), -EISDIR);
    assert_int_equal(ask_piece("sandbox/pipe", 0, 10), -EACCES); /* and it does not hang */
}

/* --- staying below the root --- */

static void links_lead_anywhere_in_the_root_and_nowhere_else(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *inside = path_of("sandbox/folder/file");
    make_folder("sandbox/folder");
    make_folder("sandboxes");
    write_file("sandbox/folder/file", "mine");
    write_file("secret", "yours");
    write_file("sandboxes/file", "a neighbour's");
    make_link("sandbox/near", "folder/file");
    make_link("sandbox/full", inside);
    make_link("sandbox/far", "../secret");
    make_link("sandbox/out", "..");
    make_link("sandbox/neighbour", "../sandboxes/file");
    assert_int_equal(ask_piece("sandbox/near", 0, 10), 0);
    expect_bytes("mine");
    assert_int_equal(ask_piece("sandbox/full", 0, 10), 0);
    expect_bytes("mine");
    static const char *const outside[] = {"sandbox/far", "sandbox/out/secret", "sandbox/../secret",
                                          "secret", "sandbox/neighbour"};
    for (size_t i = 0; i < ELEMENTS(outside); i++) {
        assert_int_equal(ask_piece(outside[i], 0, 10), -EPERM);
        assert_int_equal(ask(FILE_DOWNLOAD, outside[i], 0, 0), -EPERM);
        assert_null(rig.result.bytes);
    }
    assert_int_equal(ask(FILE_LIST, "sandbox/out", 0, 0), -EPERM);
    assert_int_equal(ask(FILE_LIST, "sandbox", 0, 0), 0); /* the root itself */
}

/* --- listing --- */

static void a_listing_is_in_order_of_the_names(void **state)
{
    (void)state;
    write_file("sandbox/b", "12345");
    make_folder("sandbox/a");
    make_link("sandbox/c", "b");
    make_link("sandbox/dangling", "nowhere");
    assert_int_equal(ask(FILE_LIST, "sandbox", 0, 0), 0);
    assert_int_equal(rig.result.entry_count, 3);
    const struct file_entry *entries = rig.result.entries;
    assert_string_equal(entries[0].name, "a");
    assert_true(S_ISDIR(entries[0].mode));
    assert_string_equal(entries[1].name, "b");
    assert_int_equal(entries[1].size, 5);
    assert_int_equal(entries[1].link_count, 1);
    assert_true(entries[1].mtime_ns > 0);
    assert_string_not_equal(entries[1].user, "");
    assert_string_equal(entries[2].name, "c");
    assert_true(S_ISREG(entries[2].mode)); /* what it leads to */
}

static void a_file_lists_as_nothing(void **state)
{
    (void)state;
    write_file("sandbox/file", "");
    assert_int_equal(ask(FILE_LIST, "sandbox/file", 0, 0), 0);
    assert_int_equal(rig.result.entry_count, 0);
    assert_int_equal(ask(FILE_LIST, "sandbox/nothing", 0, 0), -ENOENT);
}

static void a_user_without_a_name_is_a_number(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        unit_skip("only root can give files away");
    }
    CLEANUP(xfreep) char *path = path_of("sandbox/file");
    write_file("sandbox/file", "");
    assert_int_equal(chown(path, 3999999, 3999998), 0);
    assert_int_equal(ask(FILE_LIST, "sandbox", 0, 0), 0);
    assert_string_equal(rig.result.entries[0].user, "3999999");
    assert_string_equal(rig.result.entries[0].group, "3999998");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_piece_comes_with_the_size_of_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_piece_ends_at_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_download_is_whole_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_lead_anywhere_in_the_root_and_nowhere_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_listing_is_in_order_of_the_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_lists_as_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_user_without_a_name_is_a_number, set_up, tear_down),
    };
    return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
