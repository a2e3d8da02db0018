#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "container/launch_plan.h"

static const Pb__LinuxInfo *linux_info(const struct launch *launch)
{
    return launch->info != NULL ? launch->info->linux_info : NULL;
}

static void mount_at(struct launch *launch, const char *source, const char *target,
                     const char *type, const char *options, uint64_t flags)
{
    struct plan_step *step = plan_add(&launch->enter, PLAN_MOUNT, source, target);
    step->text[2] = type;
    step->text[3] = options;
    step->number[0] = (int64_t)flags;
}

int mounts_plan_filesystem_posix(struct launch *launch, struct err *err)
{
    /* A nested container may have volumes in sandboxes, if that isolator is on. */
    if (launch->parent == NULL && launch->info != NULL && launch->info->n_volumes != 0) {
        return err_set(err, -EINVAL, "Volumes in ContainerInfo is not supported");
    }
    volumes_plan_persistent(&launch->before, false, launch->spec->directory, launch->spec->volumes,
                            launch->spec->volume_count);
    return 0;
}

int mounts_plan_filesystem_linux(struct launch *launch, struct err *err)
{
    if (launch->spec->debug) {
        if (launch->info != NULL && launch->info->n_volumes != 0) {
            return err_set(err, -EINVAL, "Volumes not supported for DEBUG containers");
        }
        launch->enter_mounts = true;
        return 0;
    }
    launch->clone_flags |= CLONE_NEWNS;
    plan_add(&launch->enter, PLAN_SLAVE, NULL, NULL);
    /* These are mounted before, in a mount namespace that is still a peer of the host's: so they
     * are seen there, too (facts/observed.md, containers 16). */
    volumes_plan_persistent(&launch->before, true, launch->spec->directory, launch->spec->volumes,
                            launch->spec->volume_count);
    return 0;
}

int mounts_plan_pid(struct launch *launch, struct err *err)
{
    const Pb__LinuxInfo *info = linux_info(launch);
    bool share = info != NULL && info->has_share_pid_namespace && info->share_pid_namespace;
    if (launch->parent != NULL) {
        launch->enter_pid_of = launch->parent->pid;
        if (launch->spec->debug) {
            return 0;
        }
    } else if (share && launch->options->disallow_sharing_agent_pid_namespace) {
        return err_set(err, -EINVAL,
                       "Sharing agent pid namespace with top-level container is not allowed");
    }
    if (!share) {
        launch->clone_flags |= CLONE_NEWPID;
        launch->own_pid_namespace = true;
    } else if (launch->parent == NULL) {
        return 0; /* the host's /proc is the right one */
    }
    mount_at(launch, "proc", "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC);
    return 0;
}

static void plan_private_shm(struct launch *launch, int64_t size_bytes)
{
    launch->clone_flags |= CLONE_NEWIPC;
    launch->shm_is_own = true;
    const char *options =
        size_bytes != 0 ? plan_text(&launch->enter, "mode=1777,size=%lld", (long long)size_bytes)
                        : "mode=1777";
    mount_at(launch, "tmpfs", "/dev/shm", "tmpfs", options, MS_NOSUID | MS_NODEV | MS_STRICTATIME);
}

/* Into the parent's IPC namespace, and if asked for, its /dev/shm (which may be the agent's). */
static void plan_parents_ipc(struct launch *launch, bool with_shm)
{
    long long pid = launch->parent->pid;
    plan_addf(&launch->enter, PLAN_ENTER, "/proc/%lld/ns/ipc", pid)->number[0] = CLONE_NEWIPC;
    if (with_shm && launch->parent->shm_is_own) {
        launch->shm_is_own = true;
        plan_addf(&launch->enter, PLAN_BORROW, "/proc/%lld/ns/mnt", pid)->text[1] = "/dev/shm";
    }
}

int mounts_plan_ipc(struct launch *launch, struct err *err)
{
    const Pb__LinuxInfo *info = linux_info(launch);
    Pb__LinuxInfo__IpcMode mode =
        info != NULL && info->has_ipc_mode ? info->ipc_mode : PB__LINUX_INFO__IPC_MODE__UNKNOWN;
    bool is_private = mode == PB__LINUX_INFO__IPC_MODE__PRIVATE;
    int64_t size = launch->options->default_container_shm_size_bytes;
    if (info != NULL && info->has_shm_size) {
        if (!is_private) {
            return err_set(err, -EINVAL,
                           "Only support specifying the size of /dev/shm when the "
                           "IPC mode is `PRIVATE`");
        }
        size = (int64_t)info->shm_size << 20;
    }
    if (launch->spec->debug) {
        if (is_private) {
            return err_set(err, -EINVAL, "Private IPC mode is not supported for DEBUG containers");
        }
        plan_parents_ipc(launch, false);
        return 0;
    }
    if (is_private) {
        plan_private_shm(launch, size);
    } else if (launch->parent != NULL) {
        plan_parents_ipc(launch, mode == PB__LINUX_INFO__IPC_MODE__SHARE_PARENT);
    } else if (mode != PB__LINUX_INFO__IPC_MODE__SHARE_PARENT) {
        launch->clone_flags |= CLONE_NEWIPC; /* and the agent's /dev/shm, as ever */
    } else if (launch->options->disallow_sharing_agent_ipc_namespace) {
        return err_set(err, -EINVAL,
                       "Sharing agent IPC namespace with top-level container is not allowed");
    }
    return 0;
}
