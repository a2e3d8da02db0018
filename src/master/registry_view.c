#include "master/registry_view.h"

#include "master/master_state.h"
#include "master/message_view.h"
#include "master/pending.h"
#include "wire/pb.h"

static void respond(struct master *master, uint64_t handle, struct slice value,
                    struct blob *value_owner, struct blob *jsonp)
{
    master_message_show(master, handle,
                        &(struct message_show){
                            .desc = &pb__internal__registry__descriptor,
                            .names = JSON_V0,
                            .bytes = value,
                            .owner = value_owner,
                            .jsonp = jsonp,
                        });
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
