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

enum cluster_type {
    CLUSTER_EDS,
    CLUSTER_STATIC,
    CLUSTER_STRICT_DNS,
    CLUSTER_LOGICAL_DNS,
    CLUSTER_ORIGINAL_DST
};

struct locality {
    struct str region, zone, subzone;
};

enum endpoint_health { ENDPOINT_HEALTHY, ENDPOINT_UNHEALTHY, ENDPOINT_DRAINING };

struct endpoint {
    struct str address; /* IP text, or a host name for DNS clusters */
    uint32_t port;
    uint32_t weight; /* 1 when nothing is said */
    enum endpoint_health health;
    bool is_tls_mode_istio; /* metadata tlsMode: istio */
    struct str workload;    /* metadata istio.workload, "name;ns;app;version;cluster" */
    struct str pod;         /* "reviews-v1-0.default"; empty when it is none */
    struct locality locality;
    uint32_t priority;
    uint32_t locality_weight;
    struct origin origin;
};

enum upstream_protocol {
    UPSTREAM_HTTP1,
    UPSTREAM_HTTP2,
    UPSTREAM_AS_DOWNSTREAM, /* use_downstream_protocol_config */
    UPSTREAM_TCP,
};

/* The mesh's own TLS to this cluster. Printed; connections are plaintext yet. */
enum upstream_mtls {
    MTLS_OFF,
    MTLS_BY_ENDPOINT, /* auto mTLS: to endpoints with is_tls_mode_istio */
    MTLS_ALWAYS,
};

struct cluster {
    struct str name; /* outbound|9080|v1|reviews.default.svc.cluster.local */
    enum cluster_type type;
    enum lb_policy lb;
    uint32_t least_request_choices; /* 0: Envoy's 2 */
    int64_t connect_timeout_ns;
    struct breaker_limits breakers;
    bool is_tracking_remaining;              /* circuit_breakers' track_remaining */
    const struct retry_budget *retry_budget; /* NULL: max_retries holds */
    enum upstream_protocol protocol;
    uint32_t requests_per_connection_max; /* 0: any number */
    int64_t max_connection_duration_ns;   /* 0: none */
    int64_t idle_timeout_ns;              /* 0: Envoy's 1 h */
    bool has_panic_threshold_zero;        /* healthy_panic_threshold: 0 */
    double panic_threshold_percent;       /* another threshold; 0: none said */
    const struct outlier_detection *outlier;
    enum upstream_mtls mtls;
    struct str sni;               /* of the mesh's TLS */
    const struct str *identities; /* SPIFFE names the peer may have */
    uint32_t identity_count;
    const struct endpoint *endpoints; /* in istiod's order */
    uint32_t endpoint_count;

    /* What the name was made from, for reports. */
    struct str service_host; /* FQDN */
    uint32_t service_port;
    struct str subset; /* empty: none */
    struct str service_name, service_namespace;
    struct str config;           /* path of the DestinationRule; empty: none */
    struct origin origin;        /* the Service's port */
    struct origin subset_origin; /* the DestinationRule's subset */
    struct origin policy_origin; /* where the load balancer was said */
};
