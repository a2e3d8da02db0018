/* The flags of tepui-execute: mesos-execute's (Mesos' own names, defaults and meanings). */
#ifndef TEPUI_CLI_EXECUTE_FLAGS_H
#define TEPUI_CLI_EXECUTE_FLAGS_H

#include "common/flags.h"

struct execute_flags {
    bool help;
    const char *master;
    const char *task;
    const char *task_group;
    const char *name;
    bool shell;
    const char *command;
    const char *env;
    const char *resources;
    const char *hadoop;
    const char *hdfs;
    const char *package;
    bool overwrite;
    bool checkpoint;
    const char *appc_image;
    const char *docker_image;
    const char *framework_capabilities;
    const char *containerizer;
    const char *effective_capabilities;
    const char *bounding_capabilities;
    const char *rlimits;
    const char *role;
    int64_t kill_after_ns; /* INT64_MIN = not given */
    const char *networks;
    const char *principal;
    const char *secret;
    const char *volumes;
    const char *content_type;
    bool tty;
    bool partition_aware;
};

extern const struct flag execute_flags_table[];
extern const size_t execute_flags_count;

/* What does not go together: -EINVAL with a message. */
int execute_flags_check(const struct execute_flags *flags, struct err *err) WARN_UNUSED;

#endif
