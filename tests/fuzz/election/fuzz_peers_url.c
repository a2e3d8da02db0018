#include "fuzz.h"

#include "common/buf.h"
#include "election/peers_url.h"

/* What was understood is understood again, from what it was understood as. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct peers_url url;
    struct peers_url again;
    struct err err = {""};
    struct slice text = slice_make(data, size);
    arena_init(&arena, 0);
    bool is_url = peers_url_is(text);
    int r = is_url ? peers_url_parse(text, &arena, &url, &err)
                   : peers_url_parse_list(text, &arena, &url, &err);
    if (r == 0) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT;
        ASSERT(url.count > 0 && url.count <= PEERS_URL_HOSTS_MAX);
        for (size_t i = 0; i < url.count; i++) {
            bool bracketed =
                strchr(url.hosts[i].name, ':') != NULL || strchr(url.hosts[i].name, '%') != NULL;
            buf_printf(&out, "%s%s%s%s:%d", i == 0 ? PEERS_URL_SCHEME : ",", bracketed ? "[" : "",
                       url.hosts[i].name, bracketed ? "]" : "", url.hosts[i].port);
        }
        ASSERT(peers_url_parse(buf_slice(&out), &arena, &again, &err) == 0);
        ASSERT(again.count == url.count);
        for (size_t i = 0; i < url.count; i++) {
            ASSERT(strcmp(again.hosts[i].name, url.hosts[i].name) == 0 &&
                   again.hosts[i].port == url.hosts[i].port);
        }
    } else {
        ASSERT(err.text[0] != '\0');
    }
    arena_deinit(&arena);
    return 0;
}
