/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_parts.h - how small things look in Envoy's proto JSON;
 * shared by the print_*.c files.
 */
#pragma once

#include <stdint.h>

#include "base/json.h"
#include "proxy/model/cluster.h"
#include "proxy/model/listener.h"
#include "proxy/model/route.h"

/* "15s", "0.250s": with 0, 3, 6 or 9 digits after the point. */
void print_duration(struct json *json, struct str key, int64_t ns);
/* A StringMatcher; not of STRING_PRESENT, which is no such message. */
void print_string_matcher(struct json *json, const struct string_matcher *match);
/* {"numerator": n, "denominator": "MILLION"} */
void print_fraction(struct json *json, struct str key, struct fraction fraction);
/* {"socketAddress": {...}}, or of unix:///path {"pipe": {...}} */
void print_address(struct json *json, struct str address, uint32_t port);
/* A locality of one endpoint, of which nothing but its address is said. */
void print_lone_endpoint(struct json *json, struct str address, uint32_t port);
/* {"filterMetadata": {"istio": {"config": PATH}}}, with its key */
void print_route_metadata(struct json *json, struct str config);

/* request_headers_to_add and the other three lists. */
void print_mutations(struct json *json, const struct header_mutations *request,
                     const struct header_mutations *response);
/* "route": the action with a destination. */
void print_forward(struct json *json, const struct forward_action *forward);

void print_route_config(struct json *json, const struct route_config *config);
void print_cluster(struct json *json, const struct cluster *cluster);
/* "transportSocket" or "transportSocketMatches", with its key; nothing when all
 * is plaintext. */
void print_transport(struct json *json, const struct cluster *cluster);
/* The ClusterLoadAssignment. */
void print_load_assignment(struct json *json, const struct cluster *cluster);
/* "accessLog", with its key; nothing when there is none. */
void print_access_logs(struct json *json, const struct access_log_list *logs);
/* "dnsCacheConfig", with its key. */
void print_dns_cache(struct json *json, const struct dns_cache *cache);
/* A list of texts, with its key. */
void print_strings(struct json *json, struct str key, const struct str *items, uint32_t count);
/* "transportSocket", with its key. */
void print_downstream_tls(struct json *json, const struct downstream_tls *tls);
/* "listenerFilters", with its key; nothing when there are none. */
void print_listener_filters(struct json *json, const struct listener *listener);
void print_listener(struct json *json, const struct listener *listener);
