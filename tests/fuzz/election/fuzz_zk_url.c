#include "fuzz.h"

#include "common/buf.h"
#include "election/zk_url.h"

/* What was understood is understood again, from what it was understood as. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct zk_url url;
    struct zk_url again;
    struct err err;
    arena_init(&arena, 0);
    if (zk_url_parse(slice_make(data, size), &arena, &url, &err) == 0) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT;
        buf_printf(&text, ZK_URL_SCHEME "%s%s%s%s", url.credentials != NULL ? url.credentials : "",
                   url.credentials != NULL ? "@" : "", url.hosts, url.path);
        ASSERT(url.path[0] == '/' && url.path[1] != '\0');
        if (text.size <= ZK_URL_SIZE_MAX) {
            ASSERT(zk_url_parse(buf_slice(&text), &arena, &again, &err) == 0);
            ASSERT(strcmp(again.hosts, url.hosts) == 0 && strcmp(again.path, url.path) == 0);
        }
    } else {
        ASSERT(err.text[0] != '\0');
    }
    arena_deinit(&arena);
    return 0;
}
