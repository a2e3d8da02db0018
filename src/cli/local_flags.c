#include "cli/local_flags.h"

#include <arpa/inet.h>
#include <errno.h>

#define AT(member) .offset = offsetof(struct local_flags, member)

const struct flag local_flags_table[] = {
    {.name = "help",
     .type = FLAG_BOOL,
     AT(help),
     .default_text = "false",
     .help = "Print these flags and exit."},
    {.name = "num_agents",
     .alias = "num_slaves",
     .type = FLAG_INT,
     AT(num_agents),
     .default_text = "1",
     .help = "How many agents to start, at most 64."},
    {.name = "work_dir",
     .type = FLAG_PATH,
     AT(work_dir),
     .help =
         "Where master and agents keep their files: registry, sandboxes, logs. Agents are new ones "
         "at each start. Without it a new folder is made in TMPDIR, and left there."},
    {.name = "port",
     .type = FLAG_INT,
     AT(port),
     .default_text = "5050",
     .help = "The master's port, 0 for any that is free. The agents' ports are free ones."},
    {.name = "ip",
     .type = FLAG_STRING,
     AT(ip),
     .default_text = "127.0.0.1",
     .help = "The address that master and agents listen on."},
};

const size_t local_flags_count = ELEMENTS(local_flags_table);

int local_flags_check(const struct local_flags *flags, struct err *err)
{
    struct in_addr ip;
    if (flags->num_agents < 1 || flags->num_agents > LOCAL_AGENTS_MAX) {
        return err_set(err, -EINVAL, "--num_agents: expected to be 1 to %d", LOCAL_AGENTS_MAX);
    }
    if (flags->port < 0 || flags->port > UINT16_MAX) {
        return err_set(err, -EINVAL, "--port: expected to be a port, 0 to 65535");
    }
    if (inet_pton(AF_INET, flags->ip, &ip) != 1) {
        return err_set(err, -EINVAL, "--ip: '%.80s' is not an IPv4 address", flags->ip);
    }
    if (flags->work_dir != NULL && flags->work_dir[0] == '\0') {
        return err_set(err, -EINVAL, "--work_dir: a folder is expected");
    }
    return 0;
}
