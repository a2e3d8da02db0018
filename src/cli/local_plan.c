#include "cli/local_plan.h"

#include <string.h>

#include "common/slice.h"

#define ARGUMENTS_MAX 16

/* Variables that are of another cluster, or that are told as flags. */
static const char *const dropped[] = {
    "MESOS_ZK",
    "MESOS_PEERS",
    "MESOS_QUORUM",
    "MESOS_MASTER",
    "MESOS_PORT",
    "MESOS_ADVERTISE_IP",
    "MESOS_ADVERTISE_PORT",
    "MESOS_IP",
    "MESOS_WORK_DIR",
    "MESOS_RUNTIME_DIR",
    "MESOS_FETCHER_CACHE_DIR",
    "MESOS_LOG_DIR",
};

static bool is_named(const char *variable, const char *name)
{
    size_t size = strlen(name);
    return strncmp(variable, name, size) == 0 && variable[size] == '=';
}

static bool is_dropped(const char *variable)
{
    for (size_t i = 0; i < ELEMENTS(dropped); i++) {
        if (is_named(variable, dropped[i])) {
            return true;
        }
    }
    return slice_starts_with(slice_from(variable), SLICE("LIBPROCESS_"));
}

static const char *const *keep_environment(const char *const *envp, struct arena *arena)
{
    size_t count = 0;
    while (envp[count] != NULL) {
        count++;
    }
    const char **kept = arena_alloc_array(arena, count + 1, sizeof(kept[0]));
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_dropped(envp[i])) {
            kept[kept_count++] = envp[i];
        }
    }
    kept[kept_count] = NULL;
    return kept;
}

static bool has_variable(const char *const *envp, const char *name)
{
    for (; *envp != NULL; envp++) {
        if (is_named(*envp, name)) {
            return true;
        }
    }
    return false;
}

/* --- command lines --- */

struct line {
    struct arena *arena;
    const char *const *envp;
    const char **argv;
    size_t count;
};

static void add(struct line *line, const char *text)
{
    ASSERT(line->count + 1 < ARGUMENTS_MAX);
    line->argv[line->count++] = text;
    line->argv[line->count] = NULL;
}

static void begin(struct line *line, const char *program)
{
    line->argv = arena_alloc_array(line->arena, ARGUMENTS_MAX, sizeof(line->argv[0]));
    line->count = 0;
    add(line, program);
}

/* A default of this program's own, which a variable may change. */
static void add_default(struct line *line, const char *variable, const char *text)
{
    if (!has_variable(line->envp, variable)) {
        add(line, text);
    }
}

static const char *const *master_line(const struct local_plan_options *options, struct line *line)
{
    struct arena *arena = line->arena;
    const char *ip = options->flags->ip;
    begin(line, "tepui-master");
    add(line, arena_printf(arena, "--ip=%s", ip));
    add(line, arena_printf(arena, "--port=%d", options->port));
    add(line, arena_printf(arena, "--work_dir=%s/master", options->work_dir));
    add_default(line, "MESOS_HOSTNAME", arena_printf(arena, "--hostname=%s", ip));
    return line->argv;
}

static const char *const *agent_line(const struct local_plan_options *options, const char *folder,
                                     struct line *line)
{
    struct arena *arena = line->arena;
    const char *ip = options->flags->ip;
    begin(line, "tepui-agent");
    add(line, arena_printf(arena, "--master=%s:%d", ip, options->port));
    add(line, arena_printf(arena, "--ip=%s", ip));
    add(line, "--port=0");
    add(line, arena_printf(arena, "--work_dir=%s/work", folder));
    add(line, arena_printf(arena, "--runtime_dir=%s/run", folder));
    add(line, arena_printf(arena, "--fetcher_cache_dir=%s/fetch", folder));
    add_default(line, "MESOS_HOSTNAME", arena_printf(arena, "--hostname=%s", ip));
    add_default(line, "MESOS_LAUNCHER", "--launcher=posix");
    add_default(line, "MESOS_ISOLATION", "--isolation=posix/cpu,posix/mem");
    add_default(line, "MESOS_SYSTEMD_ENABLE_SUPPORT", "--no-systemd_enable_support");
    add_default(line, "MESOS_REGISTRATION_BACKOFF_FACTOR", "--registration_backoff_factor=100ms");
    return line->argv;
}

void local_plan_make(const struct local_plan_options *options, struct arena *arena,
                     struct local_plan *ret_plan)
{
    size_t agents = (size_t)options->flags->num_agents;
    const char *root = options->work_dir;
    const char **folders = arena_alloc_array(arena, agents + 3, sizeof(folders[0]));
    struct local_process *processes = arena_alloc_array(arena, agents + 1, sizeof(processes[0]));
    struct line line = {.arena = arena, .envp = keep_environment(options->envp, arena)};
    const char **removed = arena_alloc_array(arena, agents, sizeof(removed[0]));
    size_t folder_count = 0;
    folders[folder_count++] = root;
    folders[folder_count++] = arena_printf(arena, "%s/logs", root);
    folders[folder_count++] = arena_printf(arena, "%s/agents", root);
    processes[0] = (struct local_process){.name = "the master",
                                          .log = arena_printf(arena, "%s/logs/master", root),
                                          .argv = master_line(options, &line)};
    for (size_t i = 0; i < agents; i++) {
        const char *folder = arena_printf(arena, "%s/agents/%zu", root, i);
        folders[folder_count++] = folder;
        removed[i] = arena_printf(arena, "%s/work/meta/slaves/latest", folder);
        processes[i + 1] =
            (struct local_process){.name = arena_printf(arena, "agent %zu", i),
                                   .log = arena_printf(arena, "%s/logs/agent-%zu", root, i),
                                   .argv = agent_line(options, folder, &line)};
    }
    *ret_plan = (struct local_plan){
        .folders = folders,
        .folder_count = folder_count,
        .removed = removed,
        .processes = processes,
        .process_count = agents + 1,
        .envp = line.envp,
        .master = arena_printf(arena, "%s:%d", options->flags->ip, options->port),
    };
}
