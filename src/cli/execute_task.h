/* From flags to what is launched: the framework, the task, or the group of tasks. Pure. */
#ifndef TEPUI_CLI_EXECUTE_TASK_H
#define TEPUI_CLI_EXECUTE_TASK_H

#include "cli/execute_flags.h"
#include "resources/resources.h"
#include "wire/pb.h"

struct execute_task {
    Pb__FrameworkInfo *framework;
    Pb__TaskInfo *task; /* one of these two */
    Pb__TaskGroupInfo *group;
    struct resources wanted; /* of all tasks together, unreserved */
};

/* Messages are in the arena. -EINVAL with the flag that is wrong. */
int execute_task_build(const struct execute_flags *flags, const char *user, struct arena *arena,
                       struct execute_task *ret_task, struct err *err) WARN_UNUSED;

#endif
