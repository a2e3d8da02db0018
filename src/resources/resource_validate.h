/*
 * What is wrong with resources that a peer sent. All functions return 0 or RESOURCE_VALIDATE_E and
 * tell in `err`, in the reference's words, which go to frameworks and operators as they are.
 */
#ifndef TEPUI_RESOURCES_RESOURCE_VALIDATE_H
#define TEPUI_RESOURCES_RESOURCE_VALIDATE_H

#include "resources/resource_pb.h"

enum { RESOURCE_VALIDATE_E = 1 };

/* Resources in one list of a message: what is done with lists takes time in proportion to the
 * square of different kinds. */
#define RESOURCE_VALIDATE_COUNT_MAX 8192
/* Characters in an ID: it may become a file's name. */
#define RESOURCE_VALIDATE_ID_MAX 255

/* In itself, of either format: name, type, value, disk, roles, reservations, sharing. */
int resource_validate(const Pb__Resource *pb, struct err *err) WARN_UNUSED;
int resource_validate_all(Pb__Resource *const *items, size_t count, struct err *err) WARN_UNUSED;

/* All that the master asks of resources in tasks and operations: resource_validate_all, whole gpus,
 * disk info, no dynamic reservation of revocable ones. */
int resource_validate_input(Pb__Resource *const *items, size_t count, struct err *err) WARN_UNUSED;
int resource_validate_gpus(const struct resources *r, struct err *err) WARN_UNUSED;
int resource_validate_disk_info(Pb__Resource *const *items, size_t count,
                                struct err *err) WARN_UNUSED;
int resource_validate_dynamic_reservations(Pb__Resource *const *items, size_t count,
                                           struct err *err) WARN_UNUSED;

/* No persistence id twice within a role. */
int resource_validate_unique_persistence(const struct resources *r, struct err *err) WARN_UNUSED;
/* Not both revocable and other resources of one name. */
int resource_validate_revocable_mix(const struct resources *r, struct err *err) WARN_UNUSED;
/* All are persistent volumes that may be written to. */
int resource_validate_persistent_volumes(Pb__Resource *const *items, size_t count,
                                         struct err *err) WARN_UNUSED;
/* All are allocated, and to the same role. */
int resource_validate_single_role(const struct resources *r, struct err *err) WARN_UNUSED;
/* All from one provider, or all from the agent itself; an empty list is refused. */
int resource_validate_single_provider(Pb__Resource *const *items, size_t count,
                                      struct err *err) WARN_UNUSED;
/* Does a port or an item occur in more than one of the vectors? */
bool resource_validate_overlap(const struct resources *const *vectors, size_t count);

/* The checks of one task and its executor (NULL = none) together; of a task alone; of an executor
 * alone; of a task group: executor and tasks. The lists must have passed resource_validate_input or
 * are checked here, as the reference does. */
int resource_validate_task(Pb__Resource *const *items, size_t count, struct err *err) WARN_UNUSED;
int resource_validate_executor(Pb__Resource *const *items, size_t count,
                               struct err *err) WARN_UNUSED;
int resource_validate_task_and_executor(const Pb__TaskInfo *task, struct err *err) WARN_UNUSED;
int resource_validate_task_group(const Pb__TaskGroupInfo *group, const Pb__ExecutorInfo *executor,
                                 struct err *err) WARN_UNUSED;

/* Rules for ids that may become file names: of tasks, executors, frameworks, agents, volumes. */
int resource_validate_id(struct slice id, struct err *err) WARN_UNUSED;
/* A plain amount from outside: finite, not negative, not subnormal. */
int resource_validate_amount(double amount, struct err *err) WARN_UNUSED;

/* --reconfiguration_policy=additive: nothing that was there is gone or smaller. */
int resource_validate_additive(const struct resources *previous, const struct resources *current,
                               struct err *err) WARN_UNUSED;

#endif
