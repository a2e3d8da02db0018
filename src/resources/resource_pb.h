/*
 * Resources as messages: to and from Pb__Resource and encoded bytes, and the two formats of
 * reservations (facts/state_machines.md, 11).
 *
 * Incoming resources are first validated (resource_validate.h), then read; either format is read.
 */
#ifndef TEPUI_RESOURCES_RESOURCE_PB_H
#define TEPUI_RESOURCES_RESOURCE_PB_H

#include <protobuf-c/protobuf-c.h>

#include "common/arena.h"
#include "resources/resources.h"
#include "wire/pb.h"

enum resource_format {
    RESOURCE_FORMAT_PRE,      /* role and reservation: peers without RESERVATION_REFINEMENT */
    RESOURCE_FORMAT_POST,     /* the stack of reservations: how we keep them */
    RESOURCE_FORMAT_ENDPOINT, /* both, as the older endpoints show them */
};

/* --- reading; the pool may be NULL --- */

/* One message, of either format. Invalid parts are read as far as they make sense: for messages to
 * people. The scalar, if any, is rounded. */
struct resource resource_from_pb(const Pb__Resource *pb, struct resource_kinds *pool) WARN_UNUSED;
/* As resource_format prints it, for errors; cut if it is too long:
 * err_set(err, code, "... %s", resource_pb_text(pb).text). */
#define RESOURCE_TEXT_SIZE 384
struct resource_text {
    char text[RESOURCE_TEXT_SIZE]; /* terminated */
};
struct resource_text resource_pb_text(const Pb__Resource *pb);
/* Adds them; invalid and empty ones are left out in silence. */
void resources_add_pb(struct resources *r, Pb__Resource *const *items, size_t count,
                      struct resource_kinds *pool);
void resources_add_pb_one(struct resources *r, const Pb__Resource *pb, struct resource_kinds *pool);
/* Adds those in field `number` of an encoded message that has been checked. */
void resources_add_bytes(struct resources *r, struct slice message, uint32_t number,
                         struct resource_kinds *pool);

/* --- writing --- */

/* One message for each entry: how many copies of a shared one there are is not written. What has
 * refined reservations has no old format (asserts; see resources_have_refinements). Everything is
 * in the arena. */
Pb__Resource *resource_to_pb(const struct resource *r, enum resource_format format,
                             struct arena *arena) WARN_UNUSED;
void resources_to_pb(const struct resources *r, enum resource_format format, struct arena *arena,
                     Pb__Resource ***ret_items, size_t *ret_count);
/* Appends them as field `number` of a message that is being written. */
void resources_encode(const struct resources *r, enum resource_format format, uint32_t number,
                      struct buf *out);
/* Appends one Resource message, without tag and length. */
void resource_encode(const struct resource *r, enum resource_format format, struct buf *out);

bool resources_have_refinements(const struct resources *r);

/* --- formats of messages in place; new parts come from the arena --- */

/* To the newer format; from any. */
void resource_pb_upgrade(Pb__Resource *pb, struct arena *arena);
enum {
    RESOURCE_PB_E_REFINED = 1, /* a refined reservation has no old format */
};
/* From the newer format. 0 or RESOURCE_PB_E_REFINED. */
int resource_pb_downgrade(Pb__Resource *pb, struct arena *arena) WARN_UNUSED;
/* To the format of the older endpoints. */
void resource_pb_to_endpoint(Pb__Resource *pb, struct arena *arena);
/* Every Resource anywhere in the message, a Resource itself included. */
void resource_pb_upgrade_all(ProtobufCMessage *message, struct arena *arena);
int resource_pb_downgrade_all(ProtobufCMessage *message, struct arena *arena) WARN_UNUSED;

/* Is the optional field `role` set? */
bool resource_pb_has_role(const Pb__Resource *pb);

/* Sets or clears the role that resources are allocated to; inject leaves those that have one. */
void resource_pb_inject_allocation(Pb__Resource *const *items, size_t count, struct slice role,
                                   struct arena *arena);
void resource_pb_strip_allocation(Pb__Resource *const *items, size_t count);

/* --- maps from names to amounts --- */

/* `entries` is the array of pointers of any field map<string, Value.Scalar>: quota's guarantees and
 * limits, tasks' limits, minimal allocatable quantities. Amounts that are NaN, negative or too
 * large (to be refused by resource_validate_amount before) are left out. */
void quantities_add_map(struct quantities *q, const void *entries, size_t count,
                        struct resource_names *names);
/* Infinity is no bound. */
void resource_limits_add_map(struct resource_limits *limits, const void *entries, size_t count,
                             struct resource_names *names);

#endif
