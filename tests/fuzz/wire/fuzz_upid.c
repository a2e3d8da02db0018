#include "fuzz.h"

#include "wire/upid.h"

static void check_upid(struct slice text)
{
    struct upid upid;
    struct upid again;
    char shown[UPID_TEXT_SIZE];
    if (upid_parse(text, &upid)) {
        upid_format(&upid, shown);
        ASSERT(upid_parse(slice_from(shown), &again) && upid_equal(&upid, &again));
    }
}

static bool on_head(void *arg, const struct http_head *head)
{
    const struct upid *upid = arg;
    struct upid from;
    char id[UPID_ID_SIZE_MAX + 1];
    struct slice name;
    ASSERT(libprocess_is_message(head, &from) && upid_equal(&from, upid));
    ASSERT(libprocess_parse_path(head->path, id, &name) && slice_is(name, "pkg.Name"));
    return true;
}

static bool on_body(void *arg, struct slice piece)
{
    (void)arg;
    return slice_is(piece, "body");
}

static bool on_end(void *arg)
{
    (void)arg;
    return true;
}

/* A message that we write from and to such an actor is one that we read. */
static void check_message(struct slice text)
{
    static const struct http_parser_events events = {on_head, on_body, on_end};
    struct upid upid;
    if (!upid_parse(text, &upid) || upid_is_none(&upid) || strpbrk(upid.id, "%/?#") != NULL) {
        return;
    }
    for (const char *c = upid.id; *c != '\0'; c++) {
        if ((unsigned char)*c >= 128) {
            return; /* http-parser takes only ASCII in a path */
        }
    }
    struct buf out = BUF_INIT;
    libprocess_put_message(&upid, &upid, SLICE("pkg.Name"), SLICE("body"), &out);
    libprocess_put_message(&upid, &upid, SLICE("pkg.Name"), SLICE(""), &out);
    struct http_reader *reader = http_reader_new(HTTP_REQUESTS, &events, &upid);
    ASSERT(http_reader_feed(reader, buf_slice(&out), NULL) == 0);
    ASSERT(http_reader_is_idle(reader));
    http_reader_free(reader);
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct address address;
    struct address again;
    char shown[ADDRESS_TEXT_SIZE];
    if (address_parse(text, &address)) {
        address_format(&address, shown);
        ASSERT(address_parse(slice_from(shown), &again) && address_equal(&address, &again));
    }
    check_upid(text);
    check_message(text);
    char id[UPID_ID_SIZE_MAX + 1];
    struct slice name;
    if (libprocess_parse_path(text, id, &name)) {
        ASSERT(id[0] != '\0' && name.size < size);
    }
    return 0;
}
