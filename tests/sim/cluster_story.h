/*
 * The cluster as a world for scenarios, "> world cluster AGENTS" (tests/scenario/cluster-*.txt):
 * frameworks do what the story tells them to, and the trace tells what people see of it.
 *
 * What is left out of the trace: what the programs log (its wording may change), and messages that
 * come all the time. "> world cluster AGENTS wire" leaves all messages in but pings.
 */
#ifndef TEPUI_TESTS_SIM_CLUSTER_STORY_H
#define TEPUI_TESTS_SIM_CLUSTER_STORY_H

#include "sim/cluster.h"
#include "sim/scenario.h"

extern const struct scenario_world cluster_story_world;

/* --- frameworks that do as they are told (cluster_story_framework.c) --- */

#define STORY_OFFERS_MAX 16
#define STORY_WISHES_MAX 16
#define STORY_GROUP_MAX 4

/* Tasks that are to be launched: on the offers that the framework holds, or on later ones. */
struct story_wish {
    int count;
    double cpus; /* of each */
    double mem;
    int duration_ms[STORY_GROUP_MAX]; /* -1 = until it is killed; of a group: of each task */
    int exit_code[STORY_GROUP_MAX];
    bool group;     /* all `count` tasks as one pod */
    bool stubborn;  /* they ignore SIGTERM */
    char agent[16]; /* "" = any */
};

extern const struct sim_program story_framework_program;

/* All return false if the framework is not subscribed. Offers are held until they are used,
 * declined, or taken back. */
bool story_framework_launch(struct cluster_framework *framework, const struct story_wish *wish);
bool story_framework_decline(struct cluster_framework *framework, double refuse_s);
/* REVIVE, SUPPRESS, TEARDOWN. */
bool story_framework_call(struct cluster_framework *framework, Pb__Scheduler__Call__Type type);
bool story_framework_kill(struct cluster_framework *framework, const struct cluster_task *task,
                          int64_t grace_ns);
bool story_framework_reconcile(struct cluster_framework *framework);
/* Whether it acknowledges what it hears; it does at first. */
bool story_framework_acknowledges(struct cluster_framework *framework, bool acknowledges);

/* What the master knows: a line for each agent and framework (cluster_master.c). */
void cluster_master_look(const void *core, struct buf *out);

#endif
