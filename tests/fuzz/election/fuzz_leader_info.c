#include "fuzz.h"

#include "election/leader_info.h"

static void check(enum leader_info_format format, struct slice data)
{
    struct err err = {""};
    struct leader leader;
    struct blob *info = leader_info_parse(format, data, &err);
    if (info == NULL) {
        ASSERT(err.text[0] != '\0');
        return;
    }
    /* Others can be told of it, and it can be published. */
    ASSERT(leader_info_read(blob_slice(info), &leader));
    ASSERT(leader.pid.address.family != 0 && leader.hostname[0] != '\0');
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    leader_info_format_json(blob_slice(info), &text);
    ASSERT(text.size > 2);
    blob_unref(info);
}

/* The first byte tells the format; the rest is a node's data, or a name up to its first newline. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0) {
        struct slice rest = slice_make(data + 1, size - 1);
        enum leader_info_format format;
        int32_t number;
        check((enum leader_info_format)(data[0] % (LEADER_INFO_FOREIGN + 1)), rest);
        if (leader_info_parse_name(rest, &format, &number)) {
            ASSERT(rest.size > 0 && format <= LEADER_INFO_FOREIGN);
        }
    }
    return 0;
}
