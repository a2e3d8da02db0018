#include "wire/jsonp.h"

#include <string.h>

bool jsonp_is_function(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (c == '\0' || strchr("_.$[]", c) == NULL)) {
            return false;
        }
    }
    return name.size > 0;
}

void jsonp_begin(struct slice name, struct buf *out)
{
    buf_append_slice(out, name);
    buf_append_byte(out, '(');
}

void jsonp_end(struct buf *out)
{
    buf_append_byte(out, ')');
}

void jsonp_append(struct slice name, struct slice json, struct buf *out)
{
    jsonp_begin(name, out);
    buf_append_slice(out, json);
    jsonp_end(out);
}
