/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/cluster_policy.h - what a traffic policy makes of a cluster:
 * limits, timeouts, ejection, the balancer.
 *
 * Source: ISTIO.md 3.4 to 3.6.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/translate/context.h"

/* connectionPool (NULL: none is said) and the mesh's keepalive. */
void cluster_policy_pool(const struct translation *t, const struct connection_pool *pool,
                         struct cluster *cluster);

/* connectionPool's word about HTTP/2; `is_http`: the port's protocol is. */
void cluster_policy_h2(const struct translation *t, const struct connection_pool *pool,
                       bool is_http, struct cluster *cluster);

/* The rest of what an outbound cluster takes from a policy, but for TLS. The
 * cluster's type is known already. */
void cluster_policy_apply(struct translation *t, const struct policy_parts *parts,
                          const struct service *service, struct cluster *cluster);

/* The locality setting in force: the policy's, else the service's trafficDistribution,
 * else the mesh's. NULL: none; one that is zone aware may be off. */
const struct locality_setting *cluster_policy_locality(const struct translation *t,
                                                       const struct load_balancer *lb,
                                                       const struct service *service);
