/*
 * An encoded message that is shown as JSON: a worker renders it.
 */
#ifndef TEPUI_MASTER_MESSAGE_VIEW_H
#define TEPUI_MASTER_MESSAGE_VIEW_H

#include "master/http.h"
#include "wire/json.h"

struct master;

struct message_show {
    const ProtobufCMessageDescriptor *desc; /* constant */
    enum json_names names;
    struct slice bytes; /* of the message; empty = without any field */
    struct blob *owner; /* of the bytes: referenced until it is done; NULL = they are constant */
    struct blob *jsonp; /* name of a function; referenced; NULL = none */
};

/* Answers the request with 200 and the message. */
void master_message_show(struct master *master, uint64_t handle, const struct message_show *show);

#endif
