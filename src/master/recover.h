/*
 * Becoming the leader: the registry is read, and what it holds is expected back.
 */
#ifndef TEPUI_MASTER_RECOVER_H
#define TEPUI_MASTER_RECOVER_H

struct master;
struct registry;
struct master_event;

void master_recover_elected(struct master *master);
void master_recover_done(struct master *master, const struct registry *registry);
/* Another master leads, or none. */
void master_recover_leader(struct master *master, const struct master_event *event);

#endif
