/*
 * The operator API, POST /api/v1: one table of calls {type, part, handle} (operator_calls.c).
 */
#ifndef TEPUI_MASTER_OPERATOR_CALL_H
#define TEPUI_MASTER_OPERATOR_CALL_H

#include <stddef.h>

#include "master/http.h"
#include "wire/pb.h"

struct operator_request {
    const struct net_request *request;
    const Pb__Master__Call *call; /* in the step's arena */
    enum http_media accept;       /* JSON or PROTOBUF */
};

typedef void operator_handle_fn(struct master *master, const struct operator_request *r);

struct operator_call {
    Pb__Master__Call__Type type;
    const char *name;           /* "GET_HEALTH" */
    const char *part;           /* the member that must be set, NULL = none */
    size_t part_offset;         /* of that member in the call */
    operator_handle_fn *handle; /* NULL = 501: not supported yet */
    bool changes;               /* the log tells who asked for it */
};

/* Ends with a row whose name is NULL. */
extern const struct operator_call master_operator_calls[];

/* The endpoint's handler. */
void master_operator_call(struct master *master, const struct net_request *request);

/* 200 with the message in the accepted encoding. */
void master_operator_respond(struct master *master, const struct operator_request *r,
                             const Pb__Master__Response *response);

#endif
