/*
 * The operators' event stream: who has called SUBSCRIBE is told of the whole state and then of
 * every change, in order (facts/observed.md, operator 4 to 6).
 */
#ifndef TEPUI_MASTER_SUBSCRIBERS_H
#define TEPUI_MASTER_SUBSCRIBERS_H

#include "common/map.h"
#include "common/timers.h"
#include "master/operator_call.h"

#define SUBSCRIBERS_HEARTBEAT_NS (15 * NS_PER_SEC)

struct subscriber {
    struct map_link by_handle; /* reads->subscribers */
    struct list link;          /* reads->subscriber_order */
    uint64_t handle;           /* of the call's request */
    bool json;                 /* events are JSON, else protobuf */
    size_t skipped;            /* changes of this step that its first record has already */
    struct timer heartbeat;    /* TIMER_SUBSCRIBER */
};

struct slice master_subscriber_key(const struct map_link *link);

/* The call: the stream is opened when there is room for its first record. */
void master_subscribers_add(struct master *master, const struct operator_request *r);
/* Opens it: events of now come behind the first record. Beyond
 * --max_operator_event_stream_subscribers the oldest is let go. */
void master_subscribers_open(struct master *master, uint64_t handle, bool json);
/* TIMER_SUBSCRIBER. */
void master_subscribers_heartbeat(struct master *master, struct subscriber *subscriber);
/* The client of a handle has gone: false if it was no subscriber. */
bool master_subscribers_gone(struct master *master, uint64_t handle);
/* At the end of a step: all are told of its changes. */
void master_subscribers_tell(struct master *master);
/* At the end of the master, in silence. */
void master_subscribers_drop_all(struct master *master);

#endif
