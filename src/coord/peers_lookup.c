#include "coord/peers_lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

bool peers_host_is_address(const struct peers_host *host)
{
    struct in6_addr ip;
    return inet_pton(AF_INET, host->name, &ip) == 1 || inet_pton(AF_INET6, host->name, &ip) == 1;
}

static void add(struct peers_addresses *addresses, const struct address *address)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (address_equal(&addresses->items[i], address)) {
            return;
        }
    }
    if (addresses->count == addresses->max) {
        addresses->more = true;
        return;
    }
    addresses->items[addresses->count++] = *address;
}

static int look_up(const char *name, int family, struct addrinfo **ret_found)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    return getaddrinfo(name, NULL, &hints, ret_found);
}

int peers_lookup_host(const struct peers_host *host, struct peers_addresses *addresses,
                      size_t *ret_count, struct err *err)
{
    struct addrinfo *found;
    /* Were both kinds taken, one master would be there twice. */
    int r = look_up(host->name, AF_INET, &found);
    if (r != 0) {
        r = look_up(host->name, AF_INET6, &found);
    }
    if (r != 0) {
        return err_set(err, -EINVAL, "Cannot find the address of '%s': %s", host->name,
                       gai_strerror(r));
    }
    size_t count = 0;
    for (const struct addrinfo *info = found; info != NULL; info = info->ai_next) {
        struct address address;
        if (address_from_sockaddr(info->ai_addr, &address)) {
            address.port = host->port;
            add(addresses, &address);
            count++;
        }
    }
    freeaddrinfo(found);
    *ret_count = count;
    return count > 0 ? 0 : err_set(err, -EINVAL, "'%s' has no address", host->name);
}

int peers_lookup_any(const struct peers_url *url, struct peers_addresses *addresses,
                     struct err *err)
{
    size_t found = 0;
    for (size_t i = 0; i < url->count; i++) {
        size_t count;
        if (peers_lookup_host(&url->hosts[i], addresses, &count, err) == 0) {
            found++;
        }
    }
    return found > 0 ? 0 : -EINVAL;
}
