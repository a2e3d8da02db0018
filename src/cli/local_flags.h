/* The flags of tepui local: mesos-local's, with a few of our own. */
#ifndef TEPUI_CLI_LOCAL_FLAGS_H
#define TEPUI_CLI_LOCAL_FLAGS_H

#include "common/flags.h"

#define LOCAL_AGENTS_MAX 64

struct local_flags {
    bool help;
    int64_t num_agents;
    const char *work_dir; /* NULL = a new one */
    int64_t port;         /* 0 = any that is free */
    const char *ip;
};

extern const struct flag local_flags_table[];
extern const size_t local_flags_count;

/* What makes no sense: -EINVAL with a message. */
int local_flags_check(const struct local_flags *flags, struct err *err) WARN_UNUSED;

#endif
