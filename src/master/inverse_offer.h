/*
 * Inverse offers: a framework that holds something on a machine that is to be maintained is asked
 * to leave it (facts/state_machines.md 6 and 12). One outstanding for each framework and agent.
 *
 * What a framework answers changes nothing by itself. Its last answer about an agent is kept while
 * both are there and the agent's unavailability stays what it is: operators read it in the status
 * of the maintenance.
 */
#ifndef TEPUI_MASTER_INVERSE_OFFER_H
#define TEPUI_MASTER_INVERSE_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"

struct agent;
struct allocator_batch;
struct framework;
struct master;

struct inverse_offer {
    struct map_link by_id;    /* master->inverse_offers */
    struct list of_framework; /* framework->inverse_offers */
    struct list of_agent;     /* agent->inverse_offers */
    struct framework *framework;
    struct agent *agent;
    struct blob *id;      /* text; of the same numbers as those of offers */
    struct timer timeout; /* --offer_timeout */
};

/* What a framework said last about an agent. */
struct inverse_answer {
    struct list of_framework; /* framework->inverse_answers */
    struct list of_agent;     /* agent->inverse_answers, oldest first */
    struct framework *framework;
    bool accepted;
    int64_t time_ns; /* wall clock */
};

struct slice master_inverse_offer_key(const struct map_link *link);

/* Hands the batch's inverse offers on: those to one framework in one event. The allocator hears of
 * those that cannot be handed on. */
void master_inverse_offer_batch(struct master *master, const struct allocator_batch *batch);
/* The framework is told, and may be asked again. */
void master_inverse_offer_rescind(struct master *master, struct inverse_offer *offer);
/* All of a framework: told of with `rescind`, else silently. */
void master_inverse_offer_take_back(struct master *master, struct framework *framework,
                                    bool rescind);
/* All of an agent, and they are told. */
void master_inverse_offer_rescind_all(struct master *master, struct agent *agent);

/* Answers are forgotten. */
void master_inverse_offer_forget_agent(struct master *master, struct agent *agent);
void master_inverse_offer_forget_framework(struct master *master, struct framework *framework);

#endif
