#include "registry/registry_log_job.h"

#include "common/xalloc.h"
#include "registry/registry_codec.h"
#include "registry/state_operation.h"

static void decode(struct registry_log_job *job)
{
    job->status = registry_decode(job->value, job->seed, &job->registry, &job->err);
    if (job->status == 0 && job->master_info != NULL) {
        job->status =
            registry_check_capabilities(job->registry, blob_slice(job->master_info), &job->err);
        if (job->status != 0) {
            job->registry = registry_free(job->registry);
        }
    }
}

static void encode(struct registry_log_job *job)
{
    struct buf out = BUF_INIT;
    size_t size = registry_encoded_size(job->registry);
    state_operation_begin_snapshot(SLICE(REGISTRY_LOG_NAME), &job->uuid, size, &out);
    job->value_offset = out.size;
    (void)buf_reserve(&out, size);
    registry_encode(job->registry, &out);
    ASSERT(out.size == job->value_offset + size);
    job->entry = blob_take(&out);
}

static void apply(struct registry_log_job *job)
{
    size_t i = 0;
    size_t full_before = job->registry->full_count;
    struct registry_op *op;
    job->applied = xcalloc(job->batch_count, sizeof(job->applied[0]));
    LIST_FOR_EACH (op, &job->batch, link) {
        job->applied[i++] = registry_apply(job->registry, op);
    }
    ASSERT(i == job->batch_count);
    job->full_count = job->registry->full_count - full_before;
    encode(job);
}

void registry_log_work(struct registry_log_job *job)
{
    switch (job->type) {
    case REGISTRY_LOG_JOB_DECODE:
        decode(job);
        break;
    case REGISTRY_LOG_JOB_APPLY:
        apply(job);
        break;
    }
}
