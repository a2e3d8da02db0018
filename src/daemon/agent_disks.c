#include "daemon/agent_disks.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/xalloc.h"
#include "container/mountinfo_linux.h"
#include "resources/resources.h"

int agent_disks_make_folder(const char *path, struct err *err)
{
    CLEANUP(xfreep) char *copy = xstrdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755);
        *slash = '/';
    }
    return mkdir(copy, 0755) != 0 && errno != EEXIST ? err_errno(err, "%s", path) : 0;
}

static int check_mounted(const char *root, struct err *err)
{
    char real[PATH_MAX];
    if (realpath(root, real) == NULL) {
        return err_errno(err, "MOUNT disk '%s'", root);
    }
    struct mountinfo mounts;
    int r = mountinfo_read(&mounts, err);
    if (r == 0 && strcmp(mountinfo_holding(&mounts, real)->point, real) != 0) {
        r = err_set(err, -ENODEV, "MOUNT disk '%s': nothing is mounted there", root);
    }
    mountinfo_deinit(&mounts);
    return r;
}

static int prepare(const struct resource_disk *disk, const char *work_dir, struct err *err)
{
    bool is_mount = disk->source == DISK_SOURCE_MOUNT;
    struct slice given = is_mount ? disk->mount_root : disk->path_root;
    if (given.size == 0) {
        return err_set(err, -EINVAL, "a %s disk has no root", is_mount ? "MOUNT" : "PATH");
    }
    bool is_absolute = given.data[0] == '/';
    CLEANUP(xfreep)
    char *root = xasprintf("%s%s%.*s", is_absolute ? "" : work_dir, is_absolute ? "" : "/",
                           SLICE_ARGS(given));
    if (is_mount) {
        return check_mounted(root, err);
    }
    int r = agent_disks_make_folder(root, err);
    return r != 0 ? err_wrap(err, r, "PATH disk") : 0;
}

int agent_disks_prepare(const char *text, const char *work_dir, struct err *err)
{
    struct resources all = RESOURCES_INIT;
    if (text == NULL || resources_parse(slice_from(text), SLICE("*"), &all, NULL) != 0) {
        return 0;
    }
    int r = 0;
    for (uint32_t i = 0; i < all.count && r == 0; i++) {
        if (resource_is_disk_of(&all.items[i], DISK_SOURCE_PATH) ||
            resource_is_disk_of(&all.items[i], DISK_SOURCE_MOUNT)) {
            r = prepare(all.items[i].kind->disk, work_dir, err);
        }
    }
    resources_deinit(&all);
    return r != 0 ? err_wrap(err, r, "--resources") : 0;
}
