#include "daemon/domain_flag.h"

#include <errno.h>

#include "wire/json.h"
#include "wire/message.h"

int domain_flag_parse(const char *text, struct arena *arena, const Pb__DomainInfo **ret_domain,
                      struct slice *ret_encoded, struct err *err)
{
    ProtobufCMessage *message;
    if (text == NULL) {
        *ret_domain = NULL;
        *ret_encoded = slice_make(NULL, 0);
        return 0;
    }
    if (json_parse_message(&pb__domain_info__descriptor, slice_from(text), JSON_V0, arena, &message,
                           err) != 0) {
        return err_wrap(err, -EINVAL, "--domain");
    }
    /* Without a region it says nothing: offers of other regions could not be told apart. */
    const Pb__DomainInfo *domain = (const Pb__DomainInfo *)message;
    if (domain->fault_domain == NULL) {
        return err_set(err, -EINVAL, "--domain: it has no fault_domain");
    }
    *ret_domain = domain;
    *ret_encoded = message_encode_arena(message, arena);
    return 0;
}
