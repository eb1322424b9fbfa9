/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/cluster_policy.c - see cluster_policy.h.
 */
#include "config/translate/cluster_policy.h"

#include "base/ns.h"

#define RING_SIZE_MIN 1024u /* Istio's own, where no algorithm is named */

static enum lb_policy lb_of(const struct translation *t, const struct load_balancer *lb)
{
    switch (lb->simple) {
    case SIMPLE_LB_UNSET:
        return t->profile->lb;
    case SIMPLE_LB_ROUND_ROBIN:
        return LB_ROUND_ROBIN;
    case SIMPLE_LB_LEAST_REQUEST:
        return LB_LEAST_REQUEST;
    case SIMPLE_LB_RANDOM:
        return LB_RANDOM;
    case SIMPLE_LB_PASSTHROUGH:
        return LB_CLUSTER_PROVIDED;
    }
    UNREACHABLE("simple_lb");
}

/* A hash outweighs the simple balancer. */
static void set_hash(const struct consistent_hash *hash, struct cluster *cluster)
{
    switch (hash->algorithm) {
    case HASH_ALGORITHM_UNSET:
        cluster->lb = LB_RING_HASH;
        cluster->ring_size_min = hash->size != 0 ? hash->size : RING_SIZE_MIN;
        return;
    case HASH_ALGORITHM_RING:
        cluster->lb = LB_RING_HASH;
        cluster->ring_size_min = hash->size;
        return;
    case HASH_ALGORITHM_MAGLEV:
        cluster->lb = LB_MAGLEV;
        cluster->maglev_table_size = hash->size;
        return;
    }
    UNREACHABLE("hash_algorithm");
}

static void set_lb(struct translation *t, const struct load_balancer *lb, struct cluster *cluster)
{
    cluster->policy_origin = context_keep_origin(t, lb->origin);
    if (cluster->type == CLUSTER_ORIGINAL_DST || cluster->type == CLUSTER_DYNAMIC_DNS) {
        cluster->lb = LB_CLUSTER_PROVIDED;
        return;
    }
    cluster->lb = lb_of(t, lb);
    bool is_warming = cluster->lb == LB_ROUND_ROBIN || cluster->lb == LB_LEAST_REQUEST;
    if (lb->warmup != NULL && is_warming) {
        struct slow_start *slow = ARENA_NEW(t->arena, struct slow_start);
        *slow = (struct slow_start){
            .window_ns = lb->warmup->duration_ns,
            .has_shape = lb->warmup->has_shape,
            .aggression = lb->warmup->aggression,
            .weight_percent_min = lb->warmup->percent_min,
        };
        cluster->slow_start = slow;
    }
    if (lb->hash != NULL)
        set_hash(lb->hash, cluster);
}

static void set_limit(uint32_t *limit, uint32_t said)
{
    /* Istio cannot tell 0 from nothing. */
    if (said != 0)
        *limit = said;
}

/* 0 turns them off. */
static void say_errors(struct outlier_detection *out, enum outlier_number errors,
                       enum outlier_number enforcing, uint32_t count)
{
    outlier_say(out, errors, count);
    outlier_say(out, enforcing, count > 0 ? 100 : 0);
}

static void set_outlier(struct translation *t, const struct outlier_rule *rule,
                        struct cluster *cluster)
{
    if (rule == NULL)
        return;
    struct outlier_detection *out = ARENA_NEW(t->arena, struct outlier_detection);
    *out = (struct outlier_detection){
        .interval_ns = rule->interval_ns,
        .base_ejection_ns = rule->base_ejection_ns,
        .is_splitting_origins = rule->has_split_local_origin,
        .origin = context_keep_origin(t, rule->origin),
    };
    outlier_say(out, OUTLIER_ENFORCING_SUCCESS_RATE, 0);
    /* 1.0 counted gateway failures by this name, and no other 5xx. */
    if (t->profile->has_consecutive_errors) {
        outlier_say(out, OUTLIER_ENFORCING_CONSECUTIVE_5XX, 0);
        if (rule->consecutive_errors > 0)
            say_errors(out, OUTLIER_CONSECUTIVE_GATEWAY_FAILURE,
                       OUTLIER_ENFORCING_CONSECUTIVE_GATEWAY_FAILURE, rule->consecutive_errors);
    }
    if (rule->has_consecutive_5xx)
        say_errors(out, OUTLIER_CONSECUTIVE_5XX, OUTLIER_ENFORCING_CONSECUTIVE_5XX,
                   rule->consecutive_5xx);
    if (rule->has_consecutive_gateway)
        say_errors(out, OUTLIER_CONSECUTIVE_GATEWAY_FAILURE,
                   OUTLIER_ENFORCING_CONSECUTIVE_GATEWAY_FAILURE, rule->consecutive_gateway);
    if (rule->max_ejection_percent > 0)
        outlier_say(out, OUTLIER_MAX_EJECTION_PERCENT, rule->max_ejection_percent);
    if (rule->has_split_local_origin) {
        outlier_say(out, OUTLIER_ENFORCING_LOCAL_ORIGIN_SUCCESS_RATE, 0);
        if (rule->consecutive_local_origin > 0)
            say_errors(out, OUTLIER_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
                       OUTLIER_ENFORCING_CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
                       rule->consecutive_local_origin);
    }
    cluster->outlier = out;
    if (rule->min_health_percent > 0) {
        cluster->has_panic_threshold_zero = false;
        cluster->panic_threshold_percent = rule->min_health_percent;
    }
}

/* Shares, and a failover that somebody wrote, need Envoy's weights of
 * localities; the mesh's own failover does not. */
static void set_locality(const struct translation *t, const struct load_balancer *lb,
                         const struct service *service, struct cluster *cluster)
{
    const struct locality_setting *setting = cluster_policy_locality(t, lb, service);

    /* Where each host is looked up there are no localities. */
    if (setting == NULL || cluster->type == CLUSTER_DYNAMIC_DNS)
        return;
    if (setting->is_zone_aware) {
        cluster->zone_aware = (struct zone_aware){.is_set = true,
                                                  .is_off = setting->is_off,
                                                  .has_size_min = setting->has_size_min,
                                                  .size_min = setting->size_min};
        return;
    }
    bool has_failover = setting->failover_count > 0 || setting->failover_priority.count > 0;
    cluster->has_locality_weights =
        setting->distribute_count > 0 ||
        (has_failover && (cluster->outlier != NULL || setting->is_forced));
}

static void put_keepalive(const struct keepalive_rule *rule, struct tcp_keepalive *out)
{
    if (!rule->is_set)
        return;
    out->is_set = true;
    set_limit(&out->probes, rule->probes);
    if (rule->has_time) {
        out->has_time = true;
        out->time_s = (uint32_t)(rule->time_ns / NS_SECOND);
    }
    if (rule->has_interval) {
        out->has_interval = true;
        out->interval_s = (uint32_t)(rule->interval_ns / NS_SECOND);
    }
}

void cluster_policy_pool(const struct translation *t, const struct connection_pool *pool,
                         struct cluster *cluster)
{
    put_keepalive(&t->mesh->config.tcp_keepalive, &cluster->tcp_keepalive);
    if (pool == NULL)
        return;
    put_keepalive(&pool->tcp_keepalive, &cluster->tcp_keepalive);
    set_limit(&cluster->breakers.max_connections, pool->max_connections);
    set_limit(&cluster->breakers.max_pending_requests, pool->http1_pending_max);
    set_limit(&cluster->breakers.max_requests, pool->http2_requests_max);
    set_limit(&cluster->breakers.max_retries, pool->retries_max);
    set_limit(&cluster->requests_per_connection_max, pool->requests_per_connection_max);
    if (pool->connect_timeout_ns != 0)
        cluster->connect_timeout_ns = pool->connect_timeout_ns;
    if (pool->max_connection_duration_ns != 0)
        cluster->max_connection_duration_ns = pool->max_connection_duration_ns;
    int64_t idle_ns =
        pool->http_idle_timeout_ns != 0 ? pool->http_idle_timeout_ns : pool->tcp_idle_timeout_ns;
    if (idle_ns != 0)
        cluster->idle_timeout_ns = idle_ns;
    cluster->streams_max = pool->streams_max;
    cluster->has_h2_keepalive = pool->has_h2_keepalive;
    cluster->h2_keepalive_interval_ns = pool->h2_keepalive_interval_ns;
    cluster->h2_keepalive_timeout_ns = pool->h2_keepalive_timeout_ns;
    if (pool->is_using_client_protocol)
        cluster->protocol = UPSTREAM_AS_DOWNSTREAM;
}

void cluster_policy_h2(const struct translation *t, const struct connection_pool *pool,
                       bool is_http, struct cluster *cluster)
{
    enum h2_upgrade said = pool != NULL ? pool->h2_upgrade : H2_UPGRADE_UNSET;
    bool is_upgraded = said == H2_UPGRADE_ON;

    if (said == H2_UPGRADE_UNSET)
        is_upgraded = is_http && t->mesh->config.is_upgrading_h2;
    if (pool != NULL && pool->is_using_client_protocol)
        is_upgraded = false;
    /* Who follows its caller already is not asked. */
    if (is_upgraded && cluster->protocol != UPSTREAM_AS_DOWNSTREAM)
        cluster->protocol = UPSTREAM_HTTP2;
}

/* trafficDistribution in Istio's words: the labels that must be alike. */
static const struct locality_setting *distribution_setting(enum traffic_distribution distribution)
{
    static struct str zone[] = {STR_INIT("topology.istio.io/network"),
                                STR_INIT("topology.kubernetes.io/region"),
                                STR_INIT("topology.kubernetes.io/zone")};
    static struct str node[] = {
        STR_INIT("topology.istio.io/network"), STR_INIT("topology.kubernetes.io/region"),
        STR_INIT("topology.kubernetes.io/zone"), STR_INIT("topology.istio.io/subzone"),
        STR_INIT("kubernetes.io/hostname")};
    static const struct locality_setting by_zone = {
        .is_forced = true, .failover_priority = {.items = zone, .count = COUNT_OF(zone)}};
    static const struct locality_setting by_node = {
        .is_forced = true, .failover_priority = {.items = node, .count = COUNT_OF(node)}};

    switch (distribution) {
    case DISTRIBUTION_ANY:
        return NULL;
    case DISTRIBUTION_SAME_ZONE:
        return &by_zone;
    case DISTRIBUTION_SAME_NODE:
        return &by_node;
    }
    UNREACHABLE("traffic_distribution");
}

const struct locality_setting *cluster_policy_locality(const struct translation *t,
                                                       const struct load_balancer *lb,
                                                       const struct service *service)
{
    static const struct locality_setting MESH_DEFAULT = {0};
    const struct locality_setting *found = lb->locality;

    if (found == NULL && service != NULL)
        found = distribution_setting(service->distribution);
    if (found == NULL)
        found = t->mesh->config.locality != NULL ? t->mesh->config.locality : &MESH_DEFAULT;
    return found->is_off && !found->is_zone_aware ? NULL : found;
}

static uint32_t unsaid(uint32_t limit, enum default_value value)
{
    return limit == 0 ? value : 0;
}

/* What neither the DestinationRule nor the mesh says. */
static uint32_t defaults_of(const struct translation *t, const struct policy_parts *parts,
                            const struct cluster *cluster)
{
    static const struct connection_pool NO_POOL = {0};
    const struct connection_pool *pool = parts->pool != NULL ? parts->pool : &NO_POOL;
    bool has_own_lb = cluster->type == CLUSTER_ORIGINAL_DST ||
                      cluster->type == CLUSTER_DYNAMIC_DNS || parts->lb.simple != SIMPLE_LB_UNSET ||
                      parts->lb.hash != NULL;
    bool has_timeout = pool->connect_timeout_ns != 0 || t->mesh->config.connect_timeout_ns != 0;
    uint32_t out = unsaid(pool->max_connections, DEFAULT_MAX_CONNECTIONS) |
                   unsaid(pool->http1_pending_max, DEFAULT_MAX_PENDING) |
                   unsaid(pool->http2_requests_max, DEFAULT_MAX_REQUESTS) |
                   unsaid(pool->retries_max, DEFAULT_MAX_RETRIES) | unsaid(has_own_lb, DEFAULT_LB) |
                   unsaid(has_timeout, DEFAULT_CONNECT_TIMEOUT);

    if (parts->outlier == NULL || parts->outlier->min_health_percent == 0)
        out |= DEFAULT_PANIC;
    return out;
}

void cluster_policy_apply(struct translation *t, const struct policy_parts *parts,
                          const struct service *service, struct cluster *cluster)
{
    cluster_policy_pool(t, parts->pool, cluster);
    if (parts->retry_budget != NULL) {
        struct retry_budget *budget = ARENA_NEW(t->arena, struct retry_budget);
        *budget = (struct retry_budget){
            .percent = parts->retry_budget->percent,
            .concurrency_min = parts->retry_budget->concurrency_min,
            .interval_ns = parts->retry_budget->interval_ns,
        };
        cluster->retry_budget = budget;
    }
    set_outlier(t, parts->outlier, cluster);
    set_locality(t, &parts->lb, service, cluster);
    set_lb(t, &parts->lb, cluster);
    cluster->defaults |= defaults_of(t, parts, cluster);
}
