/*
 * From the master's flags and environment to the options of its core: addresses, names, texts.
 */
#ifndef TEPUI_DAEMON_MASTER_SETUP_H
#define TEPUI_DAEMON_MASTER_SETUP_H

#include "common/arena.h"
#include "common/err.h"
#include "daemon/master_flags.h"
#include "daemon/own_address.h"
#include "master/master.h"

struct master_setup {
    struct own_address own;
    bool require_peer_match;       /* LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH */
    struct master_options options; /* but for address, seed and metrics */
};

/* 0, or -errno with a text for whoever started us. All text is in the arena, or is the flags'. */
int master_setup(const struct master_flags *flags, struct arena *arena,
                 struct master_setup *ret_setup, struct err *err) WARN_UNUSED;

#endif
