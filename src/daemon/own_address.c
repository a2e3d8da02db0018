#include "daemon/own_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool parse_ip(const char *text, struct address *address)
{
    struct address parsed = {.port = address->port};
    if (inet_pton(AF_INET, text, parsed.ip) == 1) {
        parsed.family = 4;
    } else if (inet_pton(AF_INET6, text, parsed.ip) == 1) {
        parsed.family = 6;
    } else {
        return false;
    }
    *address = parsed;
    return true;
}

static bool is_any(const struct address *address)
{
    static const uint8_t zero[16];
    return memcmp(address->ip, zero, sizeof(zero)) == 0;
}

/* The first IPv4 address of a name; the port is kept. */
static int look_up(const char *name, struct address *address, struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int r = getaddrinfo(name, NULL, &hints, &found);
    if (r != 0) {
        return err_set(err, -EINVAL, "Cannot find the address of '%s': %s", name, gai_strerror(r));
    }
    struct address own;
    bool ok = address_from_sockaddr(found->ai_addr, &own);
    freeaddrinfo(found);
    if (!ok) {
        return err_set(err, -EINVAL, "'%s' has no IPv4 address", name);
    }
    own.port = address->port;
    *address = own;
    return 0;
}

static int find_own(struct address *address, struct err *err)
{
    char name[256];
    if (gethostname(name, sizeof(name)) != 0) {
        return err_errno(err, "gethostname");
    }
    name[sizeof(name) - 1] = '\0';
    int r = look_up(name, address, err);
    return r != 0 ? err_wrap(err, r, "Use --ip") : 0;
}

static const char *flag_or_env(const char *flag, const char *variable)
{
    return flag != NULL ? flag : getenv(variable);
}

const char *own_address_name(const struct address *address, struct arena *arena)
{
    struct sockaddr_storage sockaddr;
    socklen_t size;
    char name[NI_MAXHOST];
    address_to_sockaddr(address, &sockaddr, &size);
    if (getnameinfo((struct sockaddr *)&sockaddr, size, name, sizeof(name), NULL, 0, NI_NAMEREQD) !=
        0) {
        return NULL;
    }
    return arena_strdup(arena, name);
}

static const char *find_hostname(const struct own_address_flags *flags,
                                 const struct address *address, struct arena *arena)
{
    if (flags->hostname != NULL) {
        return flags->hostname;
    }
    const char *name = flags->hostname_lookup ? own_address_name(address, arena) : NULL;
    if (name != NULL) {
        return name;
    }
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(address, ip);
    return arena_strdup(arena, ip);
}

static bool is_true(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

int own_address_find(const struct own_address_flags *flags, struct arena *arena,
                     struct own_address *ret_own, struct err *err)
{
    /* What is to be secret must not go out in the clear. The second is the first's older name. */
    if (is_true("LIBPROCESS_SSL_ENABLED") || is_true("SSL_ENABLED")) {
        return err_set(err, -EINVAL, "not supported yet: LIBPROCESS_SSL_ENABLED");
    }
    struct own_address own = {.listen = {.family = 4, .port = (uint16_t)flags->port}};
    const char *ip = flag_or_env(flags->ip, "LIBPROCESS_IP");
    if (ip != NULL && !parse_ip(ip, &own.listen)) {
        return err_set(err, -EINVAL, "Not an IP address: '%s'", ip);
    }
    own.advertised = own.listen;
    const char *advertised = flag_or_env(flags->advertise_ip, "LIBPROCESS_ADVERTISE_IP");
    if (advertised != NULL) {
        if (!parse_ip(advertised, &own.advertised)) {
            return err_set(err, -EINVAL, "Not an IP address: '%s'", advertised);
        }
    } else if (is_any(&own.listen)) {
        int r = find_own(&own.advertised, err);
        if (r != 0) {
            return r;
        }
    }
    const char *port = flag_or_env(flags->advertise_port, "LIBPROCESS_ADVERTISE_PORT");
    int64_t number;
    if (port != NULL) {
        if (!slice_parse_int64(slice_from(port), &number) || number < 1 || number > UINT16_MAX) {
            return err_set(err, -EINVAL, "Not a port: '%s'", port);
        }
        own.advertised.port = (uint16_t)number;
    }
    own.hostname = find_hostname(flags, &own.advertised, arena);
    *ret_own = own;
    return 0;
}

int own_address_resolve(struct slice text, struct address *ret_address, struct err *err)
{
    if (address_parse(text, ret_address) && ret_address->port != 0) {
        return 0;
    }
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    int64_t port;
    char name[NI_MAXHOST];
    if (colon < 2 || colon - 1 >= sizeof(name) ||
        !slice_parse_int64(slice_skip(text, colon), &port) || port < 1 || port > UINT16_MAX) {
        return err_set(err, -EINVAL, "Not host:port: '%.*s'", SLICE_ARGS(text));
    }
    memcpy(name, text.data, colon - 1);
    name[colon - 1] = '\0';
    struct address address = {.port = (uint16_t)port};
    int r = look_up(name, &address, err);
    if (r == 0) {
        *ret_address = address;
    }
    return r;
}

bool own_address_peers_must_match(void)
{
    return is_true("LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH");
}
