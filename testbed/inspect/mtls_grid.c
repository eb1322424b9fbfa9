/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls_grid.c - see mtls_grid.h.
 */
#include "testbed/inspect/mtls_grid.h"

#include "base/check.h"
#include "testbed/inspect/asker.h"

struct grid_maker {
    struct mtls_grid *grid;
    struct arena *arena;
    uint32_t client;
    const struct service *service;
    uint32_t port_index;
    const struct cluster *cluster; /* NULL: the client has no proxy */
};

/* --- pods that fare alike ----------------------------------------------------- */

static bool has_pod(const struct mtls_cell *cell, uint32_t pod)
{
    for (uint32_t i = 0; i < cell->pod_count; i++) {
        if (cell->pods[i] == pod)
            return true;
    }
    return false;
}

static void add_pod(const struct grid_maker *maker, struct mtls_cell *cell, uint32_t pod)
{
    const struct world *world = maker->grid->world;
    struct str workload = world->pods[pod].workload;
    bool is_new = true;
    if (has_pod(cell, pod))
        return;
    for (uint32_t i = 0; i < cell->pod_count; i++)
        is_new &= !str_eq(world->pods[cell->pods[i]].workload, workload);
    if (is_new)
        cell->workloads = cell->pod_count == 0
                              ? workload
                              : arena_format(maker->arena, "%.*s, %.*s", STR_FMT(cell->workloads),
                                             STR_FMT(workload));
    uint32_t *pods = ARENA_ARRAY(maker->arena, uint32_t, cell->pod_count + 1);
    for (uint32_t i = 0; i < cell->pod_count; i++)
        pods[i] = cell->pods[i];
    pods[cell->pod_count++] = pod;
    cell->pods = pods;
}

static struct mtls_cell *new_cell(const struct grid_maker *maker, struct mtls_meeting meeting)
{
    struct mtls_grid *grid = maker->grid;
    struct mtls_cell *cell = ARENA_PUSH(maker->arena, grid->cells, grid->count, grid->capacity);
    *cell =
        (struct mtls_cell){.client = maker->client,
                           .service = maker->service,
                           .port = maker->service->ports[maker->port_index].port,
                           .subset = maker->cluster != NULL ? maker->cluster->subset : STR_EMPTY,
                           .cluster = maker->cluster,
                           .meeting = meeting};
    return cell;
}

/* --- one cluster ---------------------------------------------------------------- */

/* The service's own row from `first` on has the pod, and it fares the same there. */
static bool is_told(const struct grid_maker *maker, uint32_t first, uint32_t pod,
                    const struct mtls_meeting *meeting)
{
    for (uint32_t i = first; i < maker->grid->count; i++) {
        const struct mtls_cell *cell = &maker->grid->cells[i];
        if (cell->subset.len == 0 && has_pod(cell, pod) &&
            mtls_is_same_fate(&cell->meeting, meeting))
            return true;
    }
    return false;
}

/* `first`: of the rows of this service and port; `own`: of those of this cluster. */
static void add_endpoint(const struct grid_maker *maker, uint32_t first, uint32_t own,
                         const struct endpoint *endpoint, struct str address, uint32_t port)
{
    struct mtls_grid *grid = maker->grid;
    struct mtls_question asked = {
        .client = maker->client,
        .cluster = maker->cluster,
        .endpoint = endpoint,
        .host = maker->service->host,
        .pod = world_pod_at(grid->world, address, port),
        .port = port,
        .is_http = maker->cluster != NULL && maker->cluster->protocol != UPSTREAM_TCP,
    };
    if (asked.pod == UINT32_MAX)
        return;
    struct mtls_meeting meeting = mtls_meet(grid->world, &asked, maker->arena);
    struct mtls_cell *cell = NULL;
    if (own > first && is_told(maker, first, asked.pod, &meeting))
        return;
    for (uint32_t i = own; i < grid->count && cell == NULL; i++) {
        if (mtls_is_same_fate(&grid->cells[i].meeting, &meeting))
            cell = &grid->cells[i];
    }
    if (cell == NULL)
        cell = new_cell(maker, meeting);
    add_pod(maker, cell, asked.pod);
}

static void add_nobody(const struct grid_maker *maker)
{
    struct mtls_question asked = {
        .client = maker->client, .cluster = maker->cluster, .pod = UINT32_MAX};
    new_cell(maker, mtls_meet(maker->grid->world, &asked, maker->arena))->is_whole = true;
}

static void add_cluster(const struct grid_maker *maker, uint32_t first)
{
    const struct cluster *cluster = maker->cluster;
    const struct service *service = maker->service;
    uint32_t own = maker->grid->count;
    bool is_original = cluster == NULL || cluster->type == CLUSTER_ORIGINAL_DST;
    for (uint32_t i = 0; !is_original && i < cluster->endpoint_count; i++)
        add_endpoint(maker, first, own, &cluster->endpoints[i], cluster->endpoints[i].address,
                     cluster->endpoints[i].port);
    for (uint32_t i = 0; is_original && i < service->endpoint_count; i++)
        add_endpoint(maker, first, own, NULL, service->endpoints[i].address,
                     service->endpoints[i].ports[maker->port_index]);
    if (maker->grid->count == own && own == first)
        add_nobody(maker);
    if (maker->grid->count == own + 1)
        maker->grid->cells[own].is_whole = true;
}

/* --- the whole grid ------------------------------------------------------------- */

static void add_port(struct grid_maker *maker)
{
    const struct service_port *port = &maker->service->ports[maker->port_index];
    const struct snapshot *snapshot = world_snapshot(maker->grid->world, maker->client);
    uint32_t first = maker->grid->count;
    maker->cluster = NULL;
    if (str_eq(port->protocol, STR("UDP")))
        return;
    if (snapshot == NULL) {
        add_cluster(maker, first);
        return;
    }
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
            const struct cluster *cluster = &snapshot->clusters[i];
            bool is_own = (cluster->subset.len > 0) == (pass == 1);
            maker->cluster = cluster;
            if (is_own && cluster->service_port == port->port && !cluster->is_inbound &&
                str_has_prefix(cluster->name, STR("outbound|")) &&
                str_eq(cluster->service_host, maker->service->host))
                add_cluster(maker, first);
        }
    }
}

/* What stands behind it is a way into the mesh, and no peer. */
static bool is_entrance(const struct world *world, const struct service *service)
{
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        const struct pod *pod = service->endpoints[i].pod;
        if (pod != NULL && asker_of_pod(world->mesh, pod).via == VIA_GATEWAY)
            return true;
    }
    return false;
}

static bool is_wanted(const struct service *service, struct str to)
{
    struct str namespace = to;
    struct str name = str_cut(&namespace, '.');
    if (to.len == 0 || str_eq(service->host, to))
        return true;
    return str_eq(service->meta.name, name) &&
           (namespace.len == 0 || str_eq(service->meta.namespace, namespace));
}

static void add_service(struct grid_maker *maker, const struct service *service)
{
    maker->service = service;
    for (maker->port_index = 0; maker->port_index < service->port_count; maker->port_index++)
        add_port(maker);
}

/* Who is outside is met by nobody here, which is worth a row for who asks only. */
static bool has_pods(const struct world *world, const struct service *service)
{
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        if (map_get(&world->pod_by_address, service->endpoints[i].address) != MAP_NONE)
            return true;
    }
    return false;
}

static void add_services(struct grid_maker *maker, struct str to)
{
    const struct world *world = maker->grid->world;
    for (uint32_t i = 0; i < mesh_service_count(world->mesh); i++) {
        const struct service *service = mesh_service(world->mesh, i);
        if (is_wanted(service, to) && !is_entrance(world, service))
            add_service(maker, service);
    }
    for (uint32_t i = 0; i < mesh_entry_service_count(world->mesh); i++) {
        const struct service *service = mesh_entry_service_at(world->mesh, i);
        bool is_asked = to.len > 0 && is_wanted(service, to);
        if (is_asked || (to.len == 0 && has_pods(world, service)))
            add_service(maker, service);
    }
}

struct mtls_grid mtls_grid_of(struct world *world, struct str to, struct arena *arena)
{
    struct mtls_grid grid = {.world = world};
    struct grid_maker maker = {.grid = &grid, .arena = arena};
    for (maker.client = 0; maker.client < world->spec.client_count; maker.client++)
        add_services(&maker, to);
    return grid;
}

struct str mtls_cell_target(const struct mtls_cell *cell, struct arena *arena)
{
    const struct service *service = cell->service;
    struct str out = service->entry != NULL
                         ? arena_format(arena, "%.*s:%u", STR_FMT(service->host), cell->port)
                         : arena_format(arena, "%.*s.%.*s:%u", STR_FMT(service->meta.name),
                                        STR_FMT(service->meta.namespace), cell->port);
    if (cell->subset.len > 0)
        out = arena_format(arena, "%.*s/%.*s", STR_FMT(out), STR_FMT(cell->subset));
    if (!cell->is_whole)
        out = arena_format(arena, "%.*s (%.*s)", STR_FMT(out), STR_FMT(cell->workloads));
    return out;
}
