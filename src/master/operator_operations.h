/*
 * Operations by operators: calls of the v1 API, and the older endpoints with forms.
 */
#ifndef TEPUI_MASTER_OPERATOR_OPERATIONS_H
#define TEPUI_MASTER_OPERATOR_OPERATIONS_H

#include "master/operator_call.h"

void master_operator_reserve_resources(struct master *master, const struct operator_request *r);
void master_operator_unreserve_resources(struct master *master, const struct operator_request *r);
void master_operator_create_volumes(struct master *master, const struct operator_request *r);
void master_operator_destroy_volumes(struct master *master, const struct operator_request *r);
void master_operator_grow_volume(struct master *master, const struct operator_request *r);
void master_operator_shrink_volume(struct master *master, const struct operator_request *r);

/* POST with slaveId=... and resources=... (or volumes=..., source=...) in the body. */
void master_operator_on_reserve(struct master *master, const struct net_request *request);
void master_operator_on_unreserve(struct master *master, const struct net_request *request);
void master_operator_on_create_volumes(struct master *master, const struct net_request *request);
void master_operator_on_destroy_volumes(struct master *master, const struct net_request *request);

#endif
