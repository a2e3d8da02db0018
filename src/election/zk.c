#include "election/zk.h"

#include <stdlib.h>

#include "common/xalloc.h"

const char *zk_error_text(enum zk_error error)
{
    switch (error) {
    case ZK_OK:
        return "ok";
    case ZK_NO_NODE:
        return "no node";
    case ZK_NODE_EXISTS:
        return "node exists";
    case ZK_NO_AUTH:
        return "not authenticated";
    case ZK_UNKNOWN:
        return "connection lost";
    case ZK_REFUSED:
        return "refused";
    }
    WRONG("an error that is none");
}

void zk_effects_init(struct zk_effects *effects)
{
    list_init(&effects->list);
}

void zk_effects_deinit(struct zk_effects *effects)
{
    struct zk_effect *effect;
    while ((effect = zk_effects_pop(effects)) != NULL) {
        zk_effect_free(effect);
    }
}

struct zk_effect *zk_effects_add(struct zk_effects *effects, enum zk_effect_type type,
                                 uint64_t session, uint64_t op, char *text)
{
    struct zk_effect *effect = xalloc(sizeof(*effect));
    effect->type = type;
    effect->session = session;
    effect->op = op;
    effect->text = text;
    list_push_back(&effects->list, &effect->link);
    return effect;
}

struct zk_effect *zk_effects_pop(struct zk_effects *effects)
{
    struct list *link = list_pop_front(&effects->list);
    return link != NULL ? LIST_ENTRY(link, struct zk_effect, link) : NULL;
}

struct zk_effect *zk_effect_free(struct zk_effect *effect)
{
    if (effect != NULL) {
        list_remove(&effect->link);
        free(effect->text);
        blob_unref(effect->data);
        free(effect);
    }
    return NULL;
}
