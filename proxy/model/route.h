/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/route.h - route configuration, virtual host, route: Envoy's RDS.
 *
 * Immutable once in a snapshot; lists are in matching order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "proxy/model/policy.h"

enum route_action {
    ROUTE_FORWARD,
    ROUTE_REDIRECT,
    ROUTE_DIRECT_RESPONSE,
    ROUTE_NO_ACTION, /* istiod can produce one; Envoy would refuse the table */
};

/* dynamic_metadata of the JWT filter: a claim, also inside of others, is the
 * text or a list that has it. */
struct claim_matcher {
    const struct str *path; /* of names, from the outside */
    uint32_t path_count;
    struct string_matcher value;
    bool is_inverted;
    struct origin origin;
};

struct route_match {
    struct path_matcher path;
    const struct header_matcher *headers;
    uint32_t header_count;
    const struct query_matcher *queries;
    uint32_t query_count;
    const struct claim_matcher *claims;
    uint32_t claim_count;
    bool is_grpc;
};

struct weighted_cluster {
    struct str cluster;
    uint32_t weight;
    struct header_mutations request_headers, response_headers;
    struct str host_rewrite; /* host_rewrite_literal; empty: none */
    struct origin origin;    /* the destination in the VirtualService */
};

struct regex_rewrite {
    struct str pattern;
    const struct regex *regex;
    struct str substitution;
};

struct forward_action {
    struct str cluster; /* empty when weighted */
    const struct weighted_cluster *weighted;
    uint32_t weighted_count;
    uint64_t weight_total;

    bool has_prefix_rewrite; /* the empty rewrite is one too */
    struct str prefix_rewrite;
    bool has_regex_rewrite;
    struct regex_rewrite regex_rewrite;
    struct str host_rewrite; /* host_rewrite_literal; empty: none */
    bool is_auto_host_rewrite;

    bool has_timeout;
    int64_t timeout_ns;           /* 0: none */
    struct origin timeout_origin; /* line 0: a default of the profile */
    bool has_idle_timeout;
    int64_t idle_timeout_ns; /* outranks stream_idle_timeout; 0: none */
    bool has_max_stream_duration;
    int64_t max_stream_duration_ns;     /* outranks the connection manager's; 0: none */
    bool has_grpc_timeout_header_max;   /* the caller's grpc-timeout bounds the stream, up to: */
    int64_t grpc_timeout_header_max_ns; /* 0: any; on inbound routes only, not acted on yet */
    bool has_max_grpc_timeout;
    int64_t max_grpc_timeout_ns;

    const struct retry_policy *retry;
    const struct mirror_policy *mirrors;
    uint32_t mirror_count;
    const struct hash_policy *hashes;
    uint32_t hash_count;
    uint32_t cluster_not_found_status; /* 0: 503 */
    uint32_t defaults;                 /* bits of enum default_value */
    struct origin origin;              /* the (single) destination */
};

enum port_redirect_kind { PORT_REDIRECT_NONE, PORT_REDIRECT_SET };

struct redirect_action {
    uint32_t status;   /* 301, 302, 303, 307, 308 */
    struct str scheme; /* scheme_redirect; empty: the request's */
    struct str host;   /* host_redirect; empty: the request's */
    enum port_redirect_kind port_kind;
    uint32_t port;
    bool has_path; /* path_redirect (istiod writes "" too: keep the path) */
    struct str path;
    bool has_prefix_rewrite;
    struct str prefix_rewrite;
    struct origin origin;
};

struct direct_response_action {
    uint32_t status;
    bool has_body;
    bool is_body_bytes; /* given as bytes, not as text; for the print-out */
    struct str body;
    struct origin origin;
};

struct route {
    struct str name; /* "default", or the rule's name.match */
    struct route_match match;
    enum route_action action;
    struct forward_action forward;
    struct redirect_action redirect;
    struct direct_response_action direct;
    struct header_mutations request_headers, response_headers;
    const struct fault_policy *fault;
    const struct cors_policy *cors;
    struct str decorator; /* decorator.operation; empty: none */
    struct str config;    /* metadata istio.config: path of the VirtualService; empty: none */
    struct str stat_prefix;
    uint32_t index;       /* its place in the virtual host */
    struct str rule_path; /* "spec.http[1].match[0]" of what wrote it; may be empty */
    struct origin origin; /* the match, else the rule; line 0 for defaults */
};

enum require_tls { REQUIRE_TLS_NONE, REQUIRE_TLS_ALL };

struct virtual_host {
    struct str name;
    const struct str *domains;
    uint32_t domain_count;
    const struct route *routes;
    uint32_t route_count;
    bool has_attempt_count; /* include_request_attempt_count */
    enum require_tls require_tls;
    struct origin origin;
};

struct route_config {
    struct str name;
    const struct virtual_host *virtual_hosts;
    uint32_t virtual_host_count;
    bool is_port_ignored; /* ignore_port_in_host_matching */
    uint32_t direct_response_bytes_max;
};
