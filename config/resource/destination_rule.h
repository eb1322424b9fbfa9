/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/destination_rule.h - DestinationRule: subsets, and how their
 * endpoints are chosen among.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

enum simple_lb {
    SIMPLE_LB_UNSET,
    SIMPLE_LB_ROUND_ROBIN,
    SIMPLE_LB_LEAST_REQUEST,
    SIMPLE_LB_RANDOM,
    SIMPLE_LB_PASSTHROUGH,
};

enum hash_by { HASH_BY_NOTHING, HASH_BY_HEADER, HASH_BY_COOKIE, HASH_BY_SOURCE, HASH_BY_QUERY };
enum hash_algorithm { HASH_ALGORITHM_UNSET, HASH_ALGORITHM_RING, HASH_ALGORITHM_MAGLEV };

/* consistentHash */
struct consistent_hash {
    enum hash_by by;
    struct str name; /* of the header, cookie or query parameter */
    struct str cookie_path;
    bool has_cookie_ttl;
    int64_t cookie_ttl_ns;
    struct label_list cookie_attributes;
    enum hash_algorithm algorithm;
    uint64_t size; /* of the ring (at least) or the table; 0: not said */
    struct origin origin;
};

/* warmup, or (without shape) warmupDurationSecs */
struct warmup {
    int64_t duration_ns;
    bool has_shape;
    double aggression, percent_min;
};

struct locality_share {
    struct str to; /* region/zone/subzone, with * */
    uint32_t percent;
};

struct locality_distribute {
    struct str from;
    struct locality_share *shares; /* by name */
    uint32_t share_count;
};

struct locality_failover {
    struct str from, to; /* regions */
};

/* localityLbSetting */
struct locality_setting {
    bool is_off;        /* enabled: false */
    bool is_zone_aware; /* zoneAwareLbSetting: no distribute; only regions count */
    bool is_forced;     /* also where nobody is ever ejected */
    bool has_size_min;  /* zone aware: minClusterSize */
    uint32_t size_min;
    struct locality_distribute *distribute;
    uint32_t distribute_count;
    struct locality_failover *failover;
    uint32_t failover_count;
    struct text_list failover_priority;
};

struct load_balancer {
    bool is_set;
    enum simple_lb simple;
    const struct consistent_hash *hash;      /* NULL: none */
    const struct warmup *warmup;             /* NULL: none */
    const struct locality_setting *locality; /* NULL: the mesh's */
    struct origin origin;
};

/* tcpKeepalive */
struct keepalive_rule {
    bool is_set, has_time, has_interval;
    uint32_t probes; /* 0: not said */
    int64_t time_ns, interval_ns;
};

enum h2_upgrade { H2_UPGRADE_UNSET, H2_UPGRADE_OFF, H2_UPGRADE_ON };

/* Zero means "not said" everywhere, as in Istio. */
struct connection_pool {
    uint32_t max_connections;
    int64_t connect_timeout_ns, tcp_idle_timeout_ns;
    uint32_t http1_pending_max, http2_requests_max, requests_per_connection_max, retries_max;
    int64_t http_idle_timeout_ns;
    int64_t max_connection_duration_ns;
    struct keepalive_rule tcp_keepalive;
    enum h2_upgrade h2_upgrade;
    bool is_using_client_protocol;
    uint32_t streams_max;
    bool has_h2_keepalive;
    int64_t h2_keepalive_interval_ns, h2_keepalive_timeout_ns;
    struct origin origin;
};

struct outlier_rule {
    bool has_consecutive_5xx, has_consecutive_gateway;
    uint32_t consecutive_5xx, consecutive_gateway, consecutive_local_origin;
    uint32_t consecutive_errors; /* Istio 1.0's; 0: not said */
    bool has_split_local_origin;
    int64_t interval_ns, base_ejection_ns; /* 0: not said */
    uint32_t max_ejection_percent, min_health_percent;
    struct origin origin;
};

enum client_tls_mode { CLIENT_TLS_DISABLE, CLIENT_TLS_SIMPLE, CLIENT_TLS_MUTUAL, CLIENT_TLS_ISTIO };

/* tls */
struct client_tls {
    enum client_tls_mode mode;
    struct str client_certificate, private_key, ca_certificates, ca_crl; /* files */
    struct str credential_name;
    bool has_names; /* subjectAltNames is there */
    struct text_list names;
    struct str sni;
    bool is_not_verifying; /* insecureSkipVerify */
    struct str object;     /* in which it stands: "DestinationRule default/reviews" */
    struct origin origin;
};

enum proxy_protocol_rule { PROXY_PROTOCOL_UNSET, PROXY_PROTOCOL_1, PROXY_PROTOCOL_2 };

/* retryBudget */
struct retry_budget_rule {
    double percent;
    uint32_t concurrency_min;
    int64_t interval_ns; /* 0: not said */
};

/* tunnel */
struct tunnel_rule {
    struct str protocol, target_host;
    uint32_t target_port;
    struct origin origin;
};

/* The parts that a policy, a port's or a subset's can have. The last three
 * cannot be a port's. */
struct policy_parts {
    struct load_balancer lb;
    const struct connection_pool *pool;
    const struct outlier_rule *outlier;
    const struct client_tls *tls;
    const struct retry_budget_rule *retry_budget;
    const struct tunnel_rule *tunnel;
    enum proxy_protocol_rule proxy_protocol;
};

struct port_policy {
    uint32_t port;
    struct policy_parts parts;
    struct origin origin;
};

struct traffic_policy {
    bool is_set;
    struct policy_parts parts;
    struct port_policy *ports;
    uint32_t port_count;
    struct origin origin;
};

struct subset {
    struct str name;
    struct label_list labels;
    struct traffic_policy policy;
    struct origin origin;
};

struct destination_rule {
    struct object_meta meta;
    struct str host; /* complete */
    struct traffic_policy policy;
    struct subset *subsets;
    uint32_t subset_count;
    struct text_list export_to; /* as written */
    struct label_list selector; /* workloadSelector.matchLabels */
    bool has_selector;
    bool is_of_backend_policy; /* made of a BackendTLSPolicy: the user's own words win */
};

/* A part of its own file each; NULL: absent. */
const struct connection_pool *connection_pool_read(const struct view *policy);
const struct connection_pool *connection_pool_of(const struct view *pool); /* the part itself */
const struct outlier_rule *outlier_rule_read(const struct view *policy);
const struct client_tls *client_tls_read(const struct view *policy);
void load_balancer_read(const struct view *policy, struct load_balancer *out);

/* Parts that MeshConfig has, too: NULL or not set when absent. */
struct keepalive_rule keepalive_rule_read(const struct view *parent);
/* localityLbSetting or zoneAwareLbSetting, the latter first. */
const struct locality_setting *locality_setting_read(const struct view *parent);

void destination_rule_read(const struct view *spec, struct destination_rule *out);
