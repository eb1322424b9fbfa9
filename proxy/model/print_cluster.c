/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_cluster.c - Cluster.
 */
#include <stdio.h>

#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)
#define HTTP_OPTIONS "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
#define DYNAMIC_FORWARD_PROXY "envoy.clusters.dynamic_forward_proxy"

static struct str type_name(enum cluster_type type)
{
    switch (type) {
    case CLUSTER_EDS:
        return STR("EDS");
    case CLUSTER_STATIC:
        return STR("STATIC");
    case CLUSTER_STRICT_DNS:
        return STR("STRICT_DNS");
    case CLUSTER_LOGICAL_DNS:
        return STR("LOGICAL_DNS");
    case CLUSTER_ORIGINAL_DST:
        return STR("ORIGINAL_DST");
    case CLUSTER_DYNAMIC_DNS:
        return STR(DYNAMIC_FORWARD_PROXY);
    }
    UNREACHABLE("cluster_type");
}

static struct str lb_name(enum lb_policy lb)
{
    switch (lb) {
    case LB_ROUND_ROBIN:
        return STR("ROUND_ROBIN");
    case LB_LEAST_REQUEST:
        return STR("LEAST_REQUEST");
    case LB_RANDOM:
        return STR("RANDOM");
    case LB_RING_HASH:
        return STR("RING_HASH");
    case LB_MAGLEV:
        return STR("MAGLEV");
    case LB_CLUSTER_PROVIDED:
        return STR("CLUSTER_PROVIDED");
    }
    UNREACHABLE("lb_policy");
}

static void print_empty(struct json *json, struct str key)
{
    json_key(json, key);
    json_begin_object(json);
    json_end_object(json);
}

static void print_count(struct json *json, struct str key, uint64_t count)
{
    if (count != 0)
        json_key_i64(json, key, (int64_t)count);
}

static void print_value(struct json *json, struct str key, double value)
{
    json_key(json, key);
    json_begin_object(json);
    json_key(json, STR("value"));
    json_double(json, value);
    json_end_object(json);
}

static void print_breakers(struct json *json, const struct cluster *cluster)
{
    const struct breaker_limits *limits = &cluster->breakers;

    json_key(json, STR("circuitBreakers"));
    json_begin_object(json);
    json_key(json, STR("thresholds"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_i64(json, STR("maxConnections"), limits->max_connections);
    json_key_i64(json, STR("maxPendingRequests"), limits->max_pending_requests);
    json_key_i64(json, STR("maxRequests"), limits->max_requests);
    json_key_i64(json, STR("maxRetries"), limits->max_retries);
    if (cluster->is_tracking_remaining)
        json_key_bool(json, STR("trackRemaining"), true);
    if (cluster->retry_budget != NULL) {
        json_key(json, STR("retryBudget"));
        json_begin_object(json);
        print_value(json, STR("budgetPercent"), cluster->retry_budget->percent);
        if (cluster->retry_budget->interval_ns != 0)
            print_duration(json, STR("budgetInterval"), cluster->retry_budget->interval_ns);
        print_count(json, STR("minRetryConcurrency"), cluster->retry_budget->concurrency_min);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
}

static void print_outlier(struct json *json, const struct outlier_detection *outlier)
{
    static const struct str names[] = {
#define OUTLIER(name, json, default) STR_INIT(#json),
#include "proxy/model/outlier.def"
#undef OUTLIER
    };
    if (outlier == NULL)
        return;
    json_key(json, STR("outlierDetection"));
    json_begin_object(json);
    for (uint32_t i = 0; i < OUTLIER_NUMBER_COUNT; i++)
        if (outlier_says(outlier, (enum outlier_number)i))
            json_key_i64(json, names[i], outlier->numbers[i]);
    if (outlier->interval_ns != 0)
        print_duration(json, STR("interval"), outlier->interval_ns);
    if (outlier->base_ejection_ns != 0)
        print_duration(json, STR("baseEjectionTime"), outlier->base_ejection_ns);
    if (outlier->is_splitting_origins)
        json_key_bool(json, STR("splitExternalLocalOriginErrors"), true);
    if (outlier->max_ejection_ns != 0)
        print_duration(json, STR("maxEjectionTime"), outlier->max_ejection_ns);
    if (outlier->max_ejection_jitter_ns != 0)
        print_duration(json, STR("maxEjectionTimeJitter"), outlier->max_ejection_jitter_ns);
    if (outlier->is_always_ejecting_one)
        json_key_bool(json, STR("alwaysEjectOneHost"), true);
    json_end_object(json);
}

/* Istio makes the message for what belongs to HTTP/2, too. */
static bool has_common_http(const struct cluster *cluster)
{
    return cluster->idle_timeout_ns != 0 || cluster->requests_per_connection_max != 0 ||
           cluster->max_connection_duration_ns != 0 || cluster->streams_max != 0 ||
           cluster->has_h2_keepalive;
}

static void print_common_http(struct json *json, const struct cluster *cluster)
{
    if (!has_common_http(cluster))
        return;
    json_key(json, STR("commonHttpProtocolOptions"));
    json_begin_object(json);
    if (cluster->idle_timeout_ns != 0)
        print_duration(json, STR("idleTimeout"), cluster->idle_timeout_ns);
    if (cluster->max_connection_duration_ns != 0)
        print_duration(json, STR("maxConnectionDuration"), cluster->max_connection_duration_ns);
    print_count(json, STR("maxRequestsPerConnection"), cluster->requests_per_connection_max);
    json_end_object(json);
}

static void print_auto_names(struct json *json, const struct cluster *cluster)
{
    if (!cluster->has_auto_sni && !cluster->has_auto_san_validation)
        return;
    json_key(json, STR("upstreamHttpProtocolOptions"));
    json_begin_object(json);
    if (cluster->has_auto_sni)
        json_key_bool(json, STR("autoSni"), true);
    if (cluster->has_auto_san_validation)
        json_key_bool(json, STR("autoSanValidation"), true);
    json_end_object(json);
}

static void print_http2(struct json *json, const struct cluster *cluster)
{
    json_key(json, STR("http2ProtocolOptions"));
    json_begin_object(json);
    if (cluster->protocol == UPSTREAM_HTTP2) {
        print_count(json, STR("maxConcurrentStreams"), cluster->streams_max);
        if (cluster->has_h2_keepalive) {
            json_key(json, STR("connectionKeepalive"));
            json_begin_object(json);
            if (cluster->h2_keepalive_interval_ns != 0)
                print_duration(json, STR("interval"), cluster->h2_keepalive_interval_ns);
            if (cluster->h2_keepalive_timeout_ns != 0)
                print_duration(json, STR("timeout"), cluster->h2_keepalive_timeout_ns);
            json_end_object(json);
        }
    }
    json_end_object(json);
}

/* Envoy's own defaults are left out, so plain HTTP/1.1 has none of this. */
static void print_http_options(struct json *json, const struct cluster *cluster)
{
    bool has_common =
        has_common_http(cluster) || cluster->has_auto_sni || cluster->has_auto_san_validation;
    bool has_protocol =
        cluster->protocol == UPSTREAM_HTTP2 || cluster->protocol == UPSTREAM_AS_DOWNSTREAM;

    if (!has_common && !has_protocol)
        return;
    json_key(json, STR("typedExtensionProtocolOptions"));
    json_begin_object(json);
    json_key(json, STR(HTTP_OPTIONS));
    json_begin_object(json);
    json_key_str(json, STR("@type"), TYPE(HTTP_OPTIONS));
    print_common_http(json, cluster);
    print_auto_names(json, cluster);
    bool is_following = cluster->protocol == UPSTREAM_AS_DOWNSTREAM;
    json_key(json, is_following ? STR("useDownstreamProtocolConfig") : STR("explicitHttpConfig"));
    json_begin_object(json);
    if (is_following || cluster->protocol != UPSTREAM_HTTP2)
        print_empty(json, STR("httpProtocolOptions"));
    if (is_following || cluster->protocol == UPSTREAM_HTTP2)
        print_http2(json, cluster);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void print_service(struct json *json, struct str host, struct str name, struct str namespace)
{
    json_begin_object(json);
    json_key_str(json, STR("host"), host);
    json_key_str(json, STR("name"), name);
    json_key_str(json, STR("namespace"), namespace);
    json_end_object(json);
}

static void print_metadata(struct json *json, const struct cluster *cluster)
{
    if (cluster->service_host.len == 0)
        return;
    json_key(json, STR("metadata"));
    json_begin_object(json);
    json_key(json, STR("filterMetadata"));
    json_begin_object(json);
    json_key(json, STR("istio"));
    json_begin_object(json);
    if (cluster->has_alpn_override_off)
        json_key_str(json, STR("alpn_override"), STR("false"));
    if (cluster->is_tunneled)
        json_key_bool(json, STR("disable_mx"), true);
    if (cluster->config.len > 0)
        json_key_str(json, STR("config"), cluster->config);
    json_key(json, STR("services"));
    json_begin_array(json);
    print_service(json, cluster->service_host, cluster->service_name, cluster->service_namespace);
    for (uint32_t i = 0; i < cluster->more_service_count; i++) {
        const struct service_identity *more = &cluster->more_services[i];
        print_service(json, more->host, more->name, more->namespace);
    }
    json_end_array(json);
    if (cluster->subset.len > 0)
        json_key_str(json, STR("subset"), cluster->subset);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void print_zone_aware(struct json *json, const struct zone_aware *zones)
{
    if (!zones->is_set)
        return;
    json_key(json, STR("zoneAwareLbConfig"));
    json_begin_object(json);
    if (zones->is_off)
        print_empty(json, STR("routingEnabled"));
    if (zones->has_size_min) {
        char digits[16];
        (void)snprintf(digits, sizeof(digits), "%u", zones->size_min);
        json_key_str(json, STR("minClusterSize"), str_of(digits));
    }
    json_end_object(json);
}

static void print_common_lb(struct json *json, const struct cluster *cluster)
{
    bool has_threshold = cluster->has_panic_threshold_zero || cluster->panic_threshold_percent > 0;

    if (!has_threshold && !cluster->has_locality_weights && !cluster->is_inbound &&
        !cluster->zone_aware.is_set)
        return;
    json_key(json, STR("commonLbConfig"));
    json_begin_object(json);
    if (cluster->has_panic_threshold_zero)
        print_empty(json, STR("healthyPanicThreshold"));
    else if (has_threshold)
        print_value(json, STR("healthyPanicThreshold"), cluster->panic_threshold_percent);
    if (cluster->has_locality_weights)
        print_empty(json, STR("localityWeightedLbConfig"));
    print_zone_aware(json, &cluster->zone_aware);
    json_end_object(json);
}

static void print_slow_start(struct json *json, const struct slow_start *slow)
{
    json_begin_object(json);
    json_key(json, STR("slowStartConfig"));
    json_begin_object(json);
    print_duration(json, STR("slowStartWindow"), slow->window_ns);
    if (slow->has_shape) {
        json_key(json, STR("aggression"));
        json_begin_object(json);
        json_key(json, STR("defaultValue"));
        json_double(json, slow->aggression);
        json_end_object(json);
        print_value(json, STR("minWeightPercent"), slow->weight_percent_min);
    }
    json_end_object(json);
    json_end_object(json);
}

static void print_one_size(struct json *json, struct str config, struct str key, uint64_t size)
{
    if (size == 0)
        return;
    json_key(json, config);
    json_begin_object(json);
    print_count(json, key, size);
    json_end_object(json);
}

static void print_lb_config(struct json *json, const struct cluster *cluster)
{
    switch (cluster->lb) {
    case LB_ROUND_ROBIN:
    case LB_LEAST_REQUEST:
        if (cluster->slow_start == NULL)
            return;
        json_key(json, cluster->lb == LB_ROUND_ROBIN ? STR("roundRobinLbConfig")
                                                     : STR("leastRequestLbConfig"));
        print_slow_start(json, cluster->slow_start);
        return;
    case LB_RING_HASH:
        print_one_size(json, STR("ringHashLbConfig"), STR("minimumRingSize"),
                       cluster->ring_size_min);
        return;
    case LB_MAGLEV:
        print_one_size(json, STR("maglevLbConfig"), STR("tableSize"), cluster->maglev_table_size);
        return;
    case LB_CLUSTER_PROVIDED:
        print_one_size(json, STR("originalDstLbConfig"), STR("upstreamPortOverride"),
                       cluster->original_port_override);
        return;
    case LB_RANDOM:
        return;
    }
    UNREACHABLE("lb_policy");
}

static void print_keepalive(struct json *json, const struct tcp_keepalive *keepalive)
{
    if (!keepalive->is_set)
        return;
    json_key(json, STR("upstreamConnectionOptions"));
    json_begin_object(json);
    json_key(json, STR("tcpKeepalive"));
    json_begin_object(json);
    print_count(json, STR("keepaliveProbes"), keepalive->probes);
    if (keepalive->has_time)
        json_key_i64(json, STR("keepaliveTime"), keepalive->time_s);
    if (keepalive->has_interval)
        json_key_i64(json, STR("keepaliveInterval"), keepalive->interval_s);
    json_end_object(json);
    json_end_object(json);
}

static void print_dns(struct json *json, const struct cluster *cluster)
{
    json_key_str(json, STR("dnsLookupFamily"),
                 cluster->is_dns_ipv6 ? STR("V6_ONLY") : STR("V4_ONLY"));
    print_duration(json, STR("dnsRefreshRate"), cluster->dns_refresh_ns);
    json_key_bool(json, STR("respectDnsTtl"), true);
}

static void print_dynamic_forward_proxy(struct json *json, const struct cluster *cluster)
{
    json_key(json, STR("clusterType"));
    json_begin_object(json);
    json_key_str(json, STR("name"), STR(DYNAMIC_FORWARD_PROXY));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"));
    if (cluster->has_insecure_options)
        json_key_bool(json, STR("allowInsecureClusterOptions"), true);
    print_dns_cache(json, &cluster->dns_cache);
    json_end_object(json);
    json_end_object(json);
}

/* Where the endpoints come from. */
static void print_discovery(struct json *json, const struct cluster *cluster)
{
    switch (cluster->type) {
    case CLUSTER_EDS:
        json_key(json, STR("edsClusterConfig"));
        json_begin_object(json);
        json_key_str(json, STR("serviceName"), cluster->name);
        json_end_object(json);
        return;
    case CLUSTER_STRICT_DNS:
    case CLUSTER_LOGICAL_DNS:
        print_dns(json, cluster);
        break;
    case CLUSTER_STATIC:
        break;
    case CLUSTER_ORIGINAL_DST:
        if (cluster->is_inbound)
            json_key_str(json, STR("cleanupInterval"), STR("9223372035s"));
        return;
    case CLUSTER_DYNAMIC_DNS:
        print_dynamic_forward_proxy(json, cluster);
        return;
    }
    if (cluster->endpoint_count > 0 || cluster->locality_count > 0) {
        json_key(json, STR("loadAssignment"));
        print_load_assignment(json, cluster);
    }
}

void print_cluster(struct json *json, const struct cluster *cluster)
{
    /* BlackHoleCluster has nothing to limit. */
    bool is_limited = cluster->type != CLUSTER_STATIC || cluster->is_inbound;

    json_begin_object(json);
    json_key_str(json, STR("name"), cluster->name);
    if (cluster->type != CLUSTER_DYNAMIC_DNS)
        json_key_str(json, STR("type"), type_name(cluster->type));
    print_discovery(json, cluster);
    print_duration(json, STR("connectTimeout"), cluster->connect_timeout_ns);
    if (is_limited)
        json_key_str(json, STR("lbPolicy"), lb_name(cluster->lb));
    print_lb_config(json, cluster);
    if (is_limited)
        print_breakers(json, cluster);
    print_common_lb(json, cluster);
    print_outlier(json, cluster->outlier);
    print_keepalive(json, &cluster->tcp_keepalive);
    print_http_options(json, cluster);
    print_transport(json, cluster);
    print_metadata(json, cluster);
    json_end_object(json);
}
