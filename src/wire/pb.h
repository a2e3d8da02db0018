/* All generated messages at once.
 *
 * The names follow from proto/: message mesos.TaskInfo is struct Pb__TaskInfo, its descriptor
 * pb__task_info__descriptor, an initial value PB__TASK_INFO__INIT; what lies in a package below
 * mesos carries that too (Pb__Internal__RegisterSlaveMessage). Where v0 and v1 differ on the wire
 * there are two: Pb__Scheduler__Call and Pb__SchedulerV0__Call, Pb__Master__Call and
 * Pb__MasterV0__Call, Pb__Quota__QuotaRequest and Pb__QuotaV0__QuotaRequest.
 *
 * A header that needs one struct only declares it; .c files include this or the one generated
 * header they use. */
#ifndef TEPUI_WIRE_PB_H
#define TEPUI_WIRE_PB_H

#include "appc/spec.pb-c.h"
#include "csi/v0/csi.pb-c.h"
#include "docker/spec.pb-c.h"
#include "docker/v1.pb-c.h"
#include "docker/v2.pb-c.h"
#include "docker/v2_2.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "mesos/acls.pb-c.h"
#include "mesos/agent/call.pb-c.h"
#include "mesos/agent/response.pb-c.h"
#include "mesos/allocator.pb-c.h"
#include "mesos/authorization.pb-c.h"
#include "mesos/checks.pb-c.h"
#include "mesos/cluster.pb-c.h"
#include "mesos/command.pb-c.h"
#include "mesos/common.pb-c.h"
#include "mesos/containers.pb-c.h"
#include "mesos/csi/state.pb-c.h"
#include "mesos/executor.pb-c.h"
#include "mesos/fetcher.pb-c.h"
#include "mesos/frameworks.pb-c.h"
#include "mesos/ids.pb-c.h"
#include "mesos/internal/agent.pb-c.h"
#include "mesos/internal/authentication.pb-c.h"
#include "mesos/internal/executor.pb-c.h"
#include "mesos/internal/flags.pb-c.h"
#include "mesos/internal/framework.pb-c.h"
#include "mesos/internal/log.pb-c.h"
#include "mesos/internal/operation.pb-c.h"
#include "mesos/internal/registry.pb-c.h"
#include "mesos/internal/slave/cni.pb-c.h"
#include "mesos/internal/slave/images.pb-c.h"
#include "mesos/internal/slave/state.pb-c.h"
#include "mesos/internal/state.pb-c.h"
#include "mesos/linux.pb-c.h"
#include "mesos/maintenance.pb-c.h"
#include "mesos/master/call.pb-c.h"
#include "mesos/master/call_v0.pb-c.h"
#include "mesos/master/event.pb-c.h"
#include "mesos/master/response.pb-c.h"
#include "mesos/modules.pb-c.h"
#include "mesos/offers.pb-c.h"
#include "mesos/providers.pb-c.h"
#include "mesos/quota/quota.pb-c.h"
#include "mesos/quota/request.pb-c.h"
#include "mesos/quota/request_v0.pb-c.h"
#include "mesos/resource_provider/registry.pb-c.h"
#include "mesos/resource_provider/resource_provider.pb-c.h"
#include "mesos/resource_provider/state.pb-c.h"
#include "mesos/resources.pb-c.h"
#include "mesos/scheduler/call.pb-c.h"
#include "mesos/scheduler/call_v0.pb-c.h"
#include "mesos/scheduler/scheduler.pb-c.h"
#include "mesos/seccomp.pb-c.h"
#include "mesos/secrets.pb-c.h"
#include "mesos/slave/containerizer.pb-c.h"
#include "mesos/slave/oversubscription.pb-c.h"
#include "mesos/statistics.pb-c.h"
#include "mesos/tasks.pb-c.h"
#include "mesos/uri.pb-c.h"
#include "mesos/volumes.pb-c.h"
#include "oci/spec.pb-c.h"

#endif
