/*
 * How a container is launched: from its spec, its parent and the flags to a plan, to the namespaces
 * its first process is cloned with, and to what is written down about it. Pure.
 */
#ifndef TEPUI_CONTAINER_LAUNCH_PLAN_H
#define TEPUI_CONTAINER_LAUNCH_PLAN_H

#include "container/container.h"
#include "container/isolators.h"
#include "container/plan.h"
#include "wire/pb.h"

/* What a launch needs to know about the containers around it, nearest first. */
struct launch_parent {
    const struct launch_parent *parent; /* NULL = top level */
    char path[CONTAINER_PATH_SIZE];
    int64_t pid;              /* of its first process */
    const char *directory;    /* its sandbox */
    bool own_cgroups;         /* in every hierarchy; else only in the freezer's */
    bool is_command_task;     /* a session enters what its executor's child made */
    bool shm_is_own;          /* /dev/shm is of its own (runtime folder) or of a parent of it */
    struct blob *launch_info; /* mesos.slave.ContainerLaunchInfo, for debug containers; or NULL */
};

struct launch {
    const struct containerizer_options *options;
    const struct containerizer_facts *facts;
    const struct isolators *isolators;
    const char *path;
    const struct container_spec *spec;
    const struct launch_parent *parent; /* NULL = top level */
    struct arena *arena;
    const Pb__CommandInfo *command; /* decoded from the spec */
    const Pb__ContainerInfo *info;  /* likewise, or NULL */
    struct plan before;             /* up to WAIT */
    struct plan enter;              /* up to FORK */
    struct plan child;              /* up to the change of user */
    struct plan last;               /* from there to EXEC */
    uint64_t clone_flags;           /* CLONE_NEW* of the first process */
    int64_t enter_pid_of;           /* whose pid namespace it is cloned into; 0 = the agent's */
    bool own_cgroups;
    bool own_pid_namespace;
    bool shm_is_own;
    bool enter_mounts; /* the parent's mount namespace, as the last of all */
};

/* What comes of it. */
struct launch_result {
    struct blob *plan;        /* owned */
    struct blob *config;      /* mesos.slave.ContainerConfig; owned */
    struct blob *launch_info; /* mesos.slave.ContainerLaunchInfo; owned */
    uint64_t clone_flags;
    int64_t enter_pid_of;
    bool own_cgroups;
    bool own_pid_namespace;
    bool shm_is_own;
};

/* 0, or -EINVAL with why this cannot be launched. */
int launch_plan(const struct containerizer_options *options,
                const struct containerizer_facts *facts, const struct isolators *isolators,
                const char *path, const struct container_spec *spec,
                const struct launch_parent *parent, struct launch_result *ret,
                struct err *err) WARN_UNUSED;
void launch_result_deinit(struct launch_result *result);

/* The writes for new amounts (and volumes) of a running container, encoded. NULL if there are none.
 */
struct blob *launch_plan_update(const struct containerizer_options *options,
                                const struct containerizer_facts *facts,
                                const struct isolators *isolators, const char *path,
                                const char *directory, bool own_cgroups,
                                const struct container_spec *spec) WARN_UNUSED;

/* --- the isolators' parts --- */

int launch_plan_secrets(struct launch *launch, struct err *err) WARN_UNUSED;
int caps_plan(struct launch *launch, struct err *err) WARN_UNUSED;
int caps_plan_nnp(struct launch *launch, struct err *err) WARN_UNUSED;
uint64_t caps_plan_mask(const Pb__CapabilityInfo *capabilities); /* bit n: the kernel's number n */
int rlimits_plan(struct launch *launch, struct err *err) WARN_UNUSED;
int mounts_plan_filesystem_posix(struct launch *launch, struct err *err) WARN_UNUSED;
int mounts_plan_filesystem_linux(struct launch *launch, struct err *err) WARN_UNUSED;
int mounts_plan_pid(struct launch *launch, struct err *err) WARN_UNUSED;
int mounts_plan_ipc(struct launch *launch, struct err *err) WARN_UNUSED;
int volumes_plan_sandbox_path(struct launch *launch, struct err *err) WARN_UNUSED;
int volumes_plan_host_path(struct launch *launch, struct err *err) WARN_UNUSED;

/* Refuses volumes that no isolator would see to, rather than leave them out. */
int volumes_plan_check(const struct launch *launch, struct err *err) WARN_UNUSED;
/* Persistent volumes: steps that put each into the sandbox. */
void volumes_plan_persistent(struct plan *plan, bool is_linux, const char *directory,
                             const struct container_volume *volumes, size_t count);

#endif
