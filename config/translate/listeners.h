/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/listeners.h - a sidecar's listeners, and what all
 * listeners share.
 */
#pragma once

#include "base/ns.h"
#include "config/translate/context.h"

struct listener_list {
    struct listener *items;
    uint32_t count, capacity;
};

/* Istio's settings of a connection manager, as a sidecar's outbound side or a
 * gateway has them. */
struct http_connection_manager listeners_manager(struct translation *t,
                                                 const struct route_config *routes);

/* Everything to where unknown connections go. */
struct filter_chain listeners_unknown_chain(struct translation *t, struct str name);

/* Istio's own: how long a chain's TLS may take to begin. */
#define LISTENERS_TRANSPORT_TIMEOUT_NS (15 * NS_SECOND)

void listeners_of_sidecar(struct translation *t);
