#include "master/message_view.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/master_state.h"
#include "wire/jsonp.h"

struct message_view {
    struct net_job job;
    struct message_show show;
};

/* In a worker. */
static void run(struct net_job *job, struct net_answer *answer)
{
    const struct message_view *view = CONTAINER_OF(job, struct message_view, job);
    const struct message_show *show = &view->show;
    struct buf out = BUF_INIT;
    json_print_bytes(show->desc, show->bytes, show->names, &out);
    answer->status = 200;
    answer->content_type = HTTP_JSON;
    if (show->jsonp != NULL) {
        answer->content_type = HTTP_JAVASCRIPT;
        jsonp_append(blob_slice(show->jsonp), buf_slice(&out), &answer->body);
        buf_deinit(&out);
    } else {
        answer->body = out;
    }
}

static void free_view(struct net_job *job)
{
    struct message_view *view = CONTAINER_OF(job, struct message_view, job);
    blob_unref(view->show.owner);
    blob_unref(view->show.jsonp);
    free(view);
}

void master_message_show(struct master *master, uint64_t handle, const struct message_show *show)
{
    struct message_view *view = xalloc(sizeof(*view));
    view->job = (struct net_job){run, free_view};
    view->show = *show;
    view->show.owner = blob_ref(show->owner);
    view->show.jsonp = blob_ref(show->jsonp);
    net_render(&master->effects->net, handle, &view->job);
}
