/* What operators set, in the encoded registry: entries come, change and go, others stay. */
#include "registry_apply.h"
#include "registry_json.h"

#include "registry/registry_codec.h"
#include "registry/registry_parts.h"
#include "wire/cursor.h"

static struct registry *registry_of(const char *json)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    struct registry *registry = NULL;
    struct err err = {""};
    encode_json(&pb__internal__registry__descriptor, json, &bytes);
    if (registry_decode(buf_slice(&bytes), 1, &registry, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return registry;
}

static bool change(struct registry *registry, enum registry_op_type type, const char *json,
                   bool *ret_changed)
{
    const ProtobufCMessageDescriptor *desc = type == REGISTRY_UPDATE_WEIGHTS
                                                 ? &pb__master__call__update_weights__descriptor
                                                 : &pb__master__call__update_quota__descriptor;
    CLEANUP(buf_deinit) struct buf request = BUF_INIT;
    struct registry_ops ops;
    registry_ops_init(&ops);
    struct registry_op *op = registry_ask(&ops, type, 1, NULL, NULL);
    encode_json(desc, json, &request);
    op->request = blob_from(buf_slice(&request));
    bool fitted = apply_op(registry, op, ret_changed);
    registry_ops_deinit(&ops);
    return fitted;
}

static void assert_json(struct registry *registry, const char *expected)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    size_t size = registry_encoded_size(registry);
    registry_encode(registry, &bytes);
    assert_int_equal(bytes.size, size);
    assert_true(size <= registry->size_max);
    json_print_bytes(&pb__internal__registry__descriptor, buf_slice(&bytes), JSON_V0, &json);
    assert_string_equal(buf_text(&json), expected);
}

static void test_weights_are_added_and_changed(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_of("{\"weights\":[{\"info\":{\"role\":\"a\",\"weight\":2}},"
                                     "{\"info\":{\"role\":\"b\",\"weight\":3}}]}");
    assert_true(change(r, REGISTRY_UPDATE_WEIGHTS,
                       "{\"weight_infos\":[{\"role\":\"c\",\"weight\":5},"
                       "{\"role\":\"a\",\"weight\":4},{\"role\":\"c\",\"weight\":6}]}",
                       &changed));
    assert_true(changed);
    assert_json(r, "{\"weights\":[{\"info\":{\"weight\":4.0,\"role\":\"a\"}},"
                   "{\"info\":{\"weight\":3.0,\"role\":\"b\"}},"
                   "{\"info\":{\"weight\":6.0,\"role\":\"c\"}}]}");
    registry_free(r);
}

static void test_what_is_so_already_is_no_change(void **state)
{
    (void)state;
    bool changed;
    struct registry *r =
        registry_of("{\"weights\":[{\"info\":{\"role\":\"a\",\"weight\":2}}],"
                    "\"quota_configs\":[{\"role\":\"q\",\"limits\":{\"cpus\":{\"value\":1}}}],"
                    "\"minimum_capabilities\":[{\"capability\":\"QUOTA_V2\"}]}");
    assert_true(change(r, REGISTRY_UPDATE_WEIGHTS,
                       "{\"weight_infos\":[{\"role\":\"a\",\"weight\":2}]}", &changed));
    assert_false(changed);
    assert_true(change(r, REGISTRY_UPDATE_WEIGHTS, "{}", &changed));
    assert_false(changed);
    assert_true(change(r, REGISTRY_UPDATE_QUOTA,
                       "{\"quota_configs\":[{\"role\":\"q\",\"limits\":{\"cpus\":{\"value\":1}}}]}",
                       &changed));
    assert_false(changed);
    registry_free(r);
}

static void test_quotas_come_and_go_and_need_their_capability(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_of("{\"minimum_capabilities\":[{\"capability\":\"OTHER\"}]}");
    assert_true(change(r, REGISTRY_UPDATE_QUOTA,
                       "{\"quota_configs\":["
                       "{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":1}}},"
                       "{\"role\":\"b\",\"limits\":{\"mem\":{\"value\":64}}}]}",
                       &changed));
    assert_true(changed);
    assert_json(r, "{\"quota_configs\":[{\"role\":\"a\",\"guarantees\":{\"cpus\":{\"value\":1.0}}},"
                   "{\"role\":\"b\",\"limits\":{\"mem\":{\"value\":64.0}}}],"
                   "\"minimum_capabilities\":[{\"capability\":\"OTHER\"},"
                   "{\"capability\":\"QUOTA_V2\"}]}");
    /* Guarantees of nothing are no guarantees; a limit of nothing is a limit. */
    assert_true(change(r, REGISTRY_UPDATE_QUOTA,
                       "{\"quota_configs\":[{\"role\":\"a\","
                       "\"guarantees\":{\"cpus\":{\"value\":0}}},"
                       "{\"role\":\"b\",\"limits\":{\"mem\":{\"value\":0}}}]}",
                       &changed));
    assert_json(r, "{\"quota_configs\":[{\"role\":\"b\",\"limits\":{\"mem\":{\"value\":0.0}}}],"
                   "\"minimum_capabilities\":[{\"capability\":\"OTHER\"},"
                   "{\"capability\":\"QUOTA_V2\"}]}");
    assert_true(
        change(r, REGISTRY_UPDATE_QUOTA, "{\"quota_configs\":[{\"role\":\"b\"}]}", &changed));
    assert_true(changed);
    assert_json(r, "{\"minimum_capabilities\":[{\"capability\":\"OTHER\"}]}");
    registry_free(r);
}

static void test_a_quota_of_the_older_form_leaves_with_its_first_change(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_of(
        "{\"quotas\":[{\"info\":{\"role\":\"old\",\"guarantee\":[{\"name\":\"cpus\","
        "\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}]}},{\"info\":{\"role\":\"older\"}}]}");
    assert_true(
        change(r, REGISTRY_UPDATE_QUOTA, "{\"quota_configs\":[{\"role\":\"old\"}]}", &changed));
    assert_true(changed);
    assert_json(r, "{\"quotas\":[{\"info\":{\"role\":\"older\"}}]}");
    registry_free(r);
}

/* Room for bytes that are not there, so that the registry is full at the given size. */
static void leave_room(struct registry *registry, size_t size)
{
    struct buf filling = BUF_INIT;
    size_t wanted = REGISTRY_SIZE_MAX - registry->size_max - size;
    (void)buf_reserve(&filling, wanted);
    memset(filling.data, 0, wanted);
    filling.size = wanted;
    struct blob *bytes = blob_take(&filling);
    registry_set_part(registry, REGISTRY_UNKNOWN, bytes);
    blob_unref(bytes);
}

static void test_what_there_is_no_room_for_changes_nothing(void **state)
{
    (void)state;
    /* {6: {1: {1: double, 2: "r"}}}: 2 + 2 + 9 + 3 bytes. */
    static const char weights[] = "{\"weight_infos\":[{\"role\":\"r\",\"weight\":2}]}";
    bool changed;
    struct registry *r = registry_of("{}");
    leave_room(r, 15);
    assert_false(change(r, REGISTRY_UPDATE_WEIGHTS, weights, &changed));
    assert_false(changed);
    assert_null(r->parts[REGISTRY_WEIGHTS]);
    assert_int_equal(r->full_count, 1);
    registry_set_part(r, REGISTRY_UNKNOWN, NULL);
    leave_room(r, 16);
    assert_true(change(r, REGISTRY_UPDATE_WEIGHTS, weights, &changed));
    assert_true(changed);
    assert_int_equal(r->size_max, REGISTRY_SIZE_MAX);
    registry_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_added_and_changed),
        cmocka_unit_test(test_what_is_so_already_is_no_change),
        cmocka_unit_test(test_quotas_come_and_go_and_need_their_capability),
        cmocka_unit_test(test_a_quota_of_the_older_form_leaves_with_its_first_change),
        cmocka_unit_test(test_what_there_is_no_room_for_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
