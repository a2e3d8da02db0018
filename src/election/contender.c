#include "election/contender.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "election/leader_info.h"

void contender_init(struct contender *contender, const struct blob *info)
{
    *contender = (struct contender){0};
    if (info != NULL) {
        struct buf text = BUF_INIT;
        leader_info_format_json(blob_slice(info), &text);
        contender->text = blob_take(&text);
    }
}

void contender_deinit(struct contender *contender)
{
    blob_unref(contender->text);
    free(contender->name);
}

void contender_lost(struct contender *contender)
{
    contender->op = 0;
    free(contender->name);
    contender->name = NULL;
}

/* There may be a node that we do not know the name of, and it must not lead. */
void contender_broken(struct contender *contender, struct link *link)
{
    if (contender->op != 0) {
        contender->op = 0;
        link_leave(link);
    }
}

bool contender_done(struct contender *contender, struct link *link, int64_t now_ns,
                    const struct zk_event *event)
{
    if (contender->op == 0 || event->op != contender->op) {
        return true;
    }
    contender->op = 0;
    switch (event->error) {
    case ZK_OK: {
        const char *slash = event->path != NULL ? strrchr(event->path, '/') : NULL;
        enum leader_info_format format;
        int32_t number;
        if (slash == NULL || !leader_info_parse_name(slice_from(slash + 1), &format, &number)) {
            link_leave(link); /* no server of ours answers this */
            return true;
        }
        link_went_well(link);
        contender->name = xstrdup(slash + 1);
        return true;
    }
    case ZK_NO_NODE:
        link_prepare(link, now_ns);
        return true;
    case ZK_UNKNOWN:
        link_leave(link);
        return true;
    case ZK_NODE_EXISTS:
    case ZK_NO_AUTH:
    case ZK_REFUSED:
        (void)err_set(&link->why, 0, "Failed to contend in ZooKeeper: %s",
                      event->text != NULL ? event->text : zk_error_text(event->error));
        return false;
    }
    WRONG("an error that is none");
}

void contender_advance(struct contender *contender, struct link *link, const char *path,
                       struct zk_effects *effects)
{
    if (contender->text == NULL || contender->name != NULL || contender->op != 0 ||
        !link_may_ask(link)) {
        return;
    }
    struct zk_effect *effect =
        link_ask(link, ZK_CREATE, xasprintf("%s/" LEADER_INFO_PREFIX, path), effects);
    effect->ephemeral = true;
    effect->restricted = link->credentials != NULL;
    effect->data = blob_ref(contender->text);
    contender->op = effect->op;
}
