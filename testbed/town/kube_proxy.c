/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/kube_proxy.c - see kube_proxy.h.
 */
#include "testbed/town/kube_proxy.h"

static bool find_endpoint(const struct address_map *map, struct str address, uint32_t port,
                          struct sockaddr_storage *place)
{
    if (address_map_find(map, address, port, 0, place))
        return true;
    return address_parse(address, port, place) && address_is_loopback(place);
}

static void add_port(struct address_map *map, const struct service *service, uint32_t index)
{
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &service->endpoints[i];
        struct sockaddr_storage place;
        char text[ADDRESS_TEXT_BYTES_MAX];
        uint32_t port = endpoint->ports[index];
        if (!endpoint->is_ready || port == 0 ||
            !find_endpoint(map, endpoint->address, port, &place))
            continue;
        struct str address = address_text(&place, text, &port);
        (void)address_map_add(map, service->cluster_ip, service->ports[index].port, address, port);
    }
}

void kube_proxy_fill(struct address_map *map, const struct world *world)
{
    for (uint32_t i = 0; i < mesh_service_count(world->mesh); i++) {
        const struct service *service = mesh_service(world->mesh, i);
        struct sockaddr_storage place;
        /* Headless: there is no such address. */
        if (!address_parse(service->cluster_ip, 0, &place))
            continue;
        for (uint32_t j = 0; j < service->port_count; j++)
            add_port(map, service, j);
    }
}
