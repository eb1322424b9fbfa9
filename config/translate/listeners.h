/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/listeners.h - listeners and route tables: a sidecar's
 * outbound side, or a gateway's HTTP servers.
 */
#pragma once

#include "config/translate/context.h"

struct listener_list {
    struct listener *items;
    uint32_t count, capacity;
};

/* Istio's settings of a connection manager, as a sidecar's outbound side or a
 * gateway has them. */
struct http_connection_manager listeners_manager(const struct translation *t,
                                                 const struct route_config *routes);

void listeners_of_sidecar(struct translation *t);
void listeners_of_gateway(struct translation *t);
