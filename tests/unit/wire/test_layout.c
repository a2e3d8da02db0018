#include "../unit.h"

#include <pthread.h>

#include "sample.pb-c.h"
#include "wire/layout.h"
#include "wire/pb.h"

#define THREADS 8

static const ProtobufCMessageDescriptor *const descs[] = {
    &pb__task__descriptor,           &pb__task_info__descriptor,        &pb__offer__descriptor,
    &pb__master__call__descriptor,   &pb__agent__call__descriptor,      &pb__resource__descriptor,
    &pb__framework_info__descriptor, &pb__scheduler__event__descriptor,
};

struct found {
    const struct layout *layouts[ELEMENTS(descs)];
};

static void *find_all(void *arg)
{
    struct found *found = arg;
    for (size_t i = 0; i < ELEMENTS(descs); i++) {
        found->layouts[i] = layout_of(descs[i]);
        for (unsigned f = 0; f < found->layouts[i]->count; f++) {
            if (found->layouts[i]->fields[f].type == PROTOBUF_C_TYPE_MESSAGE) {
                (void)layout_sub(&found->layouts[i]->fields[f]);
            }
        }
    }
    return NULL;
}

/* Comes first: nothing has been made yet. All threads get the same. */
static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct found found[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, find_all, &found[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_memory_equal(&found[i], &found[0], sizeof(found[0]));
    }
    for (size_t i = 0; i < ELEMENTS(descs); i++) {
        assert_ptr_equal(found[0].layouts[i]->desc, descs[i]);
        assert_ptr_equal(layout_of(descs[i]), found[0].layouts[i]);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    const struct layout *all = layout_of(&sample__all__descriptor);
    for (unsigned i = 0; i < all->count; i++) {
        assert_ptr_equal(layout_find(all, all->fields[i].desc->id), &all->fields[i]);
        assert_int_equal(all->fields[i].index, i);
    }
    static const uint32_t others[] = {0, 18, 20, 65, 1023, 1024, 4999, 5002, UINT32_MAX};
    for (size_t i = 0; i < ELEMENTS(others); i++) {
        assert_null(layout_find(all, others[i]));
    }
    assert_null(layout_find(layout_of(&pb__task_id__descriptor), 2));
    assert_null(layout_find(layout_of(&pb__internal__log__recover_request__descriptor), 1));
}

static void test_names(void **state)
{
    (void)state;
    const struct layout *task = layout_of(&pb__task__descriptor);
    for (unsigned i = 0; i < task->count; i++) {
        const struct layout_field *field = &task->fields[i];
        assert_ptr_equal(layout_find_name(task, JSON_V1, slice_from(field->desc->name)), field);
        assert_slice(layout_name(field, JSON_V1), field->desc->name);
    }
    const struct layout_field *agent_id = layout_find_name(task, JSON_V1, SLICE("agent_id"));
    assert_non_null(agent_id);
    assert_null(layout_find_name(task, JSON_V1, SLICE("slave_id")));
    assert_null(layout_find_name(task, JSON_V0, SLICE("agent_id")));
    assert_ptr_equal(layout_find_name(task, JSON_V0, SLICE("slave_id")), agent_id);
    assert_null(layout_find_name(task, JSON_V1, SLICE("")));
    assert_null(layout_find_name(task, JSON_V1, SLICE("agent_ix")));
    assert_null(layout_find_name(layout_of(&pb__internal__log__recover_request__descriptor),
                                 JSON_V1, SLICE("x")));
    assert_true(slice_is(agent_id->key[JSON_V1], ",\"agent_id\":"));
    assert_true(slice_is(agent_id->key[JSON_V0], ",\"slave_id\":"));
}

static const struct layout_enum *enum_of(const ProtobufCMessageDescriptor *desc, const char *field)
{
    return layout_find_name(layout_of(desc), JSON_V1, slice_from(field))->values;
}

static void test_enums(void **state)
{
    (void)state;
    const struct layout_enum *reason = enum_of(&pb__task_status__descriptor, "reason");
    for (unsigned i = 0; i < reason->desc->n_values; i++) {
        assert_int_equal(layout_enum_index(reason, reason->desc->values[i].value), i);
        assert_int_equal(
            layout_enum_find_name(reason, JSON_V1, slice_from(reason->desc->values[i].name)), i);
    }
    assert_int_equal(layout_enum_index(reason, -1), -1);
    assert_int_equal(layout_enum_index(reason, 1000000), -1);
    assert_int_equal(layout_enum_index(reason, INT32_MIN), -1);
    int removed = layout_enum_find_name(reason, JSON_V1, SLICE("REASON_AGENT_REMOVED"));
    assert_true(removed >= 0);
    assert_int_equal(layout_enum_find_name(reason, JSON_V0, SLICE("REASON_SLAVE_REMOVED")),
                     removed);
    assert_int_equal(layout_enum_find_name(reason, JSON_V0, SLICE("REASON_AGENT_REMOVED")), -1);
    assert_int_equal(layout_enum_find_name(reason, JSON_V1, SLICE("REASON_SLAVE_REMOVED")), -1);
    assert_int_equal(layout_enum_find_name(reason, JSON_V1, SLICE("")), -1);
    assert_slice(reason->texts[JSON_V0][removed], "\"REASON_SLAVE_REMOVED\"");
    assert_slice(reason->texts[JSON_V1][removed], "\"REASON_AGENT_REMOVED\"");

    const struct layout_enum *color = enum_of(&sample__all__descriptor, "o_enum");
    assert_int_equal(layout_enum_index(color, -3), 0);
    assert_int_equal(layout_enum_index(color, -2), -1);
    assert_int_equal(layout_enum_index(color, 8), -1);
    assert_int_equal(layout_enum_index(color, -4), -1);
}

static bool is_map(const ProtobufCMessageDescriptor *desc, const char *field)
{
    return layout_find_name(layout_of(desc), JSON_V1, slice_from(field))->map;
}

static void test_maps(void **state)
{
    (void)state;
    assert_true(is_map(&sample__all__descriptor, "m_numbers"));
    assert_true(is_map(&pb__task_info__descriptor, "limits"));
    assert_true(is_map(&pb__framework_info__descriptor, "offer_filters"));
    assert_true(is_map(&pb__oci__configuration__config__descriptor, "ExposedPorts"));
    assert_false(is_map(&pb__labels__descriptor, "labels"));
    assert_false(is_map(&sample__all__descriptor, "r_message"));
}

static const char *unset_of(const ProtobufCMessageDescriptor *desc, const char *field,
                            enum json_names names)
{
    static char text[128];
    struct slice s = layout_find_name(layout_of(desc), JSON_V1, slice_from(field))->unset[names];
    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(s));
    return text;
}

/* What the reference shows for fields that are not set, and what it does not. */
static void test_unset(void **state)
{
    (void)state;
    assert_string_equal(unset_of(&pb__agent_info__descriptor, "port", JSON_V1), ",\"port\":5051");
    assert_string_equal(unset_of(&pb__agent_info__descriptor, "domain", JSON_V1), "");
    assert_string_equal(unset_of(&pb__framework_info__descriptor, "failover_timeout", JSON_V1),
                        ",\"failover_timeout\":0.0");
    assert_string_equal(unset_of(&pb__framework_info__descriptor, "role", JSON_V1), "");
    assert_string_equal(unset_of(&pb__resource__descriptor, "role", JSON_V0), "");
    assert_string_equal(unset_of(&pb__master_info__descriptor, "port", JSON_V1), ""); /* required */
    assert_string_equal(
        unset_of(&pb__master__response__get_tasks__descriptor, "unreachable_tasks", JSON_V1),
        ",\"unreachable_tasks\":[]");
    assert_string_equal(
        unset_of(&pb__master__response__get_tasks__descriptor, "orphan_tasks", JSON_V1), "");
    assert_string_equal(unset_of(&pb__master__response__get_tasks__descriptor, "tasks", JSON_V0),
                        "");
    assert_string_equal(unset_of(&sample__defaults__descriptor, "o_string", JSON_V1),
                        ",\"o_string\":\"a \\\"b\\\"\"");
    assert_string_equal(unset_of(&sample__defaults__descriptor, "o_bytes", JSON_V1),
                        ",\"o_bytes\":\"AQID\"");
    assert_string_equal(unset_of(&sample__defaults__descriptor, "o_enum", JSON_V1),
                        ",\"o_enum\":\"BLUE\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_enums),
        cmocka_unit_test(test_maps),    cmocka_unit_test(test_unset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
