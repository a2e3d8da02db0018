/*
 * What agents tell while they are registered: status updates, executors' ends and messages, their
 * resources.
 */
#ifndef TEPUI_MASTER_UPDATES_H
#define TEPUI_MASTER_UPDATES_H

#include "common/slice.h"
#include "wire/pb.h"
#include "wire/upid.h"

struct master;

/* `body` is the message as it came. */
void master_update_status(struct master *master, const Pb__Internal__StatusUpdateMessage *message,
                          struct slice body);
void master_update_executor_exited(struct master *master,
                                   Pb__Internal__ExitedExecutorMessage *message);
void master_update_executor_message(struct master *master,
                                    const Pb__Internal__ExecutorToFrameworkMessage *message);
/* UpdateSlaveMessage: what may be given out twice, a new resource version. */
void master_update_agent(struct master *master, const Pb__Internal__UpdateSlaveMessage *message);

#endif
