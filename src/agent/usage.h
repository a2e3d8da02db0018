/*
 * Questions about containers: how much they use, and where they run. Each answer is put together
 * from those of the containerizer, one pair for each container.
 */
#ifndef TEPUI_AGENT_USAGE_H
#define TEPUI_AGENT_USAGE_H

#include "common/blob.h"
#include "common/list.h"
#include "common/timers.h"

struct agent;
struct container_report;
struct endpoint_call;
struct operator_call;

/* Questions under way at a time: others are refused with 503. */
#define USAGE_QUESTIONS_MAX 100
/* What has not come by then is left out. */
#define USAGE_TIMEOUT_NS (15 * NS_PER_SEC)

enum usage_form { USAGE_STATISTICS, USAGE_CONTAINERS, USAGE_V1_JSON, USAGE_V1_PROTOBUF };

struct usage_entry {
    char *path;              /* heap; of the container */
    char *framework_id;      /* heap; NULL for those without an executor */
    char *executor_id;       /* heap; the same */
    char *executor_name;     /* heap; the same */
    char *source;            /* heap; the same */
    struct blob *status;     /* ContainerStatus; NULL = not come */
    struct blob *statistics; /* ResourceStatistics; NULL = not come */
};

struct usage {
    struct list link; /* in the agent */
    struct agent *agent;
    uint64_t handle;
    enum usage_form form;
    char *jsonp; /* heap, or NULL */
    struct usage_entry *entries;
    size_t entry_count;
    uint64_t first_token; /* entry i: status is first + 2i, statistics one more */
    size_t missing_count; /* answers that have not come */
    struct timer timer;
};

void usage_statistics(struct agent *agent, const struct endpoint_call *call);
void usage_containers(struct agent *agent, const struct endpoint_call *call);
void usage_get_containers(struct agent *agent, const struct operator_call *call);

/* USAGE_RESULT or STATUS_RESULT. */
void usage_report(struct agent *agent, const struct container_report *report);
void usage_timeout(struct usage *usage);
void usage_drop_all(struct agent *agent);

#endif
