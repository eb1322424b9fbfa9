/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/hop.c - one server of proxy/live for each client, made when
 * it is first called through, and a door for each listener that is reached.
 */
#include "testbed/sockets/hop.h"

#include <unistd.h>

#include "base/check.h"
#include "base/rng.h"
#include "proxy/live/loop.h"
#include "proxy/live/server.h"
#include "testbed/sockets/hop_inside.h"
#include "testbed/world/keyrings.h"

static struct hops_shared *shared_of(const struct sockets *sockets)
{
    return sockets->hops[0].shared;
}

static void on_done(const struct server_done *done, void *user)
{
    const struct hop *hop = user;
    const struct listener *listener = done->record->downstream.listener;
    /* What came in from others is no call of this client's. */
    if (listener == NULL || listener->direction == TRAFFIC_OUTBOUND)
        errands_note_record(hop->sockets, hop->client, done);
    else
        play_hops_note(&hop->sockets->inbound, hop->client, done->record, done->trace,
                       &hop->sockets->arena);
}

static void on_outlier(const struct server_outlier *outlier, void *user)
{
    const struct hop *hop = user;
    sockets_outlier(hop->sockets, outlier);
}

static bool find_place(const struct wire_action *connect, struct sockaddr_storage *place,
                       void *user)
{
    const struct hop *hop = user;
    uint32_t pod =
        world_pod_dialled(hop->sockets->world, hop->client, connect->cluster, connect->address);
    struct str address;
    uint32_t port;
    return pod != UINT32_MAX && !hop->shared->is_stopping &&
           hop_reach_pod(hop->sockets, pod, connect->port, connect->cluster, &address, &port) &&
           address_parse(address, port, place);
}

static void begin_server(struct hop *hop)
{
    const struct play_options *options = &hop->sockets->options;
    struct world *world = hop->sockets->world;
    const struct world_client *client = &world->clients[hop->client];
    struct server_options server = {
        .seed = rng_derive(options->seed, client->spec.name),
        .wire = {.is_recording_traces = options->is_tracing},
        .find = find_place,
        .source_address = door_loopback(client->proxy_address),
        .keyring = world_keyring(hop->sockets->world, hop->client, true),
        .node_address = STR(WORLD_NODE_ADDRESS),
        .on_done = on_done,
        .on_outlier = on_outlier,
        .user = hop,
    };
    hop->server = server_new(hop->shared->loop, world_snapshot(world, hop->client), &server);
}

static struct hop_door *find_door(struct hop *hop, const struct call_target *target)
{
    for (uint32_t i = 0; i < hop->door_count; i++) {
        struct hop_door *door = &hop->doors[i];
        bool is_same_way = door->has_original == target->has_original &&
                           door->port == target->port && str_eq(door->address, target->address);
        if (door->listener == target->listener && is_same_way)
            return door;
    }
    return NULL;
}

static struct hop_door *open_door(struct hop *hop, const struct call_target *target)
{
    if (hop->door_count == HOP_DOORS_MAX)
        return NULL;
    const struct world_client *client = &hop->sockets->world->clients[hop->client];
    struct server_door wanted = {
        .listener = target->listener,
        .bind_address = door_loopback(client->proxy_address),
        .local_address = target->address,
        .local_port = target->port,
        .has_original = target->has_original,
    };
    struct str why;
    uint32_t number = server_listen(hop->server, &wanted, &why);
    if (number == SERVER_NONE)
        return NULL;
    struct hop_door *door = &hop->doors[hop->door_count++];
    *door = (struct hop_door){.listener = target->listener,
                              .address = arena_str(&hop->sockets->arena, target->address),
                              .port = target->port,
                              .has_original = target->has_original,
                              .number = number};
    return door;
}

void hops_start(struct sockets *sockets)
{
    struct world *world = sockets->world;
    struct hops_shared *shared = ARENA_NEW(&sockets->arena, struct hops_shared);
    shared->loop = loop_new();
    ASSERT(shared->loop != NULL);
    map_init(&shared->nobodies, &sockets->arena);
    shared->nobody_fd = -1;
    uint32_t count = world->client_count > 0 ? world->client_count : 1;
    sockets->hops = ARENA_ARRAY(&sockets->arena, struct hop, count);
    for (uint32_t i = 0; i < count; i++)
        sockets->hops[i] = (struct hop){.sockets = sockets, .shared = shared, .client = i};
}

void hops_stop(struct sockets *sockets)
{
    struct hops_shared *shared = shared_of(sockets);
    shared->is_stopping = true;
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        if (sockets->hops[i].server != NULL)
            server_free(sockets->hops[i].server);
        sockets->hops[i].server = NULL;
        if (sockets->hops[i].envoy != NULL)
            envoy_free(sockets->hops[i].envoy);
        sockets->hops[i].envoy = NULL;
        envoy_stats_fini(&sockets->hops[i].stats);
    }
    if (shared->nobody_fd >= 0)
        close(shared->nobody_fd);
    gates_close(&shared->gates);
    sockets->world->node_address_count = 0;
    loop_free(shared->loop);
}

void sockets_begin_turn(const struct sockets *sockets)
{
    loop_begin_turn(shared_of(sockets)->loop);
}

uv_loop_t *sockets_uv(const struct sockets *sockets)
{
    return &shared_of(sockets)->loop->uv;
}

int64_t sockets_now_ns(const struct sockets *sockets)
{
    return loop_now_ns(shared_of(sockets)->loop);
}

void hops_warm(struct sockets *sockets)
{
    const struct world *world = sockets->world;
    if (sockets->options.envoy != NULL || !world_has_tls(world))
        return;
    for (uint32_t i = 0; i < world->client_count; i++) {
        bool is_played = world->clients[i].spec.via != VIA_NONE;
        if (is_played && sockets->hops[i].server == NULL)
            begin_server(&sockets->hops[i]);
        if (is_played)
            server_warm(sockets->hops[i].server);
    }
}

bool hop_reach(struct sockets *sockets, uint32_t client, const struct call_target *target,
               struct str *address, uint32_t *port)
{
    struct hop *hop = &sockets->hops[client];
    if (sockets->options.envoy != NULL)
        return hop_reach_envoy(hop, target, address, port);
    if (hop->server == NULL)
        begin_server(hop);
    struct hop_door *door = find_door(hop, target);
    if (door == NULL)
        door = open_door(hop, target);
    if (door == NULL)
        return false;
    *address = door_loopback(sockets->world->clients[client].proxy_address);
    *port = server_port(hop->server, door->number);
    return true;
}

bool hop_reach_pod(struct sockets *sockets, uint32_t pod, uint32_t target_port,
                   const struct cluster *cluster, struct str *address, uint32_t *port)
{
    const struct world_pod *its = &sockets->world->pods[pod];
    struct call_target target = {
        .address = its->address, .port = target_port, .pod = UINT32_MAX, .has_original = true};
    if (sockets->options.envoy != NULL && its->is_played)
        return hop_reach_gate(sockets, pod, target_port, address, port);
    target.listener = world_inbound(sockets->world, pod, target_port, cluster);
    if (target.listener != NULL)
        return hop_reach(sockets, its->client, &target, address, port);
    *address = sockets->doors[pod].address;
    *port = sockets->doors[pod].port;
    /* A sidecar hands on whatever comes. */
    return !its->is_played || world_pod_at(sockets->world, its->address, target_port) == pod;
}

/* Of an Envoy all at once, as long as nothing happens meanwhile. */
static bool read_stat(struct hop *hop, struct str cluster, struct str counter, uint64_t *value)
{
    if (hop->envoy == NULL)
        return hop->server != NULL && server_stat(hop->server, cluster, counter, value);
    envoy_keep_stats(hop->envoy, &hop->stats, hop->sockets->turn_count + 1);
    return envoy_stats_find(&hop->stats, cluster, counter, value);
}

bool hops_stat(struct sockets *sockets, struct str cluster, struct str counter, uint64_t *value)
{
    bool is_known = false;
    *value = 0;
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        uint64_t part = 0;
        if (!read_stat(&sockets->hops[i], cluster, counter, &part))
            continue;
        is_known = true;
        *value += part;
    }
    return is_known;
}

void hops_pod_changed(struct sockets *sockets, uint32_t pod)
{
    struct world_pod *changed = &sockets->world->pods[pod];
    if (sockets->options.envoy != NULL) {
        hops_move_pod(sockets, changed->address);
        return;
    }
    changed->may_come = changed->may_come || changed->behaviour.is_absent;
    for (uint32_t i = 0; changed->may_come && i < sockets->world->client_count; i++) {
        if (sockets->hops[i].server == NULL && sockets->world->clients[i].snapshot != NULL)
            begin_server(&sockets->hops[i]);
        const struct server *server = sockets->hops[i].server;
        for (uint32_t k = 0; server != NULL && k < server_engine_count(server); k++)
            engine_set_absent(server_engine(server, k), changed->address,
                              changed->behaviour.is_absent, loop_now_ns(shared_of(sockets)->loop));
    }
}

void hops_watch(struct sockets *sockets)
{
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        const struct server *server = sockets->hops[i].server;
        for (uint32_t k = 0; server != NULL && k < server_engine_count(server); k++)
            watches_note(&sockets->watches, server_engine(server, k));
    }
}

bool hops_is_idle(const struct sockets *sockets, uint32_t client)
{
    const struct server *server = sockets->hops[client].server;
    return server != NULL && server_connection_count(server) == 0;
}

uint64_t hops_under_way(struct sockets *sockets)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        const struct server *server = sockets->hops[i].server;
        if (server == NULL)
            continue;
        sum += server_exchange_count(server);
        for (uint32_t k = 0; k < server_engine_count(server); k++)
            sum += watches_held(server_engine(server, k));
    }
    return sum;
}

const struct play_hop *hops_inbound(struct play *play, uint32_t *count)
{
    const struct sockets *sockets = (const struct sockets *)(void *)play;
    *count = sockets->inbound.count;
    return sockets->inbound.items;
}
