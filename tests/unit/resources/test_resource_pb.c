#include "fixture.h"

#include "wire/cursor.h"

/* Every trait at least once; in the newer format. */
static const char *const samples[] = {
    "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1.5}}",
    "{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":1,\"end\":5},{"
    "\"begin\":300,\"end\":70000}]},\"allocation_info\":{\"role\":\"a\"}}",
    "{\"name\":\"set\",\"type\":\"SET\",\"set\":{\"item\":[\"b\",\"a\",\"\"]},\"provider_id\":{"
    "\"value\":\"p\"}}",
    "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0.001},\"reservations\":[{"
    "\"type\":\"STATIC\",\"role\":\"eng\"}],\"revocable\":{},\"allocation_info\":{}}",
    "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":12345678901.234},\"reservations\":"
    "[{\"type\":\"DYNAMIC\",\"role\":\"eng\",\"principal\":\"p\",\"labels\":{\"labels\":[{\"key\":"
    "\"k\",\"value\":\"\"},{\"key\":\"a\"}]}}]}",
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":8},\"reservations\":[{\"type\":"
    "\"STATIC\",\"role\":\"eng\"},{\"type\":\"DYNAMIC\",\"role\":\"eng/dev\",\"labels\":{}}],"
    "\"shared\":{},\"disk\":{\"persistence\":{\"id\":\"i\",\"principal\":\"q\"},\"volume\":{"
    "\"container_path\":\"c\",\"mode\":\"RW\",\"source\":{\"type\":\"SANDBOX_PATH\","
    "\"sandbox_path\":{\"type\":\"SELF\",\"path\":\"x\"}}},\"source\":{\"type\":\"MOUNT\","
    "\"mount\":{\"root\":\"/m\"},\"vendor\":\"v\",\"id\":\"id\",\"profile\":\"f\",\"metadata\":{"
    "\"labels\":[{\"key\":\"k\",\"value\":\"v\"}]}}}}",
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":8},\"disk\":{\"source\":{"
    "\"type\":\"PATH\",\"path\":{}}}}",
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":8},\"disk\":{\"source\":{"
    "\"type\":\"RAW\"}}}",
};

static void test_there_and_back(UNUSED void **state)
{
    for (size_t i = 0; i < ELEMENTS(samples); i++) {
        struct arena arena;
        arena_init(&arena, 0);
        Pb__Resource *pb = PB_RESOURCE(samples[i], &arena);
        SCOPED_RES r = RESOURCES_INIT;
        resources_add_pb_one(&r, pb, NULL);
        assert_int_equal(r.count, 1);
        Pb__Resource *back = resource_to_pb(&r.items[0], RESOURCE_FORMAT_POST, &arena);
        assert_true(message_equal(&pb->base, &back->base));

        SCOPED_RES again = RESOURCES_INIT;
        resources_add_pb_one(&again, back, NULL);
        assert_true(resources_equal(&r, &again));
        arena_deinit(&arena);
    }
}

/* What is written by hand is what the codec writes, in each format. */
static void test_bytes_are_those_of_the_codec(UNUSED void **state)
{
    static const enum resource_format formats[] = {RESOURCE_FORMAT_PRE, RESOURCE_FORMAT_POST,
                                                   RESOURCE_FORMAT_ENDPOINT};
    for (size_t i = 0; i < ELEMENTS(samples); i++) {
        SCOPED_RES r = res_json(samples[i]);
        for (size_t f = 0; f < ELEMENTS(formats); f++) {
            if (formats[f] == RESOURCE_FORMAT_PRE && resources_have_refinements(&r)) {
                continue;
            }
            struct arena arena;
            struct buf by_hand = BUF_INIT;
            struct buf by_codec = BUF_INIT;
            arena_init(&arena, 0);
            resource_encode(&r.items[0], formats[f], &by_hand);
            message_encode(&resource_to_pb(&r.items[0], formats[f], &arena)->base, &by_codec);
            assert_true(slice_equal(buf_slice(&by_hand), buf_slice(&by_codec)));
            buf_deinit(&by_hand);
            buf_deinit(&by_codec);
            arena_deinit(&arena);
        }
    }
}

static void test_bytes_in_a_message(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;mem:5;cpus(a):2");
    SCOPED_RES back = RESOURCES_INIT;
    struct buf message = BUF_INIT;
    wire_put_bytes(&message, 1, SLICE("something else"));
    resources_encode(&r, RESOURCE_FORMAT_PRE, 5, &message);
    resources_add_bytes(&back, buf_slice(&message), 5, NULL);
    assert_true(resources_equal(&r, &back));
    resources_clear(&back);
    resources_add_bytes(&back, buf_slice(&message), 6, NULL);
    assert_true(resources_is_empty(&back));
    buf_deinit(&message);
}

static void test_pool(UNUSED void **state)
{
    struct resource_kinds pool;
    struct arena arena;
    resource_kinds_init(&pool);
    arena_init(&arena, 0);
    for (size_t i = 0; i < ELEMENTS(samples); i++) {
        SCOPED_RES a = RESOURCES_INIT;
        SCOPED_RES b = RESOURCES_INIT;
        resources_add_pb_one(&a, PB_RESOURCE(samples[i], &arena), &pool);
        resources_add_pb_one(&b, PB_RESOURCE(samples[i], &arena), &pool);
        assert_ptr_equal(a.items[0].kind, b.items[0].kind);
    }
    assert_int_equal(pool.count, ELEMENTS(samples));
    arena_deinit(&arena);
    resource_kinds_deinit(&pool);
}

static void test_invalid_are_left_out(UNUSED void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Resource *items[] = {
        PB_RESOURCE("{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":-1}}", &arena),
        PB_RESOURCE("{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0}}", &arena),
        PB_RESOURCE("{\"name\":\"\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}", &arena),
        PB_RESOURCE("{\"name\":\"a\",\"type\":\"TEXT\"}", &arena),
        PB_RESOURCE("{\"name\":\"a\",\"type\":\"SCALAR\",\"scalar\":{\"value\":2}}", &arena),
    };
    SCOPED_RES r = RESOURCES_INIT;
    resources_add_pb(&r, items, ELEMENTS(items), NULL);
    assert_res(&r, "a:2");
    /* Yet they can be shown. */
    assert_string_equal(resource_pb_text(items[0]).text, "a:-1");
    assert_string_equal(resource_pb_text(items[3]).text, "a:0");
    arena_deinit(&arena);
}

/* --- formats --- */

static const struct {
    const char *old;
    const char *new;
    const char *endpoint;
} forms[] = {
    {"{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"*\"}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"*\"}"},
    {"{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"foo\"}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"reservations\":[{\"type\":"
     "\"STATIC\",\"role\":\"foo\"}]}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"foo\","
     "\"reservations\":[{\"type\":\"STATIC\",\"role\":\"foo\"}]}"},
    {"{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"foo\","
     "\"reservation\":{\"principal\":\"p\",\"labels\":{\"labels\":[{\"key\":\"k\"}]}}}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"reservations\":[{\"type\":"
     "\"DYNAMIC\",\"role\":\"foo\",\"principal\":\"p\",\"labels\":{\"labels\":[{\"key\":\"k\"}]}}]"
     "}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"role\":\"foo\","
     "\"reservation\":{\"principal\":\"p\",\"labels\":{\"labels\":[{\"key\":\"k\"}]}},"
     "\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"foo\",\"principal\":\"p\",\"labels\":{"
     "\"labels\":[{\"key\":\"k\"}]}}]}"},
    {NULL,
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"reservations\":[{\"type\":"
     "\"STATIC\",\"role\":\"a\"},{\"type\":\"DYNAMIC\",\"role\":\"a/b\"}]}",
     "{\"name\":\"x\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},\"reservations\":[{\"type\":"
     "\"STATIC\",\"role\":\"a\"},{\"type\":\"DYNAMIC\",\"role\":\"a/b\"}]}"},
};

static void assert_same(Pb__Resource *pb, const char *json, struct arena *arena)
{
    assert_true(message_equal(&pb->base, &PB_RESOURCE(json, arena)->base));
}

static void test_upgrade_and_downgrade(UNUSED void **state)
{
    for (size_t i = 0; i < ELEMENTS(forms); i++) {
        struct arena arena;
        arena_init(&arena, 0);
        Pb__Resource *pb = PB_RESOURCE(forms[i].new, &arena);
        resource_pb_upgrade(pb, &arena);
        assert_same(pb, forms[i].new, &arena);
        pb = PB_RESOURCE(forms[i].endpoint, &arena);
        resource_pb_upgrade(pb, &arena);
        assert_same(pb, forms[i].new, &arena);
        resource_pb_to_endpoint(pb, &arena);
        assert_same(pb, forms[i].endpoint, &arena);
        pb = PB_RESOURCE(forms[i].new, &arena);
        if (forms[i].old != NULL) {
            assert_int_equal(resource_pb_downgrade(pb, &arena), 0);
            assert_same(pb, forms[i].old, &arena);
            resource_pb_upgrade(pb, &arena);
        } else {
            assert_int_equal(resource_pb_downgrade(pb, &arena), RESOURCE_PB_E_REFINED);
        }
        assert_same(pb, forms[i].new, &arena);

        /* All forms read the same. */
        SCOPED_RES from_new = res_json(forms[i].new);
        SCOPED_RES from_endpoint = res_json(forms[i].endpoint);
        SCOPED_RES from_old = res_json(forms[i].old != NULL ? forms[i].old : forms[i].new);
        assert_true(resources_equal(&from_new, &from_endpoint));
        assert_true(resources_equal(&from_new, &from_old));
        arena_deinit(&arena);
    }
}

/* Wherever a message holds resources: in offers' operations, in tasks' executors. */
static void test_whole_messages(UNUSED void **state)
{
    struct buf old = BUF_INIT;
    struct buf new = BUF_INIT;
    const char *format =
        "{\"framework_id\":{\"value\":\"f\"},\"type\":\"ACCEPT\",\"accept\":{\"operations\":[{"
        "\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\",\"task_id\":{\"value\":"
        "\"t\"},\"slave_id\":{\"value\":\"s\"},\"resources\":[%s,%s],\"executor\":{"
        "\"executor_id\":{\"value\":\"e\"},\"resources\":[%s]}}]}}]}}";
    buf_printf(&old, format, forms[0].old, forms[1].old, forms[2].old);
    buf_printf(&new, format, forms[0].new, forms[1].new, forms[2].new);
    struct arena arena;
    arena_init(&arena, 0);
    ProtobufCMessage *message =
        pb_from_json(&pb__scheduler__call__descriptor, buf_text(&old), &arena);
    ProtobufCMessage *upgraded =
        pb_from_json(&pb__scheduler__call__descriptor, buf_text(&new), &arena);
    ProtobufCMessage *kept = message_clone(message, &arena);
    resource_pb_upgrade_all(message, &arena);
    assert_true(message_equal(message, upgraded));
    assert_int_equal(resource_pb_downgrade_all(message, &arena), 0);
    assert_true(message_equal(message, kept));
    buf_clear(&new);
    buf_printf(&new, format, forms[0].new, forms[1].new, forms[3].new);
    message = pb_from_json(&pb__scheduler__call__descriptor, buf_text(&new), &arena);
    assert_int_equal(resource_pb_downgrade_all(message, &arena), RESOURCE_PB_E_REFINED);
    arena_deinit(&arena);
    buf_deinit(&old);
    buf_deinit(&new);
}

static void test_to_pb_of_many(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;mem(a):2;ports:[1-2]");
    struct arena arena;
    Pb__Resource **items;
    size_t count;
    arena_init(&arena, 0);
    resources_to_pb(&r, RESOURCE_FORMAT_PRE, &arena, &items, &count);
    assert_int_equal(count, 3);
    assert_string_equal(items[1]->role, "a");
    assert_int_equal(items[1]->n_reservations, 0);
    resource_pb_inject_allocation(items, count, SLICE("x"), &arena);
    resource_pb_inject_allocation(items, count, SLICE("y"), &arena);
    assert_string_equal(items[2]->allocation_info->role, "x");
    resource_pb_strip_allocation(items, count);
    assert_null(items[2]->allocation_info);
    SCOPED_RES back = RESOURCES_INIT;
    resources_add_pb(&back, items, count, NULL);
    assert_true(resources_equal(&r, &back));
    arena_deinit(&arena);
}

static void refined_to_old(void)
{
    SCOPED_RES r = res_json(forms[3].new);
    struct buf out = BUF_INIT;
    resource_encode(&r.items[0], RESOURCE_FORMAT_PRE, &out);
}

static void test_refined_has_no_old_format(UNUSED void **state)
{
    SCOPED_RES r = res_json(forms[3].new);
    assert_true(resources_have_refinements(&r));
    SCOPED_RES plain = res_json(forms[2].new);
    assert_false(resources_have_refinements(&plain));
    unit_assert_aborts(refined_to_old, "RESOURCE_FORMAT_PRE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_bytes_are_those_of_the_codec),
        cmocka_unit_test(test_bytes_in_a_message),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_invalid_are_left_out),
        cmocka_unit_test(test_upgrade_and_downgrade),
        cmocka_unit_test(test_whole_messages),
        cmocka_unit_test(test_to_pb_of_many),
        cmocka_unit_test(test_refined_has_no_old_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
