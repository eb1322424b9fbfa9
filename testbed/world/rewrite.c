/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/rewrite.c - copies the nodes on the way to an address, and no
 * others: spec, spec.endpoints, the endpoint.
 */
#include "testbed/world/rewrite.h"

#include <string.h>

#include "config/resource/service.h"
#include "testbed/world/manifest.h"

static struct node *copy_of(const struct node *node, struct arena *arena)
{
    struct node *copy = ARENA_NEW(arena, struct node);
    *copy = *node;
    if (node->kind == NODE_LIST && node->count > 0) {
        copy->items = ARENA_ARRAY(arena, struct node *, node->count);
        memcpy(copy->items, node->items, node->count * sizeof(*node->items));
    }
    if (node->kind == NODE_MAP && node->count > 0) {
        copy->entries = ARENA_ARRAY(arena, struct node_entry, node->count);
        memcpy(copy->entries, node->entries, node->count * sizeof(*node->entries));
    }
    return copy;
}

/* Replaces map.key by a copy that may be changed; NULL: it is not of `kind`. */
static struct node *open_at(struct node *map, struct str key, enum node_kind kind,
                            struct arena *arena)
{
    for (uint32_t i = 0; map->kind == NODE_MAP && i < map->count; i++) {
        if (str_eq(map->entries[i].key, key) && map->entries[i].value->kind == kind)
            return map->entries[i].value = copy_of(map->entries[i].value, arena);
    }
    return NULL;
}

static void learn_ports(struct world_pod *pod, const struct node *entry_spec,
                        const struct node *endpoint, struct arena *arena)
{
    const struct node *own = node_get(endpoint, STR("ports"));
    if (own != NULL && own->kind == NODE_MAP && own->count > 0) {
        for (uint32_t i = 0; i < own->count; i++) {
            if (own->entries[i].value->kind == NODE_INT)
                world_pod_listens(pod, (uint32_t)own->entries[i].value->integer, arena);
        }
        return;
    }
    const struct node *ports = node_get(entry_spec, STR("ports"));
    for (uint32_t i = 0; ports != NULL && ports->kind == NODE_LIST && i < ports->count; i++) {
        uint32_t target = manifest_number(ports->items[i], STR("targetPort"));
        uint32_t number = manifest_number(ports->items[i], STR("number"));
        pod->is_grpc |=
            str_has_prefix_ci(manifest_text(ports->items[i], STR("protocol")), STR("GRPC"));
        world_pod_listens(pod, target != 0 ? target : number, arena);
    }
}

static bool names_pods(const struct node *object, const struct world *world)
{
    const struct node *spec = node_get(object, STR("spec"));
    const struct node *endpoints = node_get(spec, STR("endpoints"));
    if (!str_eq(manifest_kind(object), STR("ServiceEntry")) || endpoints == NULL ||
        endpoints->kind != NODE_LIST)
        return false;
    for (uint32_t i = 0; i < endpoints->count; i++) {
        struct str address = manifest_text(endpoints->items[i], STR("address"));
        if (world_pod_find(world, address) != UINT32_MAX)
            return true;
    }
    return false;
}

static const struct node *rewritten(const struct node *object, struct world *world,
                                    struct arena *arena)
{
    struct node *copy = copy_of(object, arena);
    struct node *spec = open_at(copy, STR("spec"), NODE_MAP, arena);
    ASSERT(spec != NULL);
    struct node *endpoints = open_at(spec, STR("endpoints"), NODE_LIST, arena);
    ASSERT(endpoints != NULL);
    for (uint32_t i = 0; i < endpoints->count; i++) {
        struct str name = manifest_text(endpoints->items[i], STR("address"));
        uint32_t pod = world_pod_find(world, name);
        if (pod == UINT32_MAX)
            continue;
        endpoints->items[i] = copy_of(endpoints->items[i], arena);
        struct node *address = open_at(endpoints->items[i], STR("address"), NODE_STRING, arena);
        ASSERT(address != NULL);
        address->text = world->pods[pod].address;
        learn_ports(&world->pods[pod], spec, endpoints->items[i], arena);
    }
    return copy;
}

const struct node *rewrite_pod_addresses(const struct node *object, struct world *world,
                                         struct arena *arena)
{
    return names_pods(object, world) ? rewritten(object, world, arena) : object;
}

void world_pod_listens(struct world_pod *pod, uint32_t port, struct arena *arena)
{
    for (uint32_t i = 0; i < pod->port_count; i++) {
        if (pod->ports[i] == port)
            return;
    }
    pod->ports =
        arena_grow(arena, pod->ports, pod->port_count, pod->port_count + 1, sizeof(*pod->ports));
    pod->ports[pod->port_count++] = port;
}

/* A port that is called http2 may be wrong. */
void world_pod_serves(struct world_pod *pod, const struct service_port *port, uint32_t number,
                      struct arena *arena)
{
    enum port_protocol protocol = service_port_protocol(port);
    pod->is_grpc |= protocol == PORT_GRPC || protocol == PORT_GRPC_WEB;
    world_pod_listens(pod, number != 0 ? number : port->port, arena);
}
