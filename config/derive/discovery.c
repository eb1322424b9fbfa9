/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/discovery.c - see discovery.h.
 *
 * Source: pkg/kube/namespace/filter.go: any of the selectors will do, and every object
 * of a namespace that none fits is unknown to istiod.
 */
#include "config/derive/discovery.h"

#include "config/derive/gateway_api.h"

static bool is_discovered(const struct mesh *mesh, struct str namespace)
{
    struct diag_list nowhere;
    struct reading reading = {.arena = mesh->arena, .diags = &nowhere};
    struct view list = view_of(&reading, mesh->config.discovery_selectors);

    diag_list_init(&nowhere, mesh->arena);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view selector = view_item(&list, i);
        if (api_namespace_is_selected(mesh, namespace, &selector))
            return true;
    }
    return false;
}

/* A namespace is asked about once. */
struct discovery {
    const struct mesh *mesh;
    struct map known; /* namespace -> is it discovered */
};

static void filter(struct discovery *discovery, struct object_meta *meta)
{
    uint32_t known = map_get(&discovery->known, meta->namespace);

    if (known == MAP_NONE) {
        known = is_discovered(discovery->mesh, meta->namespace);
        (void)map_set(&discovery->known, meta->namespace, known);
    }
    meta->is_replaced |= known == 0;
}

#define FILTER(discovery, mesh, list)                      \
    for (uint32_t i_ = 0; i_ < (mesh)->list##_count; i_++) \
    filter((discovery), &(mesh)->list[i_].meta)

/* These live in no namespace. */
static bool is_of_cluster(const struct entrance *entrance)
{
    return entrance->kind == ENTRANCE_GATEWAY_CLASS || entrance->kind == ENTRANCE_INGRESS_CLASS;
}

void discovery_filter(struct mesh *mesh)
{
    const struct node *selectors = mesh->config.discovery_selectors;
    struct discovery discovery = {.mesh = mesh};

    if (selectors == NULL || selectors->kind != NODE_LIST || selectors->count == 0)
        return;
    map_init(&discovery.known, mesh->arena);
    FILTER(&discovery, mesh, virtual_services);
    FILTER(&discovery, mesh, destination_rules);
    FILTER(&discovery, mesh, gateways);
    FILTER(&discovery, mesh, peer_authentications);
    FILTER(&discovery, mesh, authentication_policies);
    FILTER(&discovery, mesh, request_authentications);
    FILTER(&discovery, mesh, authorization_policies);
    FILTER(&discovery, mesh, services);
    FILTER(&discovery, mesh, service_entries);
    FILTER(&discovery, mesh, workload_entries);
    FILTER(&discovery, mesh, sidecars);
    FILTER(&discovery, mesh, envoy_filters);
    FILTER(&discovery, mesh, proxy_configs);
    FILTER(&discovery, mesh, workloads);
    FILTER(&discovery, mesh, slices);
    for (uint32_t i = 0; i < mesh->pods_count; i++) {
        if (!mesh->pods[i].is_added)
            filter(&discovery, &mesh->pods[i].meta);
    }
    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        if (!is_of_cluster(&mesh->entrances[i]))
            filter(&discovery, &mesh->entrances[i].meta);
    }
}
