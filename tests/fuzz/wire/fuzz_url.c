#include "fuzz.h"

#include "wire/route.h"
#include "wire/url.h"

static void check_decoded(struct slice text, bool plus, struct arena *arena)
{
    struct slice decoded;
    if (!url_decode(text, plus, arena, &decoded)) {
        return;
    }
    ASSERT(decoded.size <= text.size && slice_find(decoded, '\0') < 0);
    struct buf encoded = BUF_INIT;
    struct slice again;
    url_encode(decoded, "/", &encoded);
    ASSERT(url_decode(buf_slice(&encoded), plus, arena, &again) && slice_equal(again, decoded));
    buf_deinit(&encoded);
}

static void check_params(struct slice text, struct arena *arena)
{
    struct url_params params;
    if (url_parse_params(text, arena, &params)) {
        ASSERT(params.count <= URL_PARAMS_MAX);
        for (size_t i = 0; i < params.count; i++) {
            ASSERT(slice_find(params.items[i].name, '\0') < 0);
            ASSERT(slice_find(params.items[i].value, '\0') < 0);
        }
    }
}

static bool has(void *arg, struct slice id)
{
    (void)arg;
    ASSERT(slice_find(id, '/') < 0);
    return slice_is(id, "master");
}

/* What is routed is a path that leads to itself. */
static void check_route(struct slice text, struct arena *arena)
{
    struct routes routes = {.delegate = "master", .has = has};
    struct slice path;
    if (!route_resolve(&routes, text, arena, &path)) {
        return;
    }
    ASSERT(slice_starts_with(path, SLICE("/master")));
    ASSERT(path.data[path.size - 1] != '/');
    ASSERT(memmem(path.data, path.size, "/..", 3) == NULL);
    ASSERT(memmem(path.data, path.size, "//", 2) == NULL);
    struct slice again;
    if (slice_find(path, '%') < 0) {
        ASSERT(route_resolve(&routes, path, arena, &again) && slice_equal(path, again));
    }
    while (route_shorten(&path)) {
        ASSERT(slice_is(route_actor(path), "master"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct arena arena;
    arena_init(&arena, 0);
    check_decoded(text, false, &arena);
    check_decoded(text, true, &arena);
    check_params(text, &arena);
    check_route(text, &arena);
    struct url url;
    if (url_parse(text, &url)) {
        ASSERT(url.scheme.size != 0 && url.host.size != 0 && url.path.size != 0);
        ASSERT(url.path.data[0] == '/');
    }
    arena_deinit(&arena);
    return 0;
}
