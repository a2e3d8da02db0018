/*
 * Persistent volumes: where each lies on disk, and which ones a task or an executor uses. Pure:
 * nothing is looked up.
 *
 * A volume is a folder that is made at CREATE and goes with what is in it at DESTROY (docs/design/
 * agent.md, persistent volumes):
 *
 *     no source    work_dir/volumes/roles/ROLE/ID
 *     PATH disk    ROOT/volumes/roles/ROLE/ID
 *     MOUNT disk   ROOT itself: only its content goes
 *
 * A role's slashes are written as spaces, which no role has. A relative ROOT is below work_dir.
 */
#ifndef TEPUI_AGENT_VOLUMES_H
#define TEPUI_AGENT_VOLUMES_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/err.h"
#include "container/container.h"
#include "resources/resources.h"
#include "wire/pb.h"

enum { VOLUMES_E_INVALID = 1 };

/* Bytes of the role of a volume whose folder has its name: what file systems take for a name. Ids
 * are no longer either (resource_validate.h). */
#define VOLUMES_ROLE_MAX 255

/* May all persistent volumes in r become folders? 0 or VOLUMES_E_INVALID: unreserved, on a disk
 * that holds no folders, or with a role or id that is no file name. What passes and cannot be made
 * ends the agent, at each start again. */
int volumes_check(const struct resources *r, struct err *err) WARN_UNUSED;

/* The folder of a persistent volume that passed volumes_check. */
const char *volumes_path(const struct resource *volume, const char *work_dir, struct arena *arena);

/* The persistent volumes of a list that are to be seen in a sandbox. */
struct volumes {
    struct container_volume *items; /* heap */
    size_t count;
};

void volumes_deinit(struct volumes *volumes); /* idempotent */
/* Adds those of resources of a task or an executor; one that is there already stays as it is. What
 * cannot be a volume is left out, and so is one whose container_path is not a single name. */
void volumes_add_pb(struct volumes *volumes, Pb__Resource *const *items, size_t count,
                    const char *work_dir);
void volumes_add(struct volumes *volumes, const struct volumes *others);
/* The same volumes at the same places in the same order? Owners are not compared. */
bool volumes_equal(const struct volumes *a, const struct volumes *b);
bool volumes_have(const struct volumes *volumes, const char *source);

#endif
