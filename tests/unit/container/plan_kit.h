/*
 * For tests of plans: a host that exists on paper only, and plans as text.
 */
#ifndef TEPUI_TESTS_UNIT_CONTAINER_PLAN_KIT_H
#define TEPUI_TESTS_UNIT_CONTAINER_PLAN_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "container/launch_plan.h"
#include "wire/message.h"

struct paper {
    struct containerizer_options options;
    struct containerizer_facts facts;
    struct isolators isolators;
};

/* v1 in /cg/<controller>, v2 in /cg; the root is "mesos"; 8 GB and 4 CPUs. */
static inline void paper_init(struct paper *paper, enum containerizer_cgroups cgroups,
                              const char *launcher, const char *isolation)
{
    *paper = (struct paper){
        .options = {.launcher = launcher,
                    .isolation = isolation,
                    .work_dir = "/w",
                    .runtime_dir = "/r"},
        .facts = {.cgroups = cgroups,
                  .cgroups_root = "mesos",
                  .node_mem_bytes = INT64_C(8) << 30,
                  .node_cpus_milli = 4000},
    };
    static const struct containerizer_hierarchy v1[] = {
        {"cpu,cpuacct", "/cg/cpu"}, {"memory", "/cg/memory"}, {"freezer", "/cg/freezer"},
        {"pids", "/cg/pids"},       {"cpuset", "/cg/cpuset"}, {"devices", "/cg/devices"},
    };
    struct containerizer_facts *facts = &paper->facts;
    if (cgroups == CGROUPS_V2) {
        facts->hierarchies[facts->hierarchy_count++] = (struct containerizer_hierarchy){"", "/cg"};
    }
    for (size_t i = 0; cgroups == CGROUPS_V1 && i < ELEMENTS(v1); i++) {
        facts->hierarchies[facts->hierarchy_count++] = v1[i];
    }
}

/* After more options or facts were set. */
static inline void paper_start(struct paper *paper)
{
    struct err err = {0};
    if (isolators_parse(&paper->options, &paper->facts, &paper->isolators, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* "true" in /s, 0.5 CPUs and 64 MB. */
static inline struct container_spec *paper_spec(const char *command)
{
    struct container_spec *spec = xalloc(sizeof(*spec));
    Pb__CommandInfo info = PB__COMMAND_INFO__INIT;
    info.value = (char *)(uintptr_t)command;
    spec->command = message_encode_blob(&info.base);
    spec->directory = xstrdup("/s");
    spec->cpus_milli = 500;
    spec->mem_bytes = 64 << 20;
    spec->share_cgroups = true;
    return spec;
}

static inline void paper_set_info(struct container_spec *spec, Pb__ContainerInfo *info)
{
    info->type = PB__CONTAINER_INFO__TYPE__MESOS;
    blob_unref(spec->container_info);
    spec->container_info = message_encode_blob(&info->base);
}

static inline void paper_set_linux(struct container_spec *spec, Pb__LinuxInfo *linux_info)
{
    Pb__ContainerInfo info = PB__CONTAINER_INFO__INIT;
    info.linux_info = linux_info;
    paper_set_info(spec, &info);
}

/* A text of a plan, without the steps that every plan ends with (from "exec" and "env" on). */
static inline char *paper_text(const struct blob *encoded)
{
    struct plan plan;
    struct buf out = BUF_INIT;
    assert_int_equal(plan_decode(blob_slice(encoded), &plan), 0);
    size_t count = plan.count;
    while (count > 0 &&
           (plan.steps[count - 1].type == PLAN_EXEC || plan.steps[count - 1].type == PLAN_ENV ||
            plan.steps[count - 1].type == PLAN_ARG)) {
        count--;
    }
    plan.count = count;
    plan_format(&plan, &out);
    plan_deinit(&plan);
    char *text = xstrdup(buf_text(&out));
    buf_deinit(&out);
    return text;
}

/* Plans a launch, frees the spec, and compares the plan. */
static inline void paper_expect(struct paper *paper, const char *path, struct container_spec *spec,
                                const struct launch_parent *parent, const char *expected)
{
    struct launch_result result;
    struct err err = {0};
    if (launch_plan(&paper->options, &paper->facts, &paper->isolators, path, spec, parent, &result,
                    &err) != 0) {
        fail_msg("%s", err.text);
    }
    char *text = paper_text(result.plan);
    assert_string_equal(text, expected);
    free(text);
    launch_result_deinit(&result);
    container_spec_free(spec);
}

/* Plans a launch that must be refused with a text that holds `why`; frees the spec. */
static inline void paper_refuses(struct paper *paper, const char *path, struct container_spec *spec,
                                 const struct launch_parent *parent, const char *why)
{
    struct launch_result result;
    struct err err = {0};
    assert_true(launch_plan(&paper->options, &paper->facts, &paper->isolators, path, spec, parent,
                            &result, &err) < 0);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' is not in '%s'", why, err.text);
    }
    container_spec_free(spec);
}

#endif
