#include "fixture.h"

#define CPUS "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1}"
#define TO_A ",\"allocation_info\":{\"role\":\"a\"}}"
#define TO_B ",\"allocation_info\":{\"role\":\"b\"}}"
#define PORTS(begin, end)                                                              \
    "{\"name\":\"ports\",\"type\":\"RANGES\",\"ranges\":{\"range\":[{\"begin\":" begin \
    ",\"end\":" end "}]}"
#define VOLUME(id, role, shared)                                                                   \
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":5},\"reservations\":[{\"type\":" \
    "\"STATIC\",\"role\":\"" role "\"}]" shared ",\"disk\":{\"persistence\":{\"id\":\"" id         \
    "\"},\"volume\":{\"container_path\":\"c\",\"mode\":\"RW\"}}"

/* A task with these resources, and an executor with those unless NULL. */
static Pb__TaskInfo *task_of(const char *resources, const char *of_executor, struct arena *arena)
{
    struct buf json = BUF_INIT;
    buf_printf(&json,
               "{\"name\":\"t\",\"task_id\":{\"value\":\"t\"},\"slave_id\":{\"value\":\"s\"},"
               "\"resources\":[%s]",
               resources);
    if (of_executor != NULL) {
        buf_printf(&json, ",\"executor\":{\"executor_id\":{\"value\":\"e\"},\"resources\":[%s]}",
                   of_executor);
    }
    buf_append_text(&json, "}");
    Pb__TaskInfo *task = PB(Pb__TaskInfo, pb__task_info, buf_text(&json), arena);
    buf_deinit(&json);
    return task;
}

static const struct {
    const char *task;
    const char *executor;
    const char *why;     /* of the task alone */
    const char *why_all; /* of both */
} cases[] = {
    {CPUS TO_A, NULL, NULL, NULL},
    {"", NULL, "Task uses no resources", NULL},
    {CPUS "}", NULL, "Invalid task resources: The resources are not allocated to a role", NULL},
    {CPUS TO_A "," CPUS TO_B, NULL,
     "multiple allocation roles ('b' and 'a') but only one allocation role is allowed", NULL},
    {CPUS TO_A "," CPUS ",\"revocable\":{}" TO_A, NULL,
     "Task mixes revocable and non-revocable resources: Cannot use both revocable and "
     "non-revocable 'cpus' at the same time",
     "Task and its executor mix revocable and non-revocable resources"},
    {CPUS TO_A, CPUS ",\"revocable\":{}" TO_A, NULL,
     "Task and its executor mix revocable and non-revocable resources"},
    {VOLUME("i", "a", "") TO_A "," VOLUME("i", "a", "") TO_A, NULL,
     "Task uses duplicate persistence ID: Persistence ID 'i' is not unique",
     "Task and its executor use duplicate persistence ID"},
    {VOLUME("i", "a", "") TO_A "," VOLUME("i", "b", "") TO_A, NULL, NULL, NULL},
    {VOLUME("i", "a", "") TO_A, VOLUME("i", "a", "") TO_A, NULL,
     "Task and its executor use duplicate persistence ID: Persistence ID 'i' is not unique"},
    /* A shared volume may be used by both. */
    {VOLUME("i", "a", ",\"shared\":{}") TO_A, VOLUME("i", "a", ",\"shared\":{}") TO_A, NULL, NULL},
    {PORTS("1", "5") TO_A, PORTS("5", "9") TO_A, NULL,
     "There are overlapping resources in the task resources ports(allocated: a):[1-5] and executor "
     "resources ports(allocated: a):[5-9]"},
    {PORTS("1", "5") TO_A, PORTS("6", "9") TO_A, NULL, NULL},
    {CPUS TO_A, CPUS TO_A, NULL, NULL},
    {CPUS ",\"role\":\"//\"}", NULL, "Task uses invalid resources: Invalid resources: Resource '",
     "Task and its executor use invalid resources"},
};

static void assert_result(int r, const struct err *err, const char *why)
{
    if ((r != 0) != (why != NULL) || (r != 0 && strstr(err->text, why) == NULL)) {
        fail_msg("'%s' instead of '%s'", r != 0 ? err->text : "", why != NULL ? why : "");
    }
}

static void test_task_and_executor(UNUSED void **state)
{
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct arena arena;
        struct err err = {{0}};
        arena_init(&arena, 0);
        Pb__TaskInfo *task = task_of(cases[i].task, cases[i].executor, &arena);
        assert_result(resource_validate_task(task->resources, task->n_resources, &err), &err,
                      cases[i].why);
        assert_result(resource_validate_task_and_executor(task, &err), &err, cases[i].why_all);
        arena_deinit(&arena);
    }
}

static void test_executor(UNUSED void **state)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 0);
    assert_int_equal(resource_validate_executor(NULL, 0, &err), 0);
    Pb__TaskInfo *task = task_of(CPUS "}", NULL, &arena);
    assert_int_equal(resource_validate_executor(task->resources, 1, &err), RESOURCE_VALIDATE_E);
    assert_string_equal(err.text, "Invalid executor resources: The resources are not allocated to "
                                  "a role");
    arena_deinit(&arena);
}

static void check_group(const char *first, const char *second, const char *of_executor,
                        const char *why)
{
    struct arena arena;
    struct err err = {{0}};
    arena_init(&arena, 0);
    Pb__TaskInfo *tasks[] = {task_of(first, NULL, &arena), task_of(second, NULL, &arena)};
    Pb__TaskInfo *holder = task_of(CPUS TO_A, of_executor, &arena);
    Pb__TaskGroupInfo group = PB__TASK_GROUP_INFO__INIT;
    group.tasks = tasks;
    group.n_tasks = 2;
    assert_result(resource_validate_task_group(&group, holder->executor, &err), &err, why);
    arena_deinit(&arena);
}

static void test_task_group(UNUSED void **state)
{
    const char *shared = VOLUME("i", "a", ",\"shared\":{}") TO_A;
    check_group(CPUS TO_A, CPUS TO_A, CPUS TO_A, NULL);
    check_group(PORTS("1", "2") TO_A, PORTS("2", "3") TO_A, CPUS TO_A,
                "There are overlapping resources in the task group's task resources");
    check_group(PORTS("1", "2") TO_A, PORTS("3", "3") TO_A, PORTS("1", "1") TO_A,
                "There are overlapping resources");
    check_group(CPUS TO_A, CPUS ",\"revocable\":{}" TO_A, CPUS TO_A,
                "Task group and executor mix revocable and non-revocable");
    check_group(VOLUME("i", "a", "") TO_A, VOLUME("i", "a", "") TO_A, CPUS TO_A,
                "Task group and executor use duplicate persistence ID");
    check_group(shared, shared, CPUS TO_A, NULL);
}

static void test_overlap_of_sets(UNUSED void **state)
{
    SCOPED_RES a = res("d:{x,y};ports:[1-5]");
    SCOPED_RES b = res("d:{z};ports:[7-9];d(r):{x}");
    SCOPED_RES c = res("d:{z,y}");
    const struct resources *two[] = {&a, &b};
    const struct resources *three[] = {&a, &b, &c};
    assert_false(resource_validate_overlap(two, 2));
    assert_true(resource_validate_overlap(three, 3));
}

static void test_additive(UNUSED void **state)
{
    static const struct {
        const char *previous;
        const char *current;
        const char *why;
    } changes[] = {
        {"cpus:4;ports:[1-5];d:{a}", "cpus:4;ports:[1-5];d:{a}", NULL},
        {"cpus:4;ports:[1-5];d:{a}", "cpus:5;ports:[1-9];d:{b,a};mem:1", NULL},
        {"cpus:2;cpus:2", "cpus:4", NULL},
        {"cpus:4", "cpus:3.5", "Value of scalar resource 'cpus' decreased from 4 to 3.5"},
        {"cpus:4", "mem:4", "Resource not found: cpus:4"},
        {"cpus(a):4", "cpus:4", "Resource not found: cpus(reservations: [(STATIC,a)]):4"},
        {"ports:[1-5]", "ports:[2-9]",
         "Previous value of range resource 'ports' ([1-5]) not included in current [2-9]"},
        {"d:{a,b}", "d:{a}",
         "Previous value of set resource 'd' ({a, b}) not included in current {a}"},
    };
    for (size_t i = 0; i < ELEMENTS(changes); i++) {
        SCOPED_RES previous = res(changes[i].previous);
        SCOPED_RES current = res(changes[i].current);
        struct err err = {{0}};
        assert_result(resource_validate_additive(&previous, &current, &err), &err, changes[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_and_executor), cmocka_unit_test(test_executor),
        cmocka_unit_test(test_task_group),        cmocka_unit_test(test_overlap_of_sets),
        cmocka_unit_test(test_additive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
