/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/gate.c - see gate.h.
 */
#define _DEFAULT_SOURCE /* SO_REUSEPORT is Linux's and the BSDs', not POSIX's */
#include "testbed/sockets/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testbed/sockets/inside.h"

static bool take_port(struct gate *gate)
{
    struct sockaddr_in bound;
    socklen_t size = sizeof(bound);
    int yes = 1;
    gate->fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_taken = gate->fd >= 0 && fcntl(gate->fd, F_SETFD, FD_CLOEXEC) == 0 &&
                    setsockopt(gate->fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0 &&
                    door_sockaddr(gate->address, 0, &bound) &&
                    bind(gate->fd, (const struct sockaddr *)&bound, sizeof(bound)) == 0 &&
                    getsockname(gate->fd, (struct sockaddr *)&bound, &size) == 0;
    if (is_taken)
        gate->bound_port = ntohs(bound.sin_port);
    return is_taken;
}

bool gates_open(struct gates *gates, struct sockets *sockets, struct str *why)
{
    const struct world *world = sockets->world;
    for (uint32_t i = 0; i < world->pod_count; i++) {
        const struct world_pod *pod = &world->pods[i];
        for (uint32_t k = 0; pod->is_played && k < pod->port_count; k++) {
            struct gate *gate =
                ARENA_PUSH(&sockets->arena, gates->items, gates->count, gates->capacity);
            *gate = (struct gate){
                .pod = i, .port = pod->ports[k], .address = door_loopback(pod->address), .fd = -1};
            if (take_port(gate))
                continue;
            *why = arena_format(&sockets->arena, "a port of %.*s: %s", STR_FMT(gate->address),
                                strerror(errno));
            return false;
        }
    }
    return true;
}

void gates_close(struct gates *gates)
{
    for (uint32_t i = 0; i < gates->count; i++) {
        if (gates->items[i].fd >= 0)
            close(gates->items[i].fd);
    }
    gates->count = 0;
}

const struct gate *gates_find(const struct gates *gates, uint32_t pod, uint32_t port)
{
    for (uint32_t i = 0; i < gates->count; i++) {
        if (gates->items[i].pod == pod && gates->items[i].port == port)
            return &gates->items[i];
    }
    return NULL;
}

const struct gate *gates_at(const struct gates *gates, struct str address, uint32_t bound_port)
{
    for (uint32_t i = 0; i < gates->count; i++) {
        if (gates->items[i].bound_port == bound_port && str_eq(gates->items[i].address, address))
            return &gates->items[i];
    }
    return NULL;
}
