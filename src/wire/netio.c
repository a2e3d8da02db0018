#include "wire/netio.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

void net_effects_init(struct net_effects *effects)
{
    list_init(&effects->list);
}

void net_effects_deinit(struct net_effects *effects)
{
    struct net_effect *effect;
    while ((effect = net_effects_pop(effects)) != NULL) {
        net_effect_free(effect);
    }
}

void net_answer_deinit(struct net_answer *answer)
{
    if (answer->release != NULL) {
        answer->release(answer->owner);
        answer->release = NULL;
    }
    buf_deinit(&answer->body);
}

static struct net_effect *push(struct net_effects *effects, enum net_effect_type type,
                               uint64_t handle, struct blob *body)
{
    struct net_effect *effect = xalloc(sizeof(*effect));
    effect->type = type;
    effect->handle = handle;
    effect->body = body;
    list_push_back(&effects->list, &effect->link);
    return effect;
}

struct net_effect *net_respond(struct net_effects *effects, uint64_t handle, int status,
                               const char *content_type, struct blob *body)
{
    struct net_effect *effect = push(effects, NET_RESPOND, handle, body);
    effect->status = status;
    effect->content_type = content_type;
    return effect;
}

void net_respond_text(struct net_effects *effects, uint64_t handle, int status, const char *fmt,
                      ...)
{
    struct buf text = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(n >= 0);
    (void)vsnprintf(buf_reserve(&text, (size_t)n + 1), (size_t)n + 1, fmt, again);
    va_end(again);
    text.size = (size_t)n;
    net_respond(effects, handle, status, "text/plain; charset=utf-8", blob_take(&text));
}

void net_render(struct net_effects *effects, uint64_t handle, struct net_job *job)
{
    push(effects, NET_RENDER, handle, NULL)->job = job;
}

struct net_effect *net_stream_open(struct net_effects *effects, uint64_t handle,
                                   const char *content_type)
{
    struct net_effect *effect = push(effects, NET_STREAM_OPEN, handle, NULL);
    effect->status = 200;
    effect->content_type = content_type;
    return effect;
}

void net_stream_first(struct net_effects *effects, uint64_t handle, struct blob *piece)
{
    push(effects, NET_STREAM_FIRST, handle, piece)->lent = true;
}

void net_stream_write(struct net_effects *effects, uint64_t handle, struct blob *piece)
{
    push(effects, NET_STREAM_WRITE, handle, piece);
}

void net_stream_close(struct net_effects *effects, uint64_t handle)
{
    push(effects, NET_STREAM_CLOSE, handle, NULL);
}

void net_stream_mark(struct net_effects *effects, uint64_t handle)
{
    push(effects, NET_STREAM_MARK, handle, NULL);
}

void net_hangup(struct net_effects *effects, uint64_t handle)
{
    push(effects, NET_HANGUP, handle, NULL);
}

void net_work(struct net_effects *effects, uint64_t token, struct net_job *job)
{
    push(effects, NET_WORK, token, NULL)->job = job;
}

void net_hurry(struct net_effects *effects)
{
    push(effects, NET_HURRY, 0, NULL);
}

static struct net_effect *push_routed(struct net_effects *effects, enum net_effect_type type,
                                      uint64_t handle, struct blob *body)
{
    struct net_effect *effect = push(effects, type, handle, body);
    effect->route = xalloc(sizeof(*effect->route));
    return effect;
}

void net_send(struct net_effects *effects, const char *from_id, const struct upid *to,
              const char *name, struct blob *body)
{
    struct net_effect *effect = push_routed(effects, NET_SEND, 0, body);
    ASSERT(strlen(from_id) <= UPID_ID_SIZE_MAX);
    memcpy(effect->route->from_id, from_id, strlen(from_id) + 1);
    effect->route->to = *to;
    effect->name = name;
}

struct net_effect *net_link(struct net_effects *effects, const struct address *address)
{
    struct net_effect *effect = push_routed(effects, NET_LINK, 0, NULL);
    effect->route->to.address = *address;
    return effect;
}

void net_unlink(struct net_effects *effects, const struct address *address)
{
    push_routed(effects, NET_UNLINK, 0, NULL)->route->to.address = *address;
}

struct net_effect *net_call(struct net_effects *effects, uint64_t handle,
                            const struct address *address, const char *method, const char *path,
                            const char *content_type, struct blob *body)
{
    struct net_effect *effect = push_routed(effects, NET_CALL, handle, body);
    effect->route->to.address = *address;
    effect->name = method;
    effect->path = xstrdup(path);
    effect->content_type = content_type;
    return effect;
}

void net_add_header(struct net_effect *effect, const char *name, const char *value)
{
    ASSERT(effect->header_count < NET_HEADERS_MAX);
    effect->headers[effect->header_count++] = (struct net_header){name, xstrdup(value)};
}

struct net_effect *net_effects_pop(struct net_effects *effects)
{
    struct list *link = list_pop_front(&effects->list);
    return link != NULL ? LIST_ENTRY(link, struct net_effect, link) : NULL;
}

struct net_effect *net_effect_free(struct net_effect *effect)
{
    if (effect != NULL) {
        for (size_t i = 0; i < effect->header_count; i++) {
            free(effect->headers[i].value);
        }
        if (effect->job != NULL) {
            effect->job->free(effect->job);
        }
        blob_unref(effect->body);
        free(effect->path);
        free(effect->route);
        free(effect);
    }
    return NULL;
}
