/*
 * Inverse offers: frameworks that hold something on an agent under maintenance are asked to leave.
 * One outstanding for each framework and agent (facts/state_machines.md, 6).
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_INVERSE_H
#define TEPUI_ALLOCATOR_ALLOC_INVERSE_H

#include <stdbool.h>
#include <stdint.h>

struct alloc;
struct alloc_agent;

/* A framework that was asked about an agent. */
struct alloc_inverse {
    uint32_t framework_id;
    bool is_outstanding; /* asked, not answered */
    int64_t refused_until_ns;
};

/* Forgets who was asked; all are asked again in the next run if there is an unavailability. */
void alloc_inverse_set(struct alloc *a, struct alloc_agent *agent, bool has_unavailability);
/* Answered, timed out or rescinded: may be asked again after refuse_ns. */
void alloc_inverse_answer(struct alloc_agent *agent, uint32_t framework_id, int64_t now_ns,
                          int64_t refuse_ns);
/* What the framework refused is forgotten; with is_gone, all about it. */
void alloc_inverse_forget(struct alloc *a, uint32_t framework_id, bool is_gone);
/* What all frameworks refused of the agent is forgotten. */
void alloc_inverse_forget_agent(struct alloc_agent *agent);
/* Asks: of all agents, or of the candidates. Appends to the batch. */
void alloc_inverse_make(struct alloc *a, int64_t now_ns, bool is_for_all);

#endif
