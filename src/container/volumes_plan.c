#include <errno.h>
#include <sys/mount.h>

#include "container/launch_plan.h"

void volumes_plan_persistent(struct plan *plan, bool is_linux, const char *directory,
                             const struct container_volume *volumes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct container_volume *volume = &volumes[i];
        if (strchr(volume->container_path, '/') != NULL) {
            continue; /* as the original, which says so in its log only */
        }
        const char *target = plan_text(plan, "%s/%s", directory, volume->container_path);
        if (!volume->keep_owner) {
            plan_add(plan, PLAN_OWN, volume->source, directory);
        }
        if (!is_linux) {
            plan_add(plan, PLAN_LINK, volume->source, target);
            continue;
        }
        struct plan_step *step = plan_add(plan, PLAN_TARGET, directory, volume->container_path);
        step->text[2] = plan_text(plan, "%s", volume->source);
        step = plan_add(plan, PLAN_MOUNT, volume->source, target);
        step->number[0] = MS_BIND | (volume->read_only ? MS_RDONLY : 0);
    }
}

/* Exactly one of the ways to say where a volume comes from. */
static int check(const Pb__Volume *volume, struct err *err)
{
    int count = (volume->host_path != NULL) + (volume->image != NULL) + (volume->source != NULL);
    if (count != 1) {
        return err_set(err, -EINVAL,
                       "Invalid volume: Only one of them should be set: 'host_path', "
                       "'image' and 'source'");
    }
    return 0;
}

static bool is_absolute(const char *path)
{
    return path[0] == '/';
}

static bool source_is(const Pb__Volume *volume, Pb__Volume__Source__Type type)
{
    return volume->source != NULL && volume->source->has_type && volume->source->type == type;
}

/* Where it is mounted: a place in the sandbox, which is made, or one of the host's that is
 * there. */
static const char *plan_target(struct launch *launch, const Pb__Volume *volume, const char *source)
{
    struct plan *plan = &launch->before;
    if (is_absolute(volume->container_path)) {
        struct plan_step *step = plan_add(plan, PLAN_EXISTS, volume->container_path, NULL);
        step->text[1] = "Mount point is an absolute path. It must exist if the container shares "
                        "the host filesystem";
        return volume->container_path;
    }
    struct plan_step *step =
        plan_add(plan, PLAN_TARGET, launch->spec->directory, volume->container_path);
    step->text[2] = plan_text(plan, "%s", source);
    return plan_text(plan, "%s/%s", launch->spec->directory, volume->container_path);
}

static void plan_bind(struct launch *launch, const Pb__Volume *volume, const char *source,
                      const char *target)
{
    if (strcmp(source, target) == 0) {
        return;
    }
    bool read_only = volume->mode == PB__VOLUME__MODE__RO;
    plan_add(&launch->enter, PLAN_MOUNT, source, target)->number[0] =
        MS_BIND | MS_REC | (read_only ? MS_RDONLY : 0);
}

static int plan_sandbox_path(struct launch *launch, const Pb__Volume *volume, const char *path,
                             bool of_parent, struct err *err)
{
    bool can_mount = isolators_have(launch->isolators, ISOLATOR_FILESYSTEM_LINUX);
    bool absolute = is_absolute(volume->container_path);
    if (is_absolute(path)) {
        return err_set(err, -EINVAL, "Path '%s' in SANDBOX_PATH volume is absolute", path);
    }
    if (launch->spec->debug) {
        return err_set(err, -EINVAL, "SANDBOX_PATH volume is not supported for DEBUG containers");
    }
    if (!can_mount && absolute) {
        return err_set(err, -EINVAL,
                       "The 'linux' launcher and 'filesystem/linux' isolator must be enabled to "
                       "support SANDBOX_PATH volume with absolute container path");
    }
    if (!of_parent && !absolute) {
        return err_set(err, -EINVAL,
                       "'container_path' is relative for SANDBOX_PATH volume SELF type");
    }
    if (of_parent && launch->parent == NULL) {
        return err_set(err, -EINVAL,
                       "SANDBOX_PATH volume PARENT type only works for nested container");
    }
    if (of_parent && launch->parent->directory == NULL) {
        return err_set(err, -EINVAL, "Failed to locate the sandbox for the parent container");
    }
    struct plan *plan = &launch->before;
    const char *root = of_parent ? launch->parent->directory : launch->spec->directory;
    plan_add(plan, PLAN_FOLDER, root, path);
    const char *source = plan_text(plan, "%s/%s", root, path);
    if (!can_mount) {
        const char *link =
            plan_text(plan, "%s/%s", launch->spec->directory, volume->container_path);
        plan_add(plan, PLAN_LINK, source, link);
        return 0;
    }
    plan_bind(launch, volume, source, plan_target(launch, volume, source));
    return 0;
}

int volumes_plan_sandbox_path(struct launch *launch, struct err *err)
{
    for (size_t i = 0; launch->info != NULL && i < launch->info->n_volumes; i++) {
        const Pb__Volume *volume = launch->info->volumes[i];
        int r = check(volume, err);
        if (r != 0) {
            return r;
        }
        if (volume->host_path != NULL && !is_absolute(volume->host_path)) {
            r = plan_sandbox_path(launch, volume, volume->host_path, false, err);
        } else if (source_is(volume, PB__VOLUME__SOURCE__TYPE__SANDBOX_PATH)) {
            const Pb__Volume__Source__SandboxPath *from = volume->source->sandbox_path;
            if (from == NULL || !from->has_type ||
                from->type == PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__UNKNOWN) {
                return err_set(err, -EINVAL, "Unknown SANDBOX_PATH volume type");
            }
            r = plan_sandbox_path(launch, volume, from->path,
                                  from->type == PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__PARENT,
                                  err);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static int plan_host_path(struct launch *launch, const Pb__Volume *volume, const char *path,
                          bool both_ways, struct err *err)
{
    if (!is_absolute(path)) {
        return err_set(err, -EINVAL, "Path '%s' in HOST_PATH volume is not absolute", path);
    }
    if (launch->spec->debug) {
        return err_set(err, -EINVAL, "HOST_PATH volume is not supported for DEBUG containers");
    }
    plan_add(&launch->before, PLAN_SOURCE, path, launch->options->host_path_volume_force_creation);
    const char *target = plan_target(launch, volume, path);
    if (both_ways) {
        plan_add(&launch->before, PLAN_SHARED, path, NULL);
    }
    plan_bind(launch, volume, path, target);
    return 0;
}

int volumes_plan_host_path(struct launch *launch, struct err *err)
{
    for (size_t i = 0; launch->info != NULL && i < launch->info->n_volumes; i++) {
        const Pb__Volume *volume = launch->info->volumes[i];
        int r = check(volume, err);
        if (r != 0) {
            return r;
        }
        if (volume->host_path != NULL && is_absolute(volume->host_path)) {
            r = plan_host_path(launch, volume, volume->host_path, false, err);
        } else if (source_is(volume, PB__VOLUME__SOURCE__TYPE__HOST_PATH)) {
            const Pb__Volume__Source__HostPath *from = volume->source->host_path;
            if (from == NULL) {
                return err_set(err, -EINVAL, "'source.host_path' is not set for HOST_PATH volume");
            }
            bool both_ways =
                from->mount_propagation != NULL && from->mount_propagation->has_mode &&
                from->mount_propagation->mode == PB__MOUNT_PROPAGATION__MODE__BIDIRECTIONAL;
            r = plan_host_path(launch, volume, from->path, both_ways, err);
        }
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

int volumes_plan_check(const struct launch *launch, struct err *err)
{
    for (size_t i = 0; launch->info != NULL && i < launch->info->n_volumes; i++) {
        const Pb__Volume *volume = launch->info->volumes[i];
        bool of_host = source_is(volume, PB__VOLUME__SOURCE__TYPE__HOST_PATH) ||
                       (volume->host_path != NULL && is_absolute(volume->host_path));
        bool of_sandbox = source_is(volume, PB__VOLUME__SOURCE__TYPE__SANDBOX_PATH) ||
                          (volume->host_path != NULL && !is_absolute(volume->host_path));
        if ((of_host && isolators_have(launch->isolators, ISOLATOR_VOLUME_HOST_PATH)) ||
            (of_sandbox && isolators_have(launch->isolators, ISOLATOR_VOLUME_SANDBOX_PATH))) {
            continue;
        }
        return err_set(err, -EINVAL, "No isolator that is enabled supports the volume at '%s'",
                       volume->container_path);
    }
    return 0;
}
