/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/gate.h - where pods' sidecars are met when they are Envoys: a
 * port of each pod's address for every port of its application.
 *
 * Proxies are told where others are before those others run. So each port is taken
 * by a socket of ours that never listens, and shared with the Envoy that will
 * (SO_REUSEPORT, which is Envoy's default, too).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct sockets;

struct gate {
    uint32_t pod, port; /* that is dialled */
    struct str address; /* of the pod, on loopback.. */
    uint32_t bound_port;
    int fd;
};

struct gates {
    struct gate *items;
    uint32_t count, capacity;
};

/* One for every port of every pod whose sidecar is played. False: *why says why not;
 * close them all the same. */
bool gates_open(struct gates *gates, struct sockets *sockets, struct str *why);
void gates_close(struct gates *gates);
/* NULL: nobody is met there. */
const struct gate *gates_find(const struct gates *gates, uint32_t pod, uint32_t port);
/* Whose place is it? NULL: no gate's. */
const struct gate *gates_at(const struct gates *gates, struct str address, uint32_t bound_port);
