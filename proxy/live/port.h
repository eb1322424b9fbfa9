/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/port.h - one place, several listening sockets: SO_REUSEPORT.
 *
 * The kernel gives each connection to one of the sockets that are bound to the
 * same place, by a hash of its ends. libuv learnt to ask for that in 1.49, so
 * the sockets are made here and given to uv_tcp_open.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>

/* Connections that wait to be accepted: more than a burst of a laptop's
 * clients; the kernel cuts it to net.core.somaxconn. */
#define PORT_BACKLOG 1024

struct port_question {
    struct sockaddr_storage place; /* port 0: the kernel chooses one, for all */
    uint32_t socket_count;
    bool is_shared; /* somebody of this process may be bound there already */
};

/* Opens `socket_count` sockets that listen, or none; their descriptors go to
 * `fds` and are the caller's. 0, or an errno: EADDRINUSE also when another
 * process shares the port, which SO_REUSEPORT alone would allow. */
int port_open(const struct port_question *asked, int *fds, uint32_t *port);
void port_close(const int *fds, uint32_t socket_count);
