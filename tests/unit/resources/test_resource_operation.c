#include "fixture.h"

#define NAMED(name, size, rest) \
    "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" size "}" rest "}"
#define RESERVED ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a\",\"principal\":\"p\"}]"
#define DISK_OF(rest) ",\"disk\":{" rest "}"
#define PERSISTENCE "\"persistence\":{\"id\":\"i\",\"principal\":\"p\"}"
#define VOLUME PERSISTENCE ",\"volume\":{\"container_path\":\"c\",\"mode\":\"RW\"}"
#define PATH_SOURCE "\"source\":{\"type\":\"PATH\",\"path\":{\"root\":\"/p\"}}"
#define MOUNT_SOURCE "\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/m\"}}"

/* All that an operation can be tried on. */
struct trial {
    struct arena arena;
    Pb__Offer__Operation *op;
    struct resources r;
    struct err err;
};

static void trial_begin(struct trial *t, const char *op_json, const char *const *resources)
{
    *t = (struct trial){.r = RESOURCES_INIT};
    arena_init(&t->arena, 0);
    t->op = PB(Pb__Offer__Operation, pb__offer__operation, op_json, &t->arena);
    for (size_t i = 0; resources != NULL && resources[i] != NULL; i++) {
        SCOPED_RES one = res_json(resources[i]);
        resources_add(&t->r, &one);
    }
}

static void trial_end(struct trial *t)
{
    resources_deinit(&t->r);
    arena_deinit(&t->arena);
}

/* The operation turns the first list into the second; `why` instead: it is refused. */
static void check_apply(const char *op_json, const char *const *before, const char *const *after,
                        const char *why)
{
    struct trial t;
    SCOPED_RES kept;
    SCOPED_RES expected = RESOURCES_INIT;
    trial_begin(&t, op_json, before);
    resources_copy(&t.r, &kept);
    for (size_t i = 0; after != NULL && after[i] != NULL; i++) {
        SCOPED_RES one = res_json(after[i]);
        resources_add(&expected, &one);
    }
    int r = resource_operation_upgrade(t.op, &t.arena, &t.err);
    if (r == 0) {
        r = resource_operation_apply(t.op, NULL, &t.r, &t.err);
    }
    if (why != NULL) {
        assert_int_equal(r, RESOURCE_OPERATION_E_INVALID);
        if (strstr(t.err.text, why) == NULL) {
            fail_msg("'%s' instead of '%s'", t.err.text, why);
        }
        assert_true(resources_equal(&t.r, &kept));
    } else {
        if (r != 0) {
            fail_msg("%s", t.err.text);
        }
        if (!resources_equal(&t.r, &expected)) {
            fail_msg("got %s", resources_text(&t.r, &t.arena));
        }
    }
    trial_end(&t);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_reserve_and_unreserve(UNUSED void **state)
{
    check_apply(
        "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" NAMED("cpus", "2", RESERVED) "]}}",
        LIST(NAMED("cpus", "5", ""), NAMED("mem", "1", "")),
        LIST(NAMED("cpus", "3", ""), NAMED("cpus", "2", RESERVED), NAMED("mem", "1", "")), NULL);
    /* The older format is upgraded. */
    check_apply("{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" NAMED(
                    "cpus", "2", ",\"role\":\"a\",\"reservation\":{\"principal\":\"p\"}") "]}}",
                LIST(NAMED("cpus", "2", "")), LIST(NAMED("cpus", "2", RESERVED)), NULL);
    check_apply(
        "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" NAMED("cpus", "6", RESERVED) "]}}",
        LIST(NAMED("cpus", "5", "")), NULL, "cpus:5 does not contain cpus:6");
    check_apply("{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" NAMED("cpus", "6", "") "]}}",
                LIST(NAMED("cpus", "5", "")), NULL, "is not reserved");
    check_apply("{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[" NAMED(
                    "cpus", "1", RESERVED) "," NAMED("mem", "1", RESERVED) "]}}",
                LIST(NAMED("cpus", "2", RESERVED), NAMED("mem", "1", RESERVED)),
                LIST(NAMED("cpus", "1", RESERVED), NAMED("cpus", "1", ""), NAMED("mem", "1", "")),
                NULL);
    /* All or nothing. */
    check_apply("{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[" NAMED(
                    "cpus", "1", RESERVED) "," NAMED("mem", "2", RESERVED) "]}}",
                LIST(NAMED("cpus", "2", RESERVED), NAMED("mem", "1", RESERVED)), NULL,
                "does not contain");
}

static void test_reserve_in_place(UNUSED void **state)
{
    const char *other =
        NAMED("cpus", "2", ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"b\"}]");
    struct buf op = BUF_INIT;
    buf_printf(&op, "{\"type\":\"RESERVE\",\"reserve\":{\"source\":[%s],\"resources\":[%s]}}",
               NAMED("cpus", "2", RESERVED), other);
    check_apply(buf_text(&op), LIST(NAMED("cpus", "3", RESERVED)),
                LIST(NAMED("cpus", "1", RESERVED), other), NULL);
    buf_deinit(&op);
}

static void test_volumes(UNUSED void **state)
{
    const char *disk = NAMED("disk", "10", RESERVED);
    const char *volume = NAMED("disk", "4", RESERVED DISK_OF(VOLUME));
    const char *create = "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" NAMED(
        "disk", "4", RESERVED DISK_OF(VOLUME)) "]}}";
    const char *destroy = "{\"type\":\"DESTROY\",\"destroy\":{\"volumes\":[" NAMED(
        "disk", "4", RESERVED DISK_OF(VOLUME)) "]}}";
    check_apply(create, LIST(disk), LIST(NAMED("disk", "6", RESERVED), volume), NULL);
    check_apply(create, LIST(NAMED("disk", "3", RESERVED)), NULL, "does not contain");
    check_apply(create, LIST(NAMED("disk", "9", "")), NULL, "does not contain");
    check_apply(destroy, LIST(NAMED("disk", "6", RESERVED), volume), LIST(disk), NULL);
    check_apply(destroy, LIST(disk), NULL, "does not contain");

    /* From disks with a source only the volume goes. */
    check_apply("{\"type\":\"CREATE\",\"create\":{\"volumes\":[" NAMED(
                    "disk", "4", RESERVED DISK_OF(VOLUME "," PATH_SOURCE)) "]}}",
                LIST(NAMED("disk", "10", RESERVED DISK_OF(PATH_SOURCE))),
                LIST(NAMED("disk", "6", RESERVED DISK_OF(PATH_SOURCE)),
                     NAMED("disk", "4", RESERVED DISK_OF(VOLUME "," PATH_SOURCE))),
                NULL);
    check_apply("{\"type\":\"CREATE\",\"create\":{\"volumes\":[" NAMED(
                    "disk", "4", RESERVED DISK_OF(VOLUME "," MOUNT_SOURCE)) "]}}",
                LIST(NAMED("disk", "10", RESERVED DISK_OF(MOUNT_SOURCE))), NULL,
                "does not contain");
    check_apply("{\"type\":\"CREATE\",\"create\":{\"volumes\":[" NAMED(
                    "disk", "10", RESERVED DISK_OF(VOLUME "," MOUNT_SOURCE)) "]}}",
                LIST(NAMED("disk", "10", RESERVED DISK_OF(MOUNT_SOURCE))),
                LIST(NAMED("disk", "10", RESERVED DISK_OF(VOLUME "," MOUNT_SOURCE))), NULL);
}

/* facts/observed.md, allocator 20. */
static void test_shared_volumes(UNUSED void **state)
{
    const char *shared = NAMED("disk", "4", ",\"shared\":{}" RESERVED DISK_OF(VOLUME));
    const char *create = "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" NAMED(
        "disk", "4", ",\"shared\":{}" RESERVED DISK_OF(VOLUME)) "]}}";
    const char *destroy = "{\"type\":\"DESTROY\",\"destroy\":{\"volumes\":[" NAMED(
        "disk", "4", ",\"shared\":{}" RESERVED DISK_OF(VOLUME)) "]}}";
    check_apply(create, LIST(NAMED("disk", "4", RESERVED)), LIST(shared), NULL);
    check_apply(destroy, LIST(shared), LIST(NAMED("disk", "4", RESERVED)), NULL);
    check_apply(destroy, LIST(shared, shared), NULL, "due to additional shared copies");
}

/* facts/observed.md, allocator 21: the original loses disk here. */
static void test_resize(UNUSED void **state)
{
    check_apply("{\"type\":\"GROW_VOLUME\",\"grow_volume\":{\"volume\":" NAMED(
                    "disk", "4", RESERVED DISK_OF(VOLUME)) ",\"addition\":" NAMED("disk", "2",
                                                                                  RESERVED) "}}",
                LIST(NAMED("disk", "4", RESERVED DISK_OF(VOLUME)), NAMED("disk", "5", RESERVED)),
                LIST(NAMED("disk", "6", RESERVED DISK_OF(VOLUME)), NAMED("disk", "3", RESERVED)),
                NULL);
    check_apply("{\"type\":\"SHRINK_VOLUME\",\"shrink_volume\":{\"volume\":" NAMED(
                    "disk", "24", RESERVED DISK_OF(VOLUME)) ",\"subtract\":{\"value\":4}}}",
                LIST(NAMED("disk", "24", RESERVED DISK_OF(VOLUME)), NAMED("disk", "20", RESERVED)),
                LIST(NAMED("disk", "20", RESERVED DISK_OF(VOLUME)), NAMED("disk", "24", RESERVED)),
                NULL);
    check_apply("{\"type\":\"SHRINK_VOLUME\",\"shrink_volume\":{\"volume\":" NAMED(
                    "disk", "4", RESERVED DISK_OF(VOLUME)) ",\"subtract\":{\"value\":4}}}",
                LIST(NAMED("disk", "4", RESERVED DISK_OF(VOLUME))), NULL,
                "must be between zero and the size");
    check_apply("{\"type\":\"GROW_VOLUME\",\"grow_volume\":{\"volume\":" NAMED(
                    "disk", "4",
                    ",\"provider_id\":{\"value\":\"x\"}" RESERVED DISK_OF(
                        VOLUME)) ",\"addition\":" NAMED("disk", "2", RESERVED) "}}",
                NULL, NULL, "Operation not supported for resource provider");
}

static void test_not_conversions(UNUSED void **state)
{
    check_apply("{\"type\":\"LAUNCH\",\"launch\":{}}", NULL, NULL, "Operation not supported");
    check_apply("{\"type\":\"UNKNOWN\"}", NULL, NULL, "Unknown offer operation");
    check_apply("{}", NULL, NULL, "Unknown offer operation");
}

/* --- upgrade --- */

static void test_members_must_be_there(UNUSED void **state)
{
    static const char *const types[] = {
        "LAUNCH",  "LAUNCH_GROUP", "RESERVE",       "UNRESERVE",   "CREATE",
        "DESTROY", "GROW_VOLUME",  "SHRINK_VOLUME", "CREATE_DISK", "DESTROY_DISK",
    };
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        struct trial t;
        struct buf json = BUF_INIT;
        buf_printf(&json, "{\"type\":\"%s\"}", types[i]);
        trial_begin(&t, buf_text(&json), NULL);
        assert_int_equal(resource_operation_upgrade(t.op, &t.arena, &t.err),
                         RESOURCE_OPERATION_E_INVALID);
        assert_non_null(strstr(t.err.text, types[i]));
        assert_non_null(strstr(t.err.text, "offer operation must have the Offer.Operation."));
        trial_end(&t);
        buf_deinit(&json);
    }
}

#define TASK(resources, of_executor)                                                 \
    "{\"name\":\"t\",\"task_id\":{\"value\":\"t\"},\"slave_id\":{\"value\":\"s\"},"  \
    "\"resources\":[" resources "],\"executor\":{\"executor_id\":{\"value\":\"e\"}," \
    "\"resources\":[" of_executor "]}}"

static const struct {
    const char *before; /* around each resource */
    const char *between;
    const char *after;
} holders[] = {
    {"{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\",\"task_id\":{\"value\":"
     "\"t\"},"
     "\"slave_id\":{\"value\":\"s\"},\"resources\":[",
     "],\"executor\":{\"executor_id\":{\"value\":\"e\"},\"resources\":[", "]}}]}}"},
    {"{\"type\":\"LAUNCH_GROUP\",\"launch_group\":{\"executor\":{\"executor_id\":{\"value\":\"e\"},"
     "\"resources\":[",
     "]},\"task_group\":{\"tasks\":[{\"name\":\"t\",\"task_id\":{\"value\":\"t\"},\"slave_id\":{"
     "\"value\":\"s\"},\"resources\":[",
     "]}]}}}"},
    {"{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[", ",", "]}}"},
    {"{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[", ",", "]}}"},
    {"{\"type\":\"CREATE\",\"create\":{\"volumes\":[", ",", "]}}"},
    {"{\"type\":\"DESTROY\",\"destroy\":{\"volumes\":[", ",", "]}}"},
    {"{\"type\":\"GROW_VOLUME\",\"grow_volume\":{\"volume\":", ",\"addition\":", "}}"},
    {"{\"type\":\"SHRINK_VOLUME\",\"shrink_volume\":{\"volume\":", NULL,
     ",\"subtract\":{\"value\":1}}}"},
    {"{\"type\":\"CREATE_DISK\",\"create_disk\":{\"source\":", NULL,
     ",\"target_type\":\"MOUNT\"}}"},
    {"{\"type\":\"DESTROY_DISK\",\"destroy_disk\":{\"source\":", NULL, "}}"},
};

static void fill(struct buf *json, size_t holder, const char *first, const char *second)
{
    buf_clear(json);
    buf_append_text(json, holders[holder].before);
    buf_append_text(json, first);
    if (holders[holder].between != NULL) {
        buf_append_text(json, holders[holder].between);
        buf_append_text(json, second);
    }
    buf_append_text(json, holders[holder].after);
}

/* Wherever an operation holds resources they are checked, upgraded, given a role and stripped of
 * it. */
static void test_every_place(UNUSED void **state)
{
    const char *good = NAMED("x", "1", ",\"role\":\"a\"");
    const char *bad = NAMED("x", "-1", "");
    const char *new = NAMED("x", "1", ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"a\"}]");
    const char *given = NAMED("x", "1",
                              ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"a\"}],"
                              "\"allocation_info\":{\"role\":\"r\"}");
    struct buf json = BUF_INIT;
    for (size_t i = 0; i < ELEMENTS(holders); i++) {
        struct trial t;
        fill(&json, i, bad, good);
        trial_begin(&t, buf_text(&json), NULL);
        assert_int_equal(resource_operation_upgrade(t.op, &t.arena, &t.err),
                         RESOURCE_OPERATION_E_INVALID);
        trial_end(&t);
        if (holders[i].between != NULL) {
            fill(&json, i, good, bad);
            trial_begin(&t, buf_text(&json), NULL);
            assert_int_equal(resource_operation_upgrade(t.op, &t.arena, &t.err),
                             RESOURCE_OPERATION_E_INVALID);
            trial_end(&t);
        }
        fill(&json, i, good, good);
        trial_begin(&t, buf_text(&json), NULL);
        assert_int_equal(resource_operation_upgrade(t.op, &t.arena, &t.err), 0);
        fill(&json, i, new, new);
        Pb__Offer__Operation *upgraded =
            PB(Pb__Offer__Operation, pb__offer__operation, buf_text(&json), &t.arena);
        assert_true(message_equal(&t.op->base, &upgraded->base));
        resource_operation_inject_allocation(t.op, SLICE("r"), &t.arena);
        resource_operation_inject_allocation(t.op, SLICE("other"), &t.arena);
        fill(&json, i, given, given);
        assert_true(message_equal(
            &t.op->base,
            &PB(Pb__Offer__Operation, pb__offer__operation, buf_text(&json), &t.arena)->base));
        resource_operation_strip_allocation(t.op);
        assert_true(message_equal(&t.op->base, &upgraded->base));
        trial_end(&t);
    }
    buf_deinit(&json);
}

static void test_provider(UNUSED void **state)
{
    struct buf json = BUF_INIT;
    const char *provided = NAMED("x", "1", ",\"provider_id\":{\"value\":\"p\"}");
    for (size_t i = 2; i < ELEMENTS(holders); i++) {
        struct trial t;
        struct slice id = SLICE("unset");
        fill(&json, i, provided, NAMED("x", "1", ""));
        trial_begin(&t, buf_text(&json), NULL);
        assert_int_equal(resource_operation_provider(t.op, &id, &t.err), 0);
        assert_slice(id, "p");
        trial_end(&t);
        fill(&json, i, NAMED("x", "1", ""), provided);
        trial_begin(&t, buf_text(&json), NULL);
        assert_int_equal(resource_operation_provider(t.op, &id, &t.err), 0);
        assert_null(id.data);
        trial_end(&t);
    }
    buf_deinit(&json);
    static const struct {
        const char *json;
        const char *why;
    } refused[] = {
        {"{\"type\":\"LAUNCH\",\"launch\":{}}", "Unexpected LAUNCH operation"},
        {"{\"type\":\"LAUNCH_GROUP\"}", "Unexpected LAUNCH_GROUP operation"},
        {"{\"type\":\"RESERVE\",\"reserve\":{}}", "Operation contains no resources"},
        {"{}", "Unknown offer operation"},
    };
    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        struct trial t;
        struct slice id;
        trial_begin(&t, refused[i].json, NULL);
        assert_int_equal(resource_operation_provider(t.op, &id, &t.err),
                         RESOURCE_OPERATION_E_INVALID);
        assert_string_equal(t.err.text, refused[i].why);
        trial_end(&t);
    }
}

/* --- what the agent has on disk --- */

static void test_restore(UNUSED void **state)
{
    const char *on_disk[] = {
        NAMED("cpus", "1", RESERVED),
        NAMED("disk", "4",
              ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"s\"}]" DISK_OF(VOLUME)),
        NAMED("mem", "2",
              ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"s\"},{\"type\":\"DYNAMIC\","
              "\"role\":"
              "\"s/t\"}]"),
        NAMED("disk", "3", ",\"shared\":{}" RESERVED DISK_OF(VOLUME "," MOUNT_SOURCE)),
    };
    SCOPED_RES checkpointed = RESOURCES_INIT;
    for (size_t i = 0; i < ELEMENTS(on_disk); i++) {
        SCOPED_RES one = res_json(on_disk[i]);
        resources_add(&checkpointed, &one);
    }
    SCOPED_RES flags = res("cpus:2;disk(s):10;mem(s):5;mem:1");
    SCOPED_RES mount = res_json(NAMED("disk", "3", DISK_OF(MOUNT_SOURCE)));
    resources_add(&flags, &mount);
    SCOPED_RES restored = RESOURCES_INIT;
    struct err err = {{0}};
    if (resource_operation_restore(&flags, &checkpointed, &restored, &err) != 0) {
        fail_msg("%s", err.text);
    }
    SCOPED_RES expected = res("cpus:1;disk(s):6;mem(s):3;mem:1");
    resources_add(&expected, &checkpointed);
    assert_true(resources_equal(&restored, &expected));

    SCOPED_RES fewer = res("cpus:0.5");
    SCOPED_RES none = RESOURCES_INIT;
    assert_int_equal(resource_operation_restore(&fewer, &checkpointed, &none, &err),
                     RESOURCE_OPERATION_E_INVALID);
    assert_string_equal(err.text, "Incompatible agent resources: cpus:0.5 does not contain cpus:1");
    assert_int_equal(resource_operation_restore(&flags, &fewer, &none, &err),
                     RESOURCE_OPERATION_E_INVALID);
    assert_string_equal(err.text, "Unexpected checkpointed resources cpus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve_and_unreserve),
        cmocka_unit_test(test_reserve_in_place),
        cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_shared_volumes),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_not_conversions),
        cmocka_unit_test(test_members_must_be_there),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_provider),
        cmocka_unit_test(test_restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
