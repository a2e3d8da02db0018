/* The two formats of reservations in messages, changed in place. */
#include "resources/resource_pb.h"
#include "wire/message.h"

void resource_pb_upgrade(Pb__Resource *pb, struct arena *arena)
{
    if (pb->n_reservations == 0 && pb->role != NULL && !slice_is(slice_from(pb->role), "*")) {
        Pb__Resource__ReservationInfo *info = pb->reservation;
        if (info == NULL) {
            info =
                MESSAGE_NEW(Pb__Resource__ReservationInfo, pb__resource__reservation_info, arena);
            info->type = PB__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
        } else {
            info->type = PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
        }
        info->has_type = 1;
        info->role = pb->role;
        pb->reservations = arena_alloc_array(arena, 1, sizeof(pb->reservations[0]));
        pb->reservations[0] = info;
        pb->n_reservations = 1;
    }
    pb->role = pb__resource__role__default_value; /* not set */
    pb->reservation = NULL;
}

/* Sets role and reservation from the stack, which has at most one entry and stays as it is. */
static void set_old_fields(Pb__Resource *pb, struct arena *arena)
{
    if (pb->n_reservations == 0) {
        pb->role = arena_strdup(arena, "*");
        return;
    }
    const Pb__Resource__ReservationInfo *info = pb->reservations[0];
    pb->role = info->role;
    if (info->has_type && info->type == PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC) {
        pb->reservation =
            MESSAGE_NEW(Pb__Resource__ReservationInfo, pb__resource__reservation_info, arena);
        pb->reservation->principal = info->principal;
        pb->reservation->labels = info->labels;
    }
}

int resource_pb_downgrade(Pb__Resource *pb, struct arena *arena)
{
    if (pb->n_reservations > 1) {
        return RESOURCE_PB_E_REFINED;
    }
    set_old_fields(pb, arena);
    pb->n_reservations = 0;
    pb->reservations = NULL;
    return 0;
}

void resource_pb_to_endpoint(Pb__Resource *pb, struct arena *arena)
{
    if (pb->n_reservations <= 1) {
        set_old_fields(pb, arena);
    }
}

typedef int (*convert_fn)(Pb__Resource *pb, struct arena *arena);

static int convert_all(ProtobufCMessage *message, convert_fn convert, struct arena *arena);

static int convert_field(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                         convert_fn convert, struct arena *arena)
{
    const char *base = (const char *)message;
    void *const *member = (void *const *)(const void *)(base + field->offset);
    const uint32_t *quantifier = (const uint32_t *)(const void *)(base + field->quantifier_offset);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 && *quantifier != field->id) {
        return 0;
    }
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        return *member != NULL ? convert_all(*member, convert, arena) : 0;
    }
    size_t count = *(const size_t *)(const void *)quantifier;
    ProtobufCMessage *const *items = *member;
    for (size_t i = 0; i < count; i++) {
        int r = convert_all(items[i], convert, arena);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* As deep as the message is nested, which decoding has limited (MESSAGE_DEPTH_MAX). */
static int convert_all(ProtobufCMessage *message, convert_fn convert, struct arena *arena)
{
    const ProtobufCMessageDescriptor *desc = message->descriptor;
    if (desc == &pb__resource__descriptor) {
        return convert((Pb__Resource *)message, arena);
    }
    for (unsigned i = 0; i < desc->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &desc->fields[i];
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            int r = convert_field(message, field, convert, arena);
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

static int upgrade(Pb__Resource *pb, struct arena *arena)
{
    resource_pb_upgrade(pb, arena);
    return 0;
}

void resource_pb_upgrade_all(ProtobufCMessage *message, struct arena *arena)
{
    int r = convert_all(message, upgrade, arena);
    ASSERT(r == 0);
}

int resource_pb_downgrade_all(ProtobufCMessage *message, struct arena *arena)
{
    return convert_all(message, resource_pb_downgrade, arena);
}

void resource_pb_inject_allocation(Pb__Resource *const *items, size_t count, struct slice role,
                                   struct arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i]->allocation_info == NULL) {
            items[i]->allocation_info =
                MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
            items[i]->allocation_info->role = arena_strndup(arena, role.data, role.size);
        }
    }
}

void resource_pb_strip_allocation(Pb__Resource *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i]->allocation_info = NULL;
    }
}
