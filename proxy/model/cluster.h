/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/cluster.h - clusters and their endpoints: Envoy's CDS and EDS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "proxy/model/policy.h"
#include "proxy/model/tls.h"

enum cluster_type {
    CLUSTER_EDS,
    CLUSTER_STATIC,
    CLUSTER_STRICT_DNS,
    CLUSTER_LOGICAL_DNS,
    CLUSTER_ORIGINAL_DST,
    CLUSTER_DYNAMIC_DNS, /* envoy.clusters.dynamic_forward_proxy */
};

struct locality {
    struct str region, zone, subzone;
};

enum endpoint_health { ENDPOINT_HEALTHY, ENDPOINT_UNHEALTHY, ENDPOINT_DRAINING };

/* Envoy's word, "HEALTHY". */
struct str endpoint_health_name(enum endpoint_health health);

struct endpoint {
    struct str address; /* IP text, a host name for DNS clusters, or "unix:///path" */
    uint32_t port;      /* 0 for unix */
    uint32_t weight;    /* 1 when nothing is said */
    enum endpoint_health health;
    bool is_absent;         /* not there yet; engine_set_absent lets it come */
    bool has_no_status;     /* health is HEALTHY because nobody says anything */
    bool is_tls_mode_istio; /* metadata tlsMode: istio */
    struct str workload;    /* metadata istio.workload, "name;ns;app;version;cluster" */
    struct str pod;         /* "reviews-v1-0.default"; empty when it is none */
    struct locality locality;
    uint32_t priority;
    uint32_t locality_weight;
    struct origin origin;
};

/* Endpoints of one locality and priority stand together; one without endpoints
 * is told of all the same. */
struct locality_endpoints {
    struct locality locality;
    uint32_t priority, weight;
    uint32_t from, count; /* in the cluster's endpoints */
};

enum upstream_protocol {
    UPSTREAM_HTTP1,
    UPSTREAM_HTTP2,
    UPSTREAM_AS_DOWNSTREAM, /* use_downstream_protocol_config */
    UPSTREAM_TCP,
};

/* Which connections of a cluster speak TLS. */
enum upstream_security {
    UPSTREAM_PLAINTEXT,
    UPSTREAM_TLS_BY_ENDPOINT, /* auto mTLS: to endpoints with is_tls_mode_istio */
    UPSTREAM_TLS,
};

/* UpstreamTlsContext. Secrets are called by their SDS names: "default" and
 * "ROOTCA" come with the workload, "file-cert:..." is a file of the proxy's,
 * "kubernetes://..." a Secret. */
struct upstream_tls {
    bool is_mesh;            /* the mesh's own: ALPN istio-peer-exchange, istio */
    struct str certificate;  /* empty: none is shown */
    struct str root;         /* empty: the peer is not verified */
    bool has_no_validation;  /* an empty validation context is written instead */
    struct str crl;          /* file; empty: none */
    const struct str *names; /* SANs, one of which the peer must have; none: any */
    uint32_t name_count;
    struct str sni;
    const struct str *ciphers, *curves; /* none: Envoy's; printed, not acted on */
    uint32_t cipher_count, curve_count;
};

enum proxy_protocol { PROXY_PROTOCOL_NONE, PROXY_PROTOCOL_V1, PROXY_PROTOCOL_V2 };

/* upstream_connection_options.tcp_keepalive; what is not said is the system's. */
struct tcp_keepalive {
    bool is_set, has_time, has_interval;
    uint32_t probes; /* 0: not said */
    uint32_t time_s, interval_s;
};

/* circuit_breakers.thresholds.retry_budget; it replaces max_retries. */
struct retry_budget {
    double percent;           /* of the requests that are active or waiting */
    uint32_t concurrency_min; /* so many at least */
    int64_t interval_ns;      /* 0: not said */
};

/* zone_aware_lb_config. Without a cluster of the proxy's own kind, which Istio's
 * bootstrap has not, Envoy chooses no zone by it. */
struct zone_aware {
    bool is_set, is_off; /* routing_enabled: 0 */
    bool has_size_min;
    uint32_t size_min; /* min_cluster_size */
};

/* slow_start_config of round robin and least request. */
struct slow_start {
    int64_t window_ns;
    bool has_shape; /* else Envoy's: aggression 1, 10 percent */
    double aggression, weight_percent_min;
};

/* A service in the mesh's own words. */
struct service_identity {
    struct str host, name, namespace;
};

struct cluster {
    struct str name; /* outbound|9080|v1|reviews.default.svc.cluster.local */
    enum cluster_type type;
    bool is_inbound; /* to the proxy's own application */
    enum lb_policy lb;
    uint32_t least_request_choices; /* 0: Envoy's 2 */
    bool has_request_bias;          /* active_request_bias; else Envoy's 1 */
    double request_bias;
    uint64_t ring_size_min;     /* ring_hash_lb_config; 0: Envoy's 1024 */
    uint64_t maglev_table_size; /* 0: Envoy's 65537 */
    const struct slow_start *slow_start;
    bool has_locality_weights; /* locality_weighted_lb_config */
    struct zone_aware zone_aware;
    int64_t connect_timeout_ns;
    struct breaker_limits breakers;
    bool is_tracking_remaining; /* circuit_breakers' track_remaining */
    const struct retry_budget *retry_budget;
    enum upstream_protocol protocol;
    uint32_t requests_per_connection_max; /* 0: any number */
    int64_t max_connection_duration_ns;   /* 0: none */
    int64_t idle_timeout_ns;              /* 0: Envoy's 1 h */
    uint32_t streams_max;  /* max_concurrent_streams, where HTTP/2 is spoken; 0: Envoy's */
    bool has_h2_keepalive; /* connection_keepalive, where HTTP/2 is spoken */
    int64_t h2_keepalive_interval_ns; /* 0: not said */
    int64_t h2_keepalive_timeout_ns;  /* 0: not said */
    struct tcp_keepalive tcp_keepalive;
    uint32_t original_port_override; /* ORIGINAL_DST: another port than the one asked for; 0: no */
    int64_t dns_refresh_ns;          /* DNS clusters */
    bool is_dns_ipv6;                /* DNS clusters: V6_ONLY, else V4_ONLY */
    struct dns_cache dns_cache;      /* DYNAMIC_DNS */
    bool has_insecure_options;       /* DYNAMIC_DNS: allow_insecure_cluster_options */
    bool has_panic_threshold_zero;   /* healthy_panic_threshold: 0 */
    double panic_threshold_percent;  /* another threshold; 0: none said */
    const struct outlier_detection *outlier;
    enum upstream_security security;
    const struct upstream_tls *tls; /* NULL: plaintext */
    struct tls_word tls_word;       /* who said so; a mode that is empty: auto mTLS or nothing */
    enum proxy_protocol proxy_protocol;
    bool has_auto_sni, has_auto_san_validation;
    bool has_alpn_override_off;       /* metadata alpn_override "false" */
    bool is_tunneled;                 /* metadata disable_mx; printed, not acted on */
    const struct endpoint *endpoints; /* in istiod's order */
    uint32_t endpoint_count;
    const struct locality_endpoints *localities; /* NULL: found by looking at the endpoints */
    uint32_t locality_count;

    /* What the name was made from, for reports. */
    struct str service_host; /* FQDN */
    uint32_t service_port;
    struct str subset; /* empty: none */
    struct str service_name, service_namespace;
    const struct service_identity *more_services; /* of an inbound port that several lead to */
    uint32_t more_service_count;
    struct str config;           /* path of the DestinationRule; empty: none */
    uint32_t defaults;           /* bits of enum default_value */
    struct origin origin;        /* the Service's port */
    struct origin subset_origin; /* the DestinationRule's subset */
    struct origin policy_origin; /* where the load balancer was said */
};

/* Does it lead to the application behind the proxy itself? */
static inline bool cluster_is_inside(const struct cluster *cluster)
{
    return cluster->is_inbound || str_eq(cluster->name, STR("InboundPassthroughCluster"));
}
