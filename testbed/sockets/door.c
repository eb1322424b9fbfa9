/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/door.c - see door.h.
 */
#include "testbed/sockets/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testbed/sockets/inside.h"

#define BACKLOG 512

static void on_server_closed(uv_handle_t *handle)
{
    /* It lives in the play's arena. */
    handle->data = NULL;
}

static void on_server_connection(uv_stream_t *server, int status)
{
    struct door *door = server->data;
    if (status == 0 && door != NULL)
        sockets_accept(door->sockets, door->pod, server);
}

static bool fail(struct door *door, struct str *why, const char *what, int error)
{
    *why = arena_format(&door->sockets->arena, "%s %.*s: %s", what, STR_FMT(door->address),
                        strerror(error));
    return false;
}

static bool note_port(struct door *door, int fd, struct str *why)
{
    struct sockaddr_in bound;
    socklen_t length = sizeof(bound);
    if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0)
        return fail(door, why, "getsockname", errno);
    door->port = ntohs(bound.sin_port);
    return true;
}

static bool open_door(struct door *door, const struct sockaddr_in *address, struct str *why)
{
    door->server = ARENA_NEW(&door->sockets->arena, uv_tcp_t);
    ASSERT(uv_tcp_init(sockets_uv(door->sockets), door->server) == 0);
    door->server->data = door;
    door->state = DOOR_OPEN;
    int error = uv_tcp_bind(door->server, (const struct sockaddr *)address, 0);
    if (error == 0)
        error = uv_listen((uv_stream_t *)door->server, BACKLOG, on_server_connection);
    uv_os_fd_t fd;
    if (error == 0)
        error = uv_fileno((uv_handle_t *)door->server, &fd);
    return error == 0 ? note_port(door, fd, why) : fail(door, why, "listen", -error);
}

static int new_socket(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    int yes = 1; /* the door was here before, and its connections still are */
    bool is_ready = fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
                    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0;
    if (is_ready &&
        (address == NULL || bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Connections that nobody will ever accept fill the queue. */
static bool fill_queue(struct door *door, struct sockaddr_in address, struct str *why)
{
    if (listen(door->fd, 0) != 0)
        return fail(door, why, "listen", errno);
    address.sin_port = htons((uint16_t)door->port);
    for (int i = 0; i < DOOR_FILLERS; i++) {
        door->fillers[i] = new_socket(NULL);
        if (door->fillers[i] < 0)
            return fail(door, why, "socket", errno);
        if (connect(door->fillers[i], (struct sockaddr *)&address, sizeof(address)) != 0 &&
            errno != EINPROGRESS)
            return fail(door, why, "connect", errno);
    }
    return true;
}

static bool shut_door(struct door *door, const struct sockaddr_in *address, bool is_deaf,
                      struct str *why)
{
    door->fd = new_socket(address);
    if (door->fd < 0)
        return fail(door, why, "bind", errno);
    door->state = is_deaf ? DOOR_DEAF : DOOR_REFUSING;
    for (int i = 0; i < DOOR_FILLERS; i++)
        door->fillers[i] = -1;
    return note_port(door, door->fd, why) && (!is_deaf || fill_queue(door, *address, why));
}

bool door_set(struct door *door, struct str *why)
{
    const struct behaviour *behaviour = &door->sockets->world->pods[door->pod].behaviour;
    enum door_state wanted = behaviour->is_dropping        ? DOOR_DEAF
                             : behaviour->is_refusing      ? DOOR_REFUSING
                             : behaviour->listen_port != 0 ? DOOR_FOREIGN
                                                           : DOOR_OPEN;
    if (door->state == wanted && wanted != DOOR_FOREIGN)
        return true;
    door_close(door);
    if (wanted == DOOR_FOREIGN) {
        door->state = DOOR_FOREIGN;
        door->address = behaviour->listen_address;
        door->port = behaviour->listen_port;
        return true;
    }
    door->address = door->pod_address;
    struct sockaddr_in address;
    /* An Envoy was told the port, and is not told again. */
    uint32_t port = door->sockets->options.envoy != NULL ? door->port : 0;
    if (!door_sockaddr(door->address, port, &address))
        return fail(door, why, "address", EINVAL);
    return wanted == DOOR_OPEN ? open_door(door, &address, why)
                               : shut_door(door, &address, wanted == DOOR_DEAF, why);
}

void door_close(struct door *door)
{
    switch (door->state) {
    case DOOR_CLOSED:
        return;
    case DOOR_FOREIGN:
        break;
    case DOOR_OPEN:
        door->server->data = NULL;
        uv_close((uv_handle_t *)door->server, on_server_closed);
        door->server = NULL;
        break;
    case DOOR_DEAF:
    case DOOR_REFUSING:
        for (int i = 0; i < DOOR_FILLERS; i++) {
            if (door->fillers[i] >= 0)
                close(door->fillers[i]);
        }
        close(door->fd);
        break;
    }
    door->state = DOOR_CLOSED;
}

struct str door_loopback(struct str address)
{
    return str_has_prefix(address, STR("127.")) ? address : STR("127.0.0.1");
}

bool door_sockaddr(struct str address, uint32_t port, struct sockaddr_in *out)
{
    char text[INET_ADDRSTRLEN];
    if (address.len >= sizeof(text))
        return false;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, text, &out->sin_addr) == 1;
}
