#include "wire/v0_names.h"

#include <string.h>

#include "wire/pb.h"

struct field_name {
    const ProtobufCMessageDescriptor *desc;
    const char *name; /* ours, and v1's */
    const char *v0_name;
};

struct value_name {
    const ProtobufCEnumDescriptor *desc;
    const char *name; /* ours, and v1's */
    const char *v0_name;
};

/* Where v0 differs, sorted. tests/contract reads these two tables and checks that they are all. */
static const struct field_name field_names[] = {
    {&pb__agent__response__get_agent__descriptor, "agent_info", "slave_info"},
    {&pb__executor__event__subscribed__descriptor, "agent_info", "slave_info"},
    {&pb__inverse_offer__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__create_volumes__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__deactivate_agent__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__destroy_volumes__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__grow_volume__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__mark_agent_gone__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__reactivate_agent__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__reserve_resources__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__shrink_volume__descriptor, "agent_id", "slave_id"},
    {&pb__master__call__unreserve_resources__descriptor, "agent_id", "slave_id"},
    {&pb__master__response__get_executors__executor__descriptor, "agent_id", "slave_id"},
    {&pb__master_v0__call__drain_agent__descriptor, "agent_id", "slave_id"},
    {&pb__offer__descriptor, "agent_id", "slave_id"},
    {&pb__operation__descriptor, "agent_id", "slave_id"},
    {&pb__operation_status__descriptor, "agent_id", "slave_id"},
    {&pb__request__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__acknowledge__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__acknowledge_operation_status__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__kill__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__message__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__reconcile__task__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__reconcile_operations__operation__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__call__shutdown__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__event__failure__descriptor, "agent_id", "slave_id"},
    {&pb__scheduler__event__message__descriptor, "agent_id", "slave_id"},
    {&pb__task__descriptor, "agent_id", "slave_id"},
    {&pb__task_info__descriptor, "agent_id", "slave_id"},
    {&pb__task_status__descriptor, "agent_id", "slave_id"},
};

static const struct value_name value_names[] = {
    {&pb__task_status__reason__descriptor, "REASON_AGENT_DISCONNECTED",
     "REASON_SLAVE_DISCONNECTED"},
    {&pb__task_status__reason__descriptor, "REASON_AGENT_DRAINING", "REASON_SLAVE_DRAINING"},
    {&pb__task_status__reason__descriptor, "REASON_AGENT_REMOVED", "REASON_SLAVE_REMOVED"},
    {&pb__task_status__reason__descriptor, "REASON_AGENT_REMOVED_BY_OPERATOR",
     "REASON_SLAVE_REMOVED_BY_OPERATOR"},
    {&pb__task_status__reason__descriptor, "REASON_AGENT_REREGISTERED",
     "REASON_SLAVE_REREGISTERED"},
    {&pb__task_status__reason__descriptor, "REASON_AGENT_RESTARTED", "REASON_SLAVE_RESTARTED"},
    {&pb__task_status__reason__descriptor, "REASON_AGENT_UNKNOWN", "REASON_SLAVE_UNKNOWN"},
    {&pb__task_status__source__descriptor, "SOURCE_AGENT", "SOURCE_SLAVE"},
};

/* Most fields need no look at the table: in our names only what begins so can differ. */
static const char OURS[] = "agent_";

/* Orders a string against a name that has a length and may hold any byte. */
static int compare(const char *text, const char *name, size_t name_len)
{
    size_t text_len = strlen(text);
    size_t common = text_len < name_len ? text_len : name_len;
    int order = common > 0 ? memcmp(text, name, common) : 0; /* no name has no place, either */

    if (order != 0 || text_len == name_len)
        return order;
    return text_len < name_len ? -1 : 1;
}

/* The row of the field that we call name, or NULL. */
static const struct field_name *row_of_field(const ProtobufCMessageDescriptor *desc,
                                             const char *name)
{
    if (strncmp(name, OURS, sizeof(OURS) - 1) != 0)
        return NULL;

    for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
        if (field_names[i].desc == desc && strcmp(field_names[i].name, name) == 0)
            return &field_names[i];
    }
    return NULL;
}

/* The row of the value that we call name, or NULL. */
static const struct value_name *row_of_value(const ProtobufCEnumDescriptor *desc, const char *name)
{
    for (size_t i = 0; i < sizeof(value_names) / sizeof(value_names[0]); i++) {
        if (value_names[i].desc == desc && strcmp(value_names[i].name, name) == 0)
            return &value_names[i];
    }
    return NULL;
}

/* The index of the field that we call name, or -1. */
static int find_field(const ProtobufCMessageDescriptor *desc, const char *name, size_t name_len)
{
    unsigned low = 0;
    unsigned high = desc->n_fields;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        unsigned index = desc->fields_sorted_by_name[middle];
        int order = compare(desc->fields[index].name, name, name_len);

        if (order == 0)
            return (int)index;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* The index of the value that we call name, or -1. */
static int find_value(const ProtobufCEnumDescriptor *desc, const char *name, size_t name_len)
{
    unsigned low = 0;
    unsigned high = desc->n_value_names;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = compare(desc->values_by_name[middle].name, name, name_len);

        if (order == 0)
            return (int)desc->values_by_name[middle].index;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const char *v0_name_field(const ProtobufCMessageDescriptor *desc, unsigned field_index)
{
    const char *name = desc->fields[field_index].name;
    const struct field_name *row = row_of_field(desc, name);

    return row ? row->v0_name : name;
}

int v0_name_find_field(const ProtobufCMessageDescriptor *desc, const char *name, size_t name_len)
{
    int index = find_field(desc, name, name_len);

    if (index >= 0)
        return row_of_field(desc, desc->fields[index].name) ? -1 : index;

    for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
        const struct field_name *row = &field_names[i];

        if (row->desc == desc && compare(row->v0_name, name, name_len) == 0)
            return find_field(desc, row->name, strlen(row->name));
    }
    return -1;
}

const char *v0_name_enum(const ProtobufCEnumDescriptor *desc, unsigned value_index)
{
    const char *name = desc->values[value_index].name;
    const struct value_name *row = row_of_value(desc, name);

    return row ? row->v0_name : name;
}

int v0_name_find_enum(const ProtobufCEnumDescriptor *desc, const char *name, size_t name_len)
{
    int index = find_value(desc, name, name_len);

    if (index >= 0)
        return row_of_value(desc, desc->values[index].name) ? -1 : index;

    for (size_t i = 0; i < sizeof(value_names) / sizeof(value_names[0]); i++) {
        const struct value_name *row = &value_names[i];

        if (row->desc == desc && compare(row->v0_name, name, name_len) == 0)
            return find_value(desc, row->name, strlen(row->name));
    }
    return -1;
}
