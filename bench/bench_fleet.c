/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench_fleet.c - see bench_fleet.h.
 */
#include "bench/bench_fleet.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/ns.h"
#include "testbed/sockets/sockets.h"

#define MEMORY_BLOCK_BYTES 4096u
#define DRAIN_NS NS_SECOND

struct bench_fleet {
    struct arena memory;
    struct world *world;
    struct play *play;
    const struct bench_words *words;
    struct fleet *fleet;
    struct address_map map; /* pods to their stand-ins */
    struct fleet_door door;
    struct fleet_config config;
    uint32_t proxy;
    uint64_t reload_count;
};

static void map_pods(struct bench_fleet *fleet)
{
    address_map_init(&fleet->map);
    for (uint32_t i = 0; i < fleet->world->pod_count; i++) {
        struct str address;
        uint32_t port;
        if (sockets_play_door(fleet->play, i, &address, &port))
            (void)address_map_set(&fleet->map, fleet->world->pods[i].address, ADDRESS_MAP_ANY_PORT,
                                  address, port);
    }
}

/* Where a call to the mesh's service would go. */
static void make_config(struct bench_fleet *fleet)
{
    struct call call = {
        .has_authority = true, .authority = STR("reviews"), .uri = STR("/reviews/1")};
    struct call_target target = world_target(fleet->world, &call);
    fleet->door = (struct fleet_door){.name = STR("reviews"),
                                      .door = {.listener = target.listener,
                                               .bind_address = STR("127.0.0.1"),
                                               .local_address = target.address,
                                               .local_port = target.port,
                                               .has_original = target.has_original}};
    fleet->config = (struct fleet_config){.snapshot = fleet->world->clients[0].snapshot,
                                          .map = &fleet->map,
                                          .doors = &fleet->door,
                                          .door_count = 1};
}

struct bench_fleet *bench_fleet_new(struct world *world, struct play *play,
                                    const struct bench_words *words, struct str *why)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct bench_fleet *fleet = ARENA_NEW(&memory, struct bench_fleet);
    *fleet = (struct bench_fleet){.memory = memory, .world = world, .play = play, .words = words};
    map_pods(fleet);
    make_config(fleet);
    struct fleet_options options = {.worker_count = (uint32_t)words->worker_count, .seed = 1};
    struct fleet_proxy proxy = {.name = world->clients[0].spec.name,
                                .node_address = STR(WORLD_NODE_ADDRESS)};
    *why = STR("there are no threads or descriptors left");
    fleet->fleet = fleet_new(&options);
    if (fleet->fleet != NULL)
        fleet->proxy = fleet_add(fleet->fleet, &proxy, &fleet->config, why);
    if (fleet->fleet != NULL && fleet->proxy != FLEET_NONE)
        return fleet;
    bench_fleet_free(fleet);
    return NULL;
}

uint32_t bench_fleet_port(const struct bench_fleet *fleet)
{
    return fleet_port(fleet->fleet, fleet->proxy, 0);
}

static uint64_t stat_of(struct bench_fleet *fleet, const char *name)
{
    uint64_t value = 0;
    (void)fleet_stat(fleet->fleet, fleet->proxy, STR("http"), str_of(name), &value);
    return value;
}

static void print_share(uint32_t worker, struct server *server, void *user)
{
    (void)user;
    uint64_t value = 0;
    (void)server_stat(server, STR("http"), STR("downstream_rq_total"), &value);
    printf("worker %u: %" PRIu64 "\n", worker, value);
}

static void reload(struct bench_fleet *fleet)
{
    struct str why;
    if (!fleet_replace(fleet->fleet, fleet->proxy, &fleet->config, &why))
        fprintf(stderr, "bench live: %.*s\n", STR_FMT(why));
    fleet->reload_count++;
}

void bench_fleet_serve(struct bench_fleet *fleet)
{
    const struct bench_words *words = fleet->words;
    int64_t left_ns = (int64_t)words->seconds * NS_SECOND;
    int64_t step_ns = words->reload_ms > 0 ? (int64_t)words->reload_ms * NS_MS : left_ns;
    while (left_ns > 0) {
        fleet->play->ops->wait(fleet->play, ns_min(left_ns, step_ns));
        left_ns -= step_ns;
        if (words->reload_ms > 0 && left_ns > 0)
            reload(fleet);
    }
    fleet_drain(fleet->fleet, DRAIN_NS);
    (void)fleet_wait(fleet->fleet, 2 * DRAIN_NS);
    fleet_stop(fleet->fleet);
    printf("served %" PRIu64 ": 2xx %" PRIu64 ", 4xx %" PRIu64 ", 5xx %" PRIu64
           "; configurations %" PRIu64 "\n",
           stat_of(fleet, "downstream_rq_total"), stat_of(fleet, "downstream_rq_2xx"),
           stat_of(fleet, "downstream_rq_4xx"), stat_of(fleet, "downstream_rq_5xx"),
           fleet->reload_count + 1);
    fleet_visit(fleet->fleet, fleet->proxy, print_share, NULL);
}

void bench_fleet_free(struct bench_fleet *fleet)
{
    fleet_free(fleet->fleet);
    address_map_fini(&fleet->map);
    struct arena memory = fleet->memory;
    arena_fini(&memory);
}
