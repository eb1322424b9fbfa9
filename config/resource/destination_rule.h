/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/destination_rule.h - DestinationRule: subsets, and how their
 * endpoints are chosen among.
 *
 * What a policy says beyond the load balancer has no effect yet.
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

struct port_policy {
    uint32_t port;
    struct load_balancer lb;
    struct origin origin;
};

struct traffic_policy {
    bool is_set;
    struct load_balancer lb;
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

void destination_rule_read(const struct view *spec, struct destination_rule *out);
