#include "../unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/xalloc.h"
#include "store/tree_reader.h"

static struct rig {
    char root[64]; /* a folder of the test's own */
    struct tree tree;
} rig;

static char *path_of(const char *name)
{
    return xasprintf("%s/%s", rig.root, name);
}

static void make_folder(const char *name)
{
    CLEANUP(xfreep) char *path = path_of(name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void write_file(const char *name, const char *text)
{
    CLEANUP(xfreep) char *path = path_of(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(rig.root, sizeof(rig.root), "/tmp/tepui-tree-XXXXXX");
    assert_non_null(mkdtemp(rig.root));
    tree_init(&rig.tree);
    make_folder("b");
    make_folder("b/deep");
    write_file("b/deep/file", "below");
    make_folder("b.c"); /* '.' comes before '/': still not inside of b */
    write_file("a", "first");
    CLEANUP(xfreep) char *link = path_of("latest");
    assert_int_equal(symlink("b", link), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tree_deinit(&rig.tree);
    tree_deinit(&rig.tree); /* idempotent */
    CLEANUP(xfreep) char *command = xasprintf("rm -rf %s", rig.root);
    assert_int_equal(system(command), 0);
    return 0;
}

static void read_tree(const struct tree_reader_options *options)
{
    struct err err;
    assert_int_equal(tree_reader_read(rig.root, options, &rig.tree, &err), 0);
}

/* The paths, joined. */
static void expect_paths(const char *expected)
{
    CLEANUP(buf_deinit) struct buf paths = BUF_INIT;
    for (size_t i = 0; i < rig.tree.count; i++) {
        buf_printf(&paths, "%s%s", i > 0 ? " " : "", rig.tree.entries[i].path);
    }
    assert_string_equal(buf_text(&paths), expected);
}

static void folders_come_before_what_is_in_them(void **state)
{
    (void)state;
    read_tree(&(struct tree_reader_options){0});
    expect_paths("a b b/deep b/deep/file b.c latest");
    const struct tree_entry *file = tree_find(&rig.tree, "b/deep/file");
    assert_int_equal(file->type, TREE_FILE);
    assert_slice(file->bytes, "below");
    assert_true(file->mtime_ns > 0);
    assert_string_equal(tree_name(file), "file");
    const struct tree_entry *link = tree_find(&rig.tree, "latest");
    assert_int_equal(link->type, TREE_LINK); /* which is not followed */
    assert_slice(link->bytes, "b");
    assert_null(tree_find(&rig.tree, "b/dee"));
    assert_null(tree_find(&rig.tree, "b/deep/file/more"));
    assert_null(tree_find(&rig.tree, ""));
}

static void a_folder_is_skipped_with_all_in_it(void **state)
{
    (void)state;
    read_tree(&(struct tree_reader_options){0});
    size_t b = (size_t)(tree_find(&rig.tree, "b") - rig.tree.entries);
    assert_string_equal(rig.tree.entries[tree_skip(&rig.tree, b)].path, "b.c");
    assert_int_equal(tree_skip(&rig.tree, rig.tree.count - 1), rig.tree.count);
}

static void depth_and_names_limit_what_is_read(void **state)
{
    (void)state;
    read_tree(&(struct tree_reader_options){.depth_max = 2, .names_only = true});
    expect_paths("a b b/deep b.c latest");
    assert_int_equal(tree_find(&rig.tree, "a")->bytes.size, 0);
    tree_deinit(&rig.tree);
    tree_init(&rig.tree);
    read_tree(&(struct tree_reader_options){.skip = "deep"});
    expect_paths("a b b/deep b.c latest");
}

static void a_file_that_is_too_long_is_told_of_by_its_entry(void **state)
{
    (void)state;
    CLEANUP(xfreep) char *path = path_of("a");
    assert_int_equal(truncate(path, (off_t)TREE_FILE_SIZE_MAX + 1), 0);
    read_tree(&(struct tree_reader_options){0});
    assert_int_equal(tree_find(&rig.tree, "a")->status, -EFBIG);
    assert_int_equal(tree_find(&rig.tree, "b/deep/file")->status, 0);
    tree_deinit(&rig.tree);
    tree_init(&rig.tree);
    assert_int_equal(truncate(path, (off_t)TREE_FILE_SIZE_MAX), 0);
    read_tree(&(struct tree_reader_options){0});
    assert_int_equal(tree_find(&rig.tree, "a")->status, 0);
    assert_int_equal(tree_find(&rig.tree, "a")->bytes.size, TREE_FILE_SIZE_MAX);
}

static void no_folder_is_an_empty_tree_and_a_file_an_error(void **state)
{
    (void)state;
    struct err err;
    CLEANUP(xfreep) char *none = path_of("none");
    CLEANUP(xfreep) char *file = path_of("a");
    const struct tree_reader_options options = {0};
    assert_int_equal(tree_reader_read(none, &options, &rig.tree, &err), 0);
    assert_int_equal(rig.tree.count, 0);
    assert_int_equal(tree_reader_read(file, &options, &rig.tree, &err), -ENOTDIR);
    assert_non_null(strstr(err.text, file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folders_come_before_what_is_in_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_is_skipped_with_all_in_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(depth_and_names_limit_what_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_too_long_is_told_of_by_its_entry, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_folder_is_an_empty_tree_and_a_file_an_error, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
