/* What an entry of the log holds. */
#include "../unit.h"

#include <errno.h>

#include "registry/state_operation.h"
#include "wire/cursor.h"
#include "wire/message.h"
#include "wire/pb.h"

static const struct uuid version = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void encode(const Pb__Internal__State__Operation *operation, struct buf *out)
{
    buf_clear(out);
    message_encode(&operation->base, out);
}

static void test_a_snapshot_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    static const size_t sizes[] = {0, 1, 127, 128, 20000, 3u << 20};
    for (size_t i = 0; i < ELEMENTS(sizes); i++) {
        struct buf value = BUF_INIT;
        memset(buf_reserve(&value, sizes[i] + 1), 'v', sizes[i]);
        value.size = sizes[i];
        buf_clear(&out);
        state_operation_begin_snapshot(SLICE("registry"), &version, sizes[i], &out);
        buf_append_slice(&out, buf_slice(&value));

        struct state_operation operation;
        assert_int_equal(state_operation_decode(buf_slice(&out), &operation, NULL), 0);
        assert_int_equal(operation.type, STATE_SNAPSHOT);
        assert_slice(operation.name, "registry");
        assert_true(slice_equal(operation.value, buf_slice(&value)));

        /* As the original's own encoder writes it. */
        Pb__Internal__State__Operation pb = PB__INTERNAL__STATE__OPERATION__INIT;
        Pb__Internal__State__Operation__Snapshot snapshot =
            PB__INTERNAL__STATE__OPERATION__SNAPSHOT__INIT;
        Pb__Internal__State__Entry entry = PB__INTERNAL__STATE__ENTRY__INIT;
        struct buf expected = BUF_INIT;
        entry.name = (char *)(uintptr_t) "registry";
        entry.uuid = message_data(slice_make(version.bytes, sizeof(version.bytes)));
        entry.value = message_data(buf_slice(&value));
        snapshot.entry = &entry;
        pb.type = PB__INTERNAL__STATE__OPERATION__TYPE__SNAPSHOT;
        pb.snapshot = &snapshot;
        encode(&pb, &expected);
        assert_true(slice_equal(buf_slice(&out), buf_slice(&expected)));
        buf_deinit(&expected);
        buf_deinit(&value);
    }
    buf_deinit(&out);
}

static void test_diffs_and_expunges_are_told_apart(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct state_operation operation;
    Pb__Internal__State__Operation pb = PB__INTERNAL__STATE__OPERATION__INIT;
    Pb__Internal__State__Operation__Diff diff = PB__INTERNAL__STATE__OPERATION__DIFF__INIT;
    Pb__Internal__State__Operation__Expunge expunge = PB__INTERNAL__STATE__OPERATION__EXPUNGE__INIT;
    Pb__Internal__State__Entry entry = PB__INTERNAL__STATE__ENTRY__INIT;
    entry.name = (char *)(uintptr_t) "other";
    entry.uuid = message_data(SLICE("0123456789abcdef"));
    entry.value = message_data(SLICE("SVN"));
    diff.entry = &entry;
    pb.type = PB__INTERNAL__STATE__OPERATION__TYPE__DIFF;
    pb.diff = &diff;
    encode(&pb, &out);
    assert_int_equal(state_operation_decode(buf_slice(&out), &operation, NULL), 0);
    assert_int_equal(operation.type, STATE_DIFF);
    assert_slice(operation.name, "other");
    assert_slice(operation.value, "SVN");

    expunge.name = (char *)(uintptr_t) "registry";
    pb.type = PB__INTERNAL__STATE__OPERATION__TYPE__EXPUNGE;
    pb.diff = NULL;
    pb.expunge = &expunge;
    encode(&pb, &out);
    assert_int_equal(state_operation_decode(buf_slice(&out), &operation, NULL), 0);
    assert_int_equal(operation.type, STATE_EXPUNGE);
    assert_slice(operation.name, "registry");
    assert_int_equal(operation.value.size, 0);
    buf_deinit(&out);
}

static void test_what_is_none_is_refused(void **state)
{
    (void)state;
    struct state_operation operation;
    struct err err = {""};
    static const char *const broken[] = {
        "",             /* no type */
        "\x08",         /* cut off */
        "\x08\x01",     /* a SNAPSHOT without one */
        "\x08\x02",     /* an EXPUNGE without one */
        "\x08\x03",     /* a DIFF without one */
        "\x08\x09",     /* no such type */
        "\x08\x01\x12", /* cut off */
        "nonsense",
    };
    for (size_t i = 0; i < ELEMENTS(broken); i++) {
        assert_int_equal(state_operation_decode(slice_from(broken[i]), &operation, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "Not an operation"));
    }
    /* A whole one, cut off at each byte. */
    struct buf out = BUF_INIT;
    state_operation_begin_snapshot(SLICE("registry"), &version, 3, &out);
    buf_append_text(&out, "abc");
    for (size_t size = 0; size < out.size; size++) {
        assert_int_equal(state_operation_decode(slice_make(out.data, size), &operation, &err),
                         -EBADMSG);
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_snapshot_is_read_as_it_was_written),
        cmocka_unit_test(test_diffs_and_expunges_are_told_apart),
        cmocka_unit_test(test_what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
