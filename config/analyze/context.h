/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/context.h - what analyzers ask of the objects, and how they
 * say what they found.
 */
#pragma once

#include "config/analyze/analysis.h"
#include "config/resource/label.h"
#include "config/validate/field.h"

#define ISTIO_GROUP STR("networking.istio.io")

struct words3 {
    struct str a, b, c;
};

/* `at`: the field to blame, or NULL for the object. Istio names the field's
 * line where it knows it (a scalar). */
void report(struct analysis *analysis, const struct object *object, const struct view *at,
            enum diag_id id, struct words3 words);

/* The next object of a kind from *index on, which is moved; NULL at the end. */
const struct object *context_next(const struct analysis *analysis, struct str group,
                                  struct str kind, uint32_t *index);
const struct object *context_find(const struct analysis *analysis, struct str group,
                                  struct str kind, struct words3 namespace_and_name);
struct view context_root(struct analysis *analysis, const struct object *object);
struct view context_spec(struct analysis *analysis, const struct object *object);
/* NAMESPACE/NAME, or NAME */
struct str context_name(const struct analysis *analysis, const struct object *object);

/* Every pair of the selector is among the labels; no pairs: all match. */
bool context_selects(const struct node *selector, const struct node *labels);
/* a=b,c=d by key */
struct str context_selector_text(const struct analysis *analysis, const struct node *selector);
/* The view of a selector's first pair by key: what Istio blames. */
struct view context_first_pair(const struct view *selector);
/* "[a b]"; names by alphabet. */
struct str context_listed(const struct analysis *analysis, const struct text_list *list,
                          struct str separator);
void context_sort(struct text_list *list);

struct str node_text(const struct node *node);
struct str context_label(const struct node *labels, struct str name);
bool context_is_in_mesh(const struct analysis *analysis, const struct analysis_pod *pod);
bool context_is_ambient(const struct analysis_pod *pod);
bool context_is_control_plane(const struct object *object);

/* "reviews" of namespace x -> reviews.x.svc.cluster.local; wildcards and names
 * with dots as they are. */
struct str context_fqdn(const struct analysis *analysis, struct str namespace, struct str host);
/* The scopes of exportTo: "*" or namespaces. */
struct text_list context_scopes(const struct analysis *analysis, const struct view *spec,
                                struct str namespace);

/* NAMESPACE/NAME, or NAME of one's own namespace, as namespace and name. */
struct words3 context_gateway_key(struct str name, struct str namespace);

void annotation_analyze(struct analysis *analysis);
void annotation_analyze_alpha(struct analysis *analysis);
void route_analyze_hosts(struct analysis *analysis);
void route_analyze_rules(struct analysis *analysis);
void route_analyze_gateways(struct analysis *analysis);
void route_analyze_conflicts(struct analysis *analysis);
void route_analyze_claims(struct analysis *analysis);
void subset_analyze_certificates(struct analysis *analysis);
void subset_analyze_pods(struct analysis *analysis);
void port_analyze_gateways(struct analysis *analysis);
void port_analyze_certificates(struct analysis *analysis);
void port_analyze_secrets(struct analysis *analysis);
void port_analyze_conflicts(struct analysis *analysis);
void port_analyze_names(struct analysis *analysis);
void workload_analyze_services(struct analysis *analysis);
void workload_analyze_uid(struct analysis *analysis);
void workload_analyze_injection(struct analysis *analysis);
void workload_analyze_image(struct analysis *analysis);
void workload_analyze_auto(struct analysis *analysis);
void policy_analyze_authorization(struct analysis *analysis);
void policy_analyze_sidecars(struct analysis *analysis);
void policy_analyze_telemetry(struct analysis *analysis);
void policy_analyze_default_telemetry(struct analysis *analysis);
void policy_analyze_providers(struct analysis *analysis);
void policy_analyze_lightstep(struct analysis *analysis);
void policy_analyze_gateway_selectors(struct analysis *analysis);
void policy_analyze_jwks(struct analysis *analysis);
void entry_analyze_addresses(struct analysis *analysis);
void entry_analyze_protocols(struct analysis *analysis);
void filter_analyze_patches(struct analysis *analysis);
void cluster_analyze_conditions(struct analysis *analysis);
void cluster_analyze_deprecations(struct analysis *analysis);
void cluster_analyze_external(struct analysis *analysis);
void cluster_analyze_versions(struct analysis *analysis);
void cluster_analyze_webhooks(struct analysis *analysis);
