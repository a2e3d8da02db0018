/*
 * Answers of whole state: made once, lent to all who asked for the same, and bounded together.
 *
 * An answer is one state: that of a snapshot not older than any of the requests it answers. Who
 * asks for what is there, or is being made, and has not changed since, gets that (the reference
 * answers equal requests that wait together once). Else another is made, if there is room: bytes
 * that are being made, are kept, or are with clients that have not taken them yet. If there is
 * none the request waits, holding nothing but itself, and is answered later, with others that ask
 * for the same from one newer state. If it has waited for long, clients who do not take what they
 * were lent are cut off (NET_HURRY). So no number of readers, however slow, takes more memory than
 * the rooms have.
 *
 * Small answers have a room of their own: they do not wait for large ones.
 */
#ifndef TEPUI_MASTER_VIEW_ANSWERS_H
#define TEPUI_MASTER_VIEW_ANSWERS_H

#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"
#include "master/view.h"

/* What is expected to be no larger is a small answer. */
#define VIEW_SMALL_SIZE ((size_t)4 << 20)
/* The rooms, in bytes of answers. */
#define VIEW_SMALL_ROOM_SIZE ((size_t)16 << 20)
#define VIEW_LARGE_ROOM_SIZE ((size_t)64 << 20)
/* So many always have room, of whatever size: one reader who stands still does not stop others. */
#define VIEW_ANSWERS_MIN 2
/* Nor more than so many, however small: each may hold on to a state of its own while it is made. */
#define VIEW_ANSWERS_MAX 16
/* How long an answer is kept, at least, behind its last use: asked for, being made, being sent; at
 * most twice that. One that is out of date goes when it is looked after next. */
#define VIEW_KEPT_NS NS_PER_SEC
#define VIEW_LARGE_KEPT_NS (150 * NS_PER_MS)
/* How often it is looked for room while somebody waits. */
#define VIEW_LOOK_NS (10 * NS_PER_MS)
/* Who has waited for so long has slow clients cut off, */
#define VIEW_PATIENCE_NS (2 * NS_PER_SEC)
/* and again each time that this has passed. */
#define VIEW_HURRY_NS NS_PER_SEC

enum view_room_kind { VIEW_ROOM_SMALL, VIEW_ROOM_LARGE };
#define VIEW_ROOMS 2

struct view_room {
    struct list answers; /* struct view_answer, oldest first */
    size_t count;        /* of them */
    size_t size;         /* bytes of them, or what those that are being made are expected to take */
    struct list waiting; /* struct view_wait without room, oldest first */
};

/* The last whole answer of a kind, before it was zipped. */
struct view_hint {
    size_t size; /* bytes; 0 = there was none */
    size_t rows; /* records in the tables then */
};

struct view_cache {
    struct view_room rooms[VIEW_ROOMS];
    struct map waits; /* struct view_wait by handle: without room, or their answer is being made */
    struct view_hint hints[VIEW_KINDS][2]; /* by kind, and whether it is JSON */
    uint64_t next_token;                   /* of NET_WORK */
    int64_t hurried_ns;                    /* monotonic: when NET_HURRY was asked for last */
};

void master_view_answers_init(struct view_cache *cache, uint64_t seed);
void master_view_answers_deinit(struct view_cache *cache);

/* NET_WORKED: takes the buffer over if the token is one of these. */
void master_view_answers_made(struct master *master, uint64_t token, struct buf *made,
                              size_t unzipped_size);
/* The client of a handle has gone: it waits no more. */
void master_view_answers_gone(struct master *master, uint64_t handle);
/* TIMER_VIEWS: drops what was not used for long, and serves who waits. */
void master_view_answers_look(struct master *master);

#endif
