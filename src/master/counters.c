#include "master/counters.h"

#include <ctype.h>
#include <string.h>

#include "master/master_state.h"
#include "wire/pb.h"
#include "wire/v0_names.h"

void master_count(struct master *master, enum master_counter counter)
{
    if (master->counters[counter] != NULL) {
        metric_add(master->counters[counter], 1);
    }
}

/* The older name in lower case: "reason_slave_removed" (facts/observed.md, operator 14). */
static void append_name(struct buf *out, const ProtobufCEnumDescriptor *desc, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(desc, number);
    const char *name =
        value != NULL ? v0_name_enum(desc, (unsigned)(value - desc->values)) : "unknown";
    for (; *name != '\0'; name++) {
        buf_append_byte(out, (char)tolower((unsigned char)*name));
    }
}

void master_count_task(struct master *master, enum task_state state, int source, int reason)
{
    struct metrics *metrics = master->options.metrics;
    if (metrics == NULL || source < 0 || reason < 0) {
        return;
    }
    CLEANUP(buf_deinit) struct buf name = BUF_INIT;
    buf_append_text(&name, "master/");
    append_name(&name, &pb__task_state__descriptor, (int)state);
    buf_append_byte(&name, '/');
    append_name(&name, &pb__task_status__source__descriptor, source);
    buf_append_byte(&name, '/');
    append_name(&name, &pb__task_status__reason__descriptor, reason);
    struct metric *metric = metrics_find(metrics, buf_text(&name));
    if (metric == NULL) {
        metric = metrics_add_counter(metrics, buf_text(&name));
    }
    metric_add(metric, 1);
}

/* "create_disk" of CREATE_DISK, "gone_by_operator" of OPERATION_GONE_BY_OPERATOR; false if it is no
 * value that is counted. */
static bool append_value(struct buf *out, const ProtobufCEnumDescriptor *desc, int number,
                         const char *prefix)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(desc, number);
    if (value == NULL) {
        return false;
    }
    for (const char *name = value->name + strlen(prefix); *name != '\0'; name++) {
        buf_append_byte(out, (char)tolower((unsigned char)*name));
    }
    return true;
}

/* Of one type, and of all; states and types without a metric are not counted. */
static void count_operation(struct master *master, Pb__Offer__Operation__Type type,
                            struct slice name, int amount)
{
    struct metrics *metrics = master->options.metrics;
    CLEANUP(buf_deinit) struct buf all = BUF_INIT;
    CLEANUP(buf_deinit) struct buf one = BUF_INIT;
    buf_append_text(&all, "master/operations/");
    buf_append_text(&one, "master/operations/");
    buf_append_slice(&all, name);
    if (metrics == NULL ||
        !append_value(&one, &pb__offer__operation__type__descriptor, (int)type, "")) {
        return;
    }
    buf_append_byte(&one, '/');
    buf_append_slice(&one, name);
    struct metric *sum = metrics_find(metrics, buf_text(&all));
    struct metric *part = metrics_find(metrics, buf_text(&one));
    if (sum != NULL && part != NULL) {
        metric_add(sum, amount);
        metric_add(part, amount);
    }
}

void master_count_operation(struct master *master, Pb__Offer__Operation__Type type,
                            Pb__OperationState state, int amount)
{
    CLEANUP(buf_deinit) struct buf name = BUF_INIT;
    if (append_value(&name, &pb__operation_state__descriptor, (int)state, "OPERATION_")) {
        count_operation(master, type, buf_slice(&name), amount);
    }
}

void master_count_operation_begun(struct master *master, Pb__Offer__Operation__Type type)
{
    count_operation(master, type, SLICE("total"), 1);
}
