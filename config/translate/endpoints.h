/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/endpoints.h - the endpoints of one port of a service, with
 * the workload each belongs to, by locality.
 *
 * Source: ISTIO.md 3.6, 4.5, 7.1.
 */
#pragma once

#include "config/translate/policy.h"

struct endpoints_question {
    const struct service *service;
    uint32_t port_index;
    const struct merged_rule *rule; /* or NULL */
    const struct subset *subset;    /* NULL: all endpoints */
    const struct policy_parts *parts;
    bool is_mtls_only; /* others leave their locality behind, empty */
};

/* Fills the cluster's endpoints and localities. */
void endpoints_translate(struct translation *t, const struct endpoints_question *question,
                         struct cluster *out);

/* SPIFFE names of all the service's workloads, sorted, in the snapshot. */
const struct str *endpoints_identities(struct translation *t, const struct service *service,
                                       uint32_t *count);

/* Every endpoint of the port says that it takes HBONE tunnels, and there is one. */
bool endpoints_are_tunneled(struct translation *t, const struct service *service,
                            uint32_t port_index);

/* Every endpoint of the port has a sidecar, and there is one. */
bool endpoints_are_injected(const struct translation *t, const struct service *service,
                            uint32_t port_index);
