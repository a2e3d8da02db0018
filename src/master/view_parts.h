/*
 * What renders the parts of views. Everything here runs in workers. Internal to view*.c, and to
 * what encodes the operators' events.
 */
#ifndef TEPUI_MASTER_VIEW_PARTS_H
#define TEPUI_MASTER_VIEW_PARTS_H

#include "common/metrics.h"
#include "master/view.h"
#include "master/view_index.h"
#include "wire/json.h"

/* What goes down with a view. */
struct view_input {
    const struct view_query *query;
    const struct master_snapshot *snapshot;
    struct slice head;      /* STATE, STATE_SUMMARY: members that the loop wrote, `"a":1,"b":2` */
    struct slice whitelist; /* --roles, parted by ',': the only roles; data NULL = any */
    uint64_t seed;          /* of indexes */
};

/* --- documents --- */

void master_view_write_state(const struct view_input *input, struct buf *out);
void master_view_write_summary(const struct view_input *input, struct buf *out);
void master_view_write_slaves(const struct view_input *input, struct buf *out);
void master_view_write_frameworks(const struct view_input *input, struct buf *out);
void master_view_write_tasks(const struct view_input *input, struct buf *out);
void master_view_write_constraints(const struct view_input *input, struct buf *out);
void master_view_write_roles(const struct view_input *input, struct buf *out);
/* GET_ROLES, GET_STATE ... and SUBSCRIBED (without RecordIO's length): in JSON or in protobuf. */
void master_view_write_response(const struct view_input *input, struct buf *out);

/* --- tasks --- */

/* Appends the object of the older endpoints. `run`: its resources. */
void master_view_put_task(const struct task_record *record, struct view_run *run, struct buf *out);
/* Appends the whole mesos.Task, fields in order of their numbers. */
void master_view_encode_task(const struct task_record *record, struct buf *out);
/* Appends it as a field of that number; in which order its own fields stand does not matter. */
void master_view_splice_task(const struct task_record *record, uint32_t number, struct buf *out);

/* --- agents and frameworks of the older endpoints, as members of an object that is open --- */

void master_view_put_agent(struct view_index *index, const struct agent_record *record,
                           struct json_writer *w);
/* As recovered agents are shown. */
void master_view_put_agent_info(const struct agent_record *record, struct json_writer *w);
void master_view_put_framework_summary(const struct view_index *index,
                                       const struct framework_record *record,
                                       struct json_writer *w);
void master_view_put_framework(struct view_index *index, const struct framework_record *record,
                               struct json_writer *w);
/* One of the two arrays, without those that the query does not want. */
void master_view_put_framework_list(struct view_index *index, const struct view_query *query,
                                    const struct view_frameworks *list, struct json_writer *w);

/* A list: [ {"key":..,"value":..} ], from an encoded Labels. */
void master_view_put_labels(struct slice labels, struct buf *out);

/* --- v1 --- */

/* Appends Response.GetAgents.Agent; index NULL: without what is used and offered, as events have
 * it. */
void master_view_encode_agent(struct view_index *index, const struct agent_record *record,
                              struct buf *out);
/* Appends Response.GetFrameworks.Framework; index NULL: as events have it. */
void master_view_encode_framework(const struct view_index *index,
                                  const struct framework_record *record, struct buf *out);

/* --- roles --- */

/* GET_ROLES: appends its `roles` as fields of Response.GetRoles. */
void master_view_encode_roles(const struct view_input *input, struct buf *out);
/* Calls `visit` with the metrics of quotas and of what roles consume. */
void master_view_visit_quotas(const struct view_input *input, metrics_visit_fn *visit, void *arg);

#endif
