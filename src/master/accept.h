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
    struct resources resized;   /* what GROW_VOLUME and SHRINK_VOLUME made: for later offers */
    struct resources shared;    /* all shared ones of the offers: any number of tasks may use
                                   them */
};

/* LAUNCH and LAUNCH_GROUP: resources have been upgraded and allocated. */
void master_launch_tasks(struct master *master, struct acceptance *a, Pb__Offer__Operation *op);
void master_launch_group(struct master *master, struct acceptance *a, Pb__Offer__Operation *op);

/* All others: what they make may be used by the next one, but for resized volumes. */
void master_accept_operation(struct master *master, struct acceptance *a, Pb__Offer__Operation *op,
                             struct slice role);
/* Nothing is done; who gave an id hears OPERATION_ERROR. */
void master_accept_drop_operation(struct master *master, struct framework *framework,
                                  const Pb__Offer__Operation *op, const char *message);

/* Each of these tasks is told to have ended in that state, without ever having been there. */
void master_launch_refuse(struct master *master, struct framework *framework,
                          Pb__TaskInfo *const *tasks, size_t count, int state, int reason,
                          const char *message);

#endif
