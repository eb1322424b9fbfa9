/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/inbound_clusters.c - see inbound_clusters.h.
 */
#include "config/translate/inbound_clusters.h"

#include "config/resource/service.h"
#include "config/translate/cluster_policy.h"
#include "config/translate/policy.h"
#include "config/translate/service_targets.h"

#define LOCALHOST STR("127.0.0.1")

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

/* Of a policy the server's side takes the limits, so that it has room for what
 * its callers may send. */
static void set_policy(struct translation *t, const struct service_target *target,
                       struct cluster *cluster)
{
    const struct service *service = target->service;
    const struct service_port *port = &service->ports[target->port_index];
    const struct merged_rule *rule = policy_find_inbound(t, service->host, service->meta.namespace);

    if (rule != NULL && rule->policy != NULL)
        cluster->config = policy_path(t, rule);
    cluster_policy_pool(t, policy_parts_of(t, rule, NULL, port->port).pool, cluster);
}

static void add_target(struct translation *t, struct cluster_list *list,
                       const struct service_target *target)
{
    const struct service *service = target->service;
    const struct service_port *port = &service->ports[target->port_index];
    struct cluster *cluster = ARENA_PUSH(t->arena, list->items, list->count, list->capacity);

    *cluster = (struct cluster){
        .name = context_keep(t, arena_format(&t->scratch, "inbound|%u||", target->target_port)),
        .type = CLUSTER_ORIGINAL_DST,
        .is_inbound = true,
        .lb = LB_CLUSTER_PROVIDED,
        .connect_timeout_ns = t->mesh->config.connect_timeout_ns,
        .breakers = t->profile->breakers,
        .protocol = cluster_protocol(t, port),
        .service_host = context_keep(t, service->host),
        .service_port = port->port,
        .service_name = context_keep(t, service->meta.name),
        .service_namespace = context_keep(t, service->meta.namespace),
        .origin = context_keep_origin(t, port->origin),
    };
    if (t->mesh->config.is_inbound_to_localhost) {
        cluster->type = CLUSTER_STATIC;
        cluster->lb = LB_ROUND_ROBIN;
        set_endpoint(t, LOCALHOST, target->target_port, cluster);
    }
    set_policy(t, target, cluster);
}

void inbound_clusters_add(struct translation *t, struct cluster_list *list)
{
    struct service_targets targets = service_targets_find(t);

    for (uint32_t i = 0; i < targets.count; i++) {
        if (!is_known(&targets, i, targets.items[i].target_port))
            add_target(t, list, &targets.items[i]);
    }
}
