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

/* --- names that are looked up ------------------------------------------------- */

static bool is_looked_up(const struct node *spec)
{
    struct str resolution = manifest_text(spec, STR("resolution"));
    return str_eq(resolution, STR("DNS")) || str_eq(resolution, STR("DNS_ROUND_ROBIN"));
}

/* Is this pod of a workload that stands in for the name? */
static bool is_standing_in(const struct world *world, uint32_t pod, struct str name)
{
    const struct world_spec *spec = &world->spec;
    for (uint32_t i = 0; i < spec->workload_count; i++) {
        if (str_eq(spec->workloads[i].name, world->pods[pod].workload) &&
            str_eq_ci(spec->workloads[i].service, name))
            return true;
    }
    return false;
}

static uint32_t standin_of(const struct world *world, struct str name)
{
    for (uint32_t i = 0; i < world->pod_count; i++) {
        if (is_standing_in(world, i, name))
            return i;
    }
    return UINT32_MAX;
}

/* What the endpoint's address leads to: a pod's name, or one that is looked up. */
static uint32_t pod_meant(const struct world *world, const struct node *spec,
                          const struct node *endpoint)
{
    struct str address = manifest_text(endpoint, STR("address"));
    uint32_t pod = world_pod_find(world, address);
    return pod != UINT32_MAX || !is_looked_up(spec) ? pod : standin_of(world, address);
}

static void push_entry(struct node *map, struct str key, struct node *value, struct arena *arena)
{
    map->entries =
        arena_grow(arena, map->entries, map->count, map->count + 1, sizeof(*map->entries));
    map->entries[map->count++] =
        (struct node_entry){.key = key, .key_origin = map->origin, .value = value};
}

static struct node *new_node(const struct node *at, enum node_kind kind, struct arena *arena)
{
    struct node *out = ARENA_NEW(arena, struct node);
    *out = (struct node){.kind = kind, .origin = at->origin};
    return out;
}

/* The first of its hosts that somebody stands in for; empty: none, or it says by itself what
 * its name leads to. */
static struct str standin_name(const struct node *spec, const struct world *world)
{
    const struct node *hosts = node_get(spec, STR("hosts"));
    const struct node *endpoints = node_get(spec, STR("endpoints"));
    if (!is_looked_up(spec) || (endpoints != NULL && endpoints->count > 0) || hosts == NULL ||
        hosts->kind != NODE_LIST)
        return STR_EMPTY;
    for (uint32_t i = 0; i < hosts->count; i++) {
        if (hosts->items[i]->kind == NODE_STRING &&
            standin_of(world, hosts->items[i]->text) != UINT32_MAX)
            return hosts->items[i]->text;
    }
    return STR_EMPTY;
}

/* One name for each pod of the stand-in; of DNS_ROUND_ROBIN the first only. */
static void add_standins(struct node *spec, struct str name, const struct world *world,
                         struct arena *arena)
{
    struct node *list = new_node(spec, NODE_LIST, arena);
    bool is_one = !str_eq(manifest_text(spec, STR("resolution")), STR("DNS"));
    for (uint32_t i = 0; i < world->pod_count && !(is_one && list->count > 0); i++) {
        if (!is_standing_in(world, i, name))
            continue;
        struct node *endpoint = new_node(spec, NODE_MAP, arena);
        struct node *address = new_node(spec, NODE_STRING, arena);
        address->text = world->pods[i].name;
        push_entry(endpoint, STR("address"), address, arena);
        list->items =
            arena_grow(arena, list->items, list->count, list->count + 1, sizeof(struct node *));
        list->items[list->count++] = endpoint;
    }
    push_entry(spec, STR("endpoints"), list, arena);
}

bool rewrite_is_outside(const struct manifests *manifests, struct str host)
{
    for (uint32_t i = 0; host.len > 0 && i < manifests->count; i++) {
        const struct node *spec = node_get(manifests->items[i], STR("spec"));
        const struct node *hosts = node_get(spec, STR("hosts"));
        if (!str_eq(manifest_kind(manifests->items[i]), STR("ServiceEntry")) || hosts == NULL ||
            hosts->kind != NODE_LIST || !is_looked_up(spec) ||
            str_eq(manifest_text(spec, STR("location")), STR("MESH_INTERNAL")))
            continue;
        for (uint32_t k = 0; k < hosts->count; k++) {
            if (hosts->items[k]->kind == NODE_STRING && str_eq_ci(hosts->items[k]->text, host))
                return true;
        }
    }
    return false;
}

/* --- the object ----------------------------------------------------------------- */

static bool names_pods(const struct node *object, const struct world *world)
{
    const struct node *spec = node_get(object, STR("spec"));
    const struct node *endpoints = node_get(spec, STR("endpoints"));
    if (!str_eq(manifest_kind(object), STR("ServiceEntry")) || endpoints == NULL ||
        endpoints->kind != NODE_LIST)
        return false;
    for (uint32_t i = 0; i < endpoints->count; i++) {
        if (pod_meant(world, spec, endpoints->items[i]) != UINT32_MAX)
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
    struct str name = standin_name(spec, world);
    if (name.len > 0)
        add_standins(spec, name, world, arena);
    struct node *endpoints = open_at(spec, STR("endpoints"), NODE_LIST, arena);
    ASSERT(endpoints != NULL);
    for (uint32_t i = 0; i < endpoints->count; i++) {
        uint32_t pod = pod_meant(world, spec, endpoints->items[i]);
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
    bool is_entry = str_eq(manifest_kind(object), STR("ServiceEntry"));
    bool is_standin = is_entry && standin_name(node_get(object, STR("spec")), world).len > 0;
    return is_standin || names_pods(object, world) ? rewritten(object, world, arena) : object;
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
