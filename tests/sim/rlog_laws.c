#include "sim/rlog_laws.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/protocol.h"

void rlog_laws_fail(struct rlog_laws *laws, const char *fmt, ...)
{
    if (laws->failure[0] == '\0') {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(laws->failure, sizeof(laws->failure), fmt, args);
        va_end(args);
    }
}

static struct rlog_place *place_of(struct rlog_laws *laws, uint64_t position)
{
    ASSERT(position < RLOG_LAWS_POSITIONS_MAX);
    return &laws->places[position];
}

/* Tombstones stand for whatever was truncated. */
void rlog_laws_learned(struct rlog_laws *laws, const struct rlog_action *action)
{
    struct rlog_place *place = place_of(laws, action->position);
    if (action->tombstone) {
        return;
    }
    if (!place->is_decided) {
        place->is_decided = true;
        place->value = rlog_action_ref(action);
    } else if (!rlog_action_equal_value(&place->value, action)) {
        rlog_laws_fail(laws, "position %llu has two values", (unsigned long long)action->position);
    }
    if (place->acknowledged != NULL &&
        !slice_equal(blob_slice(place->acknowledged), blob_slice(action->bytes))) {
        rlog_laws_fail(laws, "position %llu was acknowledged with another value",
                       (unsigned long long)action->position);
    }
}

static void check_proposed(struct rlog_laws *laws, const struct rlog_message *message)
{
    struct rlog_place *place = place_of(laws, message->action.position);
    const struct rlog_proposed *old = place->proposed;
    while (old != NULL && old->proposal != message->proposal) {
        old = old->next;
    }
    if (old == NULL) {
        struct rlog_proposed *proposed = xalloc(sizeof(*proposed));
        *proposed = (struct rlog_proposed){place->proposed, message->proposal,
                                           rlog_action_ref(&message->action)};
        place->proposed = proposed;
    } else if (!rlog_action_equal_value(&old->value, &message->action)) {
        rlog_laws_fail(laws, "two values were proposed for position %llu with number %llu",
                       (unsigned long long)message->action.position,
                       (unsigned long long)old->proposal);
    }
}

static void check_is_on_disk(struct rlog_laws *laws, const struct rlog_message *message,
                             const char *name, const struct rlog_sim_store *store)
{
    if (message->vote != RLOG_ACCEPT) {
        return;
    }
    if (message->type == RLOG_WRITE_RESPONSE) {
        const struct rlog_action *action = rlog_sim_store_find(store, message->position);
        bool is_there =
            action != NULL && (action->learned || action->performed >= message->proposal);
        if (!is_there && message->position >= rlog_sim_store_begin(store)) {
            rlog_laws_fail(laws, "%s accepted what is not on its disk", name);
        }
    } else if (!message->has_action && message->has_position) {
        /* To an implicit request, or for a position that held nothing. */
        const struct rlog_action *action = rlog_sim_store_find(store, message->position);
        bool is_there =
            rlog_sim_store_promised(store) >= message->proposal ||
            (action != NULL && (action->learned || action->promised >= message->proposal)) ||
            message->position < rlog_sim_store_begin(store);
        if (!is_there) {
            rlog_laws_fail(laws, "%s promised what is not on its disk", name);
        }
    } else if (message->has_action && !message->action.learned) {
        const struct rlog_action *action = rlog_sim_store_find(store, message->action.position);
        bool is_there =
            action != NULL && (action->learned || action->promised >= message->proposal);
        if (!is_there && message->action.position >= rlog_sim_store_begin(store)) {
            rlog_laws_fail(laws, "%s promised what is not on its disk", name);
        }
    }
}

void rlog_laws_message(struct rlog_laws *laws, const struct net_effect *effect, const char *name,
                       const struct rlog_sim_store *store)
{
    enum rlog_message_type type;
    struct rlog_message message;
    struct err err = {""};
    ASSERT(rlog_message_find(slice_from(effect->name), &type));
    if (rlog_message_decode(type, blob_slice(effect->body), &message, &err) != 0) {
        rlog_laws_fail(laws, "%s says nonsense: %s", name, err.text);
        return;
    }
    switch (type) {
    case RLOG_WRITE_REQUEST:
        check_proposed(laws, &message);
        break;
    case RLOG_LEARNED:
        rlog_laws_learned(laws, &message.action);
        break;
    case RLOG_PROMISE_RESPONSE:
    case RLOG_WRITE_RESPONSE:
        check_is_on_disk(laws, &message, name, store);
        break;
    case RLOG_PROMISE_REQUEST:
    case RLOG_RECOVER_REQUEST:
    case RLOG_RECOVER_RESPONSE:
        break;
    }
    rlog_message_deinit(&message);
}

void rlog_laws_acknowledged(struct rlog_laws *laws, uint64_t position, struct blob *bytes)
{
    struct rlog_place *place = place_of(laws, position);
    if (place->acknowledged != NULL) {
        rlog_laws_fail(laws, "position %llu was acknowledged twice", (unsigned long long)position);
    }
    if (place->is_decided && !slice_equal(blob_slice(place->value.bytes), blob_slice(bytes))) {
        rlog_laws_fail(laws, "position %llu was acknowledged, but has another value",
                       (unsigned long long)position);
    }
    blob_unref(place->acknowledged);
    place->acknowledged = bytes;
    laws->acknowledged_end = MAX(laws->acknowledged_end, position);
}

void rlog_laws_skipped(struct rlog_laws *laws, uint64_t from, uint64_t to, const char *name)
{
    for (uint64_t position = from; position < to; position++) {
        const struct rlog_place *place = place_of(laws, position);
        if (place->acknowledged != NULL && place->acknowledged->size > 0) {
            rlog_laws_fail(laws, "%s does not find position %llu", name,
                           (unsigned long long)position);
        }
    }
}

void rlog_laws_read(struct rlog_laws *laws, const struct rlog_entry *entry, const char *name)
{
    const struct rlog_place *place = place_of(laws, entry->position);
    if (!place->is_decided ||
        !slice_equal(blob_slice(place->value.bytes), blob_slice(entry->bytes))) {
        rlog_laws_fail(laws, "%s reads what was not decided", name);
    }
}

void rlog_laws_deinit(struct rlog_laws *laws)
{
    for (size_t i = 0; i < RLOG_LAWS_POSITIONS_MAX; i++) {
        struct rlog_place *place = &laws->places[i];
        rlog_action_deinit(&place->value);
        blob_unref(place->acknowledged);
        while (place->proposed != NULL) {
            struct rlog_proposed *proposed = place->proposed;
            place->proposed = proposed->next;
            rlog_action_deinit(&proposed->value);
            free(proposed);
        }
    }
}
