#include "cli/programs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/slice.h"

static const char *own_folder(struct arena *arena)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0) {
        return NULL;
    }
    path[size] = '\0';
    *strrchr(path, '/') = '\0';
    return arena_strdup(arena, path);
}

static const char *try_folder(struct slice folder, const char *name, struct arena *arena)
{
    const char *path = arena_printf(arena, "%.*s/%s", SLICE_ARGS(folder), name);
    return access(path, X_OK) == 0 ? path : NULL;
}

const char *programs_find(const char *name, struct arena *arena)
{
    const char *folder = own_folder(arena);
    const char *found = NULL;
    if (folder != NULL) {
        found = try_folder(slice_from(folder), name, arena);
        if (found == NULL) {
            const char *daemons = arena_printf(arena, "%s/../sbin", folder);
            found = try_folder(slice_from(daemons), name, arena);
        }
    }
    struct slice rest = slice_from(getenv("PATH"));
    struct slice part;
    while (found == NULL && slice_split(&rest, ':', &part)) {
        if (part.size > 0) {
            found = try_folder(part, name, arena);
        }
    }
    return found;
}
