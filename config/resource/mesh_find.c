/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh_find.c - what is asked of a mesh; see mesh.h.
 */
#include "config/resource/mesh.h"

#include "config/resource/host.h"
#include "config/resource/mesh_types.h"

static struct str full_name(struct arena *arena, struct str namespace, struct str name)
{
    return arena_format(arena, "%.*s/%.*s", STR_FMT(namespace), STR_FMT(name));
}

uint32_t mesh_service_count(const struct mesh *mesh)
{
    return mesh->services_count;
}

const struct service *mesh_service(const struct mesh *mesh, uint32_t index)
{
    ASSERT(index < mesh->services_count);
    return &mesh->services[index];
}

const struct service *mesh_service_find(const struct mesh *mesh, struct str namespace,
                                        struct str name)
{
    for (uint32_t i = mesh->services_count; i > 0; i--) {
        const struct service *service = &mesh->services[i - 1];
        if (str_eq(service->meta.name, name) && str_eq(service->meta.namespace, namespace) &&
            !service->meta.is_replaced)
            return service;
    }
    return NULL;
}

uint32_t mesh_entry_service_count(const struct mesh *mesh)
{
    return mesh->entry_services_count;
}

const struct service *mesh_entry_service_at(const struct mesh *mesh, uint32_t index)
{
    ASSERT(index < mesh->entry_services_count);
    return &mesh->entry_services[index];
}

const struct service *mesh_entry_service(const struct mesh *mesh, struct str host)
{
    const struct service *found = NULL;

    for (uint32_t i = 0; i < mesh->entry_services_count; i++) {
        const struct service *service = &mesh->entry_services[i];
        if (str_eq(service->host, host))
            return service;
        if (!host_is_within(host, service->host))
            continue;
        if (found == NULL || host_order(service->host, found->host) < 0)
            found = service;
    }
    return found;
}

bool mesh_has_entry_address(const struct mesh *mesh, struct str address)
{
    for (uint32_t i = 0; i < mesh->entry_services_count; i++) {
        const struct service *service = &mesh->entry_services[i];
        if (str_eq(service->cluster_ip, address) || str_eq(service->auto_address, address))
            return true;
        for (uint32_t k = 0; k < service->endpoint_count; k++) {
            if (str_eq(service->endpoints[k].address, address))
                return true;
        }
    }
    return false;
}

uint32_t mesh_pod_count(const struct mesh *mesh)
{
    return mesh->pods_count;
}

const struct pod *mesh_pod(const struct mesh *mesh, uint32_t index)
{
    ASSERT(index < mesh->pods_count);
    return &mesh->pods[index];
}

const struct pod *mesh_pod_find(const struct mesh *mesh, struct str namespace, struct str name)
{
    uint32_t index = map_get(&mesh->pod_index, full_name(mesh->arena, namespace, name));

    return index == MAP_NONE ? NULL : &mesh->pods[index];
}

uint32_t mesh_ignored_count(const struct mesh *mesh)
{
    return mesh->ignored_count;
}

static bool is_called(const struct gateway *gateway, struct str namespace, struct str name)
{
    if (gateway->written_name.len > 0)
        return str_eq(gateway->written_name, name) && str_eq(gateway->written_namespace, namespace);
    return str_eq(gateway->meta.name, name) && str_eq(gateway->meta.namespace, namespace);
}

bool mesh_gateway_selector(const struct mesh *mesh, struct str namespace, struct str name,
                           struct label **labels, uint32_t *label_count)
{
    for (uint32_t i = 0; i < mesh->gateways_count; i++) {
        const struct gateway *gateway = &mesh->gateways[i];
        if (gateway->meta.is_replaced || !is_called(gateway, namespace, name))
            continue;
        *labels = gateway->selector.items;
        *label_count = gateway->selector.count;
        return true;
    }
    return false;
}

uint32_t mesh_gateway_count(const struct mesh *mesh)
{
    return mesh->gateways_count;
}

void mesh_gateway_at(const struct mesh *mesh, uint32_t index, struct str *namespace,
                     struct str *name)
{
    ASSERT(index < mesh->gateways_count);
    const struct gateway *gateway = &mesh->gateways[index];
    bool is_made = gateway->written_name.len > 0;
    *namespace = is_made ? gateway->written_namespace : gateway->meta.namespace;
    *name = is_made ? gateway->written_name : gateway->meta.name;
}

uint32_t mesh_application_ports(const struct mesh *mesh, struct str namespace,
                                const struct label *labels, uint32_t label_count, uint32_t *ports,
                                uint32_t max)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < mesh->sidecars_count; i++) {
        const struct sidecar *sidecar = &mesh->sidecars[i];
        if (sidecar->meta.is_replaced || !str_eq(sidecar->meta.namespace, namespace) ||
            !label_is_subset(sidecar->selector.items, sidecar->selector.count, labels, label_count))
            continue;
        for (uint32_t j = 0; j < sidecar->ingress_count && count < max; j++) {
            struct str address;
            if (sidecar_ingress_place(&sidecar->ingress[j], &address, &ports[count]))
                count++;
        }
    }
    return count;
}

uint32_t mesh_envoy_filter_count(const struct mesh *mesh)
{
    return mesh->envoy_filters_count;
}
