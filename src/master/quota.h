/*
 * Quotas of top level roles: guarantees, which other roles leave free, and limits (facts/
 * state_machines.md 10). UPDATE_QUOTA, GET_QUOTA; SET_QUOTA, REMOVE_QUOTA and /quota are of old,
 * when a guarantee was the limit, too (quota_older.c).
 *
 *     request -> checked with what is set and used now -> registry -> allocator, offers rescinded
 */
#ifndef TEPUI_MASTER_QUOTA_H
#define TEPUI_MASTER_QUOTA_H

#include <stdbool.h>

#include "common/err.h"
#include "master/operator_call.h"

struct master;
struct pending;
struct registry;

/* The registry was read: the allocator knows all quotas. Whether there are any. */
bool master_quota_recovered(struct master *master, const struct registry *registry);
/* The registry has a change. */
void master_quota_stored(struct master *master, const struct pending *pending, bool applied);

operator_handle_fn master_quota_get;    /* GET_QUOTA */
operator_handle_fn master_quota_update; /* UPDATE_QUOTA */
operator_handle_fn master_quota_set;    /* SET_QUOTA */
operator_handle_fn master_quota_remove; /* REMOVE_QUOTA */
http_handle_fn master_quota_endpoint;   /* GET, POST /quota, DELETE /quota/<role> */

/* --- for quota_older.c --- */

/* What is set, decoded into the step's arena. */
Pb__Quota__QuotaStatus *master_quota_status(struct master *master);
/* NULL if the role has none. */
Pb__Quota__QuotaConfig *master_quota_find(const Pb__Quota__QuotaStatus *status, const char *role);

/* Whether the registry is being asked to change the role's quota. */
bool master_quota_is_asked(struct master *master, const char *role);

/* What is set with those changes: do they fit into each other, and into the cluster? 0,
 * QUOTA_E_TREE or QUOTA_E_CAPACITY, with the reason. */
enum { QUOTA_E_TREE = 1, QUOTA_E_CAPACITY };
int master_quota_check_all(struct master *master, Pb__Quota__QuotaConfig *const *configs,
                           size_t count, struct err *err) WARN_UNUSED;
/* Asks the registry; the request of the handle is answered once it has them. */
void master_quota_store(struct master *master, Pb__Quota__QuotaConfig **configs, size_t count,
                        uint64_t handle);

#endif
