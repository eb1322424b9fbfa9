/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/small.h - a snapshot made by hand: one host, five routes,
 * one endpoint.
 */
#pragma once

#include "base/ns.h"
#include "base/str.h"
#include "proxy/model/snapshot.h"

/* The connection manager of the snapshot's routes. */
static struct http_connection_manager small_http;
/* Its routes and clusters, for tests that change them before the first dial. */
static struct route small_routes[8];
static struct cluster small_clusters[2];

static inline struct route small_forward(const char *path, const char *cluster)
{
    return (struct route){
        .name = STR("default"),
        .match.path = {.kind = PATH_PREFIX, .value = str_of(path)},
        .action = ROUTE_FORWARD,
        .forward = {.cluster = str_of(cluster), .has_timeout = true, .timeout_ns = 15 * NS_SECOND},
    };
}

/* Host "a": /direct answers hello, /lost has no cluster, /empty no endpoint,
 * /short a timeout of a second, /app (cluster one) the default of fifteen. */
static inline struct snapshot *small_snapshot(void)
{
    static const struct str domains[] = {STR_INIT("a")};
    struct route *routes = small_routes;
    static struct virtual_host host;
    static struct route_config config;
    static struct endpoint endpoints[1];
    struct cluster *clusters = small_clusters;
    routes[0] = (struct route){
        .name = STR("hello"),
        .match.path = {.kind = PATH_PREFIX, .value = STR("/direct")},
        .action = ROUTE_DIRECT_RESPONSE,
        .direct = {.status = 200, .has_body = true, .body = STR("hello")},
    };
    routes[1] = small_forward("/lost", "nowhere");
    routes[2] = small_forward("/empty", "empty");
    routes[3] = small_forward("/short", "one");
    routes[3].forward.timeout_ns = NS_SECOND;
    routes[4] = small_forward("/app", "one");
    host = (struct virtual_host){.name = STR("a"),
                                 .domains = domains,
                                 .domain_count = 1,
                                 .routes = routes,
                                 .route_count = 5};
    config =
        (struct route_config){.name = STR("80"), .virtual_hosts = &host, .virtual_host_count = 1};
    struct breaker_limits open = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED,
                                  BREAKER_UNLIMITED};
    endpoints[0] = (struct endpoint){.address = STR("10.0.0.1"), .port = 80, .weight = 1};
    clusters[0] = (struct cluster){.name = STR("one"),
                                   .connect_timeout_ns = 2 * NS_SECOND,
                                   .breakers = open,
                                   .endpoints = endpoints,
                                   .endpoint_count = 1};
    clusters[1] = (struct cluster){
        .name = STR("empty"), .connect_timeout_ns = 2 * NS_SECOND, .breakers = open};
    struct snapshot *snapshot = snapshot_new();
    snapshot->proxy_name = STR("test-0");
    snapshot->route_configs = &config;
    snapshot->route_config_count = 1;
    snapshot->clusters = clusters;
    snapshot->cluster_count = 2;
    snapshot_index(snapshot);
    small_http = (struct http_connection_manager){
        .stat_prefix = STR("80"),
        .routes = &config,
        .is_normalizing_path = true,
        .is_proxying_100_continue = true,
        .has_websocket = true,
        .server_name = STR("envoy"),
    };
    return snapshot;
}
