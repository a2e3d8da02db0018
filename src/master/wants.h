/*
 * What a framework wants of its offers, beside its FrameworkInfo: roles for which it wants none,
 * and on which agents. SUBSCRIBE and UPDATE_FRAMEWORK both say it, and replace what was said
 * before.
 */
#ifndef TEPUI_MASTER_WANTS_H
#define TEPUI_MASTER_WANTS_H

#include "common/err.h"
#include "resources/offer_constraints.h"
#include "wire/pb.h"

struct master;

struct framework_wants {
    char *const *suppressed; /* of the call, not owned */
    size_t suppressed_count;
    struct offer_constraints *constraints; /* a reference; NULL = any agent */
};

/* As a call has it. */
struct framework_wants_given {
    char *const *suppressed;
    size_t suppressed_count;
    const Pb__Scheduler__OfferConstraints *constraints; /* NULL = none */
};

/* 0, or VALIDATE_E: roles must be the framework's, and constraints must make sense. */
int framework_wants_init(struct framework_wants *wants, const struct master *master,
                         const Pb__FrameworkInfo *info, const struct framework_wants_given *given,
                         struct err *err) WARN_UNUSED;
void framework_wants_deinit(struct framework_wants *wants); /* idempotent */

#endif
