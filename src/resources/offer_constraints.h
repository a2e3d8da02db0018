/*
 * Offer constraints: on which agents a framework wants offers, by role (mesos.scheduler
 * OfferConstraints). A role has groups, one of which must hold; a group has constraints, all of
 * which must hold; a constraint asks something of an attribute of the agent, or of its hostname,
 * region or zone. A role without groups takes any agent.
 *
 * Text predicates hold for an attribute that is no text, whatever they ask; the negations hold
 * where there is no such attribute (facts/observed.md, allocator 12). Expressions match the whole
 * value.
 *
 * Compiled once, then immutable and counted: the loop asks, and so do workers.
 */
#ifndef TEPUI_RESOURCES_OFFER_CONSTRAINTS_H
#define TEPUI_RESOURCES_OFFER_CONSTRAINTS_H

#include "common/blob.h"
#include "common/err.h"
#include "common/pattern.h"
#include "resources/agent_traits.h"
#include "wire/pb.h"

/* Constraints of one framework, of all its roles together. */
#define OFFER_CONSTRAINTS_MAX 10000

enum { OFFER_CONSTRAINTS_E = 1 }; /* they are refused; err tells why */

struct offer_constraints;

/* 0, or OFFER_CONSTRAINTS_E. NULL or no role gives *ret = NULL: any agent will do. That roles are
 * the framework's is the caller's to see to. `limits`: of each regular expression. */
int offer_constraints_new(const Pb__Scheduler__OfferConstraints *message,
                          const struct pattern_limits *limits, struct offer_constraints **ret,
                          struct err *err) WARN_UNUSED;
struct offer_constraints *offer_constraints_ref(struct offer_constraints *constraints);
struct offer_constraints *offer_constraints_unref(struct offer_constraints *constraints);
void offer_constraints_unrefp(struct offer_constraints **constraints); /* for CLEANUP */

/* The encoded message. */
struct slice offer_constraints_bytes(const struct offer_constraints *constraints);
/* Whether offers of the agent are wanted for the role. */
bool offer_constraints_admit(const struct offer_constraints *constraints, const char *role,
                             const struct agent_traits *agent);

#endif
