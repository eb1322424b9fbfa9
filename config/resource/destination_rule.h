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

struct load_balancer {
    bool is_set;
    enum simple_lb simple;
    struct origin origin;
};

/* Zero means "not said" everywhere, as in Istio. */
struct connection_pool {
    uint32_t max_connections;
    int64_t connect_timeout_ns, tcp_idle_timeout_ns;
    uint32_t http1_pending_max, http2_requests_max, requests_per_connection_max, retries_max;
    int64_t http_idle_timeout_ns;
    struct origin origin;
};

struct outlier_rule {
    bool has_consecutive_5xx, has_consecutive_gateway;
    uint32_t consecutive_5xx, consecutive_gateway, consecutive_local_origin;
    bool has_split_local_origin;
    int64_t interval_ns, base_ejection_ns; /* 0: not said */
    uint32_t max_ejection_percent, min_health_percent;
    struct origin origin;
};

/* Istio fills in Envoy's defaults: 20 % and 3. */
struct retry_budget_rule {
    double percent;
    uint32_t min_concurrency;
};

/* The parts that a policy, a port's or a subset's can have. */
struct policy_parts {
    struct load_balancer lb;
    const struct connection_pool *pool;
    const struct outlier_rule *outlier;
    const struct retry_budget_rule *retry_budget; /* never of a port */
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
};

/* A part of its own file each; NULL: absent. */
const struct connection_pool *connection_pool_read(const struct view *policy);
const struct outlier_rule *outlier_rule_read(const struct view *policy);

void destination_rule_read(const struct view *spec, struct destination_rule *out);
