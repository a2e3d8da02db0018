#include "../unit.h"

#include <pthread.h>

#include "common/blob.h"

static void test_bytes_are_copied_and_terminated(void **state)
{
    (void)state;
    char bytes[] = "a\0b";
    struct blob *blob = blob_new(bytes, 3);
    bytes[0] = 'x';
    assert_int_equal(blob->size, 3);
    assert_memory_equal(blob->data, "a\0b", 4);
    assert_int_equal(blob_slice(blob).size, 3);
    assert_null(blob_unref(blob));

    blob = blob_from(SLICE(""));
    assert_int_equal(blob->size, 0);
    assert_int_equal(blob->data[0], 0);
    blob_unref(blob);
    assert_int_equal(blob_slice(NULL).size, 0);
}

static void test_a_buffer_is_taken(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    buf_append_text(&buf, "content");
    struct blob *blob = blob_take(&buf);
    assert_slice(blob_slice(blob), "content");
    assert_int_equal(buf.size, 0);
    assert_null(buf.data);
    blob_unref(blob);
}

static void test_the_last_reference_frees(void **state)
{
    (void)state;
    struct blob *blob = blob_from(SLICE("x"));
    struct blob *other = blob_ref(blob);
    assert_ptr_equal(other, blob);
    assert_int_equal(blob->refs, 2);
    blob_unref(blob);
    assert_int_equal(other->refs, 1);
    assert_slice(blob_slice(other), "x");
    blob_unrefp(&other);
    assert_null(other);
    assert_null(blob_ref(NULL));
    assert_null(blob_unref(NULL));
    blob_unrefp(&other);
}

static void *ref_and_unref(void *arg)
{
    struct blob *blob = arg;
    for (int i = 0; i < 20000; i++) {
        struct blob *mine = blob_ref(blob);
        if (blob_slice(mine).size != 6) {
            return mine;
        }
        blob_unref(mine);
    }
    return NULL;
}

static void test_threads_share_it(void **state)
{
    (void)state;
    struct blob *blob = blob_from(SLICE("shared"));
    pthread_t threads[4];
    for (size_t i = 0; i < ELEMENTS(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, blob), 0);
    }
    for (size_t i = 0; i < ELEMENTS(threads); i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
}

static void test_a_large_one_is_made_in_place(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    blob_begin(&buf);
    for (int i = 0; i < 10000; i++) {
        buf_append_text(&buf, "abc");
    }
    const char *bytes = buf.data;
    struct blob *blob = blob_end(&buf);
    assert_null(buf.data);
    assert_ptr_equal(blob, bytes); /* nothing was copied */
    assert_int_equal(blob->size, 30000);
    assert_memory_equal(blob->data + 29997, "abc", 4); /* and it is terminated */
    assert_true(blob_is_single(blob));
    struct blob *second = blob_ref(blob);
    assert_false(blob_is_single(blob));
    blob_unref(second);
    blob_unref(blob);
    blob_begin(&buf);
    blob = blob_end(&buf);
    assert_int_equal(blob->size, 0);
    blob_unref(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_copied_and_terminated),
        cmocka_unit_test(test_a_buffer_is_taken),
        cmocka_unit_test(test_a_large_one_is_made_in_place),
        cmocka_unit_test(test_the_last_reference_frees),
        cmocka_unit_test(test_threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
