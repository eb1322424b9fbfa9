/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/stream_rule.h - one entry of a VirtualService's tls or tcp
 * list: where connections go that are not understood as HTTP.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/virtual_service.h"

struct stream_match {
    struct text_list sni_hosts; /* tls only */
    struct text_list subnets;   /* destinationSubnets */
    uint32_t port;              /* 0: any */
    struct label_list source_labels;
    struct str source_namespace;
    struct text_list gateways; /* "mesh", "ns/name"; empty: all of the VirtualService */
    struct origin origin;
};

struct stream_destination {
    struct destination destination;
    int64_t weight;
};

struct stream_rule {
    struct stream_match *matches;
    uint32_t match_count;
    struct stream_destination *routes;
    uint32_t route_count;
    struct origin origin;
};

/* An item of `tls` or (is_tls false) `tcp`. */
void stream_rule_read(const struct view *rule, struct str namespace, bool is_tls,
                      struct stream_rule *out);
