#include "../unit.h"

#include "common/xalloc.h"
#include "election/leader_info.h"
#include "wire/message.h"
#include "wire/pb.h"

/* As an original's node has it (golden/on_disk.md). */
#define GOLDEN                                                                                   \
    "{\"address\":{\"hostname\":\"127.0.0.1\",\"ip\":\"127.0.0.1\",\"port\":5052},"              \
    "\"capabilities\":[{\"type\":\"AGENT_UPDATE\"},{\"type\":\"AGENT_DRAINING\"},{\"type\":"     \
    "\"QUOTA_V2\"}],\"hostname\":\"localhost\",\"id\":\"814310ac-117a-43a5-9876-2d54ed894c09\"," \
    "\"ip\":16777343,\"pid\":\"master@127.0.0.1:5052\",\"port\":5052,\"version\":\"1.12.0\"}"

static void names_tell_format_and_number(void **state)
{
    (void)state;
    const struct {
        const char *name;
        enum leader_info_format format;
        int32_t number;
    } rows[] = {
        {"json.info_0000000007", LEADER_INFO_JSON, 7},
        {"info_0000000123", LEADER_INFO_PROTOBUF, 123},
        {"0000000009", LEADER_INFO_UPID, 9},
        {"other_0000000001", LEADER_INFO_FOREIGN, 1},
        {"json.info_x_0000000001", LEADER_INFO_FOREIGN, 1},
        {"json.info_2147483647", LEADER_INFO_JSON, INT32_MAX},
        {"json.info_-2147483648", LEADER_INFO_JSON, INT32_MIN},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        enum leader_info_format format;
        int32_t number;
        assert_true(leader_info_parse_name(slice_from(rows[i].name), &format, &number));
        assert_int_equal(format, rows[i].format);
        assert_int_equal(number, rows[i].number);
    }
    const char *others[] = {
        "log_replicas",         "", "_", "json.info_", "json.info_12x", "json.info_2147483648",
        "json.info_-2147483649"};
    for (size_t i = 0; i < ELEMENTS(others); i++) {
        enum leader_info_format format;
        int32_t number;
        assert_false(leader_info_parse_name(slice_from(others[i]), &format, &number));
    }
}

static void json_is_read_and_written(void **state)
{
    (void)state;
    struct blob *info = leader_info_parse(LEADER_INFO_JSON, SLICE(GOLDEN), NULL);
    struct leader leader;
    assert_non_null(info);
    assert_true(leader_info_read(blob_slice(info), &leader));
    char pid[UPID_TEXT_SIZE];
    upid_format(&leader.pid, pid);
    assert_string_equal(pid, "master@127.0.0.1:5052");
    assert_string_equal(leader.hostname, "localhost");
    assert_true(leader.has_agent_update);

    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    leader_info_format_json(blob_slice(info), &text);
    struct blob *again = leader_info_parse(LEADER_INFO_JSON, buf_slice(&text), NULL);
    assert_non_null(again);
    assert_true(slice_equal(blob_slice(again), blob_slice(info)));
    /* Everything that the golden text says, and nothing else. */
    assert_int_equal(text.size, strlen(GOLDEN));
    blob_unref(again);
    blob_unref(info);
}

static void protobuf_is_read(void **state)
{
    (void)state;
    struct blob *json = leader_info_parse(LEADER_INFO_JSON, SLICE(GOLDEN), NULL);
    struct blob *info = leader_info_parse(LEADER_INFO_PROTOBUF, blob_slice(json), NULL);
    assert_non_null(info);
    assert_true(slice_equal(blob_slice(info), blob_slice(json)));
    blob_unref(info);
    blob_unref(json);
}

static void a_upid_is_read(void **state)
{
    (void)state;
    struct blob *info = leader_info_parse(LEADER_INFO_UPID, SLICE("master@10.1.2.3:5050\n"), NULL);
    struct leader leader;
    assert_non_null(info);
    assert_true(leader_info_read(blob_slice(info), &leader));
    assert_string_equal(leader.hostname, "10.1.2.3");
    assert_string_equal(leader.pid.id, "master");
    assert_int_equal(leader.pid.address.port, 5050);
    assert_false(leader.has_agent_update);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    leader_info_format_json(blob_slice(info), &text);
    assert_non_null(strstr(buf_text(&text), "\"ip\":50462986"));
    blob_unref(info);
    info = leader_info_parse(LEADER_INFO_UPID, SLICE("master@[::1]:5050"), NULL);
    assert_non_null(info);
    blob_unref(info);
}

static void an_address_is_found_without_a_pid(void **state)
{
    (void)state;
    const struct {
        const char *json;
        const char *pid; /* NULL = none */
    } rows[] = {
        {"{\"id\":\"x\",\"ip\":16777343,\"port\":80}", "master@127.0.0.1:80"},
        {"{\"id\":\"x\",\"ip\":0,\"port\":5050,\"address\":{\"ip\":\"::1\",\"port\":7}}",
         "master@[::1]:7"},
        {"{\"id\":\"x\",\"ip\":5,\"port\":5,\"address\":{\"ip\":\"10.0.0.1\",\"port\":7}}",
         "master@10.0.0.1:7"},
        {"{\"id\":\"x\",\"ip\":0,\"port\":5050}", NULL},
        {"{\"id\":\"x\",\"ip\":1,\"port\":65536}", NULL},
        {"{\"id\":\"x\",\"ip\":1,\"port\":1,\"pid\":\"nonsense\"}", NULL},
        {"{\"id\":\"x\",\"ip\":1,\"port\":1,\"pid\":\"@0.0.0.0:0\"}", NULL},
        {"{\"id\":\"x\",\"ip\":1,\"port\":1,\"address\":{\"ip\":\"host\",\"port\":7}}", NULL},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct err err = {""};
        struct blob *info = leader_info_parse(LEADER_INFO_JSON, slice_from(rows[i].json), &err);
        if (rows[i].pid == NULL) {
            assert_null(info);
            assert_string_equal(err.text, "no address of a master");
            continue;
        }
        struct leader leader;
        char pid[UPID_TEXT_SIZE];
        assert_non_null(info);
        assert_true(leader_info_read(blob_slice(info), &leader));
        upid_format(&leader.pid, pid);
        assert_string_equal(pid, rows[i].pid);
        blob_unref(info);
    }
}

static void nonsense_is_no_leader(void **state)
{
    (void)state;
    const struct {
        enum leader_info_format format;
        const char *data;
    } rows[] = {
        {LEADER_INFO_JSON, ""},           {LEADER_INFO_JSON, "{"},
        {LEADER_INFO_JSON, "[]"},         {LEADER_INFO_JSON, "{}"},
        {LEADER_INFO_JSON, "\"text\""},   {LEADER_INFO_PROTOBUF, "\xff\xff"},
        {LEADER_INFO_PROTOBUF, ""},       {LEADER_INFO_UPID, ""},
        {LEADER_INFO_UPID, "@0.0.0.0:0"}, {LEADER_INFO_UPID, "master"},
        {LEADER_INFO_FOREIGN, GOLDEN},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct err err = {""};
        assert_null(leader_info_parse(rows[i].format, slice_from(rows[i].data), &err));
        assert_true(err.text[0] != '\0');
    }
    struct leader leader;
    assert_false(leader_info_read(SLICE("\xff"), &leader));
}

static void the_size_is_limited(void **state)
{
    (void)state;
    size_t golden = strlen(GOLDEN);
    char *text = xalloc(LEADER_INFO_SIZE_MAX + 1);
    memcpy(text, GOLDEN, golden);
    memset(text + golden, ' ', LEADER_INFO_SIZE_MAX + 1 - golden);
    struct blob *info =
        leader_info_parse(LEADER_INFO_JSON, slice_make(text, LEADER_INFO_SIZE_MAX), NULL);
    assert_non_null(info);
    blob_unref(info);
    assert_null(
        leader_info_parse(LEADER_INFO_JSON, slice_make(text, LEADER_INFO_SIZE_MAX + 1), NULL));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_format_and_number),
        cmocka_unit_test(json_is_read_and_written),
        cmocka_unit_test(protobuf_is_read),
        cmocka_unit_test(a_upid_is_read),
        cmocka_unit_test(an_address_is_found_without_a_pid),
        cmocka_unit_test(nonsense_is_no_leader),
        cmocka_unit_test(the_size_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
