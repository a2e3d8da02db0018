#include "master/registry_view.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "master/pending.h"
#include "wire/json.h"
#include "wire/jsonp.h"
#include "wire/pb.h"

struct registry_view {
    struct net_job job;
    struct blob *owner; /* of the value; NULL = none */
    struct slice value; /* the encoded registry */
    struct blob *jsonp; /* name of a function; NULL = none */
};

/* --- in a worker --- */

static void run(struct net_job *job, struct net_answer *answer)
{
    struct registry_view *view = CONTAINER_OF(job, struct registry_view, job);
    struct buf out = BUF_INIT;
    json_print_bytes(&pb__internal__registry__descriptor, view->value, JSON_V0, &out);
    answer->status = 200;
    answer->content_type = HTTP_JSON;
    if (view->jsonp != NULL) {
        answer->content_type = HTTP_JAVASCRIPT;
        jsonp_append(blob_slice(view->jsonp), buf_slice(&out), &answer->body);
        buf_deinit(&out);
    } else {
        answer->body = out;
    }
}

static void free_view(struct net_job *job)
{
    struct registry_view *view = CONTAINER_OF(job, struct registry_view, job);
    blob_unref(view->owner);
    blob_unref(view->jsonp);
    free(view);
}

/* --- on the loop --- */

static void respond(struct master *master, uint64_t handle, struct slice value,
                    struct blob *value_owner, struct blob *jsonp)
{
    struct registry_view *view = xalloc(sizeof(*view));
    view->job = (struct net_job){run, free_view};
    view->value = value;
    view->owner = blob_ref(value_owner);
    view->jsonp = blob_ref(jsonp);
    net_render(&master->effects->net, handle, &view->job);
}

void master_registry_view(struct master *master, const struct net_request *request)
{
    struct slice name;
    if (!master_http_jsonp(master, request, &name)) {
        return;
    }
    struct blob *jsonp = name.data != NULL ? blob_from(name) : NULL;
    if (master->role == MASTER_SERVING) {
        struct pending *pending = master_pending_ask(master, REGISTRY_READ, NULL, NULL);
        pending->handle = request->handle;
        pending->jsonp = jsonp;
    } else {
        respond(master, request->handle, (struct slice){0}, NULL, jsonp);
        blob_unref(jsonp);
    }
}

void master_registry_view_read(struct master *master, const struct pending *pending,
                               const struct registry_event *event)
{
    respond(master, pending->handle, event->value, event->value_owner, pending->jsonp);
}
