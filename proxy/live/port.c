/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/port.c - see port.h.
 */
#define _DEFAULT_SOURCE /* SO_REUSEPORT is Linux's and the BSDs', not POSIX's */

#include "proxy/live/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/live/address_map.h"

static socklen_t place_bytes(const struct sockaddr_storage *place)
{
    return place->ss_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                        : (socklen_t)sizeof(struct sockaddr_in);
}

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* A bound socket with libuv's own settings; its descriptor, or a negative
 * errno. */
static int open_bound(const struct sockaddr_storage *place, bool is_shared)
{
    int fd = socket(place->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        (!is_shared || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        (place->ss_family != AF_INET6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
        bind(fd, (const struct sockaddr *)place, place_bytes(place)) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    return -error;
}

static int open_listening(const struct sockaddr_storage *place)
{
    int fd = open_bound(place, true);
    if (fd < 0 || listen(fd, PORT_BACKLOG) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    return -error;
}

/* Would a socket that shares with nobody get the place? 0, or an errno. */
static int probe(const struct sockaddr_storage *place)
{
    int fd = open_bound(place, false);
    if (fd < 0)
        return -fd;
    (void)close(fd);
    return 0;
}

/* Where the first socket is, the others shall be. 0, or an errno. */
static int read_place(int fd, struct sockaddr_storage *place, uint32_t *port)
{
    char text[ADDRESS_TEXT_BYTES_MAX];
    socklen_t size = sizeof(*place);
    if (getsockname(fd, (struct sockaddr *)place, &size) != 0)
        return errno;
    (void)address_text(place, text, port);
    return 0;
}

int port_open(const struct port_question *asked, int *fds, uint32_t *port)
{
    ASSERT(asked->socket_count >= 1);
    struct sockaddr_storage place = asked->place;
    int error = asked->is_shared ? 0 : probe(&place);
    uint32_t count = 0;
    while (error == 0 && count < asked->socket_count) {
        int fd = open_listening(&place);
        if (fd < 0) {
            error = -fd;
            break;
        }
        fds[count++] = fd;
        if (count == 1)
            error = read_place(fd, &place, port);
    }
    if (error != 0)
        port_close(fds, count);
    return error;
}

void port_close(const int *fds, uint32_t socket_count)
{
    for (uint32_t i = 0; i < socket_count; i++)
        (void)close(fds[i]);
}
