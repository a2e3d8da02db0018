/* Operations of frameworks: what they ask for at random, and what they may hear of it. */
#include <stdio.h>

#include "resources/resource_pb.h"
#include "sim/cluster.h"
#include "sim/cluster_scheduler.h"
#include "wire/message.h"

#define CPUS 0.5 /* that are reserved at a time */
#define DISK 64  /* of a volume */

static bool is_terminal(Pb__OperationState state)
{
    return state == PB__OPERATION_STATE__OPERATION_FINISHED ||
           state == PB__OPERATION_STATE__OPERATION_FAILED ||
           state == PB__OPERATION_STATE__OPERATION_ERROR ||
           state == PB__OPERATION_STATE__OPERATION_DROPPED;
}

static struct cluster_operation *find(struct cluster *cluster, struct slice id)
{
    int64_t number;
    if (id.size < 2 || id.data[0] != 'o' || !slice_parse_int64(slice_skip(id, 1), &number) ||
        number < 0 || number >= cluster->operation_count) {
        return NULL;
    }
    return &cluster->operations[number];
}

void cluster_operation_hears(struct cluster_framework *framework, struct scheduler *scheduler,
                             const Pb__OperationStatus *status)
{
    struct cluster *cluster = framework->cluster;
    const char *id = status->operation_id != NULL ? status->operation_id->value : "";
    struct cluster_operation *operation = find(cluster, slice_from(id));
    const ProtobufCEnumValue *name =
        protobuf_c_enum_descriptor_get_value(&pb__operation_state__descriptor, (int)status->state);
    sim_trace(cluster->sim, framework->node, "hears %s is %s%s", id,
              name != NULL ? name->name : "?",
              status->uuid != NULL ? "" : ", not to be acknowledged");
    if (operation == NULL || operation->framework != framework->index) {
        cluster_wrong(cluster, "a status of an operation that nobody asked for: %s", id);
        return;
    }
    /* What has happened to it cannot change, whoever tells. */
    if (is_terminal(status->state)) {
        if (operation->state != 0 && operation->state != (int)status->state) {
            cluster_wrong(cluster, "operation %s was in state %d, and is in state %d", id,
                          operation->state, (int)status->state);
        }
        operation->state = (int)status->state;
    }
    bool forgets = !cluster->winding_down && prng_below(&cluster->sim->prng, 10) == 0;
    if (status->uuid != NULL && status->agent_id != NULL && !forgets) {
        scheduler_acknowledge_operation(scheduler, status);
    }
}

/* --- what is asked for --- */

static char *new_id(struct cluster_framework *framework, struct arena *arena)
{
    struct cluster *cluster = framework->cluster;
    if (cluster->operation_count == CLUSTER_OPERATIONS_MAX) {
        return NULL;
    }
    struct cluster_operation *operation = &cluster->operations[cluster->operation_count];
    *operation = (struct cluster_operation){.framework = framework->index};
    return arena_printf(arena, "o%d", cluster->operation_count++);
}

static Pb__Offer__Operation *new_operation(struct cluster_framework *framework,
                                           Pb__Offer__Operation__Type type, struct arena *arena)
{
    Pb__Offer__Operation *op = MESSAGE_NEW(Pb__Offer__Operation, pb__offer__operation, arena);
    struct prng *prng = &framework->cluster->sim->prng;
    char *id = prng_below(prng, 4) != 0 ? new_id(framework, arena) : NULL;
    op->has_type = true;
    op->type = type;
    if (id != NULL) {
        op->id = MESSAGE_NEW(Pb__OperationID, pb__operation_id, arena);
        op->id->value = id;
    }
    return op;
}

static Pb__Resource *reserved(const char *name, double value, struct arena *arena)
{
    Pb__Resource *resource = scheduler_scalar(name, value, CLUSTER_ROLE, arena);
    Pb__Resource__ReservationInfo *reservation =
        MESSAGE_NEW(Pb__Resource__ReservationInfo, pb__resource__reservation_info, arena);
    reservation->has_type = true;
    reservation->type = PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
    reservation->role = arena_strdup(arena, CLUSTER_ROLE);
    MESSAGE_APPEND(arena, resource->n_reservations, resource->reservations, reservation);
    return resource;
}

static Pb__Offer__Operation *reserve(struct cluster_framework *framework, Pb__Resource *resource,
                                     struct arena *arena)
{
    Pb__Offer__Operation *op = new_operation(framework, PB__OFFER__OPERATION__TYPE__RESERVE, arena);
    op->reserve = MESSAGE_NEW(Pb__Offer__Operation__Reserve, pb__offer__operation__reserve, arena);
    MESSAGE_APPEND(arena, op->reserve->n_resources, op->reserve->resources, resource);
    return op;
}

static Pb__Offer__Operation *create(struct cluster_framework *framework, struct arena *arena)
{
    struct cluster *cluster = framework->cluster;
    Pb__Offer__Operation *op = new_operation(framework, PB__OFFER__OPERATION__TYPE__CREATE, arena);
    Pb__Resource *volume = reserved("disk", DISK, arena);
    volume->disk = MESSAGE_NEW(Pb__Resource__DiskInfo, pb__resource__disk_info, arena);
    volume->disk->persistence = MESSAGE_NEW(Pb__Resource__DiskInfo__Persistence,
                                            pb__resource__disk_info__persistence, arena);
    volume->disk->persistence->id = arena_printf(arena, "w%d", cluster->volume_count++);
    volume->disk->volume = MESSAGE_NEW(Pb__Volume, pb__volume, arena);
    volume->disk->volume->container_path = arena_strdup(arena, "p");
    volume->disk->volume->mode = PB__VOLUME__MODE__RW;
    op->create = MESSAGE_NEW(Pb__Offer__Operation__Create, pb__offer__operation__create, arena);
    MESSAGE_APPEND(arena, op->create->n_volumes, op->create->volumes, volume);
    return op;
}

/* Back to what it was made of. */
static Pb__Offer__Operation *give_back(struct cluster_framework *framework, Pb__Resource *resource,
                                       struct arena *arena)
{
    bool is_volume = resource->disk != NULL;
    Pb__Offer__Operation *op = new_operation(framework,
                                             is_volume ? PB__OFFER__OPERATION__TYPE__DESTROY
                                                       : PB__OFFER__OPERATION__TYPE__UNRESERVE,
                                             arena);
    if (is_volume) {
        op->destroy =
            MESSAGE_NEW(Pb__Offer__Operation__Destroy, pb__offer__operation__destroy, arena);
        MESSAGE_APPEND(arena, op->destroy->n_volumes, op->destroy->volumes, resource);
    } else {
        op->unreserve =
            MESSAGE_NEW(Pb__Offer__Operation__Unreserve, pb__offer__operation__unreserve, arena);
        MESSAGE_APPEND(arena, op->unreserve->n_resources, op->unreserve->resources, resource);
    }
    return op;
}

bool cluster_operation_take_offer(struct cluster_framework *framework, struct scheduler *scheduler,
                                  const Pb__Offer *offer)
{
    struct prng *prng = &framework->cluster->sim->prng;
    if (framework->cluster->winding_down || prng_below(prng, 2) == 0) {
        return false;
    }
    struct arena arena;
    arena_init(&arena, 0);
    size_t count = 0;
    Pb__Offer__Operation **ops = NULL;
    for (size_t i = 0; i < offer->n_resources; i++) {
        if (offer->resources[i]->n_reservations > 0 && prng_below(prng, 2) == 0) {
            MESSAGE_APPEND(&arena, count, ops, give_back(framework, offer->resources[i], &arena));
        }
    }
    if (prng_below(prng, 2) == 0) {
        MESSAGE_APPEND(&arena, count, ops,
                       reserve(framework, reserved("cpus", CPUS, &arena), &arena));
    } else {
        /* What the first makes is used by the next. */
        MESSAGE_APPEND(&arena, count, ops,
                       reserve(framework, reserved("disk", DISK, &arena), &arena));
        MESSAGE_APPEND(&arena, count, ops, create(framework, &arena));
    }
    scheduler_operate(scheduler, offer->id, ops, count);
    arena_deinit(&arena);
    return true;
}
