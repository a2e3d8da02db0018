#include "../unit.h"

#include <math.h>

#include "sample.pb-c.h"
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

/* From memory of just its size, so that a sanitizer sees one byte too far. */
static int parse(const ProtobufCMessageDescriptor *desc, const char *text, enum json_names names,
                 ProtobufCMessage **ret, struct err *err)
{
    size_t size = strlen(text);
    char *exact = malloc(size + 1);
    *err = (struct err){""};
    memcpy(exact, text, size);
    int status = json_parse_message(desc, slice_make(exact, size), names, &arena, ret, err);
    free(exact);
    return status;
}

/* The text, printed again. */
static void check_as(const ProtobufCMessageDescriptor *desc, enum json_names names,
                     const char *text, const char *expected)
{
    struct buf out = BUF_INIT;
    struct err err;
    ProtobufCMessage *message;
    if (parse(desc, text, names, &message, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    json_print_message(message, names, &out);
    assert_slice(buf_slice(&out), expected);
    buf_deinit(&out);
}

static void check(const char *text, const char *expected)
{
    check_as(&sample__all__descriptor, JSON_V1, text, expected);
}

static void check_same(const char *text)
{
    check(text, text);
}

static void check_error_of(const ProtobufCMessageDescriptor *desc, const char *text, int status,
                           const char *expected)
{
    struct err err;
    ProtobufCMessage *message = NULL;
    assert_int_equal(parse(desc, text, JSON_V1, &message, &err), status);
    assert_null(message);
    assert_string_equal(err.text, expected);
}

static void check_invalid(const char *text, const char *expected)
{
    check_error_of(&sample__all__descriptor, text, JSON_E_INVALID, expected);
}

static void test_all_types(void **state)
{
    (void)state;
    check_same("{}");
    check_same("{\"o_int32\":-2147483648,\"o_sint32\":-1,\"o_sfixed32\":2147483647,"
               "\"o_int64\":-9223372036854775808,\"o_sint64\":-2,"
               "\"o_sfixed64\":9223372036854775807,\"o_uint32\":4294967295,"
               "\"o_fixed32\":4294967295,\"o_uint64\":18446744073709551615,"
               "\"o_fixed64\":18446744073709551615,\"o_float\":0.5,\"o_double\":0.1,"
               "\"o_bool\":true,\"o_enum\":\"DARK\",\"o_string\":\"a \\\"text\\\"\","
               "\"o_bytes\":\"AP8=\",\"o_message\":{\"o_bool\":false}}");
    check_same("{\"r_int32\":[0,-1],\"r_sint32\":[1],\"r_sfixed32\":[2],\"r_int64\":[3],"
               "\"r_sint64\":[0,-5000000000],\"r_sfixed64\":[4],\"r_uint32\":[5],"
               "\"r_fixed32\":[6],\"r_uint64\":[7],\"r_fixed64\":[8],\"r_float\":[0.5],"
               "\"r_double\":[1.0,2.5],\"r_bool\":[false,true],"
               "\"r_enum\":[\"BLUE\",\"DARK\"],\"r_string\":[\"s\",\"\"],"
               "\"r_bytes\":[\"Zm9v\",\"\"],\"r_message\":[{},{\"o_int32\":1}],"
               "\"p_sint32\":[0,-1],\"p_fixed32\":[1,1],\"p_double\":[0.5,0.5],"
               "\"p_enum\":[\"RED\"]}");
    check_same("{\"c_pair\":{\"left\":1},\"m_numbers\":{\"a\":1,\"b\":2},"
               "\"m_texts\":{\"-5\":\"t\"},\"m_colors\":{\"true\":\"BLUE\"},"
               "\"m_pairs\":{\"7\":{\"left\":9}},\"far\":1}");
}

static void test_white_space(void **state)
{
    (void)state;
    check(" \t\r\n{ \"o_int32\" : 1 ,\n\"r_int32\" : [ 1 , 2 ] , \"r_string\":[ ] }\n ",
          "{\"o_int32\":1,\"r_int32\":[1,2]}");
}

static void test_strings(void **state)
{
    (void)state;
    check("{\"o_string\":\"\\u00e4\\ud83c\\udf32\\n\\/\"}",
          "{\"o_string\":\"\xc3\xa4\xf0\x9f\x8c\xb2\\n/\"}");
    check("{\"\\u006f_string\":\"x\"}", "{\"o_string\":\"x\"}");
    check("{\"o_enum\":\"BL\\u0055E\"}", "{\"o_enum\":\"BLUE\"}");
    check("{\"o_bytes\":\"\\/\\/8=\"}", "{\"o_bytes\":\"//8=\"}");
    check("{\"o_bytes\":\"Zm9v\\nYmFy\"}", "{\"o_bytes\":\"Zm9vYmFy\"}");
    check("{\"o_bytes\":\"Zm8\"}", "{\"o_bytes\":\"Zm8=\"}");
    check_invalid("{\"o_bytes\":\"Zm8!\"}", "o_bytes: not base64");
    check_invalid("{\"o_string\":\"a\\u0000b\"}", "o_string: NUL in a string");
    check_invalid("{\"m_numbers\":{\"a\\u0000\":1}}", "m_numbers.a\\u0000: NUL in a string");
    /* A byte string may hold it. */
    check("{\"o_bytes\":\"AA==\"}", "{\"o_bytes\":\"AA==\"}");
}

/* Numbers and booleans may be given as strings, whole ones with a point or an exponent. */
static void test_lenient_numbers(void **state)
{
    (void)state;
    check("{\"o_int32\":\"5\",\"o_int64\":\"-9223372036854775808\",\"o_double\":\"0.5\"}",
          "{\"o_int32\":5,\"o_int64\":-9223372036854775808,\"o_double\":0.5}");
    check("{\"o_uint64\":\" 18446744073709551615 \"}", "{\"o_uint64\":18446744073709551615}");
    check("{\"o_int32\":1.0,\"o_int64\":1e3,\"o_uint32\":2.9}",
          "{\"o_int32\":1,\"o_int64\":1000,\"o_uint32\":2}");
    check("{\"o_bool\":\"true\",\"r_bool\":[\"false\",\" true\"]}",
          "{\"o_bool\":true,\"r_bool\":[false,true]}");
    check("{\"o_double\":\"Infinity\",\"o_float\":\"-Infinity\"}",
          "{\"o_float\":\"-Infinity\",\"o_double\":\"Infinity\"}");
    check("{\"o_double\":3,\"o_float\":\"\\u0031\"}", "{\"o_float\":1.0,\"o_double\":3.0}");
    check_invalid("{\"o_int32\":\"5x\"}", "o_int32: the string is not a number");
    check_invalid("{\"o_int32\":\"\"}", "o_int32: the string is not a number");
    check_invalid("{\"o_int32\":\"Infinity\"}", "o_int32: the string is not a number");
    check_invalid("{\"o_double\":\"NaN\"}", "o_double: the string is not a number");
    check_invalid("{\"o_bool\":\"yes\"}", "o_bool: the string is not a boolean");
    check_invalid("{\"o_bool\":\"true false\"}", "o_bool: the string is not a boolean");
}

static void test_ranges(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"o_int32\":2147483648}",
        "{\"o_int32\":-2147483649}",
        "{\"o_int32\":1e10}",
        "{\"o_int32\":\"99999999999\"}",
    };
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        check_invalid(texts[i], "o_int32: the number is out of range");
    }
    check_invalid("{\"o_uint32\":-1}", "o_uint32: the number is out of range");
    check_invalid("{\"o_uint32\":4294967296}", "o_uint32: the number is out of range");
    check_invalid("{\"o_uint64\":18446744073709551616}", "o_uint64: the number is out of range");
    check_invalid("{\"o_int64\":9223372036854775808}", "o_int64: the number is out of range");
    check_invalid("{\"o_float\":1e39}", "o_float: the number is out of range");
    check_error_of(&sample__all__descriptor, "{\"o_double\":1e400}", JSON_E_SYNTAX,
                   "not JSON at byte 12 of 18");
}

static void test_null_is_unset(void **state)
{
    (void)state;
    check("{\"o_int32\":null,\"o_message\":null,\"r_int32\":null,\"o_enum\":null}", "{}");
    check("{\"r_int32\":[1,null,2],\"r_message\":[null]}", "{\"r_int32\":[1,2]}");
    check("{\"m_numbers\":{\"a\":null}}", "{\"m_numbers\":{\"a\":0}}");
    check("{\"m_pairs\":{\"1\":null}}", "{\"m_pairs\":{\"1\":{}}}");
    check_error_of(&pb__task_id__descriptor, "{\"value\":null}", JSON_E_INVALID,
                   "Missing required fields: value");
}

static void test_unknown_names(void **state)
{
    (void)state;
    check("{\"what\":{\"a\":[1,{\"b\":\"\\u0000\"}],\"c\":null},\"o_int32\":1,\"\":true,"
          "\"x\":-1.5e3,\"y\":false}",
          "{\"o_int32\":1}");
    check("{\"o_enum\":\"PINK\",\"r_enum\":[\"PINK\",\"RED\",\"\"]}", "{\"r_enum\":[\"RED\"]}");
    check_error_of(&sample__needy__descriptor, "{\"number\":1,\"text\":\"\",\"color\":\"PINK\"}",
                   JSON_E_INVALID, "color: the enum has no such value");
    char text[3000];
    memset(text, 'a', sizeof(text));
    memcpy(text, "{\"\\u0061", 8);
    memcpy(text + sizeof(text) - 6, "\":1}\0", 6);
    check(text, "{}");
}

/* Of equal keys the last counts, and it alone. */
static void test_duplicate_keys(void **state)
{
    (void)state;
    check("{\"o_int32\":1,\"o_int32\":2}", "{\"o_int32\":2}");
    check("{\"o_int32\":1,\"o_int32\":null}", "{}");
    check("{\"o_string\":\"a\",\"o_string\":null}", "{}");
    check("{\"r_int32\":[1,2,3],\"r_int32\":[4]}", "{\"r_int32\":[4]}");
    check("{\"r_int32\":[1,2,3],\"r_int32\":null}", "{}");
    check("{\"o_message\":{\"o_int32\":1},\"o_message\":{\"o_int64\":2}}",
          "{\"o_message\":{\"o_int64\":2}}");
    check("{\"m_numbers\":{\"a\":1,\"b\":2,\"a\":3}}", "{\"m_numbers\":{\"b\":2,\"a\":3}}");
    check("{\"m_numbers\":{\"a\":1},\"m_numbers\":{\"b\":2}}", "{\"m_numbers\":{\"b\":2}}");
    check_error_of(&pb__task_id__descriptor, "{\"value\":\"a\",\"value\":null}", JSON_E_INVALID,
                   "Missing required fields: value");
    check_as(&sample__defaults__descriptor, JSON_V1,
             "{\"required\":1,\"o_string\":\"x\",\"o_string\":null,\"o_enum\":\"RED\","
             "\"o_enum\":null}",
             "{\"o_int32\":-5,\"o_sint32\":-6,\"o_int64\":-5000000000,\"o_uint32\":4000000000,"
             "\"o_uint64\":10000000000000000000,\"o_float\":0.5,\"o_double\":15.0,"
             "\"o_bool\":true,\"o_enum\":\"BLUE\",\"o_string\":\"a \\\"b\\\"\","
             "\"o_bytes\":\"AQID\",\"required\":1}");
}

static void test_large_map(void **state)
{
    (void)state;
    struct buf text = BUF_INIT;
    Sample__All *all;
    struct err err;
    buf_append_text(&text, "{\"m_numbers\":{");
    for (int i = 0; i < 100000; i++) {
        buf_printf(&text, "%s\"k%d\":%d", i != 0 ? "," : "", i % 50000, i);
    }
    buf_append_text(&text, "}}");
    assert_int_equal(parse(&sample__all__descriptor, buf_text(&text), JSON_V1,
                           (ProtobufCMessage **)(void *)&all, &err),
                     0);
    assert_int_equal(all->n_m_numbers, 50000);
    assert_int_equal(all->m_numbers[0]->value, 50000);
    buf_deinit(&text);
}

/* What the reference does, by how it walks the tree: brackets of arrays do not matter to it. */
static void test_loose_arrays(void **state)
{
    (void)state;
    check("{\"r_int32\":7,\"r_string\":\"one\",\"r_message\":{\"o_int32\":1},\"r_bool\":true}",
          "{\"r_int32\":[7],\"r_bool\":[true],\"r_string\":[\"one\"],"
          "\"r_message\":[{\"o_int32\":1}]}");
    check("{\"r_int32\":[[1,2],[],[[3]]]}", "{\"r_int32\":[1,2,3]}");
    check("{\"m_numbers\":[{\"a\":1},{\"b\":2,\"a\":3}]}", "{\"m_numbers\":{\"b\":2,\"a\":3}}");
}

/* Members of a oneof are set in the order of their names. */
static void test_oneof(void **state)
{
    (void)state;
    check("{\"c_string\":\"x\",\"c_int32\":1}", "{\"c_string\":\"x\"}");
    check("{\"c_int32\":1,\"c_string\":\"x\"}", "{\"c_string\":\"x\"}");
    check("{\"c_int32\":1,\"c_string\":null}", "{\"c_int32\":1}");
    check("{\"c_pair\":{\"left\":1},\"c_int32\":2,\"c_enum\":\"PINK\"}",
          "{\"c_pair\":{\"left\":1}}");
    check("{\"c_int32\":1,\"c_int32\":2}", "{\"c_int32\":2}");
    check("{\"c_int32\":1,\"c_int32\":null}", "{}");
    check_invalid("{\"c_string\":\"x\",\"c_int32\":[]}", "c_int32: a JSON array is not expected");
}

static void test_wrong_types(void **state)
{
    (void)state;
    check_invalid("{\"o_string\":1}", "o_string: a JSON number is not expected");
    check_invalid("{\"o_enum\":1}", "o_enum: a JSON number is not expected");
    check_invalid("{\"o_bool\":1}", "o_bool: a JSON number is not expected");
    check_invalid("{\"o_bytes\":1}", "o_bytes: a JSON number is not expected");
    check_invalid("{\"o_message\":1}", "o_message: a JSON number is not expected");
    check_invalid("{\"o_int32\":true}", "o_int32: a JSON boolean is not expected");
    check_invalid("{\"o_string\":false}", "o_string: a JSON boolean is not expected");
    check_invalid("{\"o_message\":\"x\"}", "o_message: a JSON string is not expected");
    check_invalid("{\"o_int32\":{}}", "o_int32: a JSON object is not expected");
    check_invalid("{\"o_int32\":[1]}", "o_int32: a JSON array is not expected");
    check_invalid("{\"r_string\":[\"a\",2]}", "r_string[1]: a JSON number is not expected");
    check_invalid("{\"r_message\":[{},{\"o_message\":{\"r_int32\":[1,{}]}}]}",
                  "r_message[1].o_message.r_int32[1]: a JSON object is not expected");
    check_invalid("{\"m_numbers\":{\"key\":\"x\"}}", "m_numbers.key: the string is not a number");
    check_invalid("{\"m_numbers\":{\"key\":[1]}}", "m_numbers.key: a JSON array is not expected");
    check_invalid("{\"m_texts\":{\"one\":\"x\"}}", "m_texts.one: the string is not a number");
    check_invalid("{\"m_colors\":{\"maybe\":\"RED\"}}",
                  "m_colors.maybe: the string is not a boolean");
    check_invalid("{\"m_pairs\":\"x\"}", "m_pairs: a JSON string is not expected");
    check_invalid("[]", "a JSON object is expected");
    check_invalid("\"x\"", "a JSON object is expected");
    check_invalid("null", "a JSON object is expected");
}

static void test_missing(void **state)
{
    (void)state;
    check_error_of(&sample__needy__descriptor, "{}", JSON_E_INVALID,
                   "Missing required fields: number, color, text");
    check_invalid("{\"needy\":{\"number\":1,\"color\":\"RED\",\"text\":\"\",\"list\":[{}]}}",
                  "Missing required fields: needy.list[0].number, needy.list[0].color, "
                  "needy.list[0].text");
    check_error_of(&pb__scheduler__call__descriptor,
                   "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\"}}}",
                   JSON_E_INVALID, "Missing required fields: subscribe.framework_info.name");
    /* What was given up is not asked for. */
    check("{\"needy\":{},\"needy\":null}", "{}");
}

static void test_names(void **state)
{
    (void)state;
    static const char v1[] = "{\"task_id\":{\"value\":\"x\"},\"state\":\"TASK_LOST\","
                             "\"source\":\"SOURCE_AGENT\",\"agent_id\":{\"value\":\"x\"}}";
    static const char v0[] = "{\"task_id\":{\"value\":\"x\"},\"state\":\"TASK_LOST\","
                             "\"source\":\"SOURCE_SLAVE\",\"slave_id\":{\"value\":\"x\"}}";
    static const char bare[] = "{\"task_id\":{\"value\":\"x\"},\"state\":\"TASK_LOST\"}";
    const ProtobufCMessageDescriptor *desc = &pb__task_status__descriptor;
    check_as(desc, JSON_V1, v1, v1);
    check_as(desc, JSON_V0, v0, v0);
    /* The other version's names are unknown ones. */
    check_as(desc, JSON_V1, v0, bare);
    check_as(desc, JSON_V0, v1, bare);

    /* Errors speak the language of the text. */
    struct err err;
    ProtobufCMessage *message;
    assert_int_equal(parse(desc,
                           "{\"task_id\":{\"value\":\"x\"},\"state\":\"TASK_LOST\","
                           "\"slave_id\":{}}",
                           JSON_V0, &message, &err),
                     JSON_E_INVALID);
    assert_string_equal(err.text, "Missing required fields: slave_id.value");
}

static void test_not_json(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "{\"o_int32\"",
        "{\"o_int32\":",
        "{\"o_int32\":1",
        "{\"o_int32\":1,",
        "{\"o_int32\":1,}",
        "{,}",
        "{\"o_int32\" 1}",
        "{o_int32:1}",
        "{\"r_int32\":[1,]}",
        "{\"r_int32\":[,1]}",
        "{\"r_int32\":[1 2]}",
        "{\"r_int32\":[1}",
        "{}x",
        "{}{}",
        "{\"x\":tru}",
        "{\"x\":nul}",
        "{\"x\":[1,]}",
        "{\"x\":{\"a\":}}",
        "{\"o_bool\":tru}",
        "{\"o_bool\":nope}",
        "{\"o_string\":\"a\nb\"}",
        "{\"o_string\":\"\\x\"}",
        "{\"o_int32\":01}",
        "{\"x\":.5}",
        "{\"o_int32\":+1}",
        "{\"m_numbers\":{\"a\"}}",
        "{\"m_numbers\":{1:1}}",
        "nope",
        "{\"o_string\":'a'}",
        "// comment\n{}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        struct err err;
        ProtobufCMessage *message = NULL;
        if (parse(&sample__all__descriptor, texts[i], JSON_V1, &message, &err) != JSON_E_SYNTAX) {
            fail_msg("taken for JSON: %s", texts[i]);
        }
        assert_non_null(strstr(err.text, "not JSON at byte "));
        assert_null(message);
    }
    ProtobufCMessage *message;
    assert_int_equal(json_parse_message(&sample__all__descriptor, slice_make(NULL, 0), JSON_V1,
                                        &arena, &message, NULL),
                     JSON_E_SYNTAX);
    assert_int_equal(json_parse_message(&sample__all__descriptor, slice_make("{\0}", 3), JSON_V1,
                                        &arena, &message, NULL),
                     JSON_E_SYNTAX);
}

/* Each beginning of a text that is fine. */
static void test_every_beginning(void **state)
{
    (void)state;
    static const char text[] =
        "{\"o_int32\":-12.5e+1,\"r_string\":[\"a\\u00e4\\n\",null],\"x\":[true,{\"y\":false}],"
        "\"m_numbers\":{\"a\":1},\"c_pair\":{\"left\":1},\"o_bytes\":\"Zm9v\",\"o_enum\":\"RED\"}";
    char part[sizeof(text)];
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        struct err err;
        ProtobufCMessage *message;
        memcpy(part, text, size);
        part[size] = '\0';
        assert_int_equal(parse(&sample__all__descriptor, part, JSON_V1, &message, &err),
                         JSON_E_SYNTAX);
    }
    check(text, "{\"o_int32\":-125,\"o_enum\":\"RED\",\"o_bytes\":\"Zm9v\","
                "\"r_string\":[\"a\xc3\xa4\\n\"],\"c_pair\":{\"left\":1},\"m_numbers\":{\"a\":1}}");
}

static struct buf nested(const char *opening, const char *inner, const char *closing, size_t levels)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < levels; i++) {
        buf_append_text(&text, opening);
    }
    buf_append_text(&text, inner);
    for (size_t i = 0; i < levels; i++) {
        buf_append_text(&text, closing);
    }
    return text;
}

static void check_nested(const char *opening, const char *inner, const char *closing, size_t levels,
                         int expected, const char *expected_text)
{
    struct buf text = nested(opening, inner, closing, levels);
    struct err err;
    ProtobufCMessage *message;
    assert_int_equal(parse(&sample__all__descriptor, buf_text(&text), JSON_V1, &message, &err),
                     expected);
    assert_non_null(strstr(err.text, expected_text));
    buf_deinit(&text);
}

static void test_depth(void **state)
{
    (void)state;
    /* Levels of JSON, where the message does not care. One more is around them. */
    struct buf arrays = nested("[", "", "]", JSON_DEPTH_MAX - 1);
    struct buf text = BUF_INIT;
    buf_printf(&text, "{\"what\":%s}", buf_text(&arrays));
    check(buf_text(&text), "{}");
    buf_clear(&text);
    buf_printf(&text, "{\"r_int32\":%s}", buf_text(&arrays));
    check(buf_text(&text), "{}");
    buf_clear(&text);
    buf_printf(&text, "{\"what\":[%s]}", buf_text(&arrays));
    check_error_of(&sample__all__descriptor, buf_text(&text), JSON_E_SYNTAX,
                   "JSON nested too deep");
    buf_clear(&text);
    buf_printf(&text, "{\"r_int32\":[%s]}", buf_text(&arrays));
    check_error_of(&sample__all__descriptor, buf_text(&text), JSON_E_SYNTAX,
                   "r_int32[0]: JSON nested too deep");
    buf_deinit(&text);
    buf_deinit(&arrays);

    /* Levels of messages: no more than their bytes may have. */
    check_nested("{\"o_message\":", "{}", "}", MESSAGE_DEPTH_MAX, 0, "");
    check_nested("{\"o_message\":", "{}", "}", MESSAGE_DEPTH_MAX + 1, JSON_E_INVALID,
                 "o_message.o_message: nested too deep");
    check_nested("{\"o_message\":", "{}", "}", 100000, JSON_E_INVALID,
                 "o_message.o_message: nested too deep");
    check_nested("{\"what\":", "1", "}", 100000, JSON_E_SYNTAX, "nested too deep");
    check_nested("[", "1", "]", 100000, JSON_E_SYNTAX, "nested too deep");
    check_nested("[", "", "", 100000, JSON_E_SYNTAX, "nested too deep");
}

static void test_budget(void **state)
{
    (void)state;
    struct arena small;
    struct buf text = BUF_INIT;
    struct err err;
    ProtobufCMessage *message = NULL;
    buf_append_text(&text, "{\"r_message\":[{}");
    for (int i = 0; i < 10000; i++) {
        buf_append_text(&text, ",{}");
    }
    buf_append_text(&text, "]}");
    arena_init(&small, 1 << 20);
    assert_int_equal(json_parse_message(&sample__all__descriptor, buf_slice(&text), JSON_V1, &small,
                                        &message, &err),
                     JSON_E_BUDGET);
    assert_null(message);
    assert_string_equal(err.text, "message needs more than 1048576 bytes of memory");
    assert_true(small.used_size <= 1 << 20);
    arena_deinit(&small);
    buf_deinit(&text);

    /* With what it needs, it is parsed; with less, it is not. */
    struct slice all = SLICE("{\"o_string\":\"a\\n\",\"o_bytes\":\"AA==\",\"r_int32\":[1,2,3],"
                             "\"m_pairs\":{\"1\":{\"left\":1}},\"needy\":{\"number\":1,"
                             "\"color\":\"RED\",\"text\":\"\"},\"c_pair\":{},\"c_int32\":1}");
    arena_init(&small, 0);
    assert_int_equal(
        json_parse_message(&sample__all__descriptor, all, JSON_V1, &small, &message, &err), 0);
    size_t need = small.used_size;
    arena_deinit(&small);
    for (size_t less = 0; less <= need; less += 16) {
        arena_init(&small, MAX(need - less, (size_t)1));
        assert_int_equal(
            json_parse_message(&sample__all__descriptor, all, JSON_V1, &small, &message, &err),
            less == 0 ? 0 : JSON_E_BUDGET);
        arena_deinit(&small);
    }
}

static void test_lists(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *field;
        int status;
        const char *expected; /* printed, or what is wrong */
    } cases[] = {
        {" [ 1 , \"2\" ] ", "r_int32", 0, "{\"r_int32\":[1,2]}"},
        {"[]", "r_message", 0, "{}"},
        {"[{\"o_string\":\"x\"},{}]", "r_message", 0, "{\"r_message\":[{\"o_string\":\"x\"},{}]}"},
        {"{}", "r_int32", JSON_E_INVALID, "a JSON array is expected"},
        {"1", "r_int32", JSON_E_INVALID, "a JSON array is expected"},
        {"", "r_int32", JSON_E_SYNTAX, "not JSON at byte 0 of 0"},
        {"[1", "r_int32", JSON_E_SYNTAX, "not JSON at byte 2 of 2"},
        {"[1],\"r_int32\":[2]", "r_int32", JSON_E_SYNTAX, "not JSON at byte 3 of 17"},
        {"[1,{}]", "r_int32", JSON_E_INVALID, "r_int32[1]: a JSON object is not expected"},
        {"[{\"needy\":{}}]", "r_message", JSON_E_INVALID, NULL},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct err err = {""};
        ProtobufCMessage *message = NULL;
        assert_int_equal(json_parse_list(&sample__all__descriptor, cases[i].field,
                                         slice_from(cases[i].text), JSON_V1, &arena, &message,
                                         &err),
                         cases[i].status);
        if (cases[i].status == 0) {
            struct buf out = BUF_INIT;
            json_print_message(message, JSON_V1, &out);
            assert_slice(buf_slice(&out), cases[i].expected);
            buf_deinit(&out);
        } else if (cases[i].expected != NULL) {
            assert_string_equal(err.text, cases[i].expected);
        } else {
            assert_non_null(strstr(err.text, "r_message[0].needy.number"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_types),     cmocka_unit_test(test_white_space),
        cmocka_unit_test(test_strings),       cmocka_unit_test(test_lenient_numbers),
        cmocka_unit_test(test_ranges),        cmocka_unit_test(test_null_is_unset),
        cmocka_unit_test(test_unknown_names), cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_large_map),     cmocka_unit_test(test_loose_arrays),
        cmocka_unit_test(test_oneof),         cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_missing),       cmocka_unit_test(test_names),
        cmocka_unit_test(test_not_json),      cmocka_unit_test(test_every_beginning),
        cmocka_unit_test(test_depth),         cmocka_unit_test(test_budget),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
