#include "../unit.h"

#include <math.h>

#include "sample.pb-c.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

/* The text of the bytes, and of the message that they decode to. */
static void check_bytes(const ProtobufCMessageDescriptor *desc, struct buf *bytes,
                        enum json_names names, const char *expected)
{
    struct buf out = BUF_INIT;
    ProtobufCMessage *message;
    struct err err = {""};
    json_print_bytes(desc, buf_slice(bytes), names, &out);
    assert_slice(buf_slice(&out), expected);
    buf_clear(&out);
    if (message_decode(desc, buf_slice(bytes), &arena, &message, &err) != 0) {
        fail_msg("%s", err.text);
    }
    json_print_message(message, names, &out);
    assert_slice(buf_slice(&out), expected);
    buf_deinit(&out);
    buf_clear(bytes);
}

static void check_message(const ProtobufCMessage *message, enum json_names names,
                          const char *expected)
{
    struct buf bytes = BUF_INIT;
    message_encode(message, &bytes);
    check_bytes(message->descriptor, &bytes, names, expected);
    buf_deinit(&bytes);
}

static void test_singular(void **state)
{
    (void)state;
    Sample__All all = SAMPLE__ALL__INIT;
    Sample__All inner = SAMPLE__ALL__INIT;
    char text[] = "a \"text\"";
    check_message(&all.base, JSON_V1, "{}");
    all.has_o_int32 = all.has_o_sint32 = all.has_o_sfixed32 = 1;
    all.o_int32 = INT32_MIN;
    all.o_sint32 = -1;
    all.o_sfixed32 = INT32_MAX;
    all.has_o_int64 = all.has_o_sint64 = all.has_o_sfixed64 = 1;
    all.o_int64 = INT64_MIN;
    all.o_sint64 = -2;
    all.o_sfixed64 = INT64_MAX;
    all.has_o_uint32 = all.has_o_fixed32 = all.has_o_uint64 = all.has_o_fixed64 = 1;
    all.o_uint32 = all.o_fixed32 = UINT32_MAX;
    all.o_uint64 = all.o_fixed64 = UINT64_MAX;
    all.has_o_float = all.has_o_double = all.has_o_bool = all.has_o_enum = 1;
    all.o_float = 0.5f;
    all.o_double = 0.1;
    all.o_bool = 1;
    all.o_enum = SAMPLE__COLOR__DARK;
    all.o_string = text;
    all.has_o_bytes = 1;
    all.o_bytes = message_data(slice_make("\0\xff", 2));
    all.o_message = &inner;
    inner.has_o_bool = 1;
    check_message(&all.base, JSON_V1,
                  "{\"o_int32\":-2147483648,\"o_sint32\":-1,\"o_sfixed32\":2147483647,"
                  "\"o_int64\":-9223372036854775808,\"o_sint64\":-2,"
                  "\"o_sfixed64\":9223372036854775807,\"o_uint32\":4294967295,"
                  "\"o_fixed32\":4294967295,\"o_uint64\":18446744073709551615,"
                  "\"o_fixed64\":18446744073709551615,\"o_float\":0.5,\"o_double\":0.1,"
                  "\"o_bool\":true,\"o_enum\":\"DARK\",\"o_string\":\"a \\\"text\\\"\","
                  "\"o_bytes\":\"AP8=\",\"o_message\":{\"o_bool\":false}}");
}

/* A float is written as the double that it is, which is not always short. */
static void test_floats(void **state)
{
    (void)state;
    Sample__All all = SAMPLE__ALL__INIT;
    all.has_o_float = all.has_o_double = 1;
    all.o_float = 0.1f;
    all.o_double = (double)INFINITY;
    check_message(&all.base, JSON_V1,
                  "{\"o_float\":0.10000000149011612,\"o_double\":\"Infinity\"}");
}

static void test_repeated(void **state)
{
    (void)state;
    Sample__All *all = MESSAGE_NEW(Sample__All, sample__all, &arena);
    for (int i = 0; i < 2; i++) {
        MESSAGE_APPEND(&arena, all->n_r_int32, all->r_int32, -i);
        MESSAGE_APPEND(&arena, all->n_r_sint64, all->r_sint64, INT64_C(-5000000000) * i);
        MESSAGE_APPEND(&arena, all->n_r_bool, all->r_bool, i);
        MESSAGE_APPEND(&arena, all->n_r_enum, all->r_enum, SAMPLE__COLOR__BLUE);
        MESSAGE_APPEND(&arena, all->n_r_string, all->r_string, arena_strdup(&arena, "s"));
        MESSAGE_APPEND(&arena, all->n_r_bytes, all->r_bytes, message_data(SLICE("foo")));
        MESSAGE_APPEND(&arena, all->n_r_message, all->r_message,
                       MESSAGE_NEW(Sample__All, sample__all, &arena));
        MESSAGE_APPEND(&arena, all->n_p_sint32, all->p_sint32, -i);
        MESSAGE_APPEND(&arena, all->n_p_fixed32, all->p_fixed32, 1u);
        MESSAGE_APPEND(&arena, all->n_p_double, all->p_double, 0.5);
        MESSAGE_APPEND(&arena, all->n_p_enum, all->p_enum, SAMPLE__COLOR__RED);
    }
    check_message(&all->base, JSON_V1,
                  "{\"r_int32\":[0,-1],\"r_sint64\":[0,-5000000000],\"r_bool\":[false,true],"
                  "\"r_enum\":[\"BLUE\",\"BLUE\"],\"r_string\":[\"s\",\"s\"],"
                  "\"r_bytes\":[\"Zm9v\",\"Zm9v\"],\"r_message\":[{},{}],\"p_sint32\":[0,-1],"
                  "\"p_fixed32\":[1,1],\"p_double\":[0.5,0.5],\"p_enum\":[\"RED\",\"RED\"]}");
}

/* Numbers come packed or one by one, and both in turn. */
static void test_packed_bytes(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    wire_put_varint(&bytes, 21, 1);
    wire_put_bytes(&bytes, 21, SLICE("\x02\x80\x01"));
    wire_put_bytes(&bytes, 21, SLICE(""));
    wire_put_bytes(&bytes, 28, SLICE("\x07\x00\x00\x01"));
    wire_put_double(&bytes, 44, 1.5);
    wire_put_bytes(&bytes, 45, SLICE("\x63\x07\x63"));
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1,
                "{\"r_int32\":[1,2,128],\"r_fixed32\":[16777223],\"p_double\":[1.5],"
                "\"p_enum\":[\"BLUE\"]}");
    wire_put_bytes(&bytes, 21, SLICE(""));
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1, "{}");
    buf_deinit(&bytes);
}

static void put_entry(struct buf *bytes, uint32_t number, struct slice entry)
{
    wire_put_bytes(bytes, number, entry);
}

static void test_maps(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    put_entry(&bytes, 61, SLICE("\x0a\x01\"\x10\x05")); /* a key that is escaped */
    put_entry(&bytes, 61, SLICE("\x10\x06\x0a\x01z"));  /* the value before the key */
    put_entry(&bytes, 61, SLICE("\x0a\x01y\x0a\x01x\x10\x01\x10\x07")); /* twice: the last */
    put_entry(&bytes, 62, SLICE("\x08\x80\x01\x12\x01t"));
    put_entry(&bytes, 63, SLICE("\x08\x01\x10\x07"));
    put_entry(&bytes, 63, SLICE("\x08\x00\x10\x63"));         /* an unknown color: unset */
    put_entry(&bytes, 64, SLICE("\x08\x03\x12\x02\x08\x09")); /* zigzag: -2 */
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1,
                "{\"m_numbers\":{\"\\\"\":5,\"z\":6,\"x\":7},\"m_texts\":{\"128\":\"t\"},"
                "\"m_colors\":{\"true\":\"BLUE\",\"false\":\"RED\"},"
                "\"m_pairs\":{\"-2\":{\"left\":9}}}");
    buf_deinit(&bytes);
}

/* Keys and values of a map are optional: what is absent shows as its default. */
static void test_empty_entries(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct buf bytes = BUF_INIT;
    for (uint32_t number = 61; number <= 64; number++) {
        wire_put_bytes(&bytes, number, SLICE(""));
    }
    json_print_bytes(&sample__all__descriptor, buf_slice(&bytes), JSON_V1, &out);
    assert_slice(buf_slice(&out), "{\"m_numbers\":{\"\":0},\"m_texts\":{\"0\":\"\"},"
                                  "\"m_colors\":{\"false\":\"RED\"},\"m_pairs\":{\"0\":{}}}");
    struct buf again = BUF_INIT;
    Sample__All *all;
    assert_int_equal(
        MESSAGE_DECODE(Sample__All, sample__all, buf_slice(&bytes), &arena, &all, NULL), 0);
    json_print_message(&all->base, JSON_V1, &again);
    assert_slice(buf_slice(&again), buf_text(&out));
    buf_deinit(&again);
    buf_deinit(&bytes);
    buf_deinit(&out);
}

static void test_defaults(void **state)
{
    (void)state;
    Sample__Defaults defaults = SAMPLE__DEFAULTS__INIT;
    check_message(&defaults.base, JSON_V1,
                  "{\"o_int32\":-5,\"o_sint32\":-6,\"o_int64\":-5000000000,"
                  "\"o_uint32\":4000000000,\"o_uint64\":10000000000000000000,\"o_float\":0.5,"
                  "\"o_double\":15.0,\"o_bool\":true,\"o_enum\":\"BLUE\","
                  "\"o_string\":\"a \\\"b\\\"\",\"o_bytes\":\"AQID\",\"required\":3}");
    char text[] = "set";
    defaults.has_o_int32 = 1;
    defaults.o_int32 = 0;
    defaults.has_o_double = 1;
    defaults.o_double = 1;
    defaults.o_string = text;
    defaults.has_plain = 1;
    check_message(&defaults.base, JSON_V1,
                  "{\"o_int32\":0,\"o_sint32\":-6,\"o_int64\":-5000000000,"
                  "\"o_uint32\":4000000000,\"o_uint64\":10000000000000000000,\"o_float\":0.5,"
                  "\"o_double\":1.0,\"o_bool\":true,\"o_enum\":\"BLUE\",\"o_string\":\"set\","
                  "\"o_bytes\":\"AQID\",\"required\":3,\"plain\":0}");

    /* An enum value that we do not know is as if the field were not set. */
    struct buf bytes = BUF_INIT;
    wire_put_varint(&bytes, 9, 1234);
    wire_put_varint(&bytes, 12, 3);
    check_bytes(&sample__defaults__descriptor, &bytes, JSON_V1,
                "{\"o_int32\":-5,\"o_sint32\":-6,\"o_int64\":-5000000000,"
                "\"o_uint32\":4000000000,\"o_uint64\":10000000000000000000,\"o_float\":0.5,"
                "\"o_double\":15.0,\"o_bool\":true,\"o_enum\":\"BLUE\","
                "\"o_string\":\"a \\\"b\\\"\",\"o_bytes\":\"AQID\",\"required\":3}");
    buf_deinit(&bytes);
}

static void test_names(void **state)
{
    (void)state;
    Pb__TaskStatus status = PB__TASK_STATUS__INIT;
    Pb__TaskID task_id = PB__TASK_ID__INIT;
    Pb__AgentID agent_id = PB__AGENT_ID__INIT;
    char id[] = "x";
    task_id.value = agent_id.value = id;
    status.task_id = &task_id;
    status.agent_id = &agent_id;
    status.state = PB__TASK_STATE__TASK_LOST;
    status.has_source = status.has_reason = 1;
    status.source = PB__TASK_STATUS__SOURCE__SOURCE_AGENT;
    status.reason = PB__TASK_STATUS__REASON__REASON_AGENT_REMOVED;
    check_message(&status.base, JSON_V1,
                  "{\"task_id\":{\"value\":\"x\"},\"state\":\"TASK_LOST\","
                  "\"source\":\"SOURCE_AGENT\",\"reason\":\"REASON_AGENT_REMOVED\","
                  "\"agent_id\":{\"value\":\"x\"}}");
    check_message(&status.base, JSON_V0,
                  "{\"task_id\":{\"value\":\"x\"},\"state\":\"TASK_LOST\","
                  "\"source\":\"SOURCE_SLAVE\",\"reason\":\"REASON_SLAVE_REMOVED\","
                  "\"slave_id\":{\"value\":\"x\"}}");
}

/* Answers that always show their arrays, and all others. */
static void test_empty_arrays(void **state)
{
    (void)state;
    Pb__Master__Response response = PB__MASTER__RESPONSE__INIT;
    Pb__Master__Response__GetAgents agents = PB__MASTER__RESPONSE__GET_AGENTS__INIT;
    Pb__Master__Response__GetOperations operations = PB__MASTER__RESPONSE__GET_OPERATIONS__INIT;
    response.get_agents = &agents;
    response.get_operations = &operations;
    check_message(&response.base, JSON_V1,
                  "{\"get_agents\":{\"agents\":[],\"recovered_agents\":[]},\"get_operations\":{}}");
    check_message(&response.base, JSON_V0, "{\"get_agents\":{},\"get_operations\":{}}");
}

/* Members come as they are declared, whatever their numbers. */
static void test_declared_order(void **state)
{
    (void)state;
    Sample__Shuffled message = SAMPLE__SHUFFLED__INIT;
    Sample__Shuffled inner = SAMPLE__SHUFFLED__INIT;
    int32_t list[] = {1, 2};
    check_message(&message.base, JSON_V1, "{\"preset\":7}");
    message.has_third = message.has_first = true;
    message.third = 3;
    message.first = 1;
    check_message(&message.base, JSON_V1, "{\"third\":3,\"first\":1,\"preset\":7}");
    inner.has_first = true;
    inner.n_list = ELEMENTS(list);
    inner.list = list;
    message.inner = &inner;
    message.has_third = false;
    check_message(&message.base, JSON_V1,
                  "{\"first\":1,\"inner\":{\"list\":[1,2],\"first\":0,\"preset\":7},\"preset\":7}");
    message.has_preset = true;
    message.preset = 8;
    message.has_first = false;
    check_message(&message.base, JSON_V1,
                  "{\"inner\":{\"list\":[1,2],\"first\":0,\"preset\":7},\"preset\":8}");
}

/* --- bytes that nobody we know writes --- */

static void test_order(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    wire_put_bytes(&bytes, 35, SLICE("a"));
    wire_put_varint(&bytes, 2, 1);
    wire_put_bytes(&bytes, 35, SLICE("b"));
    wire_put_varint(&bytes, 1, 4);
    wire_put_varint(&bytes, 2, 3);
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1,
                "{\"o_int32\":4,\"o_sint32\":-2,\"r_string\":[\"a\",\"b\"]}");
    /* A nested message in two pieces. */
    wire_put_varint(&bytes, 1, 4);
    wire_put_bytes(&bytes, 17, SLICE("\x08\x01"));
    wire_put_bytes(&bytes, 17, SLICE("\x10\x02"));
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1,
                "{\"o_int32\":4,\"o_message\":{\"o_int32\":1,\"o_sint32\":1}}");
    /* Only the nested one is out of order. */
    wire_put_varint(&bytes, 1, 4);
    wire_put_bytes(&bytes, 17, SLICE("\x10\x02\x08\x01"));
    wire_put_bytes(&bytes, 35, SLICE("a"));
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1,
                "{\"o_int32\":4,\"o_message\":{\"o_int32\":1,\"o_sint32\":1},"
                "\"r_string\":[\"a\"]}");
    /* Two members of a oneof: the last counts. */
    wire_put_varint(&bytes, 51, 4);
    wire_put_bytes(&bytes, 52, SLICE("text"));
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1, "{\"c_string\":\"text\"}");
    wire_put_bytes(&bytes, 52, SLICE("text"));
    wire_put_varint(&bytes, 54, 99); /* unknown: does not count */
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1, "{\"c_string\":\"text\"}");
    buf_deinit(&bytes);
}

static void test_unknown(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    wire_put_varint(&bytes, 34, 99);
    wire_put_varint(&bytes, 34, 98);
    wire_put_bytes(&bytes, 800, SLICE("unknown"));
    wire_put_varint(&bytes, 5000, 1);
    wire_put_varint(&bytes, 7000, 1);
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1, "{\"far\":1}");
    wire_put_varint(&bytes, 34, 99);
    wire_put_varint(&bytes, 34, 7);
    check_bytes(&sample__all__descriptor, &bytes, JSON_V1, "{\"r_enum\":[\"BLUE\"]}");
    buf_deinit(&bytes);
}

/* Bytes that were not checked: whatever they say, the text is JSON and ends. */
static void test_unchecked(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    json_print_bytes(&pb__task_id__descriptor, SLICE("\x0a\x05text"), JSON_V1, &out);
    assert_slice(buf_slice(&out), "{}");
    buf_clear(&out);
    json_print_bytes(&pb__task_id__descriptor, SLICE("\x0a\x04text\xff"), JSON_V1, &out);
    assert_slice(buf_slice(&out), "{\"value\":\"text\"}");
    buf_clear(&out);

    struct buf deep = BUF_INIT;
    size_t begun[101];
    for (size_t i = 0; i < ELEMENTS(begun); i++) {
        begun[i] = wire_begin(&deep, 17);
    }
    wire_put_varint(&deep, 1, 1);
    for (size_t i = ELEMENTS(begun); i > 0; i--) {
        wire_end(&deep, begun[i - 1]);
    }
    json_print_bytes(&sample__all__descriptor, buf_slice(&deep), JSON_V1, &out);
    assert_true(slice_ends_with(buf_slice(&out), SLICE("}}}}")));
    assert_null(strstr(buf_text(&out), "o_int32"));
    buf_deinit(&deep);
    buf_deinit(&out);
}

/* The text is appended. */
static void test_appends(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    buf_append_text(&out, "x");
    json_print_bytes(&pb__task_id__descriptor, SLICE("\x0a\x01y"), JSON_V1, &out);
    json_print_bytes(&sample__all__descriptor, SLICE("\x10\x02\x08\x01"), JSON_V1, &out);
    assert_slice(buf_slice(&out), "x{\"value\":\"y\"}{\"o_int32\":1,\"o_sint32\":1}");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_singular),     cmocka_unit_test(test_floats),
        cmocka_unit_test(test_repeated),     cmocka_unit_test(test_packed_bytes),
        cmocka_unit_test(test_maps),         cmocka_unit_test(test_empty_entries),
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_empty_arrays), cmocka_unit_test(test_order),
        cmocka_unit_test(test_unknown),      cmocka_unit_test(test_unchecked),
        cmocka_unit_test(test_appends),      cmocka_unit_test(test_declared_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
