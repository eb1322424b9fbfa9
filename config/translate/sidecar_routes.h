/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/sidecar_routes.h - a sidecar's route tables, one for each
 * port number that HTTP services have.
 */
#pragma once

#include "config/translate/context.h"
#include "config/translate/virtual_hosts.h"

struct sidecar_routes; /* what all ports share */

struct sidecar_routes *sidecar_routes_new(struct translation *t);

/* The virtual hosts of one port, sorted, without the one for unknown hosts;
 * port 0: of the Unix domain socket `bind`, or (empty) of the mesh's HTTP proxy
 * (ISTIO.md 5.4). */
struct virtual_host_list sidecar_routes_hosts(struct sidecar_routes *routes, uint32_t port,
                                              struct str bind);

/* A table ("PORT", "http_proxy", "unix:///..."): the hosts, and who takes the rest. */
struct route_config sidecar_routes_table(struct sidecar_routes *routes,
                                         const struct virtual_host_list *hosts, struct str name);

/* The table "HOST:PORT" of a service whose protocol is found out by sniffing:
 * its virtual host takes everything. False: it has none. */
bool sidecar_routes_sniffed_table(struct sidecar_routes *routes,
                                  const struct virtual_host_list *hosts,
                                  const struct service *service, uint32_t port,
                                  struct route_config *out);
