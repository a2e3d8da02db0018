#include "../unit.h"

#include "sample.pb-c.h"
#include "wire/cursor.h"
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

/* What was settled says the same, and has nothing left to settle. */
static void check_settled(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                          const ProtobufCMessage *expected)
{
    struct slice settled;
    struct slice again;
    ProtobufCMessage *message;
    assert_int_equal(message_settle(desc, bytes, &arena, &settled, NULL), 0);
    assert_int_equal(message_decode(desc, settled, &arena, &message, NULL), 0);
    assert_true(message_equal(message, expected));
    assert_int_equal(message_settle(desc, settled, &arena, &again, NULL), 0);
    assert_ptr_equal(again.data, settled.data);
    assert_int_equal(again.size, settled.size);
}

/* Decodes; message_check and message_settle must be of the same opinion. */
static int decode_as(const ProtobufCMessageDescriptor *desc, struct slice bytes, void *ret_message,
                     struct err *err)
{
    struct err of_check = {""};
    *err = (struct err){""};
    int checked = message_check(desc, bytes, &of_check);
    int status = message_decode(desc, bytes, &arena, ret_message, err);
    assert_int_equal(status, checked);
    assert_string_equal(err->text, of_check.text);
    if (status == 0) {
        check_settled(desc, bytes, *(ProtobufCMessage **)ret_message);
    } else {
        struct slice untouched = {0};
        assert_int_equal(message_settle(desc, bytes, &arena, &untouched, &of_check), status);
        assert_string_equal(err->text, of_check.text);
        assert_null(untouched.data);
    }
    return status;
}

#define DECODE(name, bytes, ret) decode_as(&name##__descriptor, (bytes), (ret), &(struct err){""})

static void check_refused(const ProtobufCMessageDescriptor *desc, struct buf *bytes,
                          const char *text)
{
    ProtobufCMessage *message = NULL;
    struct err err;
    assert_int_equal(decode_as(desc, buf_slice(bytes), &message, &err), MESSAGE_E_INVALID);
    assert_null(message);
    assert_string_equal(err.text, text);
    buf_clear(bytes);
}

/* --- all types --- */

static void fill_scalars(Sample__All *all, int by)
{
    all->has_o_int32 = all->has_o_sint32 = all->has_o_sfixed32 = 1;
    all->o_int32 = all->o_sint32 = all->o_sfixed32 = -2000000000 - by;
    all->has_o_int64 = all->has_o_sint64 = all->has_o_sfixed64 = 1;
    all->o_int64 = all->o_sint64 = all->o_sfixed64 = INT64_MIN + by;
    all->has_o_uint32 = all->has_o_fixed32 = 1;
    all->o_uint32 = all->o_fixed32 = UINT32_MAX - (uint32_t)by;
    all->has_o_uint64 = all->has_o_fixed64 = 1;
    all->o_uint64 = all->o_fixed64 = UINT64_MAX - (uint64_t)by;
    all->has_o_float = all->has_o_double = all->has_o_bool = all->has_o_enum = 1;
    all->o_float = 1.5f + (float)by;
    all->o_double = -0.1 * by;
    all->o_bool = by % 2;
    all->o_enum = SAMPLE__COLOR__DARK;
    all->o_string = arena_printf(&arena, "text %d", by);
    all->has_o_bytes = 1;
    all->o_bytes = message_data(arena_slice(&arena, slice_make("\0\1\2", 3)));
}

#define REPEAT(all, field, ...)                                              \
    do {                                                                     \
        MESSAGE_APPEND(&arena, (all)->n_##field, (all)->field, __VA_ARGS__); \
    } while (0)

static Sample__Pair *pair_of(int left, int right)
{
    Sample__Pair *pair = MESSAGE_NEW(Sample__Pair, sample__pair, &arena);
    pair->has_left = pair->has_right = 1;
    pair->left = left;
    pair->right = right;
    return pair;
}

static void fill_repeated(Sample__All *all)
{
    for (int i = 0; i < 5; i++) {
        REPEAT(all, r_int32, i - 2);
        REPEAT(all, r_sint32, i - 2);
        REPEAT(all, r_sfixed32, i - 2);
        REPEAT(all, r_int64, i - 2);
        REPEAT(all, r_sint64, INT64_C(-10000000000) * i);
        REPEAT(all, r_sfixed64, i - 2);
        REPEAT(all, r_uint32, 1u << i * 7);
        REPEAT(all, r_fixed32, 1u << i * 7);
        REPEAT(all, r_uint64, UINT64_C(1) << i * 14);
        REPEAT(all, r_fixed64, UINT64_C(1) << i * 14);
        REPEAT(all, r_float, 0.5f * (float)i);
        REPEAT(all, r_double, 0.1 * i);
        REPEAT(all, r_bool, i % 2);
        REPEAT(all, r_enum, i % 2 ? SAMPLE__COLOR__DARK : SAMPLE__COLOR__BLUE);
        REPEAT(all, r_string, arena_printf(&arena, "%d", i));
        REPEAT(all, r_bytes, message_data(arena_slice(&arena, slice_make("\0xyz", i % 4u))));
        REPEAT(all, p_sint32, i * -1000);
        REPEAT(all, p_fixed32, 7u * (unsigned)i);
        REPEAT(all, p_double, 0.25 * i);
        REPEAT(all, p_enum, SAMPLE__COLOR__GREEN);
        Sample__All *sub = MESSAGE_NEW(Sample__All, sample__all, &arena);
        fill_scalars(sub, i);
        REPEAT(all, r_message, sub);
    }
}

static void fill_maps(Sample__All *all)
{
    Sample__All__MNumbersEntry *number =
        MESSAGE_NEW(Sample__All__MNumbersEntry, sample__all__mnumbers_entry, &arena);
    number->key = arena_strdup(&arena, "one");
    number->has_value = 1;
    number->value = 1;
    REPEAT(all, m_numbers, number);
    Sample__All__MTextsEntry *text =
        MESSAGE_NEW(Sample__All__MTextsEntry, sample__all__mtexts_entry, &arena);
    text->has_key = 1;
    text->key = -4;
    text->value = arena_strdup(&arena, "minus four");
    REPEAT(all, m_texts, text);
    Sample__All__MPairsEntry *pair =
        MESSAGE_NEW(Sample__All__MPairsEntry, sample__all__mpairs_entry, &arena);
    pair->has_key = 1;
    pair->key = INT64_MIN;
    pair->value = pair_of(3, 4);
    REPEAT(all, m_pairs, pair);
}

static Sample__All *make_all(void)
{
    Sample__All *all = MESSAGE_NEW(Sample__All, sample__all, &arena);
    fill_scalars(all, 3);
    fill_repeated(all);
    fill_maps(all);
    all->o_message = MESSAGE_NEW(Sample__All, sample__all, &arena);
    all->choice_case = SAMPLE__ALL__CHOICE_C_PAIR;
    all->c_pair = pair_of(1, 2);
    all->has_far = 1;
    all->far = 12;
    return all;
}

static struct buf packed_by_protobuf_c(const ProtobufCMessage *message)
{
    struct buf out = BUF_INIT;
    size_t size = protobuf_c_message_get_packed_size(message);
    out.size = protobuf_c_message_pack(message, (uint8_t *)buf_reserve(&out, size + 1));
    return out;
}

/* Encodes as protobuf-c does, and decodes to the same. */
static void check_round_trip(ProtobufCMessage *message)
{
    struct buf expected = packed_by_protobuf_c(message);
    struct buf encoded = BUF_INIT;
    message_encode(message, &encoded);
    assert_true(slice_equal(buf_slice(&encoded), buf_slice(&expected)));

    ProtobufCMessage *again;
    struct err err;
    assert_int_equal(decode_as(message->descriptor, buf_slice(&encoded), &again, &err), 0);
    assert_true(message_equal(message, again));
    struct buf repacked = packed_by_protobuf_c(again);
    assert_true(slice_equal(buf_slice(&repacked), buf_slice(&expected)));

    /* And as protobuf-c decodes. */
    ProtobufCMessage *unpacked = protobuf_c_message_unpack(message->descriptor, NULL, expected.size,
                                                           (const uint8_t *)expected.data);
    assert_non_null(unpacked);
    assert_true(message_equal(unpacked, again));
    protobuf_c_message_free_unpacked(unpacked, NULL);
    buf_deinit(&expected);
    buf_deinit(&encoded);
    buf_deinit(&repacked);
}

static void test_all_types(void **state)
{
    (void)state;
    Sample__All *all = make_all();
    check_round_trip(&all->base);
    Sample__All *empty = MESSAGE_NEW(Sample__All, sample__all, &arena);
    check_round_trip(&empty->base);
    Sample__Defaults *defaults = MESSAGE_NEW(Sample__Defaults, sample__defaults, &arena);
    check_round_trip(&defaults->base);
}

static void test_every_beginning(void **state)
{
    (void)state;
    struct buf encoded = BUF_INIT;
    message_encode(&make_all()->base, &encoded);
    for (size_t size = 0; size < encoded.size; size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, encoded.data, size);
        ProtobufCMessage *message;
        struct err err;
        int status = decode_as(&sample__all__descriptor, slice_make(exact, size), &message, &err);
        assert_true(status == 0 || (status == MESSAGE_E_INVALID && err.text[0] != '\0'));
        free(exact);
    }
    buf_deinit(&encoded);
}

/* New messages are as protobuf-c's macros make them. */
static void test_new(void **state)
{
    (void)state;
    Sample__Defaults defaults = SAMPLE__DEFAULTS__INIT;
    Sample__Defaults *made = MESSAGE_NEW(Sample__Defaults, sample__defaults, &arena);
    assert_int_equal(made->o_int32, defaults.o_int32);
    assert_int_equal(made->o_sint32, defaults.o_sint32);
    assert_true(made->o_int64 == defaults.o_int64);
    assert_true(made->o_uint32 == defaults.o_uint32);
    assert_true(made->o_uint64 == defaults.o_uint64);
    assert_true(made->o_float == defaults.o_float);
    assert_true(made->o_double == defaults.o_double);
    assert_int_equal(made->o_bool, defaults.o_bool);
    assert_int_equal(made->o_enum, defaults.o_enum);
    assert_ptr_equal(made->o_string, defaults.o_string);
    assert_int_equal(made->o_bytes.len, 3);
    assert_int_equal(made->required, 3);
    assert_int_equal(made->has_o_int32, 0);

    Sample__All all = SAMPLE__ALL__INIT;
    assert_memory_equal(MESSAGE_NEW(Sample__All, sample__all, &arena), &all, sizeof(all));
    Pb__CommandInfo command = PB__COMMAND_INFO__INIT;
    assert_memory_equal(MESSAGE_NEW(Pb__CommandInfo, pb__command_info, &arena), &command,
                        sizeof(command));
    Pb__TaskInfo task = PB__TASK_INFO__INIT;
    assert_memory_equal(MESSAGE_NEW(Pb__TaskInfo, pb__task_info, &arena), &task, sizeof(task));
    Pb__Master__Call call = PB__MASTER__CALL__INIT;
    assert_memory_equal(MESSAGE_NEW(Pb__Master__Call, pb__master__call, &arena), &call,
                        sizeof(call));
}

static void test_typed_macros(void **state)
{
    (void)state;
    Pb__TaskID *id = MESSAGE_NEW(Pb__TaskID, pb__task_id, &arena);
    Pb__TaskID *again = NULL;
    struct err err;
    id->value = arena_strdup(&arena, "t1");
    struct slice bytes = message_encode_arena(&id->base, &arena);
    assert_int_equal(MESSAGE_DECODE(Pb__TaskID, pb__task_id, bytes, &arena, &again, &err), 0);
    assert_string_equal(again->value, "t1");
    Pb__TaskID *copy = MESSAGE_CLONE(again, &arena);
    assert_string_equal(copy->value, "t1");
    struct blob *blob = message_encode_blob(&copy->base);
    assert_true(slice_equal(blob_slice(blob), bytes));
    blob = blob_unref(blob);
}

static void test_clone(void **state)
{
    (void)state;
    struct arena other;
    arena_init(&other, 0);
    Sample__All *all = make_all();
    Sample__All *copy = MESSAGE_CLONE(all, &other);
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    message_encode(&all->base, &before);
    assert_true(message_equal(&all->base, &copy->base));
    assert_ptr_not_equal(all->o_string, copy->o_string);
    assert_ptr_not_equal(all->r_message[0], copy->r_message[0]);

    /* Nothing is shared: the copy outlives what it was made from. */
    arena_deinit(&arena);
    arena_init(&arena, 0);
    message_encode(&copy->base, &after);
    assert_true(slice_equal(buf_slice(&before), buf_slice(&after)));
    copy->far++;
    MESSAGE_APPEND(&other, copy->n_r_string, copy->r_string, arena_strdup(&other, "six"));
    assert_int_equal(copy->n_r_string, 6);

    /* A default that nobody set stays one. */
    Sample__Defaults *defaults = MESSAGE_NEW(Sample__Defaults, sample__defaults, &other);
    Sample__Defaults *of_defaults = MESSAGE_CLONE(defaults, &other);
    assert_ptr_equal(of_defaults->o_string, defaults->o_string);
    buf_deinit(&before);
    buf_deinit(&after);
    arena_deinit(&other);
}

static void test_equal(void **state)
{
    (void)state;
    Sample__Pair *a = pair_of(1, 2);
    Sample__Pair *b = pair_of(1, 2);
    assert_true(message_equal(&a->base, &b->base));
    b->has_right = 0;
    assert_false(message_equal(&a->base, &b->base));
    Pb__TaskID *id = MESSAGE_NEW(Pb__TaskID, pb__task_id, &arena);
    assert_false(message_equal(&a->base, &id->base));
}

/* What was decoded may be added to: every size is one where an exact array would overflow. */
static void test_append_to_decoded(void **state)
{
    (void)state;
    for (size_t count = 0; count < 70; count++) {
        Sample__All *all = MESSAGE_NEW(Sample__All, sample__all, &arena);
        for (size_t i = 0; i < count; i++) {
            REPEAT(all, r_int32, (int32_t)i);
            REPEAT(all, r_string, arena_strdup(&arena, "s"));
            REPEAT(all, p_double, (double)i);
        }
        Sample__All *again;
        assert_int_equal(DECODE(sample__all, message_encode_arena(&all->base, &arena), &again), 0);
        for (size_t i = 0; i < 10; i++) {
            REPEAT(again, r_int32, -1);
            REPEAT(again, r_string, arena_strdup(&arena, "t"));
            REPEAT(again, p_double, -1.0);
        }
        assert_int_equal(again->n_r_int32, count + 10);
        for (size_t i = 0; i < count + 10; i++) {
            assert_int_equal(again->r_int32[i], i < count ? (int)i : -1);
            assert_string_equal(again->r_string[i], i < count ? "s" : "t");
            assert_true(again->p_double[i] == (i < count ? (double)i : -1.0));
        }
    }
}

/* --- proto2 --- */

static void test_last_one_wins(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    wire_put_varint(&bytes, 1, 5);
    wire_put_bytes(&bytes, 15, SLICE("a"));
    wire_put_varint(&bytes, 14, 7);
    wire_put_varint(&bytes, 1, 6);
    wire_put_bytes(&bytes, 15, SLICE("b"));
    wire_put_varint(&bytes, 14, 99); /* unknown: does not count */
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->o_int32, 6);
    assert_string_equal(all->o_string, "b");
    assert_int_equal(all->o_enum, SAMPLE__COLOR__BLUE);
    buf_deinit(&bytes);
}

static void test_nested_messages_merge(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    size_t begun = wire_begin(&bytes, 53);
    wire_put_varint(&bytes, 1, 1);
    wire_put_varint(&bytes, 3, 10);
    wire_end(&bytes, begun);
    begun = wire_begin(&bytes, 53);
    wire_put_varint(&bytes, 2, 2);
    wire_put_varint(&bytes, 3, 11);
    wire_end(&bytes, begun);
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->choice_case, SAMPLE__ALL__CHOICE_C_PAIR);
    assert_int_equal(all->c_pair->left, 1);
    assert_int_equal(all->c_pair->right, 2);
    assert_int_equal(all->c_pair->n_list, 2);
    assert_int_equal(all->c_pair->list[1], 11);
    buf_deinit(&bytes);
}

/* Required fields may come in different pieces. */
static void test_pieces_add_up(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    size_t begun = wire_begin(&bytes, 5001);
    wire_put_varint(&bytes, 1, 1);
    wire_end(&bytes, begun);
    begun = wire_begin(&bytes, 5001);
    wire_put_varint(&bytes, 2, 1);
    wire_put_bytes(&bytes, 3, SLICE("x"));
    wire_end(&bytes, begun);
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->needy->number, 1);
    assert_string_equal(all->needy->text, "x");
    assert_int_equal(all->needy->base.n_unknown_fields, 0);
    buf_deinit(&bytes);
}

static void test_oneof(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    wire_put_varint(&bytes, 51, 5);
    wire_put_bytes(&bytes, 53, SLICE("\x08\x01"));
    wire_put_bytes(&bytes, 52, SLICE("text"));
    wire_put_varint(&bytes, 54, 1234); /* unknown */
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->choice_case, SAMPLE__ALL__CHOICE_C_STRING);
    assert_string_equal(all->c_string, "text");
    wire_put_bytes(&bytes, 53, SLICE("\x10\x02")); /* is a new one: the first was given up */
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->choice_case, SAMPLE__ALL__CHOICE_C_PAIR);
    assert_int_equal(all->c_pair->has_left, 0);
    assert_int_equal(all->c_pair->right, 2);
    buf_deinit(&bytes);
}

/* Numbers are taken packed and one by one, whatever the declaration. */
static void test_packed(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    wire_put_bytes(&bytes, 21, SLICE("\x01\x80\x01"));
    wire_put_varint(&bytes, 21, 3);
    wire_put_bytes(&bytes, 21, SLICE(""));
    wire_put_bytes(&bytes, 28, SLICE("\x01\x00\x00\x00\x02\x00\x00\x00"));
    wire_put_double(&bytes, 44, 1.5);
    wire_put_varint(&bytes, 42, 1);
    wire_put_bytes(&bytes, 34, SLICE("\x07\x63\x01")); /* 99 is no color */
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->n_r_int32, 3);
    assert_int_equal(all->r_int32[0], 1);
    assert_int_equal(all->r_int32[1], 128);
    assert_int_equal(all->r_int32[2], 3);
    assert_int_equal(all->n_r_fixed32, 2);
    assert_int_equal(all->r_fixed32[1], 2);
    assert_true(all->p_double[0] == 1.5);
    assert_int_equal(all->p_sint32[0], -1);
    assert_int_equal(all->n_r_enum, 2);
    assert_int_equal(all->r_enum[1], SAMPLE__COLOR__GREEN);

    buf_clear(&bytes);
    wire_put_bytes(&bytes, 21, SLICE("\x01\x80"));
    check_refused(&sample__all__descriptor, &bytes, "r_int32: malformed");
    wire_put_bytes(&bytes, 28, SLICE("\x01\x80\x01"));
    check_refused(&sample__all__descriptor, &bytes, "r_fixed32: malformed");
    buf_deinit(&bytes);
}

static void test_unknown_enum_values(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    wire_put_varint(&bytes, 14, 2);
    wire_put_varint(&bytes, 34, 2);
    wire_put_varint(&bytes, 34, 1);
    wire_put_varint(&bytes, 34, 3);
    wire_put_varint(&bytes, 34, UINT64_MAX - 2); /* -3 */
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->has_o_enum, 0);
    assert_int_equal(all->n_r_enum, 2);
    assert_int_equal(all->r_enum[0], SAMPLE__COLOR__GREEN);
    assert_int_equal(all->r_enum[1], SAMPLE__COLOR__DARK);

    buf_clear(&bytes);
    wire_put_varint(&bytes, 1, 2);
    wire_put_varint(&bytes, 2, 2);
    wire_put_bytes(&bytes, 3, SLICE("t"));
    check_refused(&sample__needy__descriptor, &bytes, "Missing required fields: color");
    buf_deinit(&bytes);
}

static void test_unknown_fields(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__Pair *pair;
    wire_put_varint(&bytes, 1, 2);
    wire_put_bytes(&bytes, 9, SLICE("\xff\xff\xff"));
    wire_put_double(&bytes, 500, 1);
    wire_put_varint(&bytes, 100000, 1);
    wire_put_varint(&bytes, 2, 3);
    assert_int_equal(DECODE(sample__pair, buf_slice(&bytes), &pair), 0);
    assert_int_equal(pair->left, 2);
    assert_int_equal(pair->right, 3);
    buf_append_text(&bytes, "\x0b\x0c"); /* a group */
    check_refused(&sample__pair__descriptor, &bytes, "malformed");
    buf_deinit(&bytes);
}

static void put_map_entry(struct buf *bytes, const char *key, int value)
{
    size_t begun = wire_begin(bytes, 61);
    wire_put_bytes(bytes, 1, slice_from(key));
    wire_put_varint(bytes, 2, (uint64_t)value);
    wire_end(bytes, begun);
}

static void test_maps(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    put_map_entry(&bytes, "a", 1);
    put_map_entry(&bytes, "b", 2);
    put_map_entry(&bytes, "a", 3);
    put_map_entry(&bytes, "c", 4);
    wire_put_bytes(&bytes, 61, SLICE("")); /* key and value are optional */
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->n_m_numbers, 4);
    assert_string_equal(all->m_numbers[0]->key, "b");
    assert_string_equal(all->m_numbers[1]->key, "a");
    assert_int_equal(all->m_numbers[1]->value, 3);
    assert_string_equal(all->m_numbers[2]->key, "c");
    assert_null(all->m_numbers[3]->key);

    /* Many: the same by another way. */
    buf_clear(&bytes);
    for (int i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%d", i % 300);
        put_map_entry(&bytes, key, i);
    }
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->n_m_numbers, 300);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(all->m_numbers[i]->value, i + 700);
    }

    /* Keys of other types. */
    buf_clear(&bytes);
    for (int i = 0; i < 40; i++) {
        size_t begun = wire_begin(&bytes, 62);
        wire_put_varint(&bytes, 1, (uint64_t)(i % 5));
        wire_put_bytes(&bytes, 2, SLICE("x"));
        wire_end(&bytes, begun);
    }
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->n_m_texts, 5);
    buf_deinit(&bytes);
}

/* --- refused --- */

static void test_wrong_wire_types(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    wire_put_bytes(&bytes, 1, SLICE("x"));
    check_refused(&sample__all__descriptor, &bytes, "o_int32: wrong wire type");
    wire_put_varint(&bytes, 15, 1);
    check_refused(&sample__all__descriptor, &bytes, "o_string: wrong wire type");
    wire_put_double(&bytes, 35, 1);
    check_refused(&sample__all__descriptor, &bytes, "r_string[0]: wrong wire type");
    wire_put_varint(&bytes, 21, 1);
    wire_put_double(&bytes, 21, 1);
    check_refused(&sample__all__descriptor, &bytes, "r_int32[1]: wrong wire type");
    size_t begun = wire_begin(&bytes, 37);
    wire_end(&bytes, begun);
    begun = wire_begin(&bytes, 37);
    size_t inner = wire_begin(&bytes, 17);
    wire_put_varint(&bytes, 53, 0);
    wire_end(&bytes, inner);
    wire_end(&bytes, begun);
    check_refused(&sample__all__descriptor, &bytes,
                  "r_message[1].o_message.c_pair: wrong wire type");
    buf_deinit(&bytes);
}

static void test_missing_fields(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    check_refused(&sample__needy__descriptor, &bytes,
                  "Missing required fields: number, color, text");
    check_refused(&pb__task_info__descriptor, &bytes,
                  "Missing required fields: name, task_id, agent_id");

    wire_put_varint(&bytes, 1, 1);
    wire_put_varint(&bytes, 2, 1);
    size_t begun = wire_begin(&bytes, 4);
    wire_put_bytes(&bytes, 3, SLICE("t"));
    wire_put_varint(&bytes, 2, 1);
    wire_end(&bytes, begun);
    for (int i = 0; i < 2; i++) {
        begun = wire_begin(&bytes, 5);
        wire_put_varint(&bytes, 1, 1);
        wire_put_varint(&bytes, 2, 0);
        wire_end(&bytes, begun);
    }
    check_refused(&sample__needy__descriptor, &bytes,
                  "Missing required fields: text, inner.number, list[0].text, list[1].text");

    /* However many there are, the text has an end. */
    for (int i = 0; i < 1000; i++) {
        wire_put_bytes(&bytes, 5, SLICE(""));
    }
    struct err err;
    ProtobufCMessage *message;
    assert_int_equal(decode_as(&sample__needy__descriptor, buf_slice(&bytes), &message, &err),
                     MESSAGE_E_INVALID);
    assert_true(strlen(err.text) > 400);
    buf_deinit(&bytes);
}

static void test_nul_in_strings(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    Sample__All *all;
    wire_put_bytes(&bytes, 15, slice_make("a\0b", 3));
    check_refused(&sample__all__descriptor, &bytes, "o_string: NUL in a string");
    wire_put_bytes(&bytes, 35, SLICE("fine"));
    wire_put_bytes(&bytes, 35, slice_make("\0", 1));
    check_refused(&sample__all__descriptor, &bytes, "r_string[1]: NUL in a string");

    /* Bytes may hold it, and what is not UTF-8 is let pass, as in the reference. */
    wire_put_bytes(&bytes, 16, slice_make("a\0b", 3));
    wire_put_bytes(&bytes, 15, SLICE("\xff\xfe"));
    assert_int_equal(DECODE(sample__all, buf_slice(&bytes), &all), 0);
    assert_int_equal(all->o_bytes.len, 3);
    assert_string_equal(all->o_string, "\xff\xfe");
    buf_deinit(&bytes);
}

static void test_absurd_sizes(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    buf_append_text(&bytes, "\x7a\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    check_refused(&sample__all__descriptor, &bytes, "malformed");
    size_t begun = wire_begin(&bytes, 17);
    buf_append_text(&bytes, "\x7a\xff\xff\xff\xff\x07text");
    wire_end(&bytes, begun);
    check_refused(&sample__all__descriptor, &bytes, "o_message: malformed");
    begun = wire_begin(&bytes, 37);
    buf_append_text(&bytes, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    wire_end(&bytes, begun);
    check_refused(&sample__all__descriptor, &bytes, "r_message[0]: malformed");
    buf_deinit(&bytes);
}

/* ContainerID.parent, so many times. The innermost is written first, the sizes from inside out. */
static struct buf nested_containers(size_t levels)
{
    struct buf backwards = BUF_INIT; /* all bytes in reverse order */
    for (size_t i = 0; i <= levels; i++) {
        if (i > 0) {
            uint8_t size[VARINT_SIZE_MAX];
            uint8_t *end = varint_write(size, backwards.size);
            while (end > size) {
                buf_append_byte(&backwards, (char)*--end);
            }
            buf_append_byte(&backwards, 0x12);
        }
        buf_append_text(&backwards, "c\x01\x0a");
    }
    for (size_t i = 0; i < backwards.size / 2; i++) {
        char c = backwards.data[i];
        backwards.data[i] = backwards.data[backwards.size - 1 - i];
        backwards.data[backwards.size - 1 - i] = c;
    }
    return backwards;
}

static void test_depth(void **state)
{
    (void)state;
    Pb__ContainerID *id;
    struct err err;
    struct buf bytes = nested_containers(MESSAGE_DEPTH_MAX);
    assert_int_equal(decode_as(&pb__container_id__descriptor, buf_slice(&bytes), &id, &err), 0);
    size_t depth = 0;
    for (; id->parent != NULL; id = id->parent) {
        assert_string_equal(id->value, "c");
        depth++;
    }
    assert_int_equal(depth, MESSAGE_DEPTH_MAX);
    buf_deinit(&bytes);

    size_t too_many[] = {MESSAGE_DEPTH_MAX + 1, 1000, 100000};
    for (size_t i = 0; i < ELEMENTS(too_many); i++) {
        bytes = nested_containers(too_many[i]);
        assert_int_equal(decode_as(&pb__container_id__descriptor, buf_slice(&bytes), &id, &err),
                         MESSAGE_E_INVALID);
        assert_non_null(strstr(err.text, "parent.parent.parent"));
        assert_non_null(strstr(err.text, ": nested too deep"));
        buf_deinit(&bytes);
    }
}

/* Two bytes of a message can ask for hundreds: only the budget bounds that. */
static void test_budget(void **state)
{
    (void)state;
    struct arena small;
    struct buf bytes = BUF_INIT;
    struct err err;
    Sample__All *all = NULL;
    for (int i = 0; i < 10000; i++) {
        wire_put_bytes(&bytes, 37, SLICE(""));
    }
    arena_init(&small, 1 << 20);
    assert_int_equal(
        MESSAGE_DECODE(Sample__All, sample__all, buf_slice(&bytes), &small, &all, &err),
        MESSAGE_E_BUDGET);
    assert_null(all);
    assert_string_equal(err.text, "message needs more than 1048576 bytes of memory");
    assert_true(small.used_size <= 1 << 20);
    arena_deinit(&small);

    /* With what it needs, it is decoded; with a byte less, it is not. */
    arena_init(&small, 0);
    buf_clear(&bytes);
    message_encode(&make_all()->base, &bytes);
    assert_int_equal(
        MESSAGE_DECODE(Sample__All, sample__all, buf_slice(&bytes), &small, &all, &err), 0);
    size_t need = small.used_size;
    arena_deinit(&small);
    for (size_t less = 0; less <= need; less += 16) {
        arena_init(&small, MAX(need - less, (size_t)1));
        assert_int_equal(
            MESSAGE_DECODE(Sample__All, sample__all, buf_slice(&bytes), &small, &all, &err),
            less == 0 ? 0 : MESSAGE_E_BUDGET);
        arena_deinit(&small);
    }

    /* An absurd one is refused by check, too, since telling why would take as much memory. */
    buf_clear(&bytes);
    for (int i = 0; i < 100000; i++) {
        wire_put_bytes(&bytes, 37, SLICE(""));
    }
    wire_put_bytes(&bytes, 5001, SLICE(""));
    assert_int_equal(message_check(&sample__all__descriptor, buf_slice(&bytes), &err),
                     MESSAGE_E_BUDGET);
    buf_deinit(&bytes);
}

/* A cursor finds all of a nested message in one piece. */
static void test_settled(void **state)
{
    (void)state;
    struct buf bytes = BUF_INIT;
    struct slice settled;
    struct cursor_field name;
    size_t id = wire_begin(&bytes, 1);
    wire_put_bytes(&bytes, 1, SLICE("t"));
    wire_end(&bytes, id);
    assert_int_equal(message_settle(&pb__task_status__descriptor, buf_slice(&bytes), &arena,
                                    &settled, &(struct err){""}),
                     MESSAGE_E_INVALID);
    wire_put_varint(&bytes, 2, PB__TASK_STATE__TASK_RUNNING);
    assert_int_equal(
        message_settle(&pb__task_status__descriptor, buf_slice(&bytes), &arena, &settled, NULL), 0);
    assert_ptr_equal(settled.data, bytes.data);
    assert_int_equal(settled.size, bytes.size);
    wire_put_bytes(&bytes, 1, SLICE(""));
    assert_false(cursor_path(buf_slice(&bytes), (const uint32_t[]){1, 1}, 2, &name));
    assert_int_equal(
        message_settle(&pb__task_status__descriptor, buf_slice(&bytes), &arena, &settled, NULL), 0);
    assert_true(cursor_path(settled, (const uint32_t[]){1, 1}, 2, &name));
    assert_true(slice_is(name.bytes, "t"));
    buf_deinit(&bytes);
}

static void encode_without_string(void)
{
    Pb__TaskID id = PB__TASK_ID__INIT;
    struct buf out = BUF_INIT;
    message_encode(&id.base, &out);
}

static void encode_without_message(void)
{
    Pb__TaskInfo task = PB__TASK_INFO__INIT;
    char name[] = "n";
    struct buf out = BUF_INIT;
    task.name = name;
    message_encode(&task.base, &out);
}

static void test_our_mistakes(void **state)
{
    (void)state;
    unit_assert_aborts(encode_without_string, "text != NULL");
    unit_assert_aborts(encode_without_message, "sub != NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types),
        cmocka_unit_test(test_every_beginning),
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_typed_macros),
        cmocka_unit_test(test_clone),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_append_to_decoded),
        cmocka_unit_test(test_last_one_wins),
        cmocka_unit_test(test_nested_messages_merge),
        cmocka_unit_test(test_pieces_add_up),
        cmocka_unit_test(test_oneof),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_unknown_enum_values),
        cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_wrong_wire_types),
        cmocka_unit_test(test_missing_fields),
        cmocka_unit_test(test_nul_in_strings),
        cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_settled),
        cmocka_unit_test(test_our_mistakes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
