#include <errno.h>

#include "container/launch_plan.h"

#define CAPABILITY_BASE 1000 /* the message's numbers are the kernel's and this */

uint64_t caps_plan_mask(const Pb__CapabilityInfo *capabilities)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < capabilities->n_capabilities; i++) {
        int number = (int)capabilities->capabilities[i] - CAPABILITY_BASE;
        if (number >= 0 && number < 64) {
            mask |= UINT64_C(1) << number;
        }
    }
    return mask;
}

struct caps {
    bool has_effective, has_bounding;
    uint64_t effective, bounding;
};

/* What the container asks for; the older capability_info is effective_capabilities. */
static int asked(const Pb__LinuxInfo *linux_info, struct caps *ret, struct err *err)
{
    if (linux_info == NULL) {
        return 0;
    }
    const Pb__CapabilityInfo *effective = linux_info->effective_capabilities;
    if (linux_info->capability_info != NULL) {
        if (effective != NULL) {
            return err_set(err, -EINVAL,
                           "Only one of 'capability_info' or 'effective_capabilities' is allowed");
        }
        effective = linux_info->capability_info;
    }
    if (effective != NULL) {
        ret->has_effective = true;
        ret->effective = caps_plan_mask(effective);
    }
    if (linux_info->bounding_capabilities != NULL) {
        ret->has_bounding = true;
        ret->bounding = caps_plan_mask(linux_info->bounding_capabilities);
    }
    return 0;
}

int caps_plan(struct launch *launch, struct err *err)
{
    const struct isolators *flags = launch->isolators;
    struct caps caps = {0};
    int r = asked(launch->info != NULL ? launch->info->linux_info : NULL, &caps, err);
    if (r != 0) {
        return r;
    }
    if (caps.has_bounding && flags->has_bounding && (caps.bounding & ~flags->bounding) != 0) {
        return err_set(err, -EINVAL,
                       "Bounding capabilities are requested that the operator does not allow");
    }
    if (!caps.has_effective) {
        caps.has_effective = flags->has_effective;
        caps.effective = flags->effective;
    }
    if (!caps.has_bounding) {
        caps.has_bounding = flags->has_bounding || caps.has_effective;
        caps.bounding = flags->has_bounding ? flags->bounding : caps.effective;
    }
    if (caps.has_effective && (caps.effective & ~caps.bounding) != 0) {
        return err_set(err, -EINVAL,
                       "Effective capabilities are requested that are not among the bounding ones");
    }
    if (!caps.has_effective && !caps.has_bounding) {
        return 0;
    }
    struct plan_step *step = plan_add(&launch->last, PLAN_CAPS, NULL, NULL);
    step->number[0] = (int64_t)caps.effective;
    step->number[1] = (int64_t)caps.bounding;
    step->number[2] = (caps.has_effective ? PLAN_CAPS_EFFECTIVE : 0) |
                      (caps.has_bounding ? PLAN_CAPS_BOUNDING : 0);
    return 0;
}

int caps_plan_nnp(struct launch *launch, struct err *err UNUSED)
{
    plan_add(&launch->last, PLAN_NNP, NULL, NULL);
    return 0;
}
