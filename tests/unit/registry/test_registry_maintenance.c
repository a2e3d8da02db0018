/* Machines and the maintenance schedule in the encoded registry. */
#include "registry_apply.h"
#include "registry_json.h"

#include "registry/registry_codec.h"
#include "registry/registry_maintenance.h"
#include "registry/registry_schedule.h"

static struct registry *registry_of(struct slice bytes)
{
    struct registry *registry = NULL;
    struct err err = {""};
    if (registry_decode(bytes, 1, &registry, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return registry;
}

/* Applies the operation; whether it fitted. What did not fit changed nothing. */
static bool apply(struct registry *registry, enum registry_op_type type,
                  const ProtobufCMessageDescriptor *desc, const char *json)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT;
    struct registry_ops ops;
    bool changed;
    registry_ops_init(&ops);
    struct registry_op *op = registry_ask(&ops, type, 1, NULL, NULL);
    encode_json(desc, json, &request);
    op->request = blob_from(buf_slice(&request));
    bool fitted = apply_op(registry, op, &changed);
    registry_ops_deinit(&ops);
    return fitted;
}

static bool update(struct registry *registry, const char *windows)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    buf_printf(&json, "{\"schedule\":{\"windows\":[%s]}}", windows);
    return apply(registry, REGISTRY_UPDATE_SCHEDULE,
                 &pb__master__call__update_maintenance_schedule__descriptor, buf_text(&json));
}

static bool start(struct registry *registry, const char *machines)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    buf_printf(&json, "{\"machines\":[%s]}", machines);
    return apply(registry, REGISTRY_START_MAINTENANCE,
                 &pb__master__call__start_maintenance__descriptor, buf_text(&json));
}

static bool stop(struct registry *registry, const char *machines)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    buf_printf(&json, "{\"machines\":[%s]}", machines);
    return apply(registry, REGISTRY_STOP_MAINTENANCE,
                 &pb__master__call__stop_maintenance__descriptor, buf_text(&json));
}

/* What is stored, which is never more than the bound says. */
static void assert_json(struct registry *registry, const char *expected)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    size_t size = registry_encoded_size(registry);
    registry_encode(registry, &bytes);
    assert_int_equal(bytes.size, size);
    assert_true(size <= registry->size_max);
    json_print_bytes(&pb__internal__registry__descriptor, buf_slice(&bytes), JSON_V1, &json);
    assert_string_equal(buf_text(&json), expected);
}

#define A "{\"hostname\":\"a\"}"
#define B "{\"hostname\":\"b\",\"ip\":\"10.0.0.2\"}"
#define AT(ns) "{\"start\":{\"nanoseconds\":" ns "}}"
#define WINDOW(machines, ns) "{\"machine_ids\":[" machines "],\"unavailability\":" AT(ns) "}"
#define INFO(id, mode, ns) \
    "{\"info\":{\"id\":" id ",\"mode\":\"" mode "\",\"unavailability\":" AT(ns) "}}"
#define STORED(machines, windows)                  \
    "{\"machines\":{\"machines\":[" machines "]}," \
    "\"schedules\":[{\"windows\":[" windows "]}]}"

static void test_a_schedule_makes_machines_drain(void **state)
{
    (void)state;
    struct registry *r = registry_new(1);
    assert_true(update(r, WINDOW(A "," B, "5")));
    assert_json(
        r, STORED(INFO(A, "DRAINING", "5") "," INFO(B, "DRAINING", "5"), WINDOW(A "," B, "5")));
    /* Those that stay keep their place; the new one is last, whatever the order of windows. */
    assert_true(update(r, WINDOW("{\"hostname\":\"c\"}", "7") "," WINDOW(B, "6")));
    assert_json(r,
                STORED(INFO(B, "DRAINING", "6") "," INFO("{\"hostname\":\"c\"}", "DRAINING", "7"),
                       WINDOW("{\"hostname\":\"c\"}", "7") "," WINDOW(B, "6")));
    /* As the original leaves it. */
    assert_true(update(r, ""));
    assert_json(r, "{\"machines\":{},\"schedules\":[{}]}");
    registry_free(r);
}

static void test_machines_go_down_and_up(void **state)
{
    (void)state;
    struct registry *r = registry_new(1);
    assert_true(update(r, WINDOW(A "," B, "5") "," WINDOW("{\"ip\":\"10.0.0.3\"}", "6")));
    assert_false(stop(r, A)); /* it is not down */
    assert_false(start(r, A ",{\"hostname\":\"d\"}"));
    assert_true(start(r, "{\"hostname\":\"A\"},{\"ip\":\"10.0.0.3\"}"));
    assert_json(r, STORED(INFO(A, "DOWN", "5") "," INFO(B, "DRAINING", "5") "," INFO(
                              "{\"ip\":\"10.0.0.3\"}", "DOWN", "6"),
                          WINDOW(A "," B, "5") "," WINDOW("{\"ip\":\"10.0.0.3\"}", "6")));
    assert_false(start(r, B "," A)); /* one of them is down already */
    assert_false(update(r, WINDOW(B, "5")));
    assert_false(update(r, ""));
    assert_true(stop(r, A ",{\"ip\":\"10.0.0.3\"}"));
    assert_json(r, STORED(INFO(B, "DRAINING", "5"), WINDOW(B, "5")));
    assert_true(start(r, B));
    assert_true(stop(r, B));
    assert_json(r, "{\"machines\":{}}");
    registry_free(r);
}

static void test_the_mode_of_a_machine_outlives_a_new_schedule(void **state)
{
    (void)state;
    struct registry *r = registry_new(1);
    assert_true(update(r, WINDOW(A "," B, "5")));
    assert_true(start(r, A));
    assert_true(update(r, WINDOW("{\"hostname\":\"A\"}", "9")));
    assert_json(r, STORED(INFO(A, "DOWN", "9"), WINDOW("{\"hostname\":\"A\"}", "9")));
    registry_free(r);
}

static void test_names_ignore_case_and_what_is_not_there_is_not_empty(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "{\"hostname\":\"a\"}",
        "{\"hostname\":\"a\",\"ip\":\"\"}",
        "{\"hostname\":\"a\",\"ip\":\"10.0.0.1\"}",
        "{\"hostname\":\"a10.0.0.1\"}",
        "{\"ip\":\"a\"}",
        "{\"hostname\":\"\",\"ip\":\"a\"}",
    };
    struct buf keys[ELEMENTS(ids)] = {BUF_INIT};
    struct buf id = BUF_INIT;
    struct buf other = BUF_INIT;
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        buf_clear(&id);
        encode_json(&pb__machine_id__descriptor, ids[i], &id);
        registry_schedule_key(buf_slice(&id), &keys[i]);
        for (size_t j = 0; j < i; j++) {
            assert_false(slice_equal(buf_slice(&keys[i]), buf_slice(&keys[j])));
        }
    }
    buf_clear(&id);
    encode_json(&pb__machine_id__descriptor, "{\"hostname\":\"A\",\"ip\":\"10.0.0.1\"}", &id);
    registry_schedule_key(buf_slice(&id), &other);
    assert_true(slice_equal(buf_slice(&other), buf_slice(&keys[2])));
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        buf_deinit(&keys[i]);
    }
    buf_deinit(&id);
    buf_deinit(&other);
}

/* Entries hold a field 9 that nobody knows, and the list is in two pieces, as protobuf allows. */
static void test_what_we_do_not_know_stays(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    static const char *const names[] = {"a", "b"};
    for (size_t i = 0; i < 2; i++) {
        size_t list = wire_begin(&bytes, 3);
        size_t machine = wire_begin(&bytes, 1);
        size_t info = wire_begin(&bytes, 1);
        size_t id = wire_begin(&bytes, 1);
        wire_put_bytes(&bytes, 1, slice_from(names[i]));
        wire_end(&bytes, id);
        wire_put_varint(&bytes, 2, PB__MACHINE_INFO__MODE__DRAINING);
        wire_put_varint(&bytes, 9, 100 + i);
        wire_end(&bytes, info);
        wire_end(&bytes, machine);
        wire_end(&bytes, list);
    }
    struct registry *r = registry_of(buf_slice(&bytes));
    assert_true(start(r, A ",{\"hostname\":\"b\"}"));
    struct registry_machine machine;
    struct registry_machine_walk walk = registry_maintenance_begin(r);
    for (size_t i = 0; i < 2; i++) {
        struct cursor_field field;
        assert_true(registry_maintenance_next(&walk, &machine));
        assert_int_equal(machine.mode, PB__MACHINE_INFO__MODE__DOWN);
        assert_true(cursor_find(machine.info, 9, &field));
        assert_int_equal(field.value, 100 + i);
    }
    assert_false(registry_maintenance_next(&walk, &machine));
    assert_null(registry_maintenance_schedule(r).data);
    registry_free(r);
}

/* No master leaves entries of machines that are UP, but they may be read: one that is scheduled
 * drains like any other. */
static void test_a_machine_that_is_listed_as_up_drains_when_it_is_scheduled(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    encode_json(&pb__internal__registry__descriptor,
                "{\"machines\":{\"machines\":[{\"info\":{\"id\":" A ",\"mode\":\"UP\"}},"
                "{\"info\":{\"id\":" B "}}]}}",
                &bytes);
    struct registry *r = registry_of(buf_slice(&bytes));
    assert_false(start(r, A));
    assert_false(stop(r, A));
    assert_true(update(r, WINDOW(A "," B, "5")));
    assert_json(
        r, STORED(INFO(A, "DRAINING", "5") "," INFO(B, "DRAINING", "5"), WINDOW(A "," B, "5")));
    assert_true(start(r, A "," B));
    registry_free(r);
}

/* Neither the schedule nor the machines are kept if only one of them would fit. */
static void test_what_has_no_room_changes_nothing(void **state)
{
    (void)state;
    struct registry *r = registry_new(1);
    assert_true(update(r, WINDOW(A, "5")));
    size_t spare = REGISTRY_SIZE_MAX - r->size_max;
    for (size_t i = 0; i < 2; i++) {
        /* Room for one more schedule, but not for a machine; then for neither. */
        r->size_max += spare - (i == 0 ? 24 : 1);
        assert_false(update(r, WINDOW(A "," B, "5")));
        r->size_max -= spare - (i == 0 ? 24 : 1);
        assert_json(r, STORED(INFO(A, "DRAINING", "5"), WINDOW(A, "5")));
    }
    assert_true(update(r, WINDOW(A "," B, "5")));
    registry_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_schedule_makes_machines_drain),
        cmocka_unit_test(test_machines_go_down_and_up),
        cmocka_unit_test(test_the_mode_of_a_machine_outlives_a_new_schedule),
        cmocka_unit_test(test_names_ignore_case_and_what_is_not_there_is_not_empty),
        cmocka_unit_test(test_what_we_do_not_know_stays),
        cmocka_unit_test(test_a_machine_that_is_listed_as_up_drains_when_it_is_scheduled),
        cmocka_unit_test(test_what_has_no_room_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
