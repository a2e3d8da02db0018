#include "auth/credentials.h"

#include <errno.h>

#include "wire/json.h"

int credentials_parse(struct slice json, struct arena *arena, struct credentials *ret_credentials,
                      struct err *err)
{
    ProtobufCMessage *list;
    struct slice text = slice_trim(json);
    if (text.size == 0 || text.data[0] != '{') {
        return err_set(err, -EINVAL, "a JSON object with \"credentials\" is expected");
    }
    if (json_parse_message(&pb__credentials__descriptor, text, JSON_V1, arena, &list, err) != 0) {
        return -EINVAL;
    }
    ret_credentials->list = (const Pb__Credentials *)list;
    return 0;
}

bool credentials_find(const struct credentials *credentials, struct slice principal,
                      struct slice *ret_secret)
{
    bool found = false;
    for (size_t i = 0; credentials->list != NULL && i < credentials->list->n_credentials; i++) {
        const Pb__Credential *credential = credentials->list->credentials[i];
        if (slice_is(principal, credential->principal)) {
            *ret_secret = slice_from(credential->secret);
            found = true;
        }
    }
    return found;
}
