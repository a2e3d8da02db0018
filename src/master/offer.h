/*
 * Offers outstanding: one agent, one framework, one role (facts/state_machines.md 6).
 */
#ifndef TEPUI_MASTER_OFFER_H
#define TEPUI_MASTER_OFFER_H

#include <stdint.h>

#include "common/blob.h"
#include "common/cow.h"
#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"
#include "resources/resources.h"

struct framework;
struct agent;

/* Immutable. */
struct offer_record {
    struct cow_value value;
    struct blob *id;           /* text */
    struct blob *resources;    /* whole fields `resources` of mesos.Offer in the newer format */
    struct blob *framework_id; /* text */
    struct blob *agent_id;     /* text */
    struct blob *role;         /* text */
    uint32_t framework;        /* slot */
    uint32_t agent;            /* slot */
};

/* Loop only. */
struct offer {
    struct map_link by_id;    /* master->offers */
    struct list of_framework; /* framework->offers */
    struct list of_agent;     /* agent->offers */
    struct framework *framework;
    struct agent *agent;
    struct resources resources;  /* with allocation_info */
    struct timer timeout;        /* --offer_timeout */
    struct offer_record *record; /* owned by the table of offers */
    uint32_t slot;               /* in the table of offers */
};

struct master;
struct allocator_batch;
struct allocator_refusal;

/* A new reference: the text of the next id. */
struct blob *master_offer_next_id(struct master *master) WARN_UNUSED;
/* The agent's URL as a field of that number. */
void master_offer_put_url(struct buf *out, uint32_t number, const struct agent *agent);

/* Where to an offer of the allocator goes, by its slots; NULL when it is not there any more. */
struct framework *master_offer_framework(const struct master *master, uint32_t slot);
struct agent *master_offer_agent(const struct master *master, uint32_t slot);
/* Hands the batch on: offers of one framework in one event. What cannot be offered is given
 * back. */
void master_offer_batch(struct master *master, const struct allocator_batch *batch);
/* Tells the framework, and gives the resources back. */
void master_offer_rescind(struct master *master, struct offer *offer);
/* The same with a filter. */
void master_offer_rescind_for(struct master *master, struct offer *offer,
                              const struct allocator_refusal *refusal);
/* Gives the resources back, with a filter if there is a refusal; the framework is not told. */
void master_offer_discard(struct master *master, struct offer *offer,
                          const struct allocator_refusal *refusal);
/* Its resources are the caller's from now on; the allocator is not told. */
struct resources master_offer_take(struct master *master, struct offer *offer) WARN_UNUSED;

#endif
