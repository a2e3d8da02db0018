/*
 * Operator calls that read: small ones are answered here, whole state by a worker (view.h).
 */
#ifndef TEPUI_MASTER_OPERATOR_READS_H
#define TEPUI_MASTER_OPERATOR_READS_H

#include "master/operator_call.h"

operator_handle_fn master_operator_get_health;
operator_handle_fn master_operator_get_flags;
operator_handle_fn master_operator_get_version;
operator_handle_fn master_operator_get_logging_level;
operator_handle_fn master_operator_set_logging_level;
operator_handle_fn master_operator_get_master;

operator_handle_fn master_operator_get_state;
operator_handle_fn master_operator_get_agents;
operator_handle_fn master_operator_get_frameworks;
operator_handle_fn master_operator_get_executors;
operator_handle_fn master_operator_get_tasks;
operator_handle_fn master_operator_get_roles;

/* Empty as long as there is nothing to be told. */
operator_handle_fn master_operator_get_operations;

#endif
