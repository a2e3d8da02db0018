/*
 * Libprocess messages to the master: one table {name, descriptor, handle} (messages.c). Names
 * without a row, and bodies that cannot be read, are dropped (facts/observed.md, wire 2).
 */
#ifndef TEPUI_MASTER_MESSAGES_H
#define TEPUI_MASTER_MESSAGES_H

#include "wire/netio.h"

struct master;

void master_message(struct master *master, const struct net_event *event);

#endif
