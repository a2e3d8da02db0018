#include "daemon/agent_setup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "daemon/agent_disks.h"
#include "daemon/domain_flag.h"
#include "daemon/flags_check.h"
#include "daemon/version.h"
#include "election/peers_url.h"
#include "election/zk_url.h"
#include "wire/json.h"
#include "wire/pb.h"

#define MB_SHIFT 20
#define GB (INT64_C(1) << 30)
#define PPM 1000000.0

/* --- the machine --- */

/* What is left to tasks when the system keeps its share: all but `share`, or half of a small whole
 * (facts/observed.md, tasks 23). In megabytes. */
static int64_t left_mb(int64_t bytes, int64_t share)
{
    return (bytes >= 2 * share ? bytes - share : bytes / 2) >> MB_SHIFT;
}

static int detect(const char *work_dir, struct agent_detected *detected, struct err *err)
{
    struct sysinfo info;
    struct statvfs fs;
    if (sysinfo(&info) != 0) {
        return err_errno(err, "sysinfo");
    }
    if (statvfs(work_dir, &fs) != 0) {
        return err_errno(err, "%s", work_dir);
    }
    detected->cpus = sysconf(_SC_NPROCESSORS_ONLN);
    detected->mem_mb = left_mb((int64_t)(info.totalram * info.mem_unit), 1 * GB);
    detected->disk_mb = left_mb((int64_t)(fs.f_blocks * fs.f_frsize), 5 * GB);
    return 0;
}

static int make_work_dir(const char *path, struct arena *arena, const char **ret_path,
                         struct err *err)
{
    char real[PATH_MAX];
    int r = agent_disks_make_folder(path, err);
    if (r != 0) {
        return err_wrap(err, r, "--work_dir");
    }
    if (realpath(path, real) == NULL) {
        return err_errno(err, "--work_dir=%s", path);
    }
    *ret_path = arena_strdup(arena, real);
    return 0;
}

/* --- programs --- */

static const char *own_folder(struct arena *arena)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0) {
        return "/usr/libexec/tepui";
    }
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    *slash = '\0';
    return arena_strdup(arena, path);
}

/* The program under our name or Mesos' own, or NULL. */
static const char *find_program(struct arena *arena, const char *folder, const char *name)
{
    const char *prefixes[] = {"tepui", "mesos"};
    for (size_t i = 0; i < ELEMENTS(prefixes); i++) {
        char real[PATH_MAX];
        const char *path = arena_printf(arena, "%s/%s-%s", folder, prefixes[i], name);
        if (realpath(path, real) != NULL) {
            return arena_strdup(arena, real);
        }
    }
    return NULL;
}

/* Where we are, as they are built, or where they are installed (src/install.cmake). */
static const char *find_launcher_dir(struct arena *arena)
{
    const char *own = own_folder(arena);
    const char *installed = arena_printf(arena, "%s/../libexec/tepui", own);
    const char *found = find_program(arena, own, "containerizer") == NULL
                            ? find_program(arena, installed, "containerizer")
                            : NULL;
    return found != NULL ? arena_strndup(arena, found, (size_t)(strrchr(found, '/') - found)) : own;
}

/* --- texts --- */

static int parse_master(const struct agent_flags *values, struct arena *arena,
                        struct agent_setup_result *setup, struct err *err)
{
    struct agent_master_found *master = &setup->master;
    if (values->master == NULL || values->master[0] == '\0') {
        return err_set(err, -EINVAL, "Missing required option --master");
    }
    struct slice text = slice_trim(slice_from(values->master));
    if (zk_url_is(text)) {
        setup->zk = values->master;
        setup->zk_session_timeout_ns = values->zk_session_timeout_ns;
        return flags_check_zk("master", values->master, err);
    }
    if (peers_url_is(text)) {
        setup->peers = values->master;
        return flags_check_peers("master", values->master, true, err);
    }
    struct slice at = SLICE("master@");
    if (slice_starts_with(text, at)) {
        text = slice_skip(text, at.size);
    }
    int r = own_address_resolve(text, &master->pid.address, err);
    if (r != 0) {
        return err_wrap(err, r, "--master");
    }
    memcpy(master->pid.id, "master", sizeof("master"));
    master->hostname = own_address_name(&master->pid.address, arena);
    master->has_agent_update = true; /* not known; the reference assumes it as well */
    return 0;
}

/* A JSON object of texts, read as the one map of texts to texts that the wire contract has. */
static int parse_environment(const char *json, struct arena *arena, struct agent_config *config,
                             struct err *err)
{
    ProtobufCMessage *message = NULL;
    const char *wrapped = arena_printf(arena, "{\"parameters\":%s}", json);
    if (json_parse_message(&pb__csi__state__volume_state__descriptor, slice_from(wrapped), JSON_V1,
                           arena, &message, err) != 0) {
        return err_wrap(err, -EINVAL, "--executor_environment_variables");
    }
    const Pb__Csi__State__VolumeState *state = (const Pb__Csi__State__VolumeState *)message;
    struct agent_pair *pairs = arena_alloc_array(arena, state->n_parameters + 1, sizeof(pairs[0]));
    for (size_t i = 0; i < state->n_parameters; i++) {
        pairs[i] = (struct agent_pair){state->parameters[i]->key, state->parameters[i]->value};
    }
    config->executor_environment = pairs;
    config->executor_environment_count = state->n_parameters;
    return 0;
}

/* What every executor gets: what --executor_environment_variables says, and LIBPROCESS_IP. */
static int set_environment(const struct agent_flags *values, struct arena *arena,
                           struct agent_config *config, struct err *err)
{
    const char *ip = values->ip != NULL ? values->ip : getenv("LIBPROCESS_IP");
    if (values->executor_environment_variables != NULL) {
        int r = parse_environment(values->executor_environment_variables, arena, config, err);
        if (r != 0) {
            return r;
        }
    }
    if (ip != NULL) {
        size_t count = config->executor_environment_count;
        struct agent_pair *pairs = arena_alloc_array(arena, count + 1, sizeof(pairs[0]));
        pairs[0] = (struct agent_pair){"LIBPROCESS_IP", ip};
        for (size_t i = 0; i < count; i++) {
            pairs[i + 1] = config->executor_environment[i];
        }
        config->executor_environment = pairs;
        config->executor_environment_count = count + 1;
    }
    return 0;
}

/* Flags as /flags shows them: those that have a value. */
static void set_flags(const struct flags *flags, const char *launcher_dir, struct arena *arena,
                      struct agent_config *config)
{
    struct agent_pair *pairs = arena_alloc_array(arena, flags->count, sizeof(pairs[0]));
    size_t count = 0;
    for (size_t i = 0; i < flags->count; i++) {
        const char *name = flags->table[i].name;
        const char *text = strcmp(name, "launcher_dir") == 0 ? launcher_dir : flags->texts[i];
        if (text != NULL && strcmp(name, "credential") != 0) {
            pairs[count++] = (struct agent_pair){name, text};
        }
    }
    config->flags = pairs;
    config->flag_count = count;
}

static bool isolates(const char *isolation, const char *name)
{
    struct slice rest = slice_from(isolation);
    struct slice part;
    while (slice_split(&rest, ',', &part)) {
        if (slice_is(slice_trim(part), name)) {
            return true;
        }
    }
    return false;
}

/* --- all together --- */

static int64_t or_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

static void set_config(const struct agent_flags *values, struct agent_config *c)
{
    bool cgroups = isolates(values->isolation, "cgroups/all");
    c->resources = values->resources;
    c->attributes = values->attributes;
    c->default_role = values->default_role;
    c->sandbox_directory = values->sandbox_directory;
    c->log_dir = values->log_dir;
    c->external_log_file = values->external_log_file;
    c->recover =
        strcmp(values->recover, "cleanup") == 0 ? AGENT_RECOVER_CLEANUP : AGENT_RECOVER_RECONNECT;
    c->reconfiguration_policy = strcmp(values->reconfiguration_policy, "additive") == 0
                                    ? AGENT_RECONFIGURE_ADDITIVE
                                    : AGENT_RECONFIGURE_EQUAL;
    c->strict = values->strict;
    c->switch_user = values->switch_user && geteuid() == 0;
    c->http_command_executor = values->http_command_executor;
    c->gc_non_executor_container_sandboxes = values->gc_non_executor_container_sandboxes;
    c->limits_cpus = cgroups || isolates(values->isolation, "cgroups/cpu");
    c->limits_mem = cgroups || isolates(values->isolation, "cgroups/mem");
    c->enables_cfs = values->cgroups_enable_cfs;
    c->registration_backoff_factor_ns = values->registration_backoff_factor_ns;
    c->executor_registration_timeout_ns = values->executor_registration_timeout_ns;
    c->executor_reregistration_timeout_ns = values->executor_reregistration_timeout_ns;
    c->executor_reregistration_retry_interval_ns =
        or_zero(values->executor_reregistration_retry_interval_ns);
    c->executor_shutdown_grace_period_ns = values->executor_shutdown_grace_period_ns;
    c->recovery_timeout_ns = values->recovery_timeout_ns;
    c->gc_delay_ns = values->gc_delay_ns;
    c->http_heartbeat_interval_ns = values->http_heartbeat_interval_ns;
    c->disk_watch_interval_ns = values->disk_watch_interval_ns;
    c->gc_disk_headroom_ppm = (int64_t)(values->gc_disk_headroom * PPM);
    c->max_completed_executors_per_framework = values->max_completed_executors_per_framework;
    c->build = (struct agent_build){.version = VERSION_TEXT,
                                    .build_date = VERSION_BUILD_DATE,
                                    .build_user = VERSION_BUILD_USER,
                                    .build_time = VERSION_BUILD_TIME};
}

static void set_containers(const struct agent_flags *values, const struct agent_setup_result *setup,
                           struct containerizer_options *o)
{
    *o = (struct containerizer_options){
        .launcher = values->launcher,
        .isolation = values->isolation,
        .launcher_dir = setup->config.launcher_dir,
        .work_dir = setup->work_dir,
        .runtime_dir = values->runtime_dir,
        .sandbox_directory = values->sandbox_directory,
        .cgroups_hierarchy = values->cgroups_hierarchy,
        .cgroups_root = values->cgroups_root,
        .agent_subsystems = values->agent_subsystems,
        .effective_capabilities = values->effective_capabilities,
        .bounding_capabilities = values->bounding_capabilities,
        .host_path_volume_force_creation = values->host_path_volume_force_creation,
        .allowed_devices = values->allowed_devices,
        .frameworks_home = values->frameworks_home,
        .hadoop_home = values->hadoop_home,
        .fetcher_cache_dir = values->fetcher_cache_dir,
        .fetcher_cache_size_bytes = values->fetcher_cache_size_bytes,
        .fetcher_stall_timeout_ns = values->fetcher_stall_timeout_ns,
        .cgroups_destroy_timeout_ns = values->cgroups_destroy_timeout_ns,
        .cgroups_enable_cfs = values->cgroups_enable_cfs,
        .cgroups_limit_swap = values->cgroups_limit_swap,
        .cgroups_cpu_enable_pids_and_tids_count = values->cgroups_cpu_enable_pids_and_tids_count,
        .revocable_cpu_low_priority = values->revocable_cpu_low_priority,
        .disallow_sharing_agent_pid_namespace = values->disallow_sharing_agent_pid_namespace,
        .disallow_sharing_agent_ipc_namespace = values->disallow_sharing_agent_ipc_namespace,
        .default_container_shm_size_bytes = or_zero(values->default_container_shm_size_bytes),
        .systemd_enable_support = values->systemd_enable_support,
        .systemd_runtime_directory = values->systemd_runtime_directory,
    };
}

int agent_setup_make(const struct agent_flags *values, const struct flags *flags,
                     struct arena *arena, struct agent_setup_result *ret_setup, struct err *err)
{
    struct agent_setup_result setup = {.require_peer_match = own_address_peers_must_match()};
    int r = parse_master(values, arena, &setup, err);
    if (r == 0) {
        r = own_address_find(
            &(struct own_address_flags){.ip = values->ip,
                                        .port = values->port,
                                        .advertise_ip = values->advertise_ip,
                                        .advertise_port = values->advertise_port,
                                        .hostname = values->hostname,
                                        .hostname_lookup = values->hostname_lookup},
            arena, &setup.own, err);
    }
    if (r == 0) {
        r = set_environment(values, arena, &setup.config, err);
    }
    if (r == 0) {
        const Pb__DomainInfo *domain;
        r = domain_flag_parse(values->domain, arena, &domain, &setup.config.domain, err);
    }
    if (r == 0) {
        r = make_work_dir(values->work_dir, arena, &setup.work_dir, err);
    }
    if (r == 0) {
        r = agent_disks_prepare(values->resources, setup.work_dir, err);
    }
    if (r == 0) {
        r = detect(setup.work_dir, &setup.config.detected, err);
    }
    if (r != 0) {
        return r;
    }
    const char *launcher_dir =
        values->launcher_dir != NULL ? values->launcher_dir : find_launcher_dir(arena);
    set_config(values, &setup.config);
    setup.config.hostname = setup.own.hostname;
    setup.config.work_dir = setup.work_dir;
    setup.config.launcher_dir = launcher_dir;
    setup.config.command_executor = find_program(arena, launcher_dir, "executor");
    setup.config.default_executor = find_program(arena, launcher_dir, "default-executor");
    set_flags(flags, launcher_dir, arena, &setup.config);
    set_containers(values, &setup, &setup.containers);
    *ret_setup = setup;
    return 0;
}
