/*
 * From the agent's flags, environment and machine to the configuration of its core and of its
 * containerizer.
 */
#ifndef TEPUI_DAEMON_AGENT_SETUP_H
#define TEPUI_DAEMON_AGENT_SETUP_H

#include "agent/agent.h"
#include "common/flags.h"
#include "container/containerizer_options.h"
#include "daemon/agent_flags.h"
#include "daemon/own_address.h"

struct agent_setup_result {
    struct own_address own;
    struct agent_master_found master; /* the master of --master=host:port */
    const char *zk; /* --master=zk://...: who leads is asked there; NULL = `master` does */
    int64_t zk_session_timeout_ns;
    const char *peers; /* --master=peers://...: who leads is asked there; NULL = not given */
    struct agent_config config; /* but for address and seed */
    struct containerizer_options containers;
    const char *work_dir;    /* absolute; it is there */
    bool require_peer_match; /* LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH */
};

/* Makes work_dir. 0, or -errno with a text for whoever started us. All text is in the arena, or is
 * that of the flags. */
int agent_setup_make(const struct agent_flags *values, const struct flags *flags,
                     struct arena *arena, struct agent_setup_result *ret_setup,
                     struct err *err) WARN_UNUSED;

#endif
