/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/scope.h - what of the mesh a proxy sees: what is exported to
 * it, and of that what its Sidecar lets in, one scope for each of the Sidecar's
 * egress listeners. Without a Sidecar there is one scope, of everything.
 *
 * Source: ISTIO.md 1.6 to 1.8.
 */
#pragma once

#include "config/translate/context.h"

/* Finds the proxy's Sidecar, its scopes, and the services of all of them, with
 * those that its VirtualServices lead to. */
void scope_find(struct translation *t);

/* The scope that is for a port: the first with its number (of port 0, of a Unix
 * domain socket, with its `bind`), else the one for all others. NULL: none is. */
const struct scope *scope_of_port(const struct translation *t, uint32_t port, struct str bind);

/* The oldest service of the host in that namespace (a Kubernetes Service before
 * those of ServiceEntries); NULL: none, or it is not exported to the proxy. */
const struct service *scope_service_of_namespace(struct translation *t, struct str host,
                                                 struct str namespace);

/* A Kubernetes Service that is exported to nobody ("~"): istiod never hears of its endpoints,
 * and its own namespace's routes may still lead to it. */
bool scope_is_untold(struct translation *t, const struct service *service);

/* Who tells listeners and TLS which endpoints a port of the service's host and namespace
 * has: of all namesakes the youngest that knows of some. `port_index` becomes its own.
 * NULL: nobody does. */
const struct service *scope_indexed(const struct translation *t, const struct service *service,
                                    uint32_t *port_index);
/* The endpoint's port there; 0: it has none. */
uint32_t scope_indexed_port(const struct service_endpoint *endpoint, uint32_t port_index);

/* The scope lets the VirtualService in (which is exported to the proxy). */
bool scope_has_virtual_service(const struct translation *t, const struct scope *scope,
                               const struct virtual_service *service);
