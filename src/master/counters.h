/*
 * The master's counters: one table of Mesos' names (facts/metrics.csv), counted where the thing
 * happens. Gauges are read from struct master when somebody asks.
 */
#ifndef TEPUI_MASTER_COUNTERS_H
#define TEPUI_MASTER_COUNTERS_H

#include <stdint.h>

#include "master/task.h"
#include "wire/pb.h"

/* X(symbol, name) */
#define MASTER_COUNTERS(X)                                                                         \
    X(DROPPED_MESSAGES, "master/dropped_messages")                                                 \
    X(HTTP_CACHE_HITS, "master/http_cache_hits")                                                   \
    X(INVALID_EXECUTOR_TO_FRAMEWORK, "master/invalid_executor_to_framework_messages")              \
    X(INVALID_FRAMEWORK_TO_EXECUTOR, "master/invalid_framework_to_executor_messages")              \
    X(INVALID_OPERATION_STATUS_UPDATE_ACKS,                                                        \
      "master/invalid_operation_status_update_acknowledgements")                                   \
    X(INVALID_OPERATION_STATUS_UPDATES, "master/invalid_operation_status_updates")                 \
    X(INVALID_STATUS_UPDATE_ACKS, "master/invalid_status_update_acknowledgements")                 \
    X(INVALID_STATUS_UPDATES, "master/invalid_status_updates")                                     \
    X(MESSAGES_AUTHENTICATE, "master/messages_authenticate")                                       \
    X(MESSAGES_DEACTIVATE_FRAMEWORK, "master/messages_deactivate_framework")                       \
    X(MESSAGES_DECLINE_OFFERS, "master/messages_decline_offers")                                   \
    X(MESSAGES_EXECUTOR_TO_FRAMEWORK, "master/messages_executor_to_framework")                     \
    X(MESSAGES_EXITED_EXECUTOR, "master/messages_exited_executor")                                 \
    X(MESSAGES_FRAMEWORK_TO_EXECUTOR, "master/messages_framework_to_executor")                     \
    X(MESSAGES_KILL_TASK, "master/messages_kill_task")                                             \
    X(MESSAGES_LAUNCH_TASKS, "master/messages_launch_tasks")                                       \
    X(MESSAGES_OPERATION_STATUS_UPDATE, "master/messages_operation_status_update")                 \
    X(MESSAGES_OPERATION_STATUS_UPDATE_ACK,                                                        \
      "master/messages_operation_status_update_acknowledgement")                                   \
    X(MESSAGES_RECONCILE_OPERATIONS, "master/messages_reconcile_operations")                       \
    X(MESSAGES_RECONCILE_TASKS, "master/messages_reconcile_tasks")                                 \
    X(MESSAGES_REGISTER_FRAMEWORK, "master/messages_register_framework")                           \
    X(MESSAGES_REGISTER_SLAVE, "master/messages_register_slave")                                   \
    X(MESSAGES_REREGISTER_FRAMEWORK, "master/messages_reregister_framework")                       \
    X(MESSAGES_REREGISTER_SLAVE, "master/messages_reregister_slave")                               \
    X(MESSAGES_RESOURCE_REQUEST, "master/messages_resource_request")                               \
    X(MESSAGES_REVIVE_OFFERS, "master/messages_revive_offers")                                     \
    X(MESSAGES_STATUS_UPDATE, "master/messages_status_update")                                     \
    X(MESSAGES_STATUS_UPDATE_ACK, "master/messages_status_update_acknowledgement")                 \
    X(MESSAGES_SUPPRESS_OFFERS, "master/messages_suppress_offers")                                 \
    X(MESSAGES_UNREGISTER_FRAMEWORK, "master/messages_unregister_framework")                       \
    X(MESSAGES_UNREGISTER_SLAVE, "master/messages_unregister_slave")                               \
    X(MESSAGES_UPDATE_SLAVE, "master/messages_update_slave")                                       \
    X(RECOVERY_SLAVE_REMOVALS, "master/recovery_slave_removals")                                   \
    X(SLAVE_REGISTRATIONS, "master/slave_registrations")                                           \
    X(SLAVE_REMOVALS, "master/slave_removals")                                                     \
    X(SLAVE_REMOVALS_UNHEALTHY, "master/slave_removals/reason_unhealthy")                          \
    X(SLAVE_REMOVALS_UNREGISTERED, "master/slave_removals/reason_unregistered")                    \
    X(SLAVE_REMOVALS_REGISTERED, "master/slave_removals/reason_registered")                        \
    X(SLAVE_REREGISTRATIONS, "master/slave_reregistrations")                                       \
    X(SLAVE_SHUTDOWNS_SCHEDULED, "master/slave_shutdowns_scheduled")                               \
    X(SLAVE_SHUTDOWNS_COMPLETED, "master/slave_shutdowns_completed")                               \
    X(SLAVE_SHUTDOWNS_CANCELED, "master/slave_shutdowns_canceled")                                 \
    X(SLAVE_UNREACHABLE_SCHEDULED, "master/slave_unreachable_scheduled")                           \
    X(SLAVE_UNREACHABLE_COMPLETED, "master/slave_unreachable_completed")                           \
    X(SLAVE_UNREACHABLE_CANCELED, "master/slave_unreachable_canceled")                             \
    X(TASKS_FINISHED, "master/tasks_finished")                                                     \
    X(TASKS_FAILED, "master/tasks_failed")                                                         \
    X(TASKS_KILLED, "master/tasks_killed")                                                         \
    X(TASKS_LOST, "master/tasks_lost")                                                             \
    X(TASKS_ERROR, "master/tasks_error")                                                           \
    X(TASKS_DROPPED, "master/tasks_dropped")                                                       \
    X(TASKS_GONE, "master/tasks_gone")                                                             \
    X(TASKS_GONE_BY_OPERATOR, "master/tasks_gone_by_operator")                                     \
    X(VALID_EXECUTOR_TO_FRAMEWORK, "master/valid_executor_to_framework_messages")                  \
    X(VALID_FRAMEWORK_TO_EXECUTOR, "master/valid_framework_to_executor_messages")                  \
    X(VALID_OPERATION_STATUS_UPDATE_ACKS, "master/valid_operation_status_update_acknowledgements") \
    X(VALID_OPERATION_STATUS_UPDATES, "master/valid_operation_status_updates")                     \
    X(VALID_STATUS_UPDATE_ACKS, "master/valid_status_update_acknowledgements")                     \
    X(VALID_STATUS_UPDATES, "master/valid_status_updates")

enum master_counter {
#define MASTER_COUNTER_ENUM(symbol, name) COUNTER_##symbol,
    MASTER_COUNTERS(MASTER_COUNTER_ENUM)
#undef MASTER_COUNTER_ENUM
        COUNTERS_COUNT
};

/* Numbers of mesos.scheduler.Call.Type and Event.Type are below this. */
#define FRAMEWORK_COUNTS_TYPES 24

/* Of one framework, for its metrics (master/frameworks/<name>/<id>/...). */
struct framework_counts {
    uint64_t calls[FRAMEWORK_COUNTS_TYPES];  /* by Call.Type */
    uint64_t events[FRAMEWORK_COUNTS_TYPES]; /* by Event.Type */
    uint64_t offers_sent;
    uint64_t offers_accepted;
    uint64_t offers_declined;
    uint64_t offers_rescinded;
    uint64_t operations[16];              /* by Offer.Operation.Type */
    uint64_t tasks_terminal[TASK_STATES]; /* ended, by state */
    uint64_t tasks_active[TASK_STATES];   /* now, by state (gauges) */
};

struct master;

void master_count(struct master *master, enum master_counter counter);
/* master/task_lost/source_master/reason_slave_removed ...: `source` and `reason` are numbers of
 * TaskStatus.Source and Reason; -1 = none (then nothing is counted). */
void master_count_task(struct master *master, enum task_state state, int source, int reason);
/* master/operations/reserve/finished ...: `amount` is 1, or -1 when it leaves a state that is not
 * its last. */
void master_count_operation(struct master *master, Pb__Offer__Operation__Type type,
                            Pb__OperationState state, int amount);
/* It has begun: master/operations/reserve/total. */
void master_count_operation_begun(struct master *master, Pb__Offer__Operation__Type type);

#endif
