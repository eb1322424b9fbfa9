/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/policy.h - which DestinationRule a proxy uses for a service,
 * and what it says for one port and subset.
 *
 * Source: ISTIO.md 3.1 to 3.3.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/translate/context.h"

/* Several rules of one host and namespace, made one. */
struct merged_rule {
    struct str host, namespace;
    const struct destination_rule *first; /* who gives it its name */
    const struct traffic_policy *policy;  /* NULL: none */
    bool has_user_policy;                 /* not only one of the Gateway API's */
    const struct subset **subsets;
    uint32_t subset_count, subset_capacity;
    struct text_list export_to;
    const struct label_list *selector; /* NULL: for every workload */
    uint32_t next_of_host;             /* in its list; MAP_NONE: the last one */
};

struct policy_index;

/* Merges the mesh's rules for this proxy. */
void policy_prepare(struct translation *t);

/* The rule for a service's host, or NULL. */
const struct merged_rule *policy_find(const struct translation *t, struct str host,
                                      struct str service_namespace);

/* The same for the proxy's own side of its service: rules with a selector do
 * not count. */
const struct merged_rule *policy_find_inbound(const struct translation *t, struct str host);

/* What is said for a port, of a subset or (NULL) of the service; what nobody
 * says is the mesh's. */
struct policy_parts policy_parts_of(const struct translation *t, const struct merged_rule *rule,
                                    const struct subset *subset, uint32_t port);

/* The tls mode that is said for a port, of a subset or (NULL) the service, as
 * endpoints are told it: here a port does inherit. False: nothing is said. */
bool policy_tls_mode(const struct merged_rule *rule, const struct subset *subset, uint32_t port,
                     enum client_tls_mode *mode);

/* "/apis/networking.istio.io/v1/namespaces/NS/destination-rule/NAME", kept. */
struct str policy_path(struct translation *t, const struct merged_rule *rule);
