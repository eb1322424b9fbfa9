/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/listener.h - listeners, their filter chains, the HTTP connection
 * manager and the TCP proxy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "proxy/model/route.h"
#include "proxy/model/security.h"
#include "proxy/model/tls.h"

enum access_log_encoding { ACCESS_LOG_TEXT, ACCESS_LOG_JSON };

/* One logger: a file access log with its format. */
struct access_log {
    struct str path; /* /dev/stdout, /dev/stderr or a file */
    enum access_log_encoding encoding;
    struct str format;    /* text, or the JSON object's text; empty: Envoy's default text */
    struct origin origin; /* accessLogFile; line 0: a default */
};

struct access_log_list {
    const struct access_log *items;
    uint32_t count;
};

/* forward_client_cert_details, with what of the certificate is told. */
enum client_cert_details {
    CERT_SANITIZE,
    CERT_APPEND_FORWARD, /* subject, dns, uri: a sidecar's inbound side */
    CERT_SANITIZE_SET,   /* subject, cert, dns, uri: a gateway */
};

/* ENVOY.md 1.1; what Istio sets stands in ISTIO.md 5.4. */
struct http_connection_manager {
    struct str stat_prefix;
    const struct route_config *routes;
    bool has_inline_routes; /* route_config, not RDS: inbound */
    bool is_inbound;        /* a server's side: no ALPN for upstream */
    bool is_http2_declared; /* http2_protocol_options is said */
    bool has_grpc_web;
    struct dns_cache dns_caches[2]; /* dynamic_forward_proxy: a filter for each */
    uint32_t dns_cache_count;
    enum client_cert_details cert_details;
    bool is_using_remote_address; /* gateways */
    uint32_t xff_trusted_hops;
    bool is_normalizing_path;
    bool is_merging_slashes;
    bool is_unescaping_slashes; /* UNESCAPE_AND_FORWARD */
    bool is_proxying_100_continue;
    bool is_accepting_http10;
    bool is_absolute_url_said; /* allow_absolute_url is written out; Envoy's default all the same */
    bool has_websocket;
    bool is_tracing_egress; /* sets x-envoy-decorator-operation */
    /* Of a stream; 0: none. */
    int64_t stream_idle_timeout_ns;
    int64_t request_timeout_ns;
    int64_t request_headers_timeout_ns;
    int64_t max_stream_duration_ns;
    /* Of a connection; NS_NEVER: none. */
    int64_t idle_timeout_ns;              /* 0: Envoy's 1 h */
    int64_t drain_timeout_ns;             /* 0: Envoy's 5 s */
    int64_t delayed_close_ns;             /* 0: Envoy's 1 s */
    int64_t max_connection_duration_ns;   /* 0: none */
    uint32_t requests_per_connection_max; /* 0: any number */
    struct str server_name;               /* "envoy", "istio-envoy" */
    struct access_log_list access_logs;
};

enum filter_chain_kind { CHAIN_HTTP, CHAIN_TCP };

struct tcp_proxy {
    struct str stat_prefix;
    struct str cluster;
    const struct weighted_cluster *weighted;
    uint32_t weighted_count;
    uint64_t weight_total;
    int64_t idle_timeout_ns;            /* 0: Envoy's 1 h */
    int64_t max_connection_duration_ns; /* 0: none */
    bool is_hashing_source_ip;          /* hash_policy for balancers that hash */
    struct str tunnel_host;             /* tunneling_config; empty: none */
    bool is_tunnel_post;                /* POST, not CONNECT */
    /* sni_dynamic_forward_proxy before it, to that port; no name: no filter. */
    struct dns_cache sni_cache;
    uint32_t sni_port;
    struct access_log_list access_logs;
};

struct filter_chain {
    struct str name;
    enum filter_chain_kind kind;
    struct http_connection_manager http;
    struct tcp_proxy tcp;
    bool has_mongo; /* mongo_proxy before the TCP proxy: counts only */
    /* filter_chain_match; counts of 0 match all. */
    const struct str *server_names;
    uint32_t server_name_count;
    const struct str *application_protocols;
    uint32_t application_protocol_count;
    const struct cidr *destinations; /* prefix_ranges */
    uint32_t destination_count;
    struct str transport_protocol;        /* "", "raw_buffer", "tls" */
    uint32_t destination_port;            /* 0: any */
    bool is_tls;                          /* a transport socket stands before it */
    const struct downstream_tls *tls;     /* that one, or NULL */
    const struct security *security;      /* filters before the rest, or NULL */
    struct str config;                    /* metadata istio.config; empty: none */
    struct tls_word server;               /* of a Gateway: which server made it, in what mode */
    int64_t transport_connect_timeout_ns; /* 0: none */
    struct origin origin;
};

enum traffic_direction { TRAFFIC_OUTBOUND, TRAFFIC_INBOUND };

/* A listener filter that looks at the first bytes. */
struct inspector {
    bool is_there;
    bool is_on_ports_only; /* else it is off on these ports */
    const uint32_t *ports;
    uint32_t port_count;
};

struct listener {
    struct str name;    /* 0.0.0.0_9080 */
    struct str address; /* 0.0.0.0 or a service's address */
    uint32_t port;
    bool is_bound; /* false: reached through virtualOutbound's redirect */
    enum traffic_direction direction;
    const struct filter_chain *chains;
    uint32_t chain_count;
    const struct filter_chain *default_chain; /* or NULL */
    struct inspector tls_inspector, http_inspector;
    bool has_original_dst;      /* asks where a redirected connection meant to go */
    bool has_detection_timeout; /* listener_filters_timeout is said, and then goes on */
    int64_t detection_timeout_ns;
    bool is_using_original_dst; /* hands connections to the listener they meant */
    struct origin origin;       /* the Service's port or the Gateway's server */
};
