#include "../unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>
#include <zlib.h>

#include "common/xalloc.h"
#include "fetch/fetch_extract.h"

#define MTIME 1000000000

static char root[64]; /* a folder of the test's own; "sandbox" and "outside" are in it */

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/tepui-extract-XXXXXX");
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(path_of("sandbox"), 0755), 0);
    assert_int_equal(mkdir(path_of("outside"), 0755), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *command = xasprintf("rm -rf %s", root);
    assert_int_equal(system(command), 0);
    return 0;
}

/* --- archives --- */

static struct archive *begin(void)
{
    struct archive *out = archive_write_new();
    archive_write_set_format_pax_restricted(out);
    assert_int_equal(archive_write_open_filename(out, path_of("a.tar")), ARCHIVE_OK);
    return out;
}

static void add(struct archive *out, const char *name, mode_t type, const char *text)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0755);
    archive_entry_set_mtime(entry, MTIME, 0);
    if (type == AE_IFLNK) {
        archive_entry_set_symlink(entry, text);
    } else if (type == AE_IFREG) {
        archive_entry_set_size(entry, (la_int64_t)strlen(text));
    }
    assert_int_equal(archive_write_header(out, entry), ARCHIVE_OK);
    if (type == AE_IFREG) {
        assert_int_equal(archive_write_data(out, text, strlen(text)), (la_ssize_t)strlen(text));
    }
    archive_entry_free(entry);
}

static int extract(struct archive *out, struct err *err)
{
    assert_int_equal(archive_write_free(out), ARCHIVE_OK);
    CLEANUP(xfreep) char *archive = xstrdup(path_of("a.tar"));
    return fetch_extract(archive, path_of("sandbox"), err);
}

static void check_text(const char *name, const char *expected)
{
    char text[64] = "";
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

static void test_an_archive_lands_in_its_folder(void **state)
{
    (void)state;
    char before[256], after[256];
    struct err err = {""};
    struct archive *out = begin();
    add(out, "bin", AE_IFDIR, "");
    add(out, "bin/tool", AE_IFREG, "x");
    add(out, "/absolute", AE_IFREG, "y");
    add(out, "latest", AE_IFLNK, "bin");
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(extract(out, &err), 0);
    check_text("sandbox/bin/tool", "x");
    check_text("sandbox/absolute", "y");
    check_text("sandbox/latest/tool", "x");
    struct stat st;
    assert_int_equal(stat(path_of("sandbox/bin"), &st), 0);
    assert_int_equal(st.st_mtime, MTIME); /* though a file has come into it */
    assert_non_null(getcwd(after, sizeof(after)));
    assert_string_equal(before, after);
}

static void test_what_is_there_already_is_replaced(void **state)
{
    (void)state;
    struct err err = {""};
    assert_int_equal(symlink("../outside/file", path_of("sandbox/file")), 0);
    struct archive *out = begin();
    add(out, "file", AE_IFREG, "old");
    add(out, "file", AE_IFREG, "new");
    assert_int_equal(extract(out, &err), 0);
    check_text("sandbox/file", "new");
    assert_int_equal(access(path_of("outside/file"), F_OK), -1);
}

static void test_an_archive_does_not_come_out_of_its_folder_by_a_link_of_its_own(void **state)
{
    (void)state;
    struct err err = {""};
    struct archive *out = begin();
    add(out, "way", AE_IFLNK, "../outside");
    add(out, "way/file", AE_IFREG, "x");
    assert_int_not_equal(extract(out, &err), 0);
    assert_non_null(strstr(err.text, "symlink"));
    assert_int_equal(access(path_of("outside/file"), F_OK), -1);
    out = begin();
    add(out, "../outside/file", AE_IFREG, "x");
    assert_int_not_equal(extract(out, &err), 0);
    assert_int_equal(access(path_of("outside/file"), F_OK), -1);
}

/* --- single files --- */

static void write_gzip(size_t cut_off)
{
    gzFile out = gzopen(path_of("a.gz"), "wb");
    for (int i = 0; i < 20000; i++) {
        assert_true(gzprintf(out, "%d\n", i * 7919) > 0);
    }
    assert_int_equal(gzclose(out), Z_OK);
    struct stat st;
    assert_int_equal(stat(path_of("a.gz"), &st), 0);
    assert_int_equal(truncate(path_of("a.gz"), st.st_size - (off_t)cut_off), 0);
}

static int gunzip(struct err *err)
{
    CLEANUP(xfreep) char *from = xstrdup(path_of("a.gz"));
    return fetch_gunzip(from, path_of("sandbox/a"), err);
}

static void test_a_gzipped_file(void **state)
{
    (void)state;
    struct err err = {""};
    write_gzip(0);
    assert_int_equal(gunzip(&err), 0);
    struct stat st;
    assert_int_equal(stat(path_of("sandbox/a"), &st), 0);
    assert_true(st.st_size > 20000 * 2);
}

/* A download that ended early is no file of the task's. */
static void test_a_gzipped_file_that_is_cut_off_is_an_error(void **state)
{
    (void)state;
    static const size_t cuts[] = {1, 8, 100, 20000};
    for (size_t i = 0; i < ELEMENTS(cuts); i++) {
        struct err err = {""};
        write_gzip(cuts[i]);
        assert_int_equal(gunzip(&err), -EINVAL);
        assert_non_null(strstr(err.text, "ends early"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_archive_lands_in_its_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_there_already_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_archive_does_not_come_out_of_its_folder_by_a_link_of_its_own, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_a_gzipped_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_gzipped_file_that_is_cut_off_is_an_error, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("fetch/fetch_extract", tests, NULL, NULL);
}
