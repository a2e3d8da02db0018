/*
 * The registry of --registry=in_memory: nothing outlives the process. It is asked like the durable
 * one, and like that one it answers later: operations are put, and completions taken out by the
 * host in a later round of its loop.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_MEMORY_H
#define TEPUI_REGISTRY_REGISTRY_MEMORY_H

#include "registry/registry.h"

struct registry_memory;

struct registry_memory *registry_memory_new(uint64_t seed) WARN_UNUSED;
struct registry_memory *registry_memory_free(struct registry_memory *memory);

/* Takes over the operation. */
void registry_memory_put(struct registry_memory *memory, struct registry_op *op);
/* Performs the oldest operation and gives its answer; false if there is none. What the answer
 * points to is valid until the next call. */
bool registry_memory_next(struct registry_memory *memory,
                          struct registry_event *ret_event) WARN_UNUSED;

#endif
