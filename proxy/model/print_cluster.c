/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_cluster.c - Cluster and ClusterLoadAssignment.
 */
#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)
#define HTTP_OPTIONS "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

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

static void print_retry_budget(struct json *json, const struct retry_budget *budget)
{
    if (budget == NULL)
        return;
    json_key(json, STR("retryBudget"));
    json_begin_object(json);
    json_key(json, STR("budgetPercent"));
    json_begin_object(json);
    if (budget->percent != 0) {
        json_key(json, STR("value"));
        json_double(json, budget->percent);
    }
    json_end_object(json);
    json_key_i64(json, STR("minRetryConcurrency"), budget->min_concurrency);
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
    print_retry_budget(json, cluster->retry_budget);
    if (cluster->is_tracking_remaining)
        json_key_bool(json, STR("trackRemaining"), true);
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

static void print_panic(struct json *json, const struct cluster *cluster)
{
    if (!cluster->has_panic_threshold_zero && cluster->panic_threshold_percent == 0)
        return;
    json_key(json, STR("commonLbConfig"));
    json_begin_object(json);
    json_key(json, STR("healthyPanicThreshold"));
    json_begin_object(json);
    if (!cluster->has_panic_threshold_zero) {
        json_key(json, STR("value"));
        json_double(json, cluster->panic_threshold_percent);
    }
    json_end_object(json);
    json_end_object(json);
}

/* Envoy's own defaults are left out, so plain HTTP/1.1 has none of this. */
static void print_http_options(struct json *json, const struct cluster *cluster)
{
    bool has_common = cluster->idle_timeout_ns != 0 || cluster->requests_per_connection_max != 0 ||
                      cluster->max_connection_duration_ns != 0;
    bool has_protocol =
        cluster->protocol == UPSTREAM_HTTP2 || cluster->protocol == UPSTREAM_AS_DOWNSTREAM;

    if (!has_common && !has_protocol)
        return;
    json_key(json, STR("typedExtensionProtocolOptions"));
    json_begin_object(json);
    json_key(json, STR(HTTP_OPTIONS));
    json_begin_object(json);
    json_key_str(json, STR("@type"), TYPE(HTTP_OPTIONS));
    if (has_common) {
        json_key(json, STR("commonHttpProtocolOptions"));
        json_begin_object(json);
        if (cluster->idle_timeout_ns != 0)
            print_duration(json, STR("idleTimeout"), cluster->idle_timeout_ns);
        if (cluster->max_connection_duration_ns != 0)
            print_duration(json, STR("maxConnectionDuration"), cluster->max_connection_duration_ns);
        if (cluster->requests_per_connection_max != 0)
            json_key_i64(json, STR("maxRequestsPerConnection"),
                         cluster->requests_per_connection_max);
        json_end_object(json);
    }
    bool is_following = cluster->protocol == UPSTREAM_AS_DOWNSTREAM;
    json_key(json, is_following ? STR("useDownstreamProtocolConfig") : STR("explicitHttpConfig"));
    json_begin_object(json);
    if (is_following || cluster->protocol != UPSTREAM_HTTP2)
        print_empty(json, STR("httpProtocolOptions"));
    if (is_following || cluster->protocol == UPSTREAM_HTTP2)
        print_empty(json, STR("http2ProtocolOptions"));
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static void print_alpn(struct json *json, const struct cluster *cluster)
{
    json_key(json, STR("alpnProtocols"));
    json_begin_array(json);
    json_str(json, STR("istio-peer-exchange"));
    json_str(json, STR("istio"));
    if (cluster->protocol == UPSTREAM_HTTP2)
        json_str(json, STR("h2"));
    json_end_array(json);
}

static void print_validation(struct json *json, const struct cluster *cluster)
{
    json_key(json, STR("combinedValidationContext"));
    json_begin_object(json);
    json_key(json, STR("defaultValidationContext"));
    json_begin_object(json);
    if (cluster->identity_count > 0) {
        json_key(json, STR("matchSubjectAltNames"));
        json_begin_array(json);
        for (uint32_t i = 0; i < cluster->identity_count; i++) {
            json_begin_object(json);
            json_key_str(json, STR("exact"), cluster->identities[i]);
            json_end_object(json);
        }
        json_end_array(json);
    }
    json_end_object(json);
    json_key(json, STR("validationContextSdsSecretConfig"));
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("ROOTCA"));
    json_end_object(json);
    json_end_object(json);
}

/* The mesh's own TLS: certificate and root come with the workload. */
static void print_mesh_tls(struct json *json, const struct cluster *cluster)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("envoy.transport_sockets.tls"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"));
    json_key(json, STR("commonTlsContext"));
    json_begin_object(json);
    print_alpn(json, cluster);
    print_validation(json, cluster);
    json_key(json, STR("tlsCertificateSdsSecretConfigs"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("default"));
    json_end_object(json);
    json_end_array(json);
    json_key(json, STR("tlsParams"));
    json_begin_object(json);
    json_key_str(json, STR("tlsMinimumProtocolVersion"), STR("TLSv1_2"));
    json_key_str(json, STR("tlsMaximumProtocolVersion"), STR("TLSv1_3"));
    json_end_object(json);
    json_end_object(json);
    json_key_str(json, STR("sni"), cluster->sni);
    json_end_object(json);
    json_end_object(json);
}

static void print_raw_buffer(struct json *json)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("envoy.transport_sockets.raw_buffer"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"));
    json_end_object(json);
    json_end_object(json);
}

static void print_transport(struct json *json, const struct cluster *cluster)
{
    switch (cluster->mtls) {
    case MTLS_OFF:
        return;
    case MTLS_ALWAYS:
        json_key(json, STR("transportSocket"));
        print_mesh_tls(json, cluster);
        return;
    case MTLS_BY_ENDPOINT:
        json_key(json, STR("transportSocketMatches"));
        json_begin_array(json);
        json_begin_object(json);
        json_key_str(json, STR("name"), STR("tlsMode-istio"));
        json_key(json, STR("match"));
        json_begin_object(json);
        json_key_str(json, STR("tlsMode"), STR("istio"));
        json_end_object(json);
        json_key(json, STR("transportSocket"));
        print_mesh_tls(json, cluster);
        json_end_object(json);
        json_begin_object(json);
        json_key_str(json, STR("name"), STR("tlsMode-disabled"));
        print_empty(json, STR("match"));
        json_key(json, STR("transportSocket"));
        print_raw_buffer(json);
        json_end_object(json);
        json_end_array(json);
        return;
    }
    UNREACHABLE("upstream_mtls");
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
    if (cluster->config.len > 0)
        json_key_str(json, STR("config"), cluster->config);
    json_key(json, STR("services"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("host"), cluster->service_host);
    json_key_str(json, STR("name"), cluster->service_name);
    json_key_str(json, STR("namespace"), cluster->service_namespace);
    json_end_object(json);
    json_end_array(json);
    if (cluster->subset.len > 0)
        json_key_str(json, STR("subset"), cluster->subset);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

static struct str health_name(enum endpoint_health health)
{
    switch (health) {
    case ENDPOINT_HEALTHY:
        return STR("HEALTHY");
    case ENDPOINT_UNHEALTHY:
        return STR("UNHEALTHY");
    case ENDPOINT_DRAINING:
        return STR("DRAINING");
    }
    UNREACHABLE("endpoint_health");
}

static void print_endpoint_metadata(struct json *json, const struct endpoint *endpoint)
{
    if (!endpoint->is_tls_mode_istio && endpoint->workload.len == 0)
        return;
    json_key(json, STR("metadata"));
    json_begin_object(json);
    json_key(json, STR("filterMetadata"));
    json_begin_object(json);
    if (endpoint->is_tls_mode_istio) {
        json_key(json, STR("envoy.transport_socket_match"));
        json_begin_object(json);
        json_key_str(json, STR("tlsMode"), STR("istio"));
        json_end_object(json);
    }
    if (endpoint->workload.len > 0) {
        json_key(json, STR("istio"));
        json_begin_object(json);
        json_key_str(json, STR("workload"), endpoint->workload);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

static void print_endpoint(struct json *json, const struct endpoint *endpoint)
{
    json_begin_object(json);
    json_key(json, STR("endpoint"));
    json_begin_object(json);
    json_key(json, STR("address"));
    print_address(json, endpoint->address, endpoint->port);
    json_end_object(json);
    json_key_str(json, STR("healthStatus"), health_name(endpoint->health));
    print_endpoint_metadata(json, endpoint);
    json_key_i64(json, STR("loadBalancingWeight"), endpoint->weight);
    json_end_object(json);
}

static bool is_same_locality(const struct endpoint *a, const struct endpoint *b)
{
    return a->priority == b->priority && str_eq(a->locality.region, b->locality.region) &&
           str_eq(a->locality.zone, b->locality.zone) &&
           str_eq(a->locality.subzone, b->locality.subzone);
}

/* Endpoints [from, to) of one locality. */
static void print_locality(struct json *json, const struct endpoint *endpoints, uint32_t from,
                           uint32_t to)
{
    const struct endpoint *first = &endpoints[from];
    uint32_t weight = 0;

    json_begin_object(json);
    json_key(json, STR("locality"));
    json_begin_object(json);
    if (first->locality.region.len > 0)
        json_key_str(json, STR("region"), first->locality.region);
    if (first->locality.zone.len > 0)
        json_key_str(json, STR("zone"), first->locality.zone);
    if (first->locality.subzone.len > 0)
        json_key_str(json, STR("subZone"), first->locality.subzone);
    json_end_object(json);
    json_key(json, STR("lbEndpoints"));
    json_begin_array(json);
    for (uint32_t i = from; i < to; i++) {
        print_endpoint(json, &endpoints[i]);
        weight += endpoints[i].weight;
    }
    json_end_array(json);
    if (first->priority != 0)
        json_key_i64(json, STR("priority"), first->priority);
    json_key_i64(json, STR("loadBalancingWeight"),
                 first->locality_weight != 0 ? first->locality_weight : weight);
    json_end_object(json);
}

void print_load_assignment(struct json *json, const struct cluster *cluster)
{
    json_begin_object(json);
    json_key_str(json, STR("clusterName"), cluster->name);
    if (cluster->endpoint_count > 0) {
        json_key(json, STR("endpoints"));
        json_begin_array(json);
        uint32_t from = 0;
        for (uint32_t i = 1; i <= cluster->endpoint_count; i++) {
            if (i < cluster->endpoint_count &&
                is_same_locality(&cluster->endpoints[from], &cluster->endpoints[i]))
                continue;
            print_locality(json, cluster->endpoints, from, i);
            from = i;
        }
        json_end_array(json);
    }
    json_end_object(json);
}

void print_cluster(struct json *json, const struct cluster *cluster)
{
    bool is_limited = cluster->type != CLUSTER_STATIC;

    json_begin_object(json);
    json_key_str(json, STR("name"), cluster->name);
    json_key_str(json, STR("type"), type_name(cluster->type));
    if (cluster->type == CLUSTER_EDS) {
        json_key(json, STR("edsClusterConfig"));
        json_begin_object(json);
        json_key_str(json, STR("serviceName"), cluster->name);
        json_end_object(json);
    }
    print_duration(json, STR("connectTimeout"), cluster->connect_timeout_ns);
    if (is_limited)
        json_key_str(json, STR("lbPolicy"), lb_name(cluster->lb));
    if (is_limited)
        print_breakers(json, cluster);
    print_outlier(json, cluster->outlier);
    print_panic(json, cluster);
    print_http_options(json, cluster);
    print_transport(json, cluster);
    print_metadata(json, cluster);
    json_end_object(json);
}
