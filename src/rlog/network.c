#include "rlog/network.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "rlog/rlog.h"

static struct slice ask_key(const struct map_link *link)
{
    const struct rlog_ask *ask = CONTAINER_OF(link, struct rlog_ask, by_number);
    return slice_make(&ask->number, sizeof(ask->number));
}

void rlog_network_init(struct rlog_network *network, const struct upid *self, uint64_t seed)
{
    *network = (struct rlog_network){.next_number = 1, .member_count = 1};
    network->members[0] = (struct rlog_member){.upid = *self, .local = true};
    list_init(&network->rounds);
    list_init(&network->locals);
    map_init(&network->asks, ask_key, seed);
    timer_init(&network->relink, RLOG_TIMER_LINK, network);
}

void rlog_network_deinit(struct rlog_network *network)
{
    struct rlog_local *local;
    while ((local = rlog_network_pop_local(network)) != NULL) {
        rlog_local_free(local);
    }
    map_deinit(&network->asks);
}

/* --- members --- */

static struct rlog_member *find_member(struct rlog_member *members, size_t count,
                                       const struct upid *upid)
{
    for (size_t i = 0; i < count; i++) {
        if (upid_equal(&members[i].upid, upid)) {
            return &members[i];
        }
    }
    return NULL;
}

static bool has_address(const struct rlog_network *network, const struct address *address)
{
    for (size_t i = 0; i < network->member_count; i++) {
        if (address_equal(&network->members[i].upid.address, address)) {
            return true;
        }
    }
    return false;
}

static int compare_members(const void *a, const void *b)
{
    const struct rlog_member *x = a;
    const struct rlog_member *y = b;
    int order = memcmp(&x->upid.address, &y->upid.address, sizeof(x->upid.address));
    return order != 0 ? order : strcmp(x->upid.id, y->upid.id);
}

/* Drops a connection that is there, as the original does: it may be dead (MESOS-5576). */
static void make_link(struct rlog_member *member, const struct rlog_parts *parts)
{
    struct net_effects *effects = &parts->effects->net;
    member->is_linked = true;
    member->linked_ns = parts->now_ns;
    net_link(effects, &member->upid.address);
    LIST_ENTRY(effects->list.prev, struct net_effect, link)->reconnect = true;
}

static void link_members(struct rlog_network *network, const struct rlog_parts *parts)
{
    for (size_t i = 0; i < network->member_count; i++) {
        struct rlog_member *member = &network->members[i];
        if (!member->local && !member->is_linked) {
            make_link(member, parts);
        }
    }
}

size_t rlog_network_set_members(struct rlog_network *network, const struct rlog_parts *parts,
                                const struct upid *members, size_t count)
{
    struct rlog_member old[RLOG_MEMBERS_MAX];
    size_t old_count = network->member_count;
    memcpy(old, network->members, old_count * sizeof(old[0]));

    size_t left_out = 0;
    size_t next = 0;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].local) {
            network->members[next++] = old[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (find_member(network->members, next, &members[i]) != NULL) {
            continue;
        }
        if (next == RLOG_MEMBERS_MAX) {
            left_out++;
            continue;
        }
        const struct rlog_member *known = find_member(old, old_count, &members[i]);
        network->members[next++] =
            known != NULL ? *known : (struct rlog_member){.upid = members[i]};
    }
    network->member_count = next;
    qsort(network->members, next, sizeof(network->members[0]), compare_members);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].is_linked && !has_address(network, &old[i].upid.address)) {
            net_unlink(&parts->effects->net, &old[i].upid.address);
        }
    }
    link_members(network, parts);
    struct rlog_round *round;
    LIST_FOR_EACH (round, &network->rounds, link) {
        rlog_round_ask(round, parts);
    }
    return left_out;
}

void rlog_network_exited(struct rlog_network *network, const struct rlog_parts *parts,
                         const struct address *address)
{
    bool any = false;
    for (size_t i = 0; i < network->member_count; i++) {
        struct rlog_member *member = &network->members[i];
        if (address_equal(&member->upid.address, address) && member->is_linked) {
            member->is_linked = false;
            any = true;
        }
    }
    if (any && !timer_is_set(&network->relink)) {
        int64_t pause_ns = rlog_backoff_ns(parts->prng, RLOG_RELINK_NS, RLOG_RELINK_NS, 0);
        timers_set(parts->timers, &network->relink, parts->now_ns + pause_ns);
    }
}

void rlog_network_tick(struct rlog_network *network, const struct rlog_parts *parts)
{
    link_members(network, parts);
}

void rlog_network_reconnect(struct rlog_network *network, const struct rlog_parts *parts,
                            const struct upid *upid)
{
    struct rlog_member *member = find_member(network->members, network->member_count, upid);
    if (member != NULL && member->is_linked &&
        parts->now_ns - member->linked_ns >= RLOG_RECONNECT_NS) {
        make_link(member, parts);
    }
}

/* --- messages --- */

void rlog_network_tell(const struct rlog_network *network, const struct rlog_parts *parts,
                       const struct rlog_action *action, const struct rlog_round *round)
{
    struct rlog_message message = {.type = RLOG_LEARNED, .has_action = true, .action = *action};
    CLEANUP(blob_unrefp) struct blob *body = NULL;
    for (size_t i = 0; i < network->member_count; i++) {
        const struct rlog_member *member = &network->members[i];
        bool lacks = round == NULL;
        if (round != NULL) {
            const struct rlog_ask *ask;
            LIST_FOR_EACH (ask, &round->asks, link) {
                lacks |= ask->lacks && upid_equal(&ask->to, &member->upid);
            }
        }
        if (member->local || !lacks) {
            continue;
        }
        if (body == NULL) {
            body = rlog_message_encode(&message);
        }
        net_send(&parts->effects->net, RLOG_NETWORK_ID, &member->upid,
                 rlog_message_name(RLOG_LEARNED), blob_ref(body));
    }
}

struct rlog_ask *rlog_network_find_ask(const struct rlog_network *network, uint64_t number)
{
    struct map_link *link = map_find(&network->asks, slice_make(&number, sizeof(number)));
    return link != NULL ? CONTAINER_OF(link, struct rlog_ask, by_number) : NULL;
}

bool rlog_network_parse_id(struct slice id, uint64_t *ret_number)
{
    struct slice prefix = SLICE("__req_res__(");
    if (!slice_starts_with(id, prefix) || !slice_ends_with(id, SLICE(")")) ||
        id.size <= prefix.size + 1) {
        return false;
    }
    struct slice digits = slice_make(id.data + prefix.size, id.size - prefix.size - 1);
    return slice_parse_uint64(digits, ret_number);
}

struct rlog_local *rlog_network_pop_local(struct rlog_network *network)
{
    struct list *link = list_pop_front(&network->locals);
    return link != NULL ? LIST_ENTRY(link, struct rlog_local, link) : NULL;
}

struct rlog_local *rlog_local_free(struct rlog_local *local)
{
    if (local != NULL) {
        rlog_message_deinit(&local->message);
        free(local);
    }
    return NULL;
}
