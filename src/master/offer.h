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
    struct map_link by_id;       /* master->offers */
    struct list of_framework;    /* framework->offers */
    struct list of_agent;        /* agent->offers */
    struct framework *framework;
    struct agent *agent;
    struct resources resources;  /* with allocation_info */
    struct timer timeout;        /* --offer_timeout */
    struct offer_record *record; /* owned by the table of offers */
    uint32_t slot;               /* in the table of offers */
};

#endif
