/*
 * Operations (RESERVE, CREATE, ...) change what resources are: of what a framework holds, or of
 * what is free; and the agent's total with them.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_OPERATION_H
#define TEPUI_ALLOCATOR_ALLOC_OPERATION_H

#include "allocator/alloc_agent.h"

/* `before`, which is held (asserts), becomes `after`; both with allocation. */
void alloc_operation_on_held(struct alloc *a, struct alloc_held *held,
                             const struct resources *before, const struct resources *after);
/* The same of what is available; false, and nothing changed, if it is not. */
bool alloc_operation_on_free(struct alloc *a, struct alloc_agent *agent,
                             const struct resources *before, const struct resources *after);

#endif
