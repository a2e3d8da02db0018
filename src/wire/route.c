#include "wire/route.h"

#include <string.h>

#include "wire/url.h"

static bool leads_up(struct slice path)
{
    return path.size >= 3 && memmem(path.data, path.size, "/..", 3) != NULL;
}

bool route_resolve(const struct routes *routes, struct slice path, struct arena *arena,
                   struct slice *ret)
{
    struct slice decoded;
    if (path.size == 0 || path.data[0] != '/' || leads_up(path) ||
        !url_decode(path, false, arena, &decoded)) {
        return false;
    }
    size_t delegate_size = routes->delegate != NULL ? strlen(routes->delegate) : 0;
    char *text = arena_alloc_raw(arena, decoded.size + delegate_size + 1);
    if (text == NULL) {
        return false;
    }
    size_t size = 0;
    struct slice first = route_actor(decoded);
    if (delegate_size != 0 && (first.size == 0 || !routes->has(routes->arg, first))) {
        text[size++] = '/';
        memcpy(text + size, routes->delegate, delegate_size);
        size += delegate_size;
    }
    struct slice part;
    for (struct slice rest = decoded; slice_split(&rest, '/', &part);) {
        if (part.size != 0) {
            text[size++] = '/';
            memcpy(text + size, part.data, part.size);
            size += part.size;
        }
    }
    if (size == 0) {
        text[size++] = '/';
    }
    *ret = slice_make(text, size);
    return !leads_up(*ret);
}

bool route_shorten(struct slice *path)
{
    size_t slashes = 0;
    size_t last = 0;
    for (size_t i = 0; i < path->size; i++) {
        if (path->data[i] == '/') {
            slashes++;
            last = i;
        }
    }
    if (slashes < 3) {
        return false;
    }
    path->size = last;
    return true;
}

struct slice route_actor(struct slice path)
{
    while (path.size != 0 && path.data[0] == '/') {
        path = slice_skip(path, 1);
    }
    ptrdiff_t slash = slice_find(path, '/');
    return slash >= 0 ? slice_make(path.data, (size_t)slash) : path;
}
