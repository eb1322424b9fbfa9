/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/cluster_tls.h - what a cluster's connections are secured
 * with: the DestinationRule's tls, or the mesh's own where it finds a sidecar.
 *
 * Source: ISTIO.md 3.7, 3.8, 3.10.
 */
#pragma once

#include "config/translate/policy.h"

struct tls_question {
    const struct service *service;
    uint32_t port_index;
    const struct policy_parts *parts;
    bool has_selector;   /* the rule is for some workloads only */
    bool is_passthrough; /* the rule's (or subset's) own word for the balancer */
};

/* SIMPLE or MUTUAL: TLS with somebody outside the mesh. `rule` may be NULL. */
bool cluster_tls_is_own(const struct client_tls *rule);

/* The cluster's type and protocol are known already. */
void cluster_tls_apply(struct translation *t, const struct tls_question *question,
                       struct cluster *cluster);
