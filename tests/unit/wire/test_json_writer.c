#include "../unit.h"

#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

static void test_everything(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct json_writer w;
    char value[] = "t1";
    Pb__TaskID id = PB__TASK_ID__INIT;
    id.value = value;
    struct buf bytes = BUF_INIT;
    message_encode(&id.base, &bytes);

    json_writer_init(&w, &out);
    json_begin_object(&w);
    json_key_text(&w, "a", "x\"y");
    json_key_text(&w, "none", NULL);
    json_key_string(&w, "s", SLICE("slice"));
    json_key_int(&w, "i", INT64_MIN);
    json_key_double(&w, "d", 4);
    json_key_bool(&w, "b", true);
    json_key(&w, "list");
    json_begin_array(&w);
    json_int(&w, 1);
    json_uint(&w, UINT64_MAX);
    json_bool(&w, false);
    json_null(&w);
    json_double(&w, 0.1);
    json_begin_object(&w);
    json_end_object(&w);
    json_begin_array(&w);
    json_end_array(&w);
    json_raw(&w, SLICE("{\"raw\":1}"));
    json_message(&w, &id.base, JSON_V1);
    json_message_bytes(&w, &pb__task_id__descriptor, buf_slice(&bytes), JSON_V0);
    json_end_array(&w);
    json_key_slice(&w, SLICE("a \"key\""));
    json_string(&w, SLICE(""));
    json_key(&w, "last");
    json_begin_object(&w);
    json_key_int(&w, "one", 1);
    json_end_object(&w);
    json_end_object(&w);
    assert_slice(buf_slice(&out),
                 "{\"a\":\"x\\\"y\",\"none\":null,\"s\":\"slice\",\"i\":-9223372036854775808,"
                 "\"d\":4.0,\"b\":true,\"list\":[1,18446744073709551615,false,null,0.1,{},[],"
                 "{\"raw\":1},{\"value\":\"t1\"},{\"value\":\"t1\"}],\"a \\\"key\\\"\":\"\","
                 "\"last\":{\"one\":1}}");
    buf_deinit(&bytes);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
