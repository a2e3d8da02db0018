/*
 * A visit: whose turn it is on one agent, role by role and framework by framework, in the order of
 * fairness as it was when the visit came to the level.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_VISIT_H
#define TEPUI_ALLOCATOR_ALLOC_VISIT_H

#include "allocator/alloc_offer.h"

/* When so few clients are left that have not refused an agent, they are compared one by one. */
#define ALLOC_VISIT_FEW 16

void alloc_visit(struct alloc *a, struct alloc_agent *agent, enum alloc_stage stage);

#endif
