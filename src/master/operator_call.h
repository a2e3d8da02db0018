/*
 * The operator API, POST /api/v1: one table of calls {type, handle} (operator_calls.c).
 */
#ifndef TEPUI_MASTER_OPERATOR_CALL_H
#define TEPUI_MASTER_OPERATOR_CALL_H

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
    operator_handle_fn *handle;
};

/* Ends with a row whose handler is NULL. */
extern const struct operator_call master_operator_calls[];

/* The endpoint's handler. */
void master_operator_call(struct master *master, const struct net_request *request);

/* 200 with the message in the accepted encoding. */
void master_operator_respond(struct master *master, const struct operator_request *r,
                             const Pb__Master__Response *response);

#endif
