/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/sockets.h - the world on loopback: proxies of proxy/live,
 * stand-ins and callers on real sockets, real time. No fixed ports: names in
 * the snapshot are mapped to what the kernel gave.
 */
#pragma once

#include "testbed/world/play.h"

/* Borrows the world. NULL when sockets cannot be had; *why says so. */
struct play *sockets_play_new(struct world *world, struct play_options options, struct str *why);

/* Where a call's connection would go: the door of the client's proxy, which is
 * opened if it was not. For load from outside. False: nobody listens there. */
bool sockets_play_reach(struct play *play, const struct call *call, struct str *address,
                        uint32_t *port);
/* Where the pod's application listens on this machine; false: it does not. */
bool sockets_play_door(struct play *play, uint32_t pod, struct str *address, uint32_t *port);
