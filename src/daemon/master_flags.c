#include "daemon/master_flags.h"

#include <errno.h>
#include <string.h>

#include "common/duration.h"
#include "daemon/flags_check.h"
#include "resources/roles.h"

const struct flag master_flags_table[] = {
#define FLAG(...) FLAG_ROW(struct master_flags, __VA_ARGS__)
#include "daemon/logging_flags.inc"
#include "daemon/master_flags.inc"
#undef FLAG
};

const size_t master_flags_count = ELEMENTS(master_flags_table);

/* facts/flags.csv, notes. */
#define AGENT_PING_TIMEOUT_MIN_NS (1 * NS_PER_SEC)
#define AGENT_PING_TIMEOUT_MAX_NS (15 * NS_PER_MIN)
#define PEERS_LEASE_MIN_NS (500 * NS_PER_MS)
#define AGENT_REREGISTER_TIMEOUT_MIN_NS (10 * NS_PER_MIN)

static int check_address(const struct master_flags *flags, struct err *err)
{
    int r = flags_check_port("port", flags->port, err);
    if (r == 0) {
        r = flags_check_ipv4("ip", flags->ip, err);
    }
    if (r == 0) {
        r = flags_check_ipv4("advertise_ip", flags->advertise_ip, err);
    }
    if (r == 0) {
        r = flags_check_port_text("advertise_port", flags->advertise_port, err);
    }
    if (r == 0 && flags->ip != NULL && flags->ip_discovery_command != NULL) {
        r = err_set(err, -EINVAL, "--ip and --ip_discovery_command exclude each other");
    }
    return r;
}

/* "0%" to "100%", with a fraction or without. */
static int check_removal_limit(const char *text, struct err *err)
{
    struct slice limit = slice_from(text);
    double percent = -1;
    if (slice_ends_with(limit, SLICE("%"))) {
        limit.size--;
        if (!slice_parse_double(limit, &percent)) {
            percent = -1;
        }
    }
    if (percent < 0 || percent > 100) {
        return err_set(err, -EINVAL,
                       "--recovery_agent_removal_limit: '%.80s' is not within 0%% to 100%%", text);
    }
    return 0;
}

static int check_registry(const struct master_flags *flags, struct err *err)
{
    static const char *const kinds[] = {"replicated_log", "log_storage", "in_memory", NULL};
    int r = flags_check_choice("registry", flags->registry, kinds, err);
    if (r == 0) {
        r = flags_check_zk("zk", flags->zk, err);
    }
    if (r == 0) {
        r = flags_check_peers("peers", flags->peers, false, err);
    }
    if (r != 0) {
        return r;
    }
    bool durable = strcmp(flags->registry, "in_memory") != 0;
    if (durable && (flags->work_dir == NULL || flags->work_dir[0] == '\0')) {
        return err_set(err, -EINVAL, "--work_dir is required, unless --registry=in_memory");
    }
    if (durable && flags->zk != NULL && flags->quorum == FLAG_UNSET) {
        return err_set(err, -EINVAL, "--quorum is required with --zk and the replicated log");
    }
    if (flags->peers != NULL && (!durable || flags->zk != NULL)) {
        return err_set(err, -EINVAL, "--peers goes with the replicated log, and without --zk");
    }
    if (flags->peers_lease_ns != FLAG_UNSET && flags->peers_lease_ns < PEERS_LEASE_MIN_NS) {
        return err_set(err, -EINVAL, "--peers_lease: expected to be at least 500ms");
    }
    if (flags->quorum == 0) {
        return err_set(err, -EINVAL, "--quorum: expected to be at least 1");
    }
    return check_removal_limit(flags->recovery_agent_removal_limit, err);
}

static int check_agents(const struct master_flags *flags, struct err *err)
{
    int r = flags_check_range("agent_ping_timeout", flags->agent_ping_timeout_ns,
                              AGENT_PING_TIMEOUT_MIN_NS, AGENT_PING_TIMEOUT_MAX_NS,
                              "1secs to 15mins", err);
    if (r == 0) {
        r = flags_check_range("max_agent_ping_timeouts", flags->max_agent_ping_timeouts, 1,
                              INT64_MAX, "at least 1", err);
    }
    if (r == 0) {
        r = flags_check_range("agent_reregister_timeout", flags->agent_reregister_timeout_ns,
                              AGENT_REREGISTER_TIMEOUT_MIN_NS, INT64_MAX, "at least 10mins", err);
    }
    return r;
}

static bool is_listed(const char *list, struct slice role)
{
    struct slice rest = slice_from(list);
    struct slice listed;
    while (slice_split(&rest, ',', &listed)) {
        if (slice_equal(listed, role)) {
            return true;
        }
    }
    return false;
}

/* "role=weight,role=weight", weights above zero, of roles that there are. */
static int check_weights(const char *weights, const char *roles, struct err *err)
{
    struct slice rest = slice_from(weights);
    struct slice pair;
    while (slice_split(&rest, ',', &pair)) {
        struct slice value = pair;
        struct slice role;
        double weight;
        if (pair.size == 0) {
            continue;
        }
        if (!slice_split(&value, '=', &role) || value.data == NULL ||
            !slice_parse_double(value, &weight) || weight <= 0) {
            return err_set(err, -EINVAL, "--weights: '%.*s' is not role=weight",
                           (int)MIN(pair.size, (size_t)80), pair.data);
        }
        if (role_validate(role, err) != 0) {
            return err_wrap(err, -EINVAL, "--weights");
        }
        if (roles != NULL && !role_is_star(role) && !is_listed(roles, role)) {
            return err_set(err, -EINVAL, "--weights: '%.*s' is not one of --roles",
                           (int)MIN(role.size, (size_t)80), role.data);
        }
    }
    return 0;
}

static int check_offers(const struct master_flags *flags, struct err *err)
{
    static const char *const sorters[] = {"drf", "random", NULL};
    int r = flags_check_range("allocation_interval", flags->allocation_interval_ns, 1, INT64_MAX,
                              "above zero", err);
    if (r == 0) {
        r = flags_check_choice("role_sorter", flags->role_sorter, sorters, err);
    }
    if (r == 0) {
        r = flags_check_choice("framework_sorter", flags->framework_sorter, sorters, err);
    }
    if (r == 0 && flags->offer_timeout_ns == 0) {
        r = err_set(err, -EINVAL, "--offer_timeout: expected to be above zero");
    }
    if (r == 0 && flags->roles != NULL && role_validate_list(slice_from(flags->roles), err) != 0) {
        r = err_wrap(err, -EINVAL, "--roles");
    }
    return r != 0 ? r : check_weights(flags->weights, flags->roles, err);
}

int master_flags_validate(const struct master_flags *flags, struct err *err)
{
    int r = flags_check_numbers(master_flags_table, master_flags_count, flags, err);
    if (r == 0) {
        r = flags_check_logging_level(flags->logging_level, err);
    }
    if (r == 0) {
        r = check_address(flags, err);
    }
    if (r == 0) {
        r = check_registry(flags, err);
    }
    if (r == 0) {
        r = check_agents(flags, err);
    }
    return r != 0 ? r : check_offers(flags, err);
}
