/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/inbound_clusters.c - see inbound_clusters.h.
 */
#include "config/translate/inbound_clusters.h"

#include "config/resource/service.h"
#include "config/resource/sidecar.h"
#include "config/translate/cluster_policy.h"
#include "config/translate/policy.h"
#include "config/translate/service_targets.h"

/* The first service that has a port decides about it. */
static bool is_known(const struct service_targets *targets, uint32_t count, uint32_t port)
{
    for (uint32_t i = 0; i < count; i++) {
        if (targets->items[i].target_port == port)
            return true;
    }
    return false;
}

static void set_endpoint(struct translation *t, struct str address, uint32_t port,
                         struct cluster *cluster)
{
    struct endpoint *endpoint = ARENA_NEW(t->arena, struct endpoint);

    *endpoint = (struct endpoint){
        .address = context_keep(t, address), .port = port, .weight = 1, .origin = cluster->origin};
    cluster->endpoints = endpoint;
    cluster->endpoint_count = 1;
}

/* The Sidecar's word for a port, or for all, outweighs the DestinationRule's. */
static const struct connection_pool *own_pool(const struct translation *t, uint32_t port)
{
    if (t->sidecar == NULL)
        return NULL;
    for (uint32_t i = 0; i < t->sidecar->ingress_count; i++) {
        const struct sidecar_ingress *ingress = &t->sidecar->ingress[i];
        if (ingress->port == port && ingress->pool != NULL)
            return ingress->pool;
    }
    return t->sidecar->pool;
}

/* Of a policy the server's side takes the limits, so that it has room for what
 * its callers may send. */
static void set_policy(struct translation *t, const struct service *service, uint32_t service_port,
                       uint32_t own_port, struct cluster *cluster)
{
    const struct merged_rule *rule = policy_find_inbound(t, service->host);
    const struct connection_pool *pool = own_pool(t, own_port);

    if (rule != NULL && rule->policy != NULL)
        cluster->config = policy_path(t, rule);
    if (pool == NULL)
        pool = policy_parts_of(t, rule, NULL, service_port).pool;
    cluster_policy_pool(t, pool, cluster);
}

/* A service outside of the mesh is not named, even where its endpoint is here. */
static void set_service(struct translation *t, const struct service *service,
                        struct cluster *cluster)
{
    if (service_is_external(service))
        return;
    cluster->service_host = context_keep(t, service->host);
    cluster->service_name = context_keep(t, service->meta.name);
    cluster->service_namespace = context_keep(t, service->meta.namespace);
}

static bool is_named(const struct cluster *cluster, const struct service_identity *more,
                     struct str host)
{
    bool is_there = str_eq(cluster->service_host, host);

    for (uint32_t i = 0; i < cluster->more_service_count; i++)
        is_there |= str_eq(more[i].host, host);
    return is_there;
}

/* Who else leads to the workload's port from the same port as its service. */
static void set_more_services(struct translation *t, const struct service_targets *targets,
                              const struct service_target *first, struct cluster *cluster)
{
    struct service_identity *more = ARENA_ARRAY(t->arena, struct service_identity, targets->count);

    for (uint32_t i = 0; i < targets->count; i++) {
        const struct service_target *target = &targets->items[i];
        const struct service *service = target->service;
        if (target->target_port != first->target_port ||
            service->ports[target->port_index].port != cluster->service_port ||
            is_named(cluster, more, service->host))
            continue;
        more[cluster->more_service_count++] = (struct service_identity){
            .host = context_keep(t, service->host),
            .name = context_keep(t, service->meta.name),
            .namespace = context_keep(t, service->meta.namespace),
        };
    }
    cluster->more_services = more;
}

static void add_target(struct translation *t, struct cluster_list *list,
                       const struct service_targets *targets, const struct service_target *target)
{
    const struct service *service = target->service;
    const struct service_port *port = &service->ports[target->port_index];
    struct cluster *cluster = ARENA_PUSH(t->arena, list->items, list->count, list->capacity);

    *cluster = (struct cluster){
        .name = context_keep(t, arena_format(&t->scratch, "inbound|%u||", target->target_port)),
        .type = CLUSTER_ORIGINAL_DST,
        .is_inbound = true,
        .lb = LB_CLUSTER_PROVIDED,
        .connect_timeout_ns = context_connect_timeout_ns(t),
        .breakers = t->profile->breakers,
        .protocol = cluster_protocol(t, port),
        .service_port = port->port,
        .origin = context_keep_origin(t, port->origin),
    };
    set_service(t, service, cluster);
    if (t->mesh->config.is_inbound_to_localhost) {
        cluster->type = CLUSTER_STATIC;
        cluster->lb = LB_ROUND_ROBIN;
        set_endpoint(t, context_localhost(t), target->target_port, cluster);
    }
    set_more_services(t, targets, target, cluster);
    set_policy(t, service, port->port, target->target_port, cluster);
}

/* 0.0.0.0 is the workload's own address; without an endpoint the address that
 * was dialled is kept. False: the endpoint is no address. */
static bool set_ingress_endpoint(struct translation *t, const struct sidecar_ingress *ingress,
                                 struct cluster *cluster)
{
    struct str text = ingress->default_endpoint, address;
    uint32_t port;

    if (text.len == 0)
        return true;
    cluster->type = CLUSTER_STATIC;
    cluster->lb = LB_ROUND_ROBIN;
    if (str_has_prefix(text, STR("unix://"))) {
        set_endpoint(t, text, 0, cluster);
        return true;
    }
    if (!sidecar_ingress_place(ingress, &address, &port))
        return false;
    /* The workload's own address if it has one of the family, else that family's own. */
    if (str_eq(address, STR("0.0.0.0")))
        address = context_is_ipv6(t) ? STR("127.0.0.1") : t->proxy->address;
    else if (str_eq(address, STR("[::]")))
        address = context_is_ipv6(t) ? t->proxy->address : STR("::1");
    else
        address = context_localhost(t);
    set_endpoint(t, address, port, cluster);
    return true;
}

static const struct service *service_at(const struct service_targets *targets, uint32_t port)
{
    for (uint32_t i = 0; i < targets->count; i++) {
        if (targets->items[i].target_port == port)
            return targets->items[i].service;
    }
    return NULL;
}

static void add_ingress(struct translation *t, struct cluster_list *list,
                        const struct service_targets *targets,
                        const struct sidecar_ingress *ingress)
{
    const struct service *service = service_at(targets, ingress->port);
    struct service nobody = {.meta = t->sidecar->meta};
    struct service_port port = {
        .port = ingress->port, .app_protocol = ingress->protocol, .is_protocol_said = true};
    struct cluster made = {
        .name = context_keep(t, arena_format(&t->scratch, "inbound|%u||", ingress->port)),
        .type = CLUSTER_ORIGINAL_DST,
        .is_inbound = true,
        .lb = LB_CLUSTER_PROVIDED,
        .connect_timeout_ns = context_connect_timeout_ns(t),
        .breakers = t->profile->breakers,
        .protocol = cluster_protocol(t, &port),
        .service_port = ingress->port,
        .origin = context_keep_origin(t, ingress->origin),
    };

    /* A port that no service names is called after the Sidecar. */
    nobody.host = arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(nobody.meta.name),
                               STR_FMT(nobody.meta.namespace));
    if (service == NULL) {
        service = &nobody;
    } else {
        set_service(t, service, &made);
    }
    if (!set_ingress_endpoint(t, ingress, &made))
        return;
    set_policy(t, service, ingress->port, ingress->port, &made);
    *ARENA_PUSH(t->arena, list->items, list->count, list->capacity) = made;
}

void inbound_clusters_add(struct translation *t, struct cluster_list *list)
{
    struct service_targets targets = service_targets_find(t);

    if (t->sidecar != NULL && t->sidecar->ingress_count > 0) {
        for (uint32_t i = 0; i < t->sidecar->ingress_count; i++)
            add_ingress(t, list, &targets, &t->sidecar->ingress[i]);
        return;
    }
    for (uint32_t i = 0; i < targets.count; i++) {
        if (!is_known(&targets, i, targets.items[i].target_port))
            add_target(t, list, &targets, &targets.items[i]);
    }
}
