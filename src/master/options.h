/*
 * What the texts among the options mean, and the allocator that is made of them.
 */
#ifndef TEPUI_MASTER_OPTIONS_H
#define TEPUI_MASTER_OPTIONS_H

struct master;

void master_options_start_allocator(struct master *master);

#endif
