#include "daemon/master_setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/flags_env.h"
#include "daemon/domain_flag.h"
#include "daemon/version.h"

/* --- texts --- */

static const char *const *split(const char *text, struct arena *arena)
{
    if (text == NULL) {
        return NULL;
    }
    size_t count = 0;
    struct slice rest = slice_from(text);
    struct slice part;
    while (slice_split(&rest, ',', &part)) {
        count++;
    }
    const char **items = arena_alloc_array(arena, count + 1, sizeof(items[0]));
    rest = slice_from(text);
    for (size_t i = 0; slice_split(&rest, ',', &part); i++) {
        items[i] = arena_strndup(arena, part.data, part.size);
    }
    return items;
}

#define METRICS_RATE_VARIABLE "LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT"
#define METRICS_RATE_DEFAULT "2/1secs"

/* "N/duration"; NULL and "" are no limit. `name` is that of the flag or variable. */
static int parse_rate(const char *name, const char *text, int64_t *ret_count,
                      int64_t *ret_interval_ns, struct err *err)
{
    *ret_count = 0;
    *ret_interval_ns = 0;
    if (text == NULL || text[0] == '\0') {
        return 0;
    }
    struct slice rest = slice_from(text);
    struct slice count;
    if (!slice_split(&rest, '/', &count) || !slice_parse_int64(count, ret_count) ||
        *ret_count <= 0) {
        return err_set(err, -EINVAL, "%s: '%s' is not a number per time", name, text);
    }
    return duration_parse(rest, ret_interval_ns, err) == 0 ? 0 : err_wrap(err, -EINVAL, "%s", name);
}

static int parse_domain(const char *text, struct arena *arena, struct master_options *options,
                        struct err *err)
{
    const Pb__DomainInfo *domain;
    int r = domain_flag_parse(text, arena, &domain, &options->domain, err);
    if (r == 0 && domain != NULL) {
        options->allocator_options.region = domain->fault_domain->region->name;
    }
    return r;
}

static int parse_metrics_rate(struct master_options *options, struct err *err)
{
    const char *text = getenv(METRICS_RATE_VARIABLE);
    return parse_rate(METRICS_RATE_VARIABLE, text != NULL ? text : METRICS_RATE_DEFAULT,
                      &options->metrics_rate_count, &options->metrics_rate_interval_ns, err);
}

/* What /master/log shows: the link to the newest log, or the file that somebody else writes. */
static const char *find_log(const struct master_flags *flags, struct arena *arena)
{
    if (flags->external_log_file != NULL) {
        return flags->external_log_file;
    }
    return flags->log_dir != NULL ? arena_printf(arena, "%s/tepui-master.INFO", flags->log_dir)
                                  : NULL;
}

static int64_t removal_permille(const char *text)
{
    struct slice limit = slice_from(text);
    double percent;
    if (slice_ends_with(limit, SLICE("%"))) {
        limit.size--;
    }
    return slice_parse_double(limit, &percent) ? (int64_t)(percent * 10) : 1000;
}

static int64_t or_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

static int read_credentials(const char *path, struct arena *arena,
                            struct credentials *ret_credentials, struct err *err)
{
    const char *text;
    if (path == NULL) {
        return 0;
    }
    int r = flags_env_read(path, arena, &text, err);
    if (r == 0) {
        r = credentials_parse(slice_from(text), arena, ret_credentials, err);
    }
    return r != 0 ? err_wrap(err, r, "--credentials") : 0;
}

int master_setup(const struct master_flags *flags, struct arena *arena,
                 struct master_setup *ret_setup, struct err *err)
{
    struct master_setup setup = {
        .require_peer_match = own_address_peers_must_match(),
    };
    int r = own_address_find(&(struct own_address_flags){.ip = flags->ip,
                                                         .port = flags->port,
                                                         .advertise_ip = flags->advertise_ip,
                                                         .advertise_port = flags->advertise_port,
                                                         .hostname = flags->hostname,
                                                         .hostname_lookup = flags->hostname_lookup},
                             arena, &setup.own, err);
    if (r != 0) {
        return r;
    }
    struct master_options *options = &setup.options;
    *options = (struct master_options){
        .hostname = setup.own.hostname,
        .cluster = flags->cluster,
        .authenticate_agents = flags->authenticate_agents,
        .authentication_timeout_ns = flags->authentication_v0_timeout_ns,
        .version =
            {
                .version = VERSION_TEXT,
                .build_date = VERSION_BUILD_DATE,
                .build_time = VERSION_BUILD_TIME,
                .build_user = VERSION_BUILD_USER,
            },
        .allocator = &allocator_hierarchical,
        .allocator_options =
            {
                .allocation_interval_ns = flags->allocation_interval_ns,
                .filter_gpu_resources = flags->filter_gpu_resources,
                .role_sorter_random = strcmp(flags->role_sorter, "random") == 0,
                .framework_sorter_random = strcmp(flags->framework_sorter, "random") == 0,
                .fair_sharing_excluded = split(flags->fair_sharing_excluded_resource_names, arena),
                .recovery_factor = flags->allocator_agent_recovery_factor,
                .recovery_timeout_ns = flags->allocator_recovery_timeout_ns,
            },
        .min_allocatable = flags->min_allocatable_resources,
        .weights = flags->weights,
        .agent_ping_timeout_ns = flags->agent_ping_timeout_ns,
        .max_agent_ping_timeouts = flags->max_agent_ping_timeouts,
        .agent_reregister_timeout_ns = flags->agent_reregister_timeout_ns,
        .recovery_agent_removal_permille = removal_permille(flags->recovery_agent_removal_limit),
        .offer_timeout_ns = or_zero(flags->offer_timeout_ns),
        .max_completed_frameworks = (size_t)or_zero(flags->max_completed_frameworks),
        .max_completed_tasks = (size_t)or_zero(flags->max_completed_tasks_per_framework),
        .max_unreachable_tasks = (size_t)or_zero(flags->max_unreachable_tasks_per_framework),
        .registry_gc_interval_ns = flags->registry_gc_interval_ns,
        .registry_max_agent_age_ns = flags->registry_max_agent_age_ns,
        .registry_max_agent_count = (size_t)or_zero(flags->registry_max_agent_count),
        .root_submissions = flags->root_submissions,
        .roles = split(flags->roles, arena),
        .require_agent_domain = flags->require_agent_domain,
        .whitelist = flags->whitelist,
        .constraint_limits =
            {
                .size_max = (size_t)or_zero(flags->offer_constraints_re2_max_mem_bytes),
                .program_max = flags->offer_constraints_re2_max_program_size,
            },
        .webui_dir = flags->webui_dir[0] != '\0' ? flags->webui_dir : NULL,
        .log_file = find_log(flags, arena),
        .max_subscribers = (size_t)or_zero(flags->max_operator_event_stream_subscribers),
        .publish_framework_metrics = flags->publish_per_framework_metrics,
    };
    r = read_credentials(flags->credentials, arena, &options->credentials, err);
    if (r != 0) {
        return r;
    }
    r = parse_rate("--agent_removal_rate_limit", flags->agent_removal_rate_limit,
                   &options->agent_removal_count, &options->agent_removal_interval_ns, err);
    if (r == 0) {
        r = parse_metrics_rate(options, err);
    }
    if (r == 0) {
        r = parse_domain(flags->domain, arena, options, err);
    }
    if (r == 0) {
        r = master_options_check(options, err);
    }
    if (r == 0) {
        *ret_setup = setup;
    }
    return r;
}
