/*
 * The v1 operator API of the agent: one table of calls. Checks come in the reference's order:
 * method, Content-Type, Accept, body, whether the call may be streamed (golden/,
 * test_operator_agent_reads).
 */
#ifndef TEPUI_AGENT_OPERATOR_API_H
#define TEPUI_AGENT_OPERATOR_API_H

#include "wire/netio.h"
#include "wire/pb.h"

struct agent;

struct operator_call {
    const struct net_request *request;
    uint64_t handle;
    const Pb__Agent__Call *call; /* in the step's arena */
    bool json;                   /* the answer's form, else protobuf */
    bool stream;                 /* the answer is to be framed as a stream of records */
};

void operator_api_request(struct agent *agent, const struct net_request *request);

/* A record of an ATTACH_CONTAINER_INPUT body, in the step's input arena; NULL after an answer. */
const Pb__Agent__Call *operator_api_record(struct agent *agent, uint64_t handle,
                                           struct slice record, bool json);

/* Answers. */
void operator_respond(struct agent *agent, uint64_t handle, bool json,
                      const Pb__Agent__Response *response);
void operator_respond_ok(struct agent *agent, const struct operator_call *call);
void operator_fail(struct agent *agent, const struct operator_call *call, int status,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
