/*
 * What registry_log has a worker do: decode what was read, or apply operations and encode the
 * outcome. Internal to registry_log.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_LOG_JOB_H
#define TEPUI_REGISTRY_REGISTRY_LOG_JOB_H

#include "common/err.h"
#include "common/uuid.h"
#include "registry/registry.h"
#include "registry/registry_log.h"

enum registry_log_job_type { REGISTRY_LOG_JOB_DECODE, REGISTRY_LOG_JOB_APPLY };

struct registry_log_job {
    enum registry_log_job_type type;
    bool is_running; /* submitted, and not told of yet: nothing below may be touched */

    struct registry *registry; /* DECODE: made; APPLY: the machine's */

    /* DECODE */
    struct slice value;       /* the encoded registry; empty = there is none */
    struct blob *master_info; /* encoded MasterInfo, for its capabilities; a reference, or NULL */
    uint64_t seed;            /* of the registry */
    int status;               /* 0 or REGISTRY_E_* */
    struct err err;           /* with a status */

    /* APPLY */
    struct list batch;   /* struct registry_op, in order */
    size_t batch_count;  /* of them */
    struct uuid uuid;    /* version of the entry */
    bool *applied;       /* heap; for each operation whether it fitted */
    size_t full_count;   /* operations that there was no room for */
    struct blob *entry;  /* the log's entry */
    size_t value_offset; /* where in it the encoded registry begins */
};

#endif
