#include "../unit.h"

#include "common/storeio.h"

static void test_operations_come_out_in_order_with_what_they_need(void **state)
{
    (void)state;
    struct store_ops ops;
    store_ops_init(&ops);
    assert_null(store_op_pop(&ops));
    char path[] = "/w/meta/info";
    struct blob *bytes = blob_from(SLICE("info"));
    (void)store_mkdir(&ops, 0, "/w/meta", 0755);
    (void)store_replace(&ops, 7, path, blob_ref(bytes));
    (void)store_append(&ops, 8, "/w/updates", blob_ref(bytes));
    (void)store_symlink(&ops, 0, "/w/latest", "/w/1");
    (void)store_rename(&ops, 9, "/w/a", "/w/b");
    (void)store_remove(&ops, 0, "/w/old");
    path[1] = 'x'; /* the operation has a copy */

    static const struct {
        enum store_op_type type;
        uint64_t token;
        const char *path;
        const char *target;
    } expected[] = {
        {STORE_MKDIR, 0, "/w/meta", NULL},     {STORE_REPLACE, 7, "/w/meta/info", NULL},
        {STORE_APPEND, 8, "/w/updates", NULL}, {STORE_SYMLINK, 0, "/w/latest", "/w/1"},
        {STORE_RENAME, 9, "/w/a", "/w/b"},     {STORE_REMOVE, 0, "/w/old", NULL},
    };
    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        struct store_op *op = store_op_pop(&ops);
        assert_non_null(op);
        assert_int_equal(op->type, expected[i].type);
        assert_int_equal(op->token, expected[i].token);
        assert_int_equal(op->durable, expected[i].token != 0);
        assert_string_equal(op->path, expected[i].path);
        if (expected[i].target != NULL) {
            assert_string_equal(op->target, expected[i].target);
        } else {
            assert_null(op->target);
        }
        bool has_bytes = op->type == STORE_REPLACE || op->type == STORE_APPEND;
        assert_ptr_equal(op->bytes, has_bytes ? bytes : NULL);
        assert_int_equal(op->mode, op->type == STORE_MKDIR ? 0755 : 0);
        assert_null(store_op_free(op));
    }
    assert_null(store_op_pop(&ops));
    assert_int_equal(bytes->refs, 1);
    blob_unref(bytes);
    store_ops_deinit(&ops);
}

static void test_what_was_not_performed_is_freed(void **state)
{
    (void)state;
    struct store_ops ops;
    store_ops_init(&ops);
    struct blob *bytes = blob_from(SLICE("x"));
    for (int i = 0; i < 3; i++) {
        (void)store_append(&ops, 0, "/w/x", blob_ref(bytes));
    }
    assert_int_equal(bytes->refs, 4);
    store_ops_deinit(&ops);
    assert_int_equal(bytes->refs, 1);
    blob_unref(bytes);
    assert_null(store_op_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_come_out_in_order_with_what_they_need),
        cmocka_unit_test(test_what_was_not_performed_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
