/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/service_union.h - the services of all of a proxy's scopes as
 * one list: one for each host, ports of several ServiceEntries put together,
 * and what VirtualServices lead to.
 *
 * Source: ISTIO.md 1.7, 1.8.
 */
#pragma once

#include "config/translate/scope.h"

struct service_list {
    const struct service **items;
    uint32_t count, capacity;
};

/* Services by host: the first of each, and from each the next, in the list's order. */
struct service_chains {
    const struct service_list *list;
    struct map first;
    uint32_t *next;
};

struct service_union {
    struct translation *t;
    struct service_list list;
    struct map by_host;
    struct service_chains all, exported; /* of the mesh; to the proxy */
};

void service_union_init(struct service_union *out, struct translation *t,
                        const struct service_list *all, const struct service_list *exported);

/* One more service; what is there already of its host decides. */
void service_union_add(struct service_union *out, const struct service *service);

/* The services that the scope's VirtualServices lead to, with these ports. */
void service_union_add_destinations(struct service_union *out, const struct scope *scope);

/* The service, or a copy with its only port of that number; NULL: it has none. */
const struct service *service_with_port(struct translation *t, const struct service *service,
                                        uint32_t port);

/* Does the listener take one port only of each service? NULL: no. */
bool service_is_port_asked(const struct sidecar_egress *egress);

void service_list_add(struct service_list *list, const struct service *service,
                      struct translation *t);
