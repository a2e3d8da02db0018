/*
 * Offers that are in the way of a new quota.
 */
#ifndef TEPUI_MASTER_QUOTA_RESCIND_H
#define TEPUI_MASTER_QUOTA_RESCIND_H

struct master;
struct quota;
struct role_usage;

/* Rescinds offers of the role until it keeps to its limits, then those of other roles until its
 * guarantees could be met. `usage` has the role, and is kept true. The allocator knows the quota
 * already, so that what comes back is given out by it. */
void master_quota_rescind(struct master *master, struct role_usage *usage,
                          const struct quota *quota);

#endif
