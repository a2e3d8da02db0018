#include "election/leader_info.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

/* Memory for one MasterInfo: a few times the bytes that it is made from. */
#define BUDGET_SIZE (16u << 20)

bool leader_info_parse_name(struct slice name, enum leader_info_format *ret_format,
                            int32_t *ret_number)
{
    size_t at = name.size;
    while (at > 0 && name.data[at - 1] != '_') {
        at--;
    }
    int64_t number;
    if (!slice_parse_int64(slice_skip(name, at), &number) || number < INT32_MIN ||
        number > INT32_MAX) {
        return false;
    }
    struct slice prefix = slice_make(name.data, at);
    if (at == 0) {
        *ret_format = LEADER_INFO_UPID;
    } else if (slice_is(prefix, LEADER_INFO_PREFIX)) {
        *ret_format = LEADER_INFO_JSON;
    } else if (slice_is(prefix, "info_")) {
        *ret_format = LEADER_INFO_PROTOBUF;
    } else {
        *ret_format = LEADER_INFO_FOREIGN;
    }
    *ret_number = (int32_t)number;
    return true;
}

/* --- where the master is --- */

static bool find_address(const Pb__MasterInfo *info, struct address *ret_address)
{
    struct address address = {.family = 4};
    if (info->address != NULL && info->address->ip != NULL) {
        char text[ADDRESS_TEXT_SIZE * 2];
        bool is_ip6 = strchr(info->address->ip, ':') != NULL;
        (void)snprintf(text, sizeof(text), is_ip6 ? "[%.64s]:%d" : "%.64s:%d", info->address->ip,
                       (int)info->address->port);
        return address_parse(slice_from(text), ret_address);
    }
    if (info->ip == 0 || info->port == 0 || info->port > UINT16_MAX) {
        return false;
    }
    /* Network order, as it lies in memory. */
    memcpy(address.ip, &info->ip, sizeof(info->ip));
    address.port = (uint16_t)info->port;
    *ret_address = address;
    return true;
}

static bool find_pid(const Pb__MasterInfo *info, struct upid *ret_pid)
{
    if (info->pid != NULL) {
        return upid_parse(slice_from(info->pid), ret_pid) && !upid_is_none(ret_pid);
    }
    struct upid pid = {.id = "master"};
    if (!find_address(info, &pid.address)) {
        return false;
    }
    *ret_pid = pid;
    return true;
}

bool leader_info_read(struct slice bytes, struct leader *ret_leader)
{
    struct arena arena;
    arena_init(&arena, BUDGET_SIZE);
    Pb__MasterInfo *info;
    bool good = MESSAGE_DECODE(Pb__MasterInfo, pb__master_info, bytes, &arena, &info, NULL) == 0;
    struct leader leader = {0};
    good = good && find_pid(info, &leader.pid);
    if (good) {
        if (info->hostname != NULL && info->hostname[0] != '\0') {
            (void)snprintf(leader.hostname, sizeof(leader.hostname), "%s", info->hostname);
        } else {
            address_format_ip(&leader.pid.address, leader.hostname);
        }
        for (size_t i = 0; i < info->n_capabilities; i++) {
            leader.has_agent_update |=
                info->capabilities[i]->has_type &&
                info->capabilities[i]->type == PB__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE;
        }
        *ret_leader = leader;
    }
    arena_deinit(&arena);
    return good;
}

/* --- formats --- */

/* A master that published no more than its UPID. */
static Pb__MasterInfo *info_of_upid(struct slice text, struct arena *arena)
{
    struct upid pid;
    text = slice_trim(text);
    if (!upid_parse(text, &pid) || upid_is_none(&pid)) {
        return NULL;
    }
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(&pid.address, ip);
    Pb__MasterInfo *info = MESSAGE_NEW(Pb__MasterInfo, pb__master_info, arena);
    info->pid = arena_strndup(arena, text.data, text.size);
    info->id = info->pid;
    info->hostname = arena_strdup(arena, ip);
    info->port = pid.address.port;
    if (pid.address.family == 4) {
        memcpy(&info->ip, pid.address.ip, sizeof(info->ip));
    }
    info->address = MESSAGE_NEW(Pb__Address, pb__address, arena);
    info->address->ip = info->hostname;
    info->address->port = pid.address.port;
    return info;
}

static ProtobufCMessage *decode(enum leader_info_format format, struct slice data,
                                struct arena *arena, struct arena *upid_arena, struct err *err)
{
    ProtobufCMessage *message = NULL;
    const ProtobufCMessageDescriptor *desc = &pb__master_info__descriptor;
    switch (format) {
    case LEADER_INFO_JSON:
        return json_parse_message(desc, data, JSON_V1, arena, &message, err) == 0 ? message : NULL;
    case LEADER_INFO_PROTOBUF:
        return message_decode(desc, data, arena, &message, err) == 0 ? message : NULL;
    case LEADER_INFO_UPID: {
        Pb__MasterInfo *info = info_of_upid(data, upid_arena);
        if (info == NULL) {
            (void)err_set(err, 0, "not the UPID of a master");
            return NULL;
        }
        return &info->base;
    }
    case LEADER_INFO_FOREIGN:
        (void)err_set(err, 0, "the node's label is unknown");
        return NULL;
    }
    WRONG("a format that is none");
}

struct blob *leader_info_parse(enum leader_info_format format, struct slice data, struct err *err)
{
    if (data.size > LEADER_INFO_SIZE_MAX) {
        (void)err_set(err, 0, "more than %u bytes", LEADER_INFO_SIZE_MAX);
        return NULL;
    }
    struct arena arena;
    struct arena upid_arena;
    arena_init(&arena, BUDGET_SIZE);
    arena_init(&upid_arena, 0);
    struct blob *info = NULL;
    ProtobufCMessage *message = decode(format, data, &arena, &upid_arena, err);
    if (message != NULL) {
        struct upid pid;
        if (find_pid((const Pb__MasterInfo *)message, &pid)) {
            info = message_encode_blob(message);
        } else {
            (void)err_set(err, 0, "no address of a master");
        }
    }
    arena_deinit(&upid_arena);
    arena_deinit(&arena);
    return info;
}

void leader_info_format_json(struct slice info, struct buf *out)
{
    json_print_bytes(&pb__master_info__descriptor, info, JSON_V1, out);
}
