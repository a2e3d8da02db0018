#include <errno.h>
#include <sys/resource.h>

#include "container/launch_plan.h"

/* The kernel's number, or -1. */
static int resource_of(Pb__RLimitInfo__RLimit__Type type)
{
    static const struct {
        Pb__RLimitInfo__RLimit__Type type;
        int resource;
    } rows[] = {
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_AS, RLIMIT_AS},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_CORE, RLIMIT_CORE},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_CPU, RLIMIT_CPU},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_DATA, RLIMIT_DATA},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_FSIZE, RLIMIT_FSIZE},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_LOCKS, RLIMIT_LOCKS},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_MEMLOCK, RLIMIT_MEMLOCK},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_MSGQUEUE, RLIMIT_MSGQUEUE},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_NICE, RLIMIT_NICE},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_NOFILE, RLIMIT_NOFILE},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_NPROC, RLIMIT_NPROC},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_RSS, RLIMIT_RSS},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_RTPRIO, RLIMIT_RTPRIO},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_RTTIME, RLIMIT_RTTIME},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_SIGPENDING, RLIMIT_SIGPENDING},
        {PB__RLIMIT_INFO__RLIMIT__TYPE__RLMT_STACK, RLIMIT_STACK},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (rows[i].type == type) {
            return rows[i].resource;
        }
    }
    return -1;
}

int rlimits_plan(struct launch *launch, struct err *err)
{
    const Pb__RLimitInfo *limits = launch->info != NULL ? launch->info->rlimit_info : NULL;
    for (size_t i = 0; limits != NULL && i < limits->n_rlimits; i++) {
        const Pb__RLimitInfo__RLimit *limit = limits->rlimits[i];
        int resource = limit->has_type ? resource_of(limit->type) : -1;
        if (resource < 0) {
            return err_set(err, -EINVAL, "Unknown resource limit");
        }
        if (limit->has_soft != limit->has_hard) {
            return err_set(err, -EINVAL,
                           "A resource limit has both values, soft and hard, or none");
        }
        if (limit->has_soft && limit->soft > limit->hard) {
            return err_set(err, -EINVAL, "A soft resource limit is above the hard one");
        }
        struct plan_step *step = plan_add(&launch->child, PLAN_RLIMIT, NULL, NULL);
        step->number[0] = resource;
        step->number[1] = limit->has_soft ? (int64_t)limit->soft : -1;
        step->number[2] = limit->has_soft ? (int64_t)limit->hard : -1;
    }
    return 0;
}
