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
