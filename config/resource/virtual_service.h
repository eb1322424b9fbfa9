/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/virtual_service.h - VirtualService; its http part (tls and tcp: stream_rule.h).
 *
 * Hosts, destinations and gateways are complete names (ISTIO.md 1.4); maps
 * whose order Istio decides (headers) keep the file's order here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

enum text_match_kind {
    TEXT_ABSENT, /* the field is not there, or {} */
    TEXT_EXACT,
    TEXT_PREFIX,
    TEXT_REGEX,
};

struct text_match {
    bool is_given; /* the field is there, perhaps as {} */
    enum text_match_kind kind;
    struct str value;
    struct origin origin;
};

struct named_match {
    struct str name;
    struct text_match match; /* TEXT_ABSENT: the name must be there */
};

struct named_match_list {
    struct named_match *items;
    uint32_t count, capacity;
};

struct http_match {
    struct str name, stat_prefix;
    struct str path; /* "spec.http[0].match[1]": where the user wrote it */
    struct text_match uri, scheme, method, authority;
    bool is_ignoring_uri_case;
    struct named_match_list headers, without_headers, queries;
    uint32_t port; /* 0: any */
    struct label_list source_labels;
    struct str source_namespace;
    struct text_list gateways;
    struct origin origin;
};

struct destination {
    struct str host;
    struct str subset;
    uint32_t port; /* 0: not said */
    struct origin origin;
};

struct header_operation {
    struct str name, value;
    struct origin origin;
};

struct header_operation_list {
    struct header_operation *items; /* sorted by name */
    uint32_t count, capacity;
};

struct header_operations {
    struct header_operation_list set, add;
    struct text_list remove;
};

struct http_route_destination {
    struct destination destination;
    int64_t weight;
    struct header_operations request, response;
    struct origin origin;
};

enum derive_port { DERIVE_PORT_NOT, DERIVE_PORT_FROM_REQUEST, DERIVE_PORT_FROM_PROTOCOL };

struct http_redirect {
    struct str uri, prefix_rewrite, authority, scheme;
    bool has_prefix_rewrite;
    uint32_t port; /* 0: not said */
    enum derive_port derive_port;
    uint32_t code; /* 0: 301 */
    struct origin origin;
};

struct http_rewrite {
    bool has_uri;
    struct str uri;
    struct str authority;
    bool has_regex;
    struct str regex_match, regex_rewrite;
    struct origin origin;
};

struct http_direct_response {
    uint32_t status;
    bool has_body, is_body_bytes;
    struct str body;
    struct origin origin;
};

struct http_retries {
    int64_t attempts;
    int64_t per_try_timeout_ns; /* 0: none */
    struct str retry_on;
    bool has_remote_localities, is_remote_localities;
    bool has_ignore_previous_hosts, is_ignoring_previous_hosts;
    int64_t backoff_ns; /* 0: Envoy's */
    struct origin origin;
};

struct http_fault {
    bool has_delay, has_abort;
    int64_t delay_ns;
    double delay_percent;     /* 0 when nothing is said */
    bool is_delay_millionths; /* percentage; else the old integer */
    double abort_percent;
    bool has_abort_share;
    uint32_t abort_status;
    bool has_grpc_status;
    uint32_t grpc_status;
    struct origin origin;
};

struct http_cors {
    struct text_match *origins;
    uint32_t origin_count;
    struct text_list methods, headers, exposed;
    bool has_max_age;
    int64_t max_age_s;
    bool has_credentials, is_allowing_credentials;
    bool is_ignoring_unmatched; /* unmatchedPreflights: IGNORE */
    struct origin origin;
};

struct http_mirror {
    struct destination destination;
    bool has_percent;
    bool is_millionths; /* mirrorPercentage; else the old integer */
    double percent;
    struct origin origin;
};

struct http_mirror_list {
    struct http_mirror *items;
    uint32_t count, capacity;
};

/* Another VirtualService's rules, in this rule's place. */
struct http_delegate {
    struct str name, namespace;
    struct origin origin;
};

struct http_rule {
    struct str name;
    struct str path; /* "spec.http[0]": where the user wrote it */
    struct http_match *matches;
    uint32_t match_count;
    struct http_route_destination *routes;
    uint32_t route_count;
    const struct http_redirect *redirect;
    const struct http_direct_response *direct;
    const struct http_rewrite *rewrite;
    bool has_timeout;
    int64_t timeout_ns;
    struct origin timeout_origin;
    const struct http_retries *retries;
    const struct http_fault *fault;
    const struct http_cors *cors;
    struct http_mirror_list mirrors;
    bool has_headers; /* a `headers` block, be it empty */
    struct header_operations request, response;
    struct origin origin;
    const struct http_delegate *delegate; /* NULL once the mesh is complete */
};

/* Whose rules the routes follow: those of what the user wrote. */
enum route_semantics { SEMANTICS_ISTIO, SEMANTICS_INGRESS, SEMANTICS_GATEWAY_API };
struct stream_rule; /* stream_rule.h */

struct virtual_service {
    struct object_meta meta;
    enum route_semantics semantics;
    bool is_of_tls_route;         /* its tls rules hold also where a gateway ends TLS */
    struct text_list hosts;       /* complete, lower case */
    struct text_list cased_hosts; /* complete, as written: what gateways and some indexes compare */
    struct text_list gateways;    /* "mesh", "ns/name"; never empty */
    struct text_list export_to;
    struct http_rule *rules;
    uint32_t rule_count;
    struct stream_rule *tls_rules, *tcp_rules;
    uint32_t tls_rule_count, tcp_rule_count;
};

/* Reads spec; what is wrong is in the reading. */
void virtual_service_read(const struct view *spec, struct virtual_service *out);

/* The parts, each in a file of its own. */
/* A view's own node; an empty prefix is let pass. */
struct text_match text_match_own_read(const struct view *view);
void http_match_read(const struct view *match, struct str namespace, struct http_match *out);
void destination_read(const struct view *destination, struct str namespace,
                      struct destination *out);
void header_operations_read(const struct view *headers, struct header_operations *request,
                            struct header_operations *response);
const struct http_redirect *http_redirect_read(const struct view *redirect);
const struct http_rewrite *http_rewrite_read(const struct view *rewrite);
const struct http_direct_response *http_direct_response_read(const struct view *direct);
const struct http_retries *http_retries_read(const struct view *retries);
const struct http_fault *http_fault_read(const struct view *fault);
const struct http_cors *http_cors_read(const struct view *cors);
/* mirror, mirrorPercentage, mirrorPercent and mirrors of one rule. */
void http_mirrors_read(const struct view *rule, struct str namespace, struct http_mirror_list *out);
/* "reviews", "ns/name", "name.ns.svc" -> "ns/name"; "mesh" stays. */
struct str gateway_name_resolve(struct str name, struct str namespace, struct arena *arena);
