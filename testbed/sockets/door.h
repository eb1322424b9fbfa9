/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/door.h - where a pod's application can be reached: a socket
 * on the pod's loopback address, its port given by the kernel.
 *
 *   open      listens and accepts
 *   refusing  bound and not listening: connections are refused
 *   deaf      listens with a full queue: the kernel drops every further SYN
 *   foreign   a real process listens elsewhere, in the pod's place
 *
 * All ports of a pod lead to its one door.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/str.h"

enum door_state { DOOR_CLOSED, DOOR_OPEN, DOOR_REFUSING, DOOR_DEAF, DOOR_FOREIGN };

#define DOOR_FILLERS 2 /* with a backlog of 0, more than the queue takes */

struct sockets;

struct door {
    struct sockets *sockets;
    uint32_t pod;
    enum door_state state;
    uv_tcp_t *server; /* DOOR_OPEN */
    int fd;           /* DOOR_REFUSING, DOOR_DEAF */
    int fillers[DOOR_FILLERS];
    struct str pod_address; /* on loopback */
    struct str address;     /* what to connect to */
    uint32_t port;
};

/* As the pod's behaviour says; false: the system refused, *why says what. */
bool door_set(struct door *door, struct str *why);
void door_close(struct door *door);

/* "127.0.0.1" for what is no loopback address. */
struct str door_loopback(struct str address);
/* Numeric address and port; false: it is none. */
bool door_sockaddr(struct str address, uint32_t port, struct sockaddr_in *out);
