/*
 * The registry as bytes: mesos.internal.Registry, to and from struct registry.
 *
 * Agents are stored with their resources in the older format, so that older masters can read them;
 * what is stored of one is made once and kept (registry_agent.stored). What we do not know stays as
 * it is, but for the order of fields. Encoding and decoding cost time in proportion to the whole
 * cluster: they are for workers.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_CODEC_H
#define TEPUI_REGISTRY_REGISTRY_CODEC_H

#include "common/buf.h"
#include "common/err.h"
#include "registry/registry.h"

/* Memory for one AgentInfo while it is decoded. */
#define REGISTRY_INFO_BUDGET_SIZE ((size_t)1 << 30)

enum {
    REGISTRY_E_DAMAGED = 1,  /* it cannot be read: err tells where */
    REGISTRY_E_CAPABILITIES, /* it needs capabilities that we do not have: err names them */
};

/* Makes what will be stored of agents, and returns how many bytes registry_encode will append. */
size_t registry_encoded_size(struct registry *registry);
/* After registry_encoded_size(), without a change between them. */
void registry_encode(const struct registry *registry, struct buf *out);

/* A new registry. Of several entries with one id that of gone agents counts, then that of admitted
 * ones. Returns 0 or REGISTRY_E_DAMAGED. */
int registry_decode(struct slice value, uint64_t seed, struct registry **ret_registry,
                    struct err *err) WARN_UNUSED;

/* Whether a master with that encoded MasterInfo has all that Registry.minimum_capabilities lists:
 * 0 or REGISTRY_E_CAPABILITIES. */
int registry_check_capabilities(const struct registry *registry, struct slice master_info,
                                struct err *err) WARN_UNUSED;

#endif
