/*
 * A framework as the allocator is told of it: roles, capabilities, what an offer must have at
 * least, and which agents it wants at all.
 */
#ifndef TEPUI_MASTER_FRAMEWORK_ALLOCATOR_H
#define TEPUI_MASTER_FRAMEWORK_ALLOCATOR_H

#include "wire/pb.h"

struct framework;
struct master;

/* `info` is what the framework was made of, or is now. */
void master_framework_allocator_add(struct master *master, const struct framework *framework,
                                    const Pb__FrameworkInfo *info);
void master_framework_allocator_update(struct master *master, const struct framework *framework,
                                       const Pb__FrameworkInfo *info);

#endif
