#include "fixture.h"

#define NAMED(name, size, rest) \
    "{\"name\":\"" name "\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" size "}" rest "}"
#define STACK_A "{\"type\":\"DYNAMIC\",\"role\":\"a\",\"principal\":\"p\"}"
#define RESERVED ",\"reservations\":[" STACK_A "]"
#define TO(role) ",\"allocation_info\":{\"role\":\"" role "\"}"
#define VOLUME_OF(principal, mode, rest)                 \
    ",\"disk\":{\"persistence\":{\"id\":\"i\"" principal \
    "},\"volume\":{\"container_path\":\"c\",\"mode\":\"" mode "\"}" rest "}"
#define VOLUME VOLUME_OF(",\"principal\":\"p\"", "RW", "")
#define PROVIDED ",\"provider_id\":{\"value\":\"x\"}"
#define SOURCE(type, rest) ",\"disk\":{\"source\":{\"type\":\"" type "\"" rest "}}"

#define RESERVE(list) "{\"type\":\"RESERVE\",\"reserve\":{\"resources\":[" list "]}}"
#define RESERVE_FROM(source, list) \
    "{\"type\":\"RESERVE\",\"reserve\":{\"source\":[" source "],\"resources\":[" list "]}}"
#define UNRESERVE(list) "{\"type\":\"UNRESERVE\",\"unreserve\":{\"resources\":[" list "]}}"
#define CREATE(list) "{\"type\":\"CREATE\",\"create\":{\"volumes\":[" list "]}}"
#define DESTROY(list) "{\"type\":\"DESTROY\",\"destroy\":{\"volumes\":[" list "]}}"
#define GROW(volume, addition) \
    "{\"type\":\"GROW_VOLUME\",\"grow_volume\":{\"volume\":" volume ",\"addition\":" addition "}}"
#define SHRINK(volume, less)                                            \
    "{\"type\":\"SHRINK_VOLUME\",\"shrink_volume\":{\"volume\":" volume \
    ",\"subtract\":{\"value\":" less "}}}"
#define CREATE_DISK(source, rest) \
    "{\"type\":\"CREATE_DISK\",\"create_disk\":{\"source\":" source "," rest "}}"
#define DESTROY_DISK(source) "{\"type\":\"DESTROY_DISK\",\"destroy_disk\":{\"source\":" source "}}"

/* Who asks in a case. */
enum asker {
    FRAMEWORK,  /* with roles a and a/b, principal p, all capabilities, on a capable agent */
    OPERATOR,   /* principal p */
    NOBODY,     /* an operator without authentication */
    OLD_AGENT,  /* the framework on an agent without capabilities */
    NO_SHARING, /* the framework without SHARED_RESOURCES */
};

static const struct {
    enum asker asker;
    const char *json;
    const char *why; /* NULL: it is fine */
} cases[] = {
    /* RESERVE */
    {FRAMEWORK, RESERVE(NAMED("cpus", "1", RESERVED TO("a"))), NULL},
    {OPERATOR, RESERVE(NAMED("cpus", "1", RESERVED)), NULL},
    {NOBODY, RESERVE(NAMED("cpus", "1", RESERVED)), NULL},
    {OPERATOR, RESERVE(NAMED("cpus", "1", RESERVED TO("a"))), "with an allocated resource"},
    {FRAMEWORK, RESERVE(NAMED("cpus", "1", RESERVED)), "on unallocated resource"},
    {FRAMEWORK, RESERVE(NAMED("cpus", "1", RESERVED TO("a/b"))),
     "resource with role 'a', but the resource was allocated to role 'a/b'"},
    {FRAMEWORK,
     RESERVE(NAMED("cpus", "1",
                   ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"z\","
                   "\"principal\":\"p\"}]" TO("z"))),
     "allocated to role 'z', but the framework does not have that role"},
    {FRAMEWORK,
     RESERVE(NAMED("cpus", "1", RESERVED TO("a")) "," NAMED(
         "mem", "1",
         ",\"reservations\":[" STACK_A ",{\"type\":\"DYNAMIC\",\"role\":\"a/b\",\"principal\":"
         "\"p\"}]" TO("a/b"))),
     "Invalid reservation resources: The resources have multiple allocation roles"},
    {OPERATOR, RESERVE(NAMED("cpus", "1", "")), "is not dynamically reserved"},
    {OPERATOR,
     RESERVE(NAMED("cpus", "1", ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"a\"}]")),
     "Resource cpus(reservations: [(STATIC,a)]):1 is not dynamically reserved"},
    {OPERATOR,
     RESERVE(NAMED("cpus", "1", ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a\"}]")),
     "by principal 'p', but there is a reserved resource in the request with no principal set"},
    {OPERATOR,
     RESERVE(
         NAMED("cpus", "1",
               ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a\",\"principal\":\"q\"}]")),
     "by authenticated principal 'p', which does not match a reserved resource in the request with "
     "principal 'q'"},
    {NOBODY,
     RESERVE(NAMED("cpus", "1", ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a\"}]")),
     NULL},
    {OPERATOR, RESERVE(NAMED("cpus", "1", RESERVED) "," NAMED("cpus", "1", RESERVED PROVIDED)),
     "Some resources have a resource provider and some do not"},
    {OPERATOR, RESERVE(""), "Invalid resources"},
    {OPERATOR, RESERVE(NAMED("cpus", "1", ",\"revocable\":{}" RESERVED)),
     "cannot be created from revocable resources"},
    {OLD_AGENT,
     RESERVE(
         NAMED("cpus", "1",
               ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a/b\",\"principal\":\"p\"}]" TO(
                   "a/b"))),
     "cannot be reserved on an agent without HIERARCHICAL_ROLE capability"},
    /* RESERVE with a source */
    {OPERATOR,
     RESERVE_FROM(NAMED("cpus", "1", RESERVED),
                  NAMED("cpus", "1",
                        ",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"z\",\"principal\":"
                        "\"p\"}]")),
     NULL},
    {OPERATOR, RESERVE_FROM(NAMED("cpus", "2", RESERVED), NAMED("cpus", "1", RESERVED)),
     "identical resource quantities: cpus:2 vs. cpus:1"},
    {OPERATOR,
     RESERVE_FROM(NAMED("cpus", "1", RESERVED) "," NAMED("mem", "1", ""),
                  NAMED("cpus", "1", RESERVED) "," NAMED("mem", "1", RESERVED)),
     "Invalid source: Mixed reservations are not supported"},
    {OPERATOR, RESERVE_FROM(NAMED("cpus", "0", RESERVED), NAMED("cpus", "1", RESERVED)),
     "Invalid source: Resource cannot be empty"},
    /* UNRESERVE */
    {FRAMEWORK, UNRESERVE(NAMED("cpus", "1", RESERVED TO("a"))), NULL},
    {OPERATOR, UNRESERVE(NAMED("cpus", "1", "")), "is not dynamically reserved"},
    {OPERATOR, UNRESERVE(NAMED("disk", "1", RESERVED VOLUME)), "cannot be unreserved directly"},
    {OPERATOR, UNRESERVE(""), "Invalid resources"},
    /* CREATE */
    {FRAMEWORK, CREATE(NAMED("disk", "1", RESERVED TO("a") VOLUME)), NULL},
    {OPERATOR, CREATE(NAMED("disk", "1", RESERVED VOLUME)), NULL},
    {FRAMEWORK, CREATE(NAMED("disk", "1", RESERVED VOLUME)),
     "Invalid volume resources: The resources are not allocated to a role"},
    {OPERATOR, CREATE(NAMED("disk", "1", RESERVED)),
     "Not a persistent volume: Resource disk(reservations: [(DYNAMIC,a,p)]):1 does not have "
     "DiskInfo"},
    {OPERATOR, CREATE(NAMED("disk", "1", RESERVED VOLUME_OF("", "RW", ""))),
     "no principal set in 'disk.persistence'"},
    {OPERATOR, CREATE(NAMED("disk", "1", RESERVED VOLUME_OF(",\"principal\":\"q\"", "RW", ""))),
     "does not match a volume in the operation with principal 'q'"},
    {NOBODY, CREATE(NAMED("disk", "1", RESERVED VOLUME_OF("", "RW", ""))), NULL},
    {OPERATOR, CREATE(NAMED("disk", "1", RESERVED VOLUME_OF(",\"principal\":\"p\"", "RO", ""))),
     "Read-only persistent volume not supported"},
    {OPERATOR, CREATE(NAMED("disk", "1", RESERVED VOLUME) "," NAMED("disk", "2", RESERVED VOLUME)),
     "Persistence ID 'i' is not unique"},
    {FRAMEWORK, CREATE(NAMED("disk", "1", ",\"shared\":{}" RESERVED TO("a") VOLUME)), NULL},
    {NO_SHARING, CREATE(NAMED("disk", "1", ",\"shared\":{}" RESERVED TO("a") VOLUME)),
     "has been attempted by framework 'fw' with no SHARED_RESOURCES capability"},
    {OPERATOR, CREATE(NAMED("disk", "1", ",\"shared\":{}" RESERVED VOLUME)), NULL},
    {OLD_AGENT,
     CREATE(NAMED("disk", "1",
                  ",\"reservations\":[" STACK_A ",{\"type\":\"DYNAMIC\",\"role\":\"a/b\"}]" TO("a")
                      VOLUME)),
     "cannot be created on an agent without HIERARCHICAL_ROLE capability"},
    /* GROW_VOLUME */
    {OPERATOR, GROW(NAMED("disk", "2", RESERVED VOLUME), NAMED("disk", "1", RESERVED)), NULL},
    {OPERATOR, GROW(NAMED("disk", "2", RESERVED VOLUME), NAMED("disk", "0", RESERVED)),
     "must be greater than zero"},
    {OPERATOR, GROW(NAMED("disk", "2", RESERVED VOLUME), NAMED("disk", "1", "")),
     "Incompatible resources"},
    {OPERATOR, GROW(NAMED("disk", "2", RESERVED VOLUME), NAMED("disk", "-1", RESERVED)),
     "Invalid resource in the 'GrowVolume.addition' field: "},
    {OPERATOR, GROW(NAMED("disk", "2", RESERVED), NAMED("disk", "1", RESERVED)),
     "Invalid persistent volume in the 'GrowVolume.volume' field: "},
    {OPERATOR,
     GROW(NAMED("disk", "2", PROVIDED RESERVED VOLUME), NAMED("disk", "1", PROVIDED RESERVED)),
     "Growing a volume from a resource provider is not supported"},
    {OPERATOR,
     GROW(NAMED("disk", "2", ",\"shared\":{}" RESERVED VOLUME), NAMED("disk", "1", RESERVED)),
     "Growing a shared persistent volume is not supported"},
    {OPERATOR,
     GROW(NAMED("disk", "2", RESERVED VOLUME_OF("", "RW", ",\"source\":{\"type\":\"MOUNT\"}")),
          NAMED("disk", "1", RESERVED SOURCE("MOUNT", ""))),
     "Incompatible resources"},
    {OLD_AGENT, GROW(NAMED("disk", "2", RESERVED VOLUME), NAMED("disk", "1", RESERVED)),
     "cannot be grown on an agent without RESIZE_VOLUME capability"},
    /* SHRINK_VOLUME */
    {OPERATOR, SHRINK(NAMED("disk", "2", RESERVED VOLUME), "1"), NULL},
    {OPERATOR, SHRINK(NAMED("disk", "2", RESERVED VOLUME), "0.0001"), "must be greater than zero"},
    {OPERATOR, SHRINK(NAMED("disk", "2", RESERVED VOLUME), "2"), "must be smaller than the size"},
    {OPERATOR, SHRINK(NAMED("disk", "2", PROVIDED RESERVED VOLUME), "1"),
     "Shrinking a volume from a resource provider is not supported"},
    {OPERATOR,
     SHRINK(NAMED("disk", "2", RESERVED VOLUME_OF("", "RW", ",\"source\":{\"type\":\"MOUNT\"}")),
            "1"),
     "Shrinking a volume on a MOUNT disk is not supported"},
    {OPERATOR, SHRINK(NAMED("disk", "2", RESERVED), "1"), "Invalid persistent volume"},
    {OPERATOR, SHRINK(NAMED("disk", "2", ",\"shared\":{}" RESERVED VOLUME), "1"),
     "Shrinking a shared persistent volume is not supported"},
    {OLD_AGENT, SHRINK(NAMED("disk", "2", RESERVED VOLUME), "1"),
     "cannot be shrunk on an agent without RESIZE_VOLUME capability"},
    /* CREATE_DISK */
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", PROVIDED SOURCE("RAW", ",\"profile\":\"f\"")),
                 "\"target_type\":\"MOUNT\""),
     NULL},
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", PROVIDED SOURCE("RAW", ",\"id\":\"i\"")),
                 "\"target_type\":\"BLOCK\",\"target_profile\":\"f\""),
     NULL},
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", SOURCE("RAW", ",\"profile\":\"f\"")),
                 "\"target_type\":\"MOUNT\""),
     "'source' is not managed by a resource provider"},
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", PROVIDED SOURCE("PATH", "")), "\"target_type\":\"MOUNT\""),
     "'source' is not a RAW disk resource"},
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", PROVIDED SOURCE("RAW", ",\"profile\":\"f\"")),
                 "\"target_type\":\"PATH\""),
     "'target_type' is neither MOUNT or BLOCK"},
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", PROVIDED SOURCE("RAW", ",\"profile\":\"f\"")),
                 "\"target_type\":\"MOUNT\",\"target_profile\":\"g\""),
     "'target_profile' must not be set when 'source' has a profile"},
    {OPERATOR,
     CREATE_DISK(NAMED("disk", "2", PROVIDED SOURCE("RAW", "")), "\"target_type\":\"MOUNT\""),
     "'target_profile' must be set when 'source' has no profile"},
    /* DESTROY_DISK */
    {OPERATOR, DESTROY_DISK(NAMED("disk", "2", PROVIDED SOURCE("MOUNT", ",\"id\":\"i\""))), NULL},
    {OPERATOR, DESTROY_DISK(NAMED("disk", "2", PROVIDED SOURCE("MOUNT", ""))),
     "'source' is not backed by a CSI volume"},
    {OPERATOR, DESTROY_DISK(NAMED("disk", "2", PROVIDED SOURCE("PATH", ",\"id\":\"i\""))),
     "'source' is neither a MOUNT, BLOCK or RAW disk resource"},
    {OPERATOR, DESTROY_DISK(NAMED("disk", "2", SOURCE("MOUNT", ",\"id\":\"i\""))),
     "'source' is not managed by a resource provider"},
    {OPERATOR,
     DESTROY_DISK(NAMED(
         "disk", "2",
         PROVIDED RESERVED VOLUME_OF("", "RW", ",\"source\":{\"type\":\"MOUNT\",\"id\":\"i\"}"))),
     "cannot be destroyed directly"},
};

static const struct slice roles[] = {{"a", 1}, {"a/b", 3}};

static struct resource_operation_context context_of(enum asker asker)
{
    struct resource_operation_context context = {
        .is_framework = asker != OPERATOR && asker != NOBODY,
        .framework_id = SLICE("fw"),
        .roles = roles,
        .role_count = ELEMENTS(roles),
        .can_share = asker != NO_SHARING,
        .agent_hierarchical_role = asker != OLD_AGENT,
        .agent_reservation_refinement = asker != OLD_AGENT,
        .agent_resize_volume = asker != OLD_AGENT,
    };
    if (asker != NOBODY) {
        context.principal = SLICE("p");
    }
    return context;
}

static void check(const char *json, const struct resource_operation_context *context,
                  const char *why)
{
    struct arena arena;
    struct err err = {{0}};
    arena_init(&arena, 0);
    Pb__Offer__Operation *op = PB(Pb__Offer__Operation, pb__offer__operation, json, &arena);
    int r = resource_operation_validate(op, context, &err);
    if ((r != 0) != (why != NULL) || (r != 0 && strstr(err.text, why) == NULL)) {
        fail_msg("%s: '%s' instead of '%s'", json, err.text, why != NULL ? why : "");
    }
    arena_deinit(&arena);
}

static void test_cases(UNUSED void **state)
{
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct resource_operation_context context = context_of(cases[i].asker);
        check(cases[i].json, &context, cases[i].why);
    }
}

static void test_refinement_on_an_old_agent(UNUSED void **state)
{
    struct resource_operation_context context = context_of(OPERATOR);
    const char *reserve =
        RESERVE(NAMED("cpus", "1",
                      ",\"reservations\":[" STACK_A
                      ",{\"type\":\"DYNAMIC\",\"role\":\"a/b\",\"principal\":\"p\"}]"));
    check(reserve, &context, NULL);
    context.agent_reservation_refinement = false;
    check(reserve, &context, "without RESERVATION_REFINEMENT capability");
}

static void test_create_beside_others(UNUSED void **state)
{
    struct resource_operation_context context = context_of(OPERATOR);
    const char *create = CREATE(NAMED("disk", "1", RESERVED VOLUME));
    SCOPED_RES there = res_json(NAMED("disk", "7", RESERVED VOLUME));
    SCOPED_RES other_role = res_json(
        NAMED("disk", "7", ",\"reservations\":[{\"type\":\"STATIC\",\"role\":\"z\"}]" VOLUME));
    context.checkpointed = &other_role;
    check(create, &context, NULL);
    context.checkpointed = &there;
    check(create, &context, "Persistence ID 'i' is not unique");
}

static void test_destroy(UNUSED void **state)
{
    struct resource_operation_context context = context_of(FRAMEWORK);
    const char *destroy = DESTROY(NAMED("disk", "1", ",\"shared\":{}" RESERVED TO("a") VOLUME));
    SCOPED_RES volume = res_json(NAMED("disk", "1", ",\"shared\":{}" RESERVED VOLUME));
    SCOPED_RES used = res_json(NAMED("disk", "1", ",\"shared\":{}" RESERVED TO("a/b") VOLUME));
    SCOPED_RES unrelated = res("cpus:1");
    const struct resources *users[] = {&unrelated, &used};
    check(destroy, &context, "Persistent volumes not found");
    context.checkpointed = &volume;
    check(destroy, &context, NULL);
    context.used = users;
    context.used_count = 1;
    check(destroy, &context, NULL);
    context.used_count = 2;
    check(destroy, &context, "Persistent volumes in use");
    /* A provider's volumes are not on the agent's disk. */
    context.checkpointed = NULL;
    check(DESTROY(NAMED("disk", "1", PROVIDED RESERVED TO("a") VOLUME)), &context, NULL);
    check(DESTROY(NAMED("disk", "1", RESERVED)), &context, "Not a persistent volume");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_refinement_on_an_old_agent),
        cmocka_unit_test(test_create_beside_others),
        cmocka_unit_test(test_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
