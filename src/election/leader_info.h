/*
 * What is in a master's node, and in the node's name (facts/observed.md, high availability 1 and
 * 4).
 */
#ifndef TEPUI_ELECTION_LEADER_INFO_H
#define TEPUI_ELECTION_LEADER_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/blob.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"
#include "wire/upid.h"

struct Pb__MasterInfo;

/* The label that our nodes bear, with what stands before the number. */
#define LEADER_INFO_PREFIX "json.info_"

/* Bytes of a node that are looked at; more are no MasterInfo. */
#define LEADER_INFO_SIZE_MAX (1u << 20)

enum leader_info_format {
    LEADER_INFO_JSON,     /* json.info_<n> */
    LEADER_INFO_PROTOBUF, /* info_<n>: before 0.24 */
    LEADER_INFO_UPID,     /* <n>: before 0.20 */
    LEADER_INFO_FOREIGN,  /* another label */
};

/* Format and number by a node's name; false if it does not end in a number, as "log_replicas" does
 * not: such nodes do not count. */
bool leader_info_parse_name(struct slice name, enum leader_info_format *ret_format,
                            int32_t *ret_number) WARN_UNUSED;

/* The master's info, encoded anew, as a new reference; NULL if there is none to be made out, or it
 * has no address: err tells why. */
struct blob *leader_info_parse(enum leader_info_format format, struct slice data,
                               struct err *err) WARN_UNUSED;

/* The text that a master publishes, as GET_MASTER tells it. */
void leader_info_format_json(struct slice info, struct buf *out);

/* What others need of an info that leader_info_parse made, or that the master encoded. */
struct leader {
    struct upid pid;       /* "master@..." */
    char hostname[256];    /* the address's text if it is unknown */
    bool has_agent_update; /* capability AGENT_UPDATE */
};

/* False if it has no address. */
bool leader_info_read(struct slice info, struct leader *ret_leader) WARN_UNUSED;

#endif
