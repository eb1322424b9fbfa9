/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/clusters.h - clusters and endpoints: what CDS and EDS say to
 * this proxy. A cluster for every port and subset of every service it sees.
 */
#pragma once

#include "config/translate/context.h"

struct cluster_list {
    struct cluster *items;
    uint32_t count, capacity;
};

/* What a service's port speaks upstream, before a policy is asked. */
enum upstream_protocol cluster_protocol(const struct translation *t,
                                        const struct service_port *port);

/* outbound|PORT|SUBSET|HOST, in the snapshot. */
struct str cluster_name(struct translation *t, uint32_t port, struct str subset, struct str host);

/* outbound_.PORT_.SUBSET_.HOST, in the snapshot: the same as a name that a TLS
 * greeting may carry. Also the name of the cluster that a gateway's
 * AUTO_PASSTHROUGH leads to. */
struct str cluster_sni_name(struct translation *t, uint32_t port, struct str subset,
                            struct str host);

/* Where the hosts of requests to a service are kept, once looked up; no name: it
 * is not such a service (DYNAMIC_DNS of a wildcard). */
struct dns_cache cluster_dns_cache(struct translation *t, const struct service *service);
/* The same of hosts that nobody knows, where the mesh wants them looked up. */
struct dns_cache cluster_unknown_dns_cache(void);

void clusters_translate(struct translation *t);
