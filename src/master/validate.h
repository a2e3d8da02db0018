/*
 * What is wrong with what frameworks and agents send, in the reference's words: these texts go back
 * to them. All functions return 0, or VALIDATE_E with the text in err.
 */
#ifndef TEPUI_MASTER_VALIDATE_H
#define TEPUI_MASTER_VALIDATE_H

#include "common/err.h"
#include "master/framework.h"
#include "resources/resources.h"
#include "wire/pb.h"

struct master;
struct agent;

enum { VALIDATE_E = 1 };

/* Parts of one message that are searched for one by one. */
#define VALIDATE_ROLES_MAX 8192
#define VALIDATE_GROUP_TASKS_MAX 4096

/* --- calls --- */

/* Is all there that the call's type asks for? `principal` is the authenticated one, NULL = none. */
int master_validate_call(const Pb__Scheduler__Call *call, const char *principal,
                         struct err *err) WARN_UNUSED;

/* --- frameworks --- */

/* In itself: roles, id, offer filters, failover timeout. */
int master_validate_framework_info(const Pb__FrameworkInfo *info, struct err *err) WARN_UNUSED;
/* And with this master: --roles, --root_submissions, completed frameworks. */
int master_validate_framework(const struct master *master, const Pb__FrameworkInfo *info,
                              struct err *err) WARN_UNUSED;
/* --roles lets it be: it is listed, there is no list, or it is "*". */
bool master_validate_role_is_listed(const struct master *master, const char *role);
/* What must not change: principal, user, checkpoint. */
int master_validate_framework_update(const struct framework *framework,
                                     const Pb__FrameworkInfo *info, struct err *err) WARN_UNUSED;
/* Suppressed roles and roles of constraints are roles of the framework. */
int master_validate_framework_roles(const Pb__FrameworkInfo *info, char *const *suppressed,
                                    size_t suppressed_count,
                                    const Pb__Scheduler__OfferConstraints *constraints,
                                    struct err *err) WARN_UNUSED;

/* --- tasks and executors; their resources have been upgraded and allocated --- */

int master_validate_executor_info(const Pb__ExecutorInfo *info, struct err *err) WARN_UNUSED;

struct validate_context {
    const struct framework *framework;
    const struct agent *agent;
    const struct resources *offered; /* what is left of the offers */
};

int master_validate_task(const struct validate_context *context, const Pb__TaskInfo *task,
                         struct err *err) WARN_UNUSED;
int master_validate_task_group(const struct validate_context *context,
                               const Pb__TaskGroupInfo *group, const Pb__ExecutorInfo *executor,
                               struct err *err) WARN_UNUSED;

/* --- parts of them --- */

int master_validate_command(const Pb__CommandInfo *command, struct err *err) WARN_UNUSED;
int master_validate_container(const Pb__ContainerInfo *container, struct err *err) WARN_UNUSED;
int master_validate_check(const Pb__CheckInfo *check, struct err *err) WARN_UNUSED;
int master_validate_health_check(const Pb__HealthCheck *check, struct err *err) WARN_UNUSED;

#endif
