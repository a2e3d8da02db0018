#include "agent/volumes.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/resource_validate.h"
#include "resources/roles.h"

/* --- where they lie --- */

static struct slice root_of(const struct resource_disk *disk)
{
    return disk->source == DISK_SOURCE_MOUNT ? disk->mount_root : disk->path_root;
}

static int check(const struct resource *volume, struct err *err)
{
    const struct resource_disk *disk = volume->kind->disk;
    if (!resource_is_reserved(volume)) {
        return err_set(err, VOLUMES_E_INVALID, "Persistent volume '%.*s' is not reserved",
                       SLICE_ARGS(disk->persistence_id));
    }
    if (role_validate(resource_reservation_role(volume), err) != 0 ||
        resource_validate_id(disk->persistence_id, err) != 0) {
        return err_wrap(err, VOLUMES_E_INVALID, "Persistent volume");
    }
    if (disk->has_source &&
        ((disk->source != DISK_SOURCE_PATH && disk->source != DISK_SOURCE_MOUNT) ||
         root_of(disk).size == 0)) {
        return err_set(err, VOLUMES_E_INVALID,
                       "Persistent volume '%.*s' is on a disk that has no folder for it",
                       SLICE_ARGS(disk->persistence_id));
    }
    bool is_named = !disk->has_source || disk->source != DISK_SOURCE_MOUNT;
    if (is_named && resource_reservation_role(volume).size > VOLUMES_ROLE_MAX) {
        return err_set(err, VOLUMES_E_INVALID,
                       "Persistent volume '%.*s' has a role of more than %d characters, which no "
                       "folder can be named after",
                       SLICE_ARGS(disk->persistence_id), VOLUMES_ROLE_MAX);
    }
    return 0;
}

int volumes_check(const struct resources *r, struct err *err)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (resource_is_persistent_volume(&r->items[i])) {
            int status = check(&r->items[i], err);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

const char *volumes_path(const struct resource *volume, const char *work_dir, struct arena *arena)
{
    const struct resource_disk *disk = volume->kind->disk;
    const char *root = work_dir;
    if (disk->has_source) {
        struct slice given = root_of(disk);
        bool is_absolute = given.data[0] == '/';
        root = arena_printf(arena, "%s%s%.*s", is_absolute ? "" : work_dir, is_absolute ? "" : "/",
                            SLICE_ARGS(given));
        if (disk->source == DISK_SOURCE_MOUNT) {
            return root;
        }
    }
    struct slice role = resource_reservation_role(volume);
    char *name = arena_strndup(arena, role.data, role.size);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '/') {
            *at = ' ';
        }
    }
    return arena_printf(arena, "%s/volumes/roles/%s/%.*s", root, name,
                        SLICE_ARGS(disk->persistence_id));
}

/* --- which ones are used --- */

void volumes_deinit(struct volumes *volumes)
{
    for (size_t i = 0; i < volumes->count; i++) {
        free(volumes->items[i].source);
        free(volumes->items[i].container_path);
    }
    free(volumes->items);
    *volumes = (struct volumes){0};
}

static void add(struct volumes *volumes, const char *source, const char *container_path,
                bool read_only)
{
    for (size_t i = 0; i < volumes->count; i++) {
        const struct container_volume *there = &volumes->items[i];
        if (strcmp(there->source, source) == 0 &&
            strcmp(there->container_path, container_path) == 0) {
            return;
        }
    }
    volumes->items = xrealloc(volumes->items, volumes->count + 1, sizeof(*volumes->items));
    volumes->items[volumes->count++] = (struct container_volume){
        .source = xstrdup(source),
        .container_path = xstrdup(container_path),
        .read_only = read_only,
    };
}

static void add_one(struct volumes *volumes, const Pb__Resource *pb, const char *work_dir)
{
    struct err err;
    struct resources one = RESOURCES_INIT;
    resources_add_pb_one(&one, pb, NULL);
    if (one.count == 1 && resource_is_persistent_volume(&one.items[0]) &&
        check(&one.items[0], &err) == 0) {
        struct arena arena;
        arena_init(&arena, 0);
        add(volumes, volumes_path(&one.items[0], work_dir, &arena),
            pb->disk->volume->container_path, pb->disk->volume->mode == PB__VOLUME__MODE__RO);
        arena_deinit(&arena);
    }
    resources_deinit(&one);
}

/* One name in the sandbox. What may not be mounted may not be unmounted either: a path that leads
 * out of the sandbox would be one of the host's. */
static bool is_name(const char *container_path)
{
    if (strcmp(container_path, "") == 0 || strcmp(container_path, ".") == 0 ||
        strcmp(container_path, "..") == 0) {
        return false;
    }
    for (const char *at = container_path; *at != '\0'; at++) {
        if (*at == '/' || (unsigned char)*at < ' ') {
            return false;
        }
    }
    return true;
}

void volumes_add_pb(struct volumes *volumes, Pb__Resource *const *items, size_t count,
                    const char *work_dir)
{
    for (size_t i = 0; i < count; i++) {
        const Pb__Resource__DiskInfo *disk = items[i]->disk;
        if (disk != NULL && disk->persistence != NULL && disk->volume != NULL &&
            disk->volume->container_path != NULL && is_name(disk->volume->container_path)) {
            add_one(volumes, items[i], work_dir);
        }
    }
}

void volumes_add(struct volumes *volumes, const struct volumes *others)
{
    for (size_t i = 0; i < others->count; i++) {
        const struct container_volume *other = &others->items[i];
        add(volumes, other->source, other->container_path, other->read_only);
    }
}

bool volumes_equal(const struct volumes *a, const struct volumes *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct container_volume *x = &a->items[i], *y = &b->items[i];
        if (strcmp(x->source, y->source) != 0 ||
            strcmp(x->container_path, y->container_path) != 0 || x->read_only != y->read_only) {
            return false;
        }
    }
    return true;
}

bool volumes_have(const struct volumes *volumes, const char *source)
{
    for (size_t i = 0; i < volumes->count; i++) {
        if (strcmp(volumes->items[i].source, source) == 0) {
            return true;
        }
    }
    return false;
}
