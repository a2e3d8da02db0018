/*
 * What tepui local starts: which programs, with which flags, folders and variables. Pure.
 *
 *     work_dir/master          the master's --work_dir
 *     work_dir/agents/0/work   an agent's --work_dir, with run/ and fetch/ beside it
 *     work_dir/logs/           what each of them says
 *
 * Agents leave the cluster when it ends, and are new ones at the next start: what an agent would
 * find its former self by is removed.
 */
#ifndef TEPUI_CLI_LOCAL_PLAN_H
#define TEPUI_CLI_LOCAL_PLAN_H

#include "cli/local_flags.h"

struct local_process {
    const char *name;        /* "the master", "agent 0" */
    const char *log;         /* path */
    const char *const *argv; /* argv[0] is the program, "tepui-master"; ends with NULL */
};

struct local_plan {
    const char *const *folders; /* to be made, in order */
    size_t folder_count;
    const char *const *removed;            /* files that must not be there, one for each agent */
    const struct local_process *processes; /* the master, then the agents */
    size_t process_count;
    const char *const *envp; /* for all of them; ends with NULL */
    const char *master;      /* "ip:port" */
};

struct local_plan_options {
    const struct local_flags *flags;
    const char *work_dir; /* absolute */
    uint16_t port;
    /* Ours. MESOS_<FLAG> reaches master and agents, but for what would make another cluster of
     * them. */
    const char *const *envp;
};

/* All of it is in the arena, or in the options. */
void local_plan_make(const struct local_plan_options *options, struct arena *arena,
                     struct local_plan *ret_plan);

#endif
