/*
 * HTTP paths of the agent, as a table. A path is found by its longest prefix (wire/route.h).
 */
#ifndef TEPUI_AGENT_ENDPOINTS_H
#define TEPUI_AGENT_ENDPOINTS_H

#include "wire/netio.h"
#include "wire/url.h"

struct agent;

#define MEDIA_JSON "application/json"
#define MEDIA_PROTOBUF "application/x-protobuf"
#define MEDIA_RECORDIO "application/recordio"
#define MEDIA_JAVASCRIPT "text/javascript"

struct endpoint_call {
    const struct net_request *request;
    uint64_t handle;
    struct url_params params; /* of the query */
    const char *jsonp;        /* NULL = plain JSON; in the step's arena */
};

void endpoints_request(struct agent *agent, const struct net_request *request);

/* Whether an id is one of our actors or roots: for the host's routes. */
bool endpoints_has_actor(struct slice id);

/* The first value of that name in the query, in the step's arena, or NULL. */
const char *endpoints_param(struct agent *agent, const struct endpoint_call *call,
                            const char *name);
/* Answers with JSON, in a jsonp call if asked for; takes the text. */
void endpoints_respond_json(struct agent *agent, const struct endpoint_call *call,
                            struct buf *json);
/* Wraps the text in the call of a function, as /files and the older endpoints do. */
void endpoints_wrap_jsonp(const char *jsonp, struct buf *json);

/* For each endpoint that is not in a file of its own. */
bool endpoints_method_is(struct agent *agent, const struct net_request *request,
                         const char *method);

#endif
