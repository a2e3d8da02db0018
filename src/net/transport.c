#include "net/transport.h"

#include <errno.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>

int transport_connect(struct bufferevent *bev, const struct address *address)
{
    struct sockaddr_storage storage;
    socklen_t size;
    address_to_sockaddr(address, &storage, &size);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (bufferevent_setfd(bev, fd) != 0) {
        evutil_closesocket(fd);
        return -EBADF;
    }
    errno = 0;
    if (bufferevent_socket_connect(bev, (struct sockaddr *)&storage, (int)size) != 0) {
        return errno != 0 ? -errno : -ECONNREFUSED;
    }
    return 0;
}
