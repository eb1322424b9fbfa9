/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/routes.h - a VirtualService's rules as a list of routes, and
 * the routes that nobody wrote.
 */
#pragma once

#include "config/translate/context.h"

struct route_list {
    struct route *items;
    uint32_t count, capacity;
};

struct route_question {
    const struct virtual_service *service;
    struct str gateway;   /* "mesh" or "ns/name": for match.gateways */
    uint32_t listen_port; /* the listener's, or the gateway server's */
    bool is_tls;          /* the gateway's server has a tls block */
};

/* Appends; nothing when no rule is for this proxy and port. */
void routes_of_virtual_service(struct translation *t, const struct route_question *question,
                               struct route_list *out);

/* Everything to the service's port: where no VirtualService speaks. */
void routes_default(struct translation *t, const struct service *service, uint32_t port,
                    struct route_list *out);

/* allow_any, block_all or allow_any_dynamic_dns, by the mesh's word; false: none,
 * so 404. */
bool routes_catch_all(struct translation *t, struct str *name, struct route_list *out);

/* Is unknown traffic passed through? */
bool routes_is_passing_unknown(const struct translation *t);
/* Where it goes then: on to where it was meant for, or to the Sidecar's egressProxy. */
struct str routes_unknown_cluster(struct translation *t);
/* Are unknown hosts of requests looked up? Sidecars only. */
bool routes_is_looking_names_up(const struct translation *t);
