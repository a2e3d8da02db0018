/*
 * One ACCEPT while its operations are performed (accept.c, launch.c).
 */
#ifndef TEPUI_MASTER_ACCEPT_H
#define TEPUI_MASTER_ACCEPT_H

#include "resources/resources.h"
#include "wire/pb.h"

struct master;
struct framework;
struct agent;

struct acceptance {
    struct framework *framework;
    struct agent *agent;
    struct resources remaining; /* of the offers: what no operation has taken yet */
    struct resources shared;    /* all shared ones of the offers: any number of tasks may use
                                   them */
};

/* LAUNCH and LAUNCH_GROUP: resources have been upgraded and allocated. */
void master_launch_tasks(struct master *master, struct acceptance *a, Pb__Offer__Operation *op);
void master_launch_group(struct master *master, struct acceptance *a, Pb__Offer__Operation *op);

/* Each of these tasks is told to have ended in that state, without ever having been there. */
void master_launch_refuse(struct master *master, struct framework *framework,
                          Pb__TaskInfo *const *tasks, size_t count, int state, int reason,
                          const char *message);

#endif
