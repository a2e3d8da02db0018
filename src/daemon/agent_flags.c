#include "daemon/agent_flags.h"

#include <errno.h>
#include <string.h>

#include "common/duration.h"
#include "daemon/flags_check.h"
#include "election/peers_url.h"
#include "resources/roles.h"

const struct flag agent_flags_table[] = {
#define FLAG(...) FLAG_ROW(struct agent_flags, __VA_ARGS__)
#include "daemon/agent_flags.inc"
#include "daemon/container_flags.inc"
#include "daemon/logging_flags.inc"
#undef FLAG
};

const size_t agent_flags_count = ELEMENTS(agent_flags_table);

/* facts/flags.csv, notes; the original's slave/constants.hpp. */
#define REGISTRATION_BACKOFF_FACTOR_MAX_NS NS_PER_MIN
#define EXECUTOR_REREGISTRATION_TIMEOUT_MAX_NS (15 * NS_PER_SEC)
#define DOMAIN_SOCKET_PATH_SIZE 108 /* of sockaddr_un, with the terminator */

static int check_address(const struct agent_flags *flags, struct err *err)
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

static int check_master(const struct agent_flags *flags, struct err *err)
{
    bool named = flags->master != NULL && flags->master[0] != '\0';
    if (named == (flags->master_detector != NULL)) {
        return err_set(err, -EINVAL,
                       named ? "--master and --master_detector exclude each other"
                             : "--master is required");
    }
    if (!named) {
        return 0;
    }
    struct slice master = slice_trim(slice_from(flags->master));
    if (slice_starts_with(master, SLICE("zk://"))) {
        return flags_check_zk("master", flags->master, err);
    }
    if (peers_url_is(master)) {
        return flags_check_peers("master", flags->master, true, err);
    }
    if (slice_find(master, ',') >= 0) {
        return err_set(err, -EINVAL,
                       "--master: '%.80s' is a list without a scheme: peers://host:port,... names "
                       "masters with --peers, zk://host:port,.../path names ZooKeeper",
                       flags->master);
    }
    ptrdiff_t colon = slice_find(master, ':');
    uint64_t port;
    if (colon <= 0 || !slice_parse_uint64(slice_skip(master, (size_t)colon + 1), &port) ||
        port == 0 || port > UINT16_MAX) {
        return err_set(err, -EINVAL,
                       "--master: '%.80s' is neither host:port nor zk://... nor peers://...",
                       flags->master);
    }
    return 0;
}

static int check_containerizers(const char *list, struct err *err)
{
    struct slice rest = slice_from(list);
    struct slice name;
    while (slice_split(&rest, ',', &name)) {
        if (slice_is(name, "docker")) {
            return err_set(err, -EINVAL, "not supported yet: --containerizers=docker");
        }
        if (!slice_is(name, "mesos")) {
            return err_set(err, -EINVAL, "--containerizers: '%.*s' is unknown",
                           (int)MIN(name.size, (size_t)80), name.data);
        }
    }
    return 0;
}

static int check_choices(const struct agent_flags *flags, struct err *err)
{
    static const char *const recovers[] = {"reconnect", "cleanup", NULL};
    static const char *const policies[] = {"equal", "additive", NULL};
    static const char *const launchers[] = {"posix", "linux", NULL};
    int r = flags_check_choice("recover", flags->recover, recovers, err);
    if (r == 0) {
        r = flags_check_choice("reconfiguration_policy", flags->reconfiguration_policy, policies,
                               err);
    }
    if (r == 0) {
        r = flags_check_choice("launcher", flags->launcher, launchers, err);
    }
    if (r == 0 && role_validate(slice_from(flags->default_role), err) != 0) {
        r = err_wrap(err, -EINVAL, "--default_role");
    }
    return r != 0 ? r : check_containerizers(flags->containerizers, err);
}

static int check_executors(const struct agent_flags *flags, struct err *err)
{
    int r = flags_check_range("registration_backoff_factor", flags->registration_backoff_factor_ns,
                              0, REGISTRATION_BACKOFF_FACTOR_MAX_NS, "at most 1mins", err);
    if (r == 0) {
        r = flags_check_range("executor_reregistration_timeout",
                              flags->executor_reregistration_timeout_ns, 0,
                              EXECUTOR_REREGISTRATION_TIMEOUT_MAX_NS, "at most 15secs", err);
    }
    if (r == 0 && flags->executor_environment_variables != NULL &&
        slice_trim(slice_from(flags->executor_environment_variables)).data[0] != '{') {
        r = err_set(err, -EINVAL, "--executor_environment_variables: a JSON object is expected");
    }
    if (r == 0 && flags->domain_socket_location != NULL &&
        strlen(flags->domain_socket_location) >= DOMAIN_SOCKET_PATH_SIZE) {
        r = err_set(err, -EINVAL, "--domain_socket_location: longer than a socket's path may be");
    }
    return r;
}

static int check_dirs(const struct agent_flags *flags, struct err *err)
{
    if (flags->work_dir[0] == '\0' || flags->runtime_dir[0] == '\0') {
        return err_set(err, -EINVAL, "--work_dir and --runtime_dir must not be empty");
    }
    if (!(flags->gc_disk_headroom >= 0 && flags->gc_disk_headroom <= 1)) {
        return err_set(err, -EINVAL, "--gc_disk_headroom: expected to be within 0 to 1");
    }
    return 0;
}

int agent_flags_validate(const struct agent_flags *flags, struct err *err)
{
    int r = flags_check_numbers(agent_flags_table, agent_flags_count, flags, err);
    if (r == 0) {
        r = flags_check_logging_level(flags->logging_level, err);
    }
    if (r == 0) {
        r = check_address(flags, err);
    }
    if (r == 0) {
        r = check_master(flags, err);
    }
    if (r == 0) {
        r = check_choices(flags, err);
    }
    if (r == 0) {
        r = check_executors(flags, err);
    }
    return r != 0 ? r : check_dirs(flags, err);
}
