/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/clusters.c - see clusters.h.
 *
 * Source: ISTIO.md 3.3, 3.6, 3.8, 3.9, 4.1, 4.2.
 */
#include "config/translate/clusters.h"

#include "base/ns.h"
#include "config/resource/host.h"
#include "config/resource/service.h"
#include "config/translate/cluster_policy.h"
#include "config/translate/cluster_tls.h"
#include "config/translate/endpoints.h"
#include "config/translate/inbound_clusters.h"
#include "config/translate/policy.h"
#include "config/translate/routes.h"

#define DNS_CACHE_SUFFIX "_dfp_dns_cache"
#define PASSTHROUGH_IDLE_NS (300 * NS_SECOND) /* Istio's own choice for unknown hosts */

/* One port of one service, and the rule that shapes its clusters. */
struct cluster_maker {
    struct translation *t;
    struct cluster_list *list;
    const struct service *service;
    const struct merged_rule *rule; /* or NULL */
    uint32_t port_index;
    bool is_sni_dnat; /* for a gateway that passes TLS on by its greeting */
};

static const struct breaker_limits UNLIMITED = {BREAKER_UNLIMITED, BREAKER_UNLIMITED,
                                                BREAKER_UNLIMITED, BREAKER_UNLIMITED};

/* The word that Istio looks at, without what ports and subsets inherit. */
static bool is_said_passthrough(const struct cluster_maker *maker, const struct subset *subset)
{
    const struct traffic_policy *policy = NULL;

    if (subset != NULL)
        policy = &subset->policy;
    else if (maker->rule != NULL)
        policy = maker->rule->policy;
    return policy != NULL && policy->parts.lb.simple == SIMPLE_LB_PASSTHROUGH;
}

/* A gateway has no address that was dialled. */
static enum cluster_type type_of(const struct translation *t, const struct service *service)
{
    switch (service->resolution) {
    case RESOLUTION_ENDPOINTS:
    case RESOLUTION_NONE:
        return service_is_passthrough(service) && t->proxy->type == PROXY_SIDECAR
                   ? CLUSTER_ORIGINAL_DST
                   : CLUSTER_EDS;
    case RESOLUTION_DNS:
        return CLUSTER_STRICT_DNS;
    case RESOLUTION_DNS_ROUND_ROBIN:
        return CLUSTER_LOGICAL_DNS;
    case RESOLUTION_DYNAMIC_DNS:
        return service_is_looking_up(service) ? CLUSTER_DYNAMIC_DNS : CLUSTER_EDS;
    }
    UNREACHABLE("service_resolution");
}

/* False: Istio makes no cluster of names without any. */
static bool set_endpoints(const struct cluster_maker *maker, const struct subset *subset,
                          const struct policy_parts *parts, struct cluster *cluster)
{
    struct endpoints_question question = {
        .service = maker->service,
        .port_index = maker->port_index,
        .rule = maker->rule,
        .subset = subset,
        .parts = parts,
        .is_mtls_only = maker->is_sni_dnat,
    };
    const struct service_port *port = &maker->service->ports[maker->port_index];

    switch (cluster->type) {
    case CLUSTER_STATIC:
    case CLUSTER_EDS:
        endpoints_translate(maker->t, &question, cluster);
        return true;
    case CLUSTER_STRICT_DNS:
    case CLUSTER_LOGICAL_DNS:
        cluster->dns_refresh_ns = maker->t->mesh->config.dns_refresh_ns;
        cluster->is_dns_ipv6 = context_is_ipv6(maker->t);
        endpoints_translate(maker->t, &question, cluster);
        return cluster->endpoint_count > 0 || cluster->locality_count > 0;
    case CLUSTER_ORIGINAL_DST:
        if (maker->service->entry != NULL && port->target_port != 0)
            cluster->original_port_override = port->target_port;
        return true;
    case CLUSTER_DYNAMIC_DNS:
        cluster->dns_cache = cluster_dns_cache(maker->t, maker->service);
        return true;
    }
    UNREACHABLE("cluster_type");
}

static void add_cluster(const struct cluster_maker *maker, const struct subset *subset)
{
    struct translation *t = maker->t;
    const struct service *service = maker->service;
    const struct service_port *port = &service->ports[maker->port_index];
    struct load_balancer base = policy_parts_of(t, maker->rule, NULL, port->port).lb;
    struct policy_parts parts = policy_parts_of(t, maker->rule, subset, port->port);
    struct str subset_name = subset != NULL ? subset->name : STR_EMPTY;
    struct cluster *cluster =
        ARENA_PUSH(t->arena, maker->list->items, maker->list->count, maker->list->capacity);

    *cluster = (struct cluster){
        .name = (maker->is_sni_dnat ? cluster_sni_name : cluster_name)(t, port->port, subset_name,
                                                                       service->host),
        .type = type_of(t, service),
        .connect_timeout_ns = context_connect_timeout_ns(t),
        .breakers = t->profile->breakers,
        .protocol = cluster_protocol(t, port),
        .has_panic_threshold_zero = !t->profile->has_panic && !service_is_looking_up(service),
        .service_host = context_keep(t, service->host),
        .service_port = port->port,
        .subset = context_keep(t, subset_name),
        .service_name = context_keep(t, service->meta.name),
        .service_namespace = context_keep(t, service->meta.namespace),
        .config = maker->rule != NULL ? policy_path(t, maker->rule) : STR_EMPTY,
        .origin = context_keep_origin(t, port->origin),
    };
    if (service_port_protocol(port) == PORT_SNIFFED)
        cluster->defaults |= DEFAULT_PROTOCOL;
    if (subset != NULL)
        cluster->subset_origin = context_keep_origin(t, subset->origin);
    /* Once the service's own cluster is PASSTHROUGH, so are its subsets; and a
     * subset that says so is, whatever its port says. */
    bool is_inherited = subset != NULL && (base.simple == SIMPLE_LB_PASSTHROUGH ||
                                           is_said_passthrough(maker, subset));
    if (is_inherited || parts.lb.simple == SIMPLE_LB_PASSTHROUGH)
        cluster->type = CLUSTER_ORIGINAL_DST;
    else if (!set_endpoints(maker, subset, &parts, cluster)) {
        maker->list->count--;
        return;
    }
    cluster_policy_h2(t, parts.pool, port_protocol_is_http(context_protocol(t, port)), cluster);
    cluster_policy_apply(t, &parts, service, cluster);
    /* What is TLS already is passed on as it is. */
    if (maker->is_sni_dnat) {
        cluster->has_alpn_override_off = cluster_tls_is_own(parts.tls);
        return;
    }
    struct tls_question question = {
        .service = service,
        .port_index = maker->port_index,
        .parts = &parts,
        .has_selector = maker->rule != NULL && maker->rule->selector != NULL,
        .is_passthrough = is_said_passthrough(maker, subset),
    };
    cluster_tls_apply(t, &question, cluster);
    cluster->is_tunneled = subset == NULL && endpoints_are_tunneled(t, service, maker->port_index);
}

static void add_port(struct translation *t, struct cluster_list *list,
                     const struct service *service, uint32_t port_index, bool is_sni_dnat)
{
    const struct merged_rule *rule = policy_find(t, service->host, service->meta.namespace);
    struct cluster_maker maker = {.t = t,
                                  .list = list,
                                  .service = service,
                                  .rule = rule,
                                  .port_index = port_index,
                                  .is_sni_dnat = is_sni_dnat};

    if (context_protocol(t, &service->ports[port_index]) == PORT_UDP)
        return;
    add_cluster(&maker, NULL);
    for (uint32_t i = 0; rule != NULL && !service_is_looking_up(service) && i < rule->subset_count;
         i++)
        add_cluster(&maker, rule->subsets[i]);
}

static void add_black_hole(struct translation *t, struct cluster_list *list)
{
    struct cluster *cluster = ARENA_PUSH(t->arena, list->items, list->count, list->capacity);

    *cluster = (struct cluster){
        .name = context_keep(t, STR("BlackHoleCluster")),
        .type = CLUSTER_STATIC,
        .lb = LB_ROUND_ROBIN,
        .connect_timeout_ns = context_connect_timeout_ns(t),
        .breakers = UNLIMITED,
        .protocol = UPSTREAM_HTTP1,
    };
}

static struct cluster *add_passthrough(struct translation *t, struct cluster_list *list,
                                       struct str name)
{
    struct cluster *cluster = ARENA_PUSH(t->arena, list->items, list->count, list->capacity);

    *cluster = (struct cluster){
        .name = context_keep(t, name),
        .type = CLUSTER_ORIGINAL_DST,
        .lb = LB_CLUSTER_PROVIDED,
        .connect_timeout_ns = context_connect_timeout_ns(t),
        .breakers = UNLIMITED,
        .protocol = UPSTREAM_AS_DOWNSTREAM,
    };
    cluster_policy_pool(t, t->mesh->config.pool, cluster);
    /* Of the pool only the limits are for HTTP that nobody knows. */
    cluster->idle_timeout_ns = PASSTHROUGH_IDLE_NS;
    cluster->protocol = UPSTREAM_AS_DOWNSTREAM;
    cluster->requests_per_connection_max = 0;
    cluster->max_connection_duration_ns = 0;
    cluster->streams_max = 0;
    cluster->has_h2_keepalive = false;
    return cluster;
}

struct dns_cache cluster_unknown_dns_cache(void)
{
    return (struct dns_cache){.name = STR("allow_any_dfp_dns_cache"), .host_count_max = 1024};
}

/* Plain HTTP to names that nobody knows. */
static void add_dynamic(struct translation *t, struct cluster_list *list)
{
    struct cluster *cluster = add_passthrough(t, list, STR("AllowAnyDynamicDNSCluster"));
    const struct policy_parts parts = {.tls = t->mesh->config.outbound_tls};

    cluster->type = CLUSTER_DYNAMIC_DNS;
    cluster->dns_cache = cluster_unknown_dns_cache();
    /* Without TLS nothing can be known of the name's owner: Envoy wants it said. */
    cluster->has_insecure_options = parts.tls == NULL || parts.tls->mode == CLIENT_TLS_DISABLE;
    if (cluster->has_insecure_options)
        return;
    cluster_tls_apply(t, &(struct tls_question){.parts = &parts}, cluster);
    /* Istio writes the options anew for what it has to say of names. */
    if (cluster->has_auto_sni || cluster->has_auto_san_validation) {
        cluster->protocol = UPSTREAM_HTTP1;
        cluster->idle_timeout_ns = 0;
    }
}

struct dns_cache cluster_dns_cache(struct translation *t, const struct service *service)
{
    if (!service_is_looking_up(service))
        return (struct dns_cache){0};
    struct str name = arena_concat(&t->scratch, service->host, STR(DNS_CACHE_SUFFIX));
    return (struct dns_cache){.name = context_keep(t, name), .is_ipv6 = context_is_ipv6(t)};
}

struct str cluster_name(struct translation *t, uint32_t port, struct str subset, struct str host)
{
    return context_keep(t, arena_format(&t->scratch, "outbound|%u|%.*s|%.*s", port, STR_FMT(subset),
                                        STR_FMT(host)));
}

struct str cluster_sni_name(struct translation *t, uint32_t port, struct str subset,
                            struct str host)
{
    return context_keep(t, arena_format(&t->scratch, "outbound_.%u_.%.*s_.%.*s", port,
                                        STR_FMT(subset), STR_FMT(host)));
}

enum upstream_protocol cluster_protocol(const struct translation *t,
                                        const struct service_port *port)
{
    enum port_protocol protocol = context_protocol(t, port);

    if (port_protocol_is_http2(protocol))
        return UPSTREAM_HTTP2;
    if (port_protocol_is_http(protocol))
        return UPSTREAM_HTTP1;
    if (protocol != PORT_SNIFFED)
        return UPSTREAM_TCP;
    /* A gateway has no downstream protocol to follow: it speaks HTTP/1.1. */
    return t->proxy->type == PROXY_SIDECAR ? UPSTREAM_AS_DOWNSTREAM : UPSTREAM_HTTP1;
}

/* The same clusters again for a gateway's AUTO_PASSTHROUGH. */
static void add_sni_dnat(struct translation *t, struct cluster_list *list)
{
    for (uint32_t i = 0; i < t->service_count; i++) {
        const struct service *service = t->services[i];
        for (uint32_t k = 0; !service_is_external(service) && k < service->port_count; k++)
            add_port(t, list, service, k, true);
    }
}

void clusters_translate(struct translation *t)
{
    struct cluster_list list = {0};

    for (uint32_t i = 0; i < t->service_count; i++) {
        for (uint32_t k = 0; k < t->services[i]->port_count; k++)
            add_port(t, &list, t->services[i], k, false);
    }
    add_black_hole(t, &list);
    if (t->proxy->type == PROXY_SIDECAR) {
        (void)add_passthrough(t, &list, STR("PassthroughCluster"));
        if (routes_is_looking_names_up(t))
            add_dynamic(t, &list);
        inbound_clusters_add(t, &list);
        (void)add_passthrough(t, &list, STR("InboundPassthroughCluster"));
    }
    if (t->has_auto_passthrough)
        add_sni_dnat(t, &list);
    t->snapshot->clusters = list.items;
    t->snapshot->cluster_count = list.count;
    snapshot_index(t->snapshot);
}
