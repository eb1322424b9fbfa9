/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/world_pods.c - see world_maker.h.
 */
#include "testbed/world/world_maker.h"

#include "base/check.h"
#include "testbed/world/rewrite.h"

#define PORTS_MAX 64u /* of one pod, beside its services' */

static struct str pod_address(struct maker *maker, uint32_t workload_index, uint32_t pod_index,
                              const struct world_pod *pod)
{
    bool is_short = !maker->world->spec.has_stable_addresses && workload_index < BYTE_MAX &&
                    pod_index < BYTE_MAX;
    if (is_short)
        return arena_format(maker->arena, "127.1.%u.%u", workload_index + 1, pod_index + 1);
    struct str key = arena_format(maker->arena, "pod/%.*s/%.*s", STR_FMT(pod->namespace),
                                  STR_FMT(pod->kube_name));
    return mesh_address(maker->world->mesh, 128, key);
}

static void index_pod(struct world *world, uint32_t pod)
{
    (void)map_set(&world->pod_by_address, world->pods[pod].address, pod);
    (void)map_set(&world->pod_by_name, world->pods[pod].name, pod);
}

static void make_pod(struct maker *maker, uint32_t workload_index, uint32_t index)
{
    struct world *world = maker->world;
    const struct roster_entry *entry = &maker->roster.items[workload_index];
    struct world_pod *pod = &world->pods[world->pod_count];
    pod->name = arena_format(maker->arena, "%.*s/%u", STR_FMT(entry->name), index);
    pod->kube_name = arena_format(maker->arena, "%.*s-%u", STR_FMT(entry->name), index);
    pod->workload = entry->name;
    pod->namespace = entry->namespace;
    pod->workload_index = workload_index;
    pod->index = index;
    pod->has_sidecar = entry->has_sidecar;
    pod->behaviour = roster_behaviour(entry, index);
    pod->address = pod_address(maker, workload_index, index, pod);
    for (uint32_t i = 0; entry->spec != NULL && i < entry->spec->port_count; i++)
        world_pod_listens(pod, entry->spec->ports[i], maker->arena);
    index_pod(world, world->pod_count++);
}

void world_make_pods(struct maker *maker)
{
    struct world *world = maker->world;
    const struct roster *roster = &maker->roster;
    uint32_t count = 0;
    for (uint32_t i = 0; i < roster->count; i++)
        count += roster->items[i].replica_count;
    world->pods = ARENA_ARRAY(maker->arena, struct world_pod, count);
    world->script_at = ARENA_ARRAY(maker->arena, uint32_t, roster->count);
    for (uint32_t i = 0; i < roster->count; i++) {
        for (uint32_t j = 0; j < roster->items[i].replica_count; j++)
            make_pod(maker, i, j);
    }
}

/* What the pod must listen on for this service; a name that no container knows
 * stands for the service's own number. */
static void serve_port(struct maker *maker, struct world_pod *pod, struct pod *resource,
                       const struct service_port *port)
{
    uint32_t number = port->target_port;
    if (port->target_port_name.len > 0) {
        const struct node *object = maker->roster.items[pod->workload_index].object;
        uint32_t named = manifest_container_port(object, port->target_port_name);
        number = named != 0 ? named : port->port;
        resource->ports = arena_grow(maker->arena, resource->ports, resource->port_count,
                                     resource->port_count + 1, sizeof(*resource->ports));
        resource->ports[resource->port_count++] =
            (struct container_port){port->target_port_name, port->protocol, number};
    }
    world_pod_serves(pod, port, number, maker->arena);
}

static void serve(struct maker *maker, struct world_pod *pod, struct pod *resource)
{
    const struct mesh *mesh = maker->world->mesh;
    for (uint32_t i = 0; i < mesh_service_count(mesh); i++) {
        const struct service *service = mesh_service(mesh, i);
        if (!roster_is_selected(service, pod->namespace, resource->meta.labels,
                                resource->meta.label_count))
            continue;
        for (uint32_t j = 0; j < service->port_count; j++)
            serve_port(maker, pod, resource, &service->ports[j]);
    }
}

/* Where a Sidecar's ingress looks for the application, there it is. */
static void listen_behind(struct maker *maker, struct world_pod *pod, const struct pod *resource)
{
    uint32_t ports[PORTS_MAX];
    uint32_t count =
        mesh_application_ports(maker->world->mesh, pod->namespace, resource->meta.labels,
                               resource->meta.label_count, ports, COUNT_OF(ports));
    for (uint32_t i = 0; i < count; i++)
        world_pod_listens(pod, ports[i], maker->arena);
}

/* Pods without labels are nobody's for Kubernetes, absent ones may come
 * later; all have an address. */
void world_declare_pod(struct maker *maker, struct world_pod *pod)
{
    const struct roster_entry *entry = &maker->roster.items[pod->workload_index];
    struct pod scratch = {.meta = {.labels = entry->labels, .label_count = entry->label_count}};
    struct pod *resource = &scratch;
    if (entry->label_count > 0) {
        resource = mesh_add_pod(maker->world->mesh, pod->namespace, pod->kube_name);
        resource->meta.labels = entry->labels;
        resource->meta.label_count = entry->label_count;
        resource->workload = pod->workload;
        resource->service_account = entry->service_account;
        resource->address = pod->address;
        resource->is_ready = true;
        resource->is_absent = pod->may_come = pod->behaviour.is_absent;
        resource->is_injected = pod->has_sidecar;
        if (entry->spec != NULL)
            resource->meta.origin = entry->spec->origin;
        else if (entry->object != NULL)
            resource->meta.origin = entry->object->origin;
    }
    serve(maker, pod, resource);
    uint32_t ports[PORTS_MAX];
    uint32_t count = manifest_container_ports(entry->object, ports, COUNT_OF(ports));
    for (uint32_t i = 0; i < count; i++)
        world_pod_listens(pod, ports[i], maker->arena);
    listen_behind(maker, pod, resource);
}

/* Pods that manifests declare as such; they answer 200. */
void world_adopt_bare_pods(struct maker *maker)
{
    struct world *world = maker->world;
    uint32_t ours_count = world->pod_count;
    world->pods = arena_grow(maker->arena, world->pods, ours_count,
                             ours_count + mesh_pod_count(world->mesh), sizeof(*world->pods));
    for (uint32_t i = 0; i < mesh_pod_count(world->mesh); i++) {
        const struct pod *resource = mesh_pod(world->mesh, i);
        if (map_get(&world->pod_by_address, resource->address) != MAP_NONE)
            continue;
        struct world_pod *pod = &world->pods[world->pod_count];
        *pod = (struct world_pod){
            .name = arena_format(maker->arena, "%.*s/0", STR_FMT(resource->meta.name)),
            .kube_name = resource->meta.name,
            .workload = resource->workload,
            .namespace = resource->meta.namespace,
            .workload_index = UINT32_MAX,
            .address = resource->address,
            .has_sidecar = resource->is_injected,
            .behaviour = behaviour_default(),
        };
        for (uint32_t j = 0; j < resource->port_count; j++)
            world_pod_listens(pod, resource->ports[j].port, maker->arena);
        for (uint32_t j = 0; j < mesh_service_count(world->mesh); j++) {
            const struct service *service = mesh_service(world->mesh, j);
            bool is_ours = roster_is_selected(service, pod->namespace, resource->meta.labels,
                                              resource->meta.label_count);
            for (uint32_t k = 0; is_ours && k < service->port_count; k++) {
                uint32_t target = service->ports[k].target_port;
                world_pod_serves(pod, &service->ports[k], target, maker->arena);
            }
        }
        listen_behind(maker, pod, resource);
        index_pod(world, world->pod_count++);
    }
}
