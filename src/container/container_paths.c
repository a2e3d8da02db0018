#include "container/container_paths.h"

#define SEPARATOR "mesos" /* between a cgroup and those nested in it */

static bool name_is_valid(struct slice name)
{
    if (name.size == 0 || name.size > CONTAINER_NAME_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c == 0x7f || c == '/' || c == '\\' || c == '.') {
            return false;
        }
    }
    return true;
}

bool container_paths_valid(const char *path)
{
    struct slice rest = slice_from(path);
    struct slice name;
    int depth = 0;
    if (rest.size >= CONTAINER_PATH_SIZE) {
        return false;
    }
    while (slice_split(&rest, '.', &name)) {
        if (!name_is_valid(name) || ++depth > CONTAINER_DEPTH_MAX) {
            return false;
        }
    }
    return depth > 0;
}

bool container_paths_parent(const char *path, char ret[CONTAINER_PATH_SIZE])
{
    const char *dot = strrchr(path, '.');
    if (dot == NULL) {
        return false;
    }
    memcpy(ret, path, (size_t)(dot - path));
    ret[dot - path] = '\0';
    return true;
}

int container_paths_depth(const char *path)
{
    int depth = 1;
    for (const char *c = path; *c != '\0'; c++) {
        depth += *c == '.';
    }
    return depth;
}

bool container_paths_below(const char *path, const char *above)
{
    size_t size = strlen(above);
    return strncmp(path, above, size) == 0 && path[size] == '.';
}

static void join_names(const char *path, const char *between, struct buf *out)
{
    struct slice rest = slice_from(path);
    struct slice name;
    bool first = true;
    while (slice_split(&rest, '.', &name)) {
        if (!first) {
            buf_append_text(out, between);
        }
        buf_append_slice(out, name);
        first = false;
    }
}

void container_paths_runtime(const char *runtime_dir, const char *path, struct buf *out)
{
    buf_printf(out, "%s/containers/", runtime_dir);
    join_names(path, "/containers/", out);
}

void container_paths_cgroup(const char *path, struct buf *out)
{
    join_names(path, "/" SEPARATOR "/", out);
}

void container_paths_sandbox(const char *top_sandbox, const char *path, struct buf *out)
{
    buf_append_text(out, top_sandbox);
    const char *below = strchr(path, '.');
    if (below != NULL) {
        buf_append_text(out, "/containers/");
        join_names(below + 1, "/containers/", out);
    }
}

bool container_paths_top_sandbox(const char *sandbox, const char *path, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf end = BUF_INIT;
    container_paths_sandbox("", path, &end);
    struct slice top = slice_from(sandbox);
    if (end.size >= top.size || !slice_ends_with(top, buf_slice(&end))) {
        return false;
    }
    top.size -= end.size;
    buf_append_slice(out, top);
    return true;
}

bool container_paths_from_cgroup(struct slice cgroup, char ret[CONTAINER_PATH_SIZE])
{
    if (slice_ends_with(cgroup, SLICE("/leaf"))) {
        cgroup.size -= strlen("/leaf");
    }
    if (slice_is(cgroup, "agent") || slice_is(cgroup, "slave") || cgroup.size == 0 ||
        cgroup.size >= CONTAINER_PATH_SIZE) {
        return false;
    }
    struct slice part;
    size_t size = 0;
    for (int n = 0; slice_split(&cgroup, '/', &part); n++) {
        if (n % 2 == 1) {
            if (!slice_is(part, SEPARATOR)) {
                return false;
            }
            ret[size++] = '.';
            continue;
        }
        if (!name_is_valid(part)) {
            return false;
        }
        memcpy(ret + size, part.data, part.size);
        size += part.size;
    }
    ret[size] = '\0';
    return container_paths_valid(ret); /* neither too deep nor ending with the separator */
}
