/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/crew.h - a fleet's workers between the clients and the
 * upstream of a town, whose loop is the control thread's.
 *
 * Each configuration has a number, which its /version tells; /app goes to the
 * upstream. So an answer says which configuration it met.
 */
#pragma once

#include <dirent.h>
#include <stdatomic.h>

#include "base/check.h"
#include "proxy/live/fleet.h"
#include "tests/proxy/live/town.h"

#define CREW_WORKERS_MAX 4u
#define CREW_DOORS_MAX 3u
#define GET_VERSION "GET /version HTTP/1.1\r\nhost: a\r\n\r\n"
#define GET_APP "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"

/* Of one worker: nobody else writes it. */
struct crew_tally {
    atomic_uint done_count;
    atomic_uint good_count; /* status 200, no flags */
};

struct crew {
    struct town *town;
    struct fleet *fleet;
    uint32_t proxy;
    uint32_t worker_count;
    uint32_t version; /* of the last configuration */
    struct fleet_door doors[CREW_DOORS_MAX];
    uint32_t door_count;
    bool is_tcp;                             /* listeners take bytes as they are */
    bool has_no_cluster;                     /* the next configuration lacks cluster "one" */
    uint32_t requests_max;                   /* its breaker's; 0: unlimited */
    const struct outlier_detection *outlier; /* its; may be NULL */
    atomic_uint ejected_count, back_count;   /* events */
    struct str why;
    struct crew_tally tallies[CREW_WORKERS_MAX];
    atomic_uint over_count;
    uv_timer_t tick; /* what workers do does not wake the town's loop */
};

static inline void on_crew_tick(uv_timer_t *tick)
{
    (void)tick;
}

static inline struct route *crew_add_route(struct route *route, const char *path)
{
    *route = (struct route){.name = str_of(path),
                            .match.path = {.kind = PATH_PREFIX, .value = str_of(path)}};
    return route;
}

static inline void crew_add_routes(struct snapshot *snapshot, uint32_t version)
{
    static const struct str domains[] = {STR_INIT("*")};
    struct arena *arena = &snapshot->arena;
    struct route *routes = ARENA_ARRAY(arena, struct route, 2);
    crew_add_route(&routes[0], "/version");
    routes[0].action = ROUTE_DIRECT_RESPONSE;
    routes[0].direct = (struct direct_response_action){
        .status = 200, .has_body = true, .body = arena_format(arena, "version %u.", version)};
    crew_add_route(&routes[1], "/app");
    routes[1].action = ROUTE_FORWARD;
    routes[1].forward = (struct forward_action){
        .cluster = STR("one"), .has_timeout = true, .timeout_ns = 15 * NS_SECOND};
    struct virtual_host *host = ARENA_NEW(arena, struct virtual_host);
    *host = (struct virtual_host){.name = STR("all"),
                                  .domains = domains,
                                  .domain_count = 1,
                                  .routes = routes,
                                  .route_count = 2};
    struct route_config *config = ARENA_NEW(arena, struct route_config);
    *config =
        (struct route_config){.name = STR("80"), .virtual_hosts = host, .virtual_host_count = 1};
    snapshot->route_configs = config;
    snapshot->route_config_count = 1;
}

static inline void crew_add_cluster(struct snapshot *snapshot, const struct crew *crew)
{
    struct arena *arena = &snapshot->arena;
    struct endpoint *endpoint = ARENA_NEW(arena, struct endpoint);
    *endpoint = (struct endpoint){.address = STR("10.0.0.1"), .port = 80, .weight = 1};
    struct cluster *cluster = ARENA_NEW(arena, struct cluster);
    *cluster = (struct cluster){
        .name = str_of(crew->has_no_cluster ? "other" : "one"),
        .outlier = crew->outlier,
        .has_panic_threshold_zero = crew->outlier != NULL,
        .connect_timeout_ns = 2 * NS_SECOND,
        .breakers = {BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED, BREAKER_UNLIMITED},
        .endpoints = endpoint,
        .endpoint_count = 1};
    if (crew->requests_max > 0)
        cluster->breakers.max_requests = crew->requests_max;
    snapshot->clusters = cluster;
    snapshot->cluster_count = 1;
    snapshot_index(snapshot);
}

static inline void crew_add_listener(struct snapshot *snapshot, bool is_tcp)
{
    struct arena *arena = &snapshot->arena;
    struct filter_chain *chain = ARENA_NEW(arena, struct filter_chain);
    *chain = (struct filter_chain){.name = STR("chain")};
    if (is_tcp) {
        chain->kind = CHAIN_TCP;
        chain->tcp = (struct tcp_proxy){.cluster = STR("one")};
    } else {
        chain->kind = CHAIN_HTTP;
        chain->http = (struct http_connection_manager){.stat_prefix = STR("80"),
                                                       .routes = snapshot->route_configs,
                                                       .has_websocket = true,
                                                       .server_name = STR("envoy")};
    }
    struct listener *listener = ARENA_NEW(arena, struct listener);
    *listener = (struct listener){.name = STR("10.0.0.9_80"),
                                  .address = STR("10.0.0.9"),
                                  .port = 80,
                                  .chains = chain,
                                  .chain_count = 1};
    snapshot->listeners = listener;
    snapshot->listener_count = 1;
}

/* The next version, with the crew's doors. The caller's hold. */
static inline struct snapshot *crew_snapshot(struct crew *crew)
{
    struct snapshot *snapshot = snapshot_new();
    snapshot->proxy_name = STR("test-0");
    crew_add_routes(snapshot, ++crew->version);
    crew_add_cluster(snapshot, crew);
    crew_add_listener(snapshot, crew->is_tcp);
    for (uint32_t i = 0; i < crew->door_count; i++)
        crew->doors[i].door.listener = &snapshot->listeners[0];
    return snapshot;
}

static inline void crew_add_door(struct crew *crew, const char *name, uint32_t port)
{
    assert_true(crew->door_count < CREW_DOORS_MAX);
    crew->doors[crew->door_count++] = (struct fleet_door){
        .name = str_of(name),
        .door = {.bind_address = STR("127.0.0.1"),
                 .bind_port = port,
                 .local_address = STR("10.0.0.9"),
                 .local_port = 80},
    };
}

static inline void on_crew_done(const struct server_done *done, void *user)
{
    struct crew *crew = user;
    ASSERT(done->worker < crew->worker_count); /* no longjmp on this thread */
    struct crew_tally *tally = &crew->tallies[done->worker];
    tally->good_count += done->record->status == 200 && done->record->flag_count == 0;
    tally->done_count++;
}

static inline void on_crew_outlier(const struct server_outlier *outlier, void *user)
{
    struct crew *crew = user;
    ASSERT(outlier->worker < crew->worker_count);
    if (outlier->event->is_ejection)
        crew->ejected_count++;
    else
        crew->back_count++;
}

static inline void on_crew_over(void *user)
{
    struct crew *crew = user;
    crew->over_count++;
}

/* A fleet with a door "first", and no proxy yet. */
static inline struct crew *crew_plan(uint32_t worker_count)
{
    struct crew *crew = calloc(1, sizeof(*crew));
    assert_non_null(crew);
    crew->town = town_plan();
    crew->worker_count = worker_count;
    struct fleet_options options = {
        .worker_count = worker_count, .seed = 1, .on_over = on_crew_over, .user = crew};
    crew->fleet = fleet_new(&options);
    assert_non_null(crew->fleet);
    crew_add_door(crew, "first", 0);
    assert_int_equal(uv_timer_init(&crew->town->loop->uv, &crew->tick), 0);
    assert_int_equal(uv_timer_start(&crew->tick, on_crew_tick, 1, 1), 0);
    return crew;
}

/* False: crew->why. */
static inline bool crew_open(struct crew *crew, const char *name)
{
    struct fleet_proxy proxy = {.name = str_of(name),
                                .node_address = STR("127.0.0.1"),
                                .on_done = on_crew_done,
                                .on_outlier = on_crew_outlier,
                                .user = crew};
    struct snapshot *snapshot = crew_snapshot(crew);
    struct fleet_config config = {.snapshot = snapshot,
                                  .map = &crew->town->map,
                                  .doors = crew->doors,
                                  .door_count = crew->door_count};
    crew->proxy = fleet_add(crew->fleet, &proxy, &config, &crew->why);
    snapshot_drop(snapshot);
    return crew->proxy != FLEET_NONE;
}

static inline struct crew *crew_new(uint32_t worker_count)
{
    struct crew *crew = crew_plan(worker_count);
    assert_true(crew_open(crew, "test-0"));
    return crew;
}

static inline bool crew_replace(struct crew *crew)
{
    struct snapshot *snapshot = crew_snapshot(crew);
    struct fleet_config config = {.snapshot = snapshot,
                                  .map = &crew->town->map,
                                  .doors = crew->doors,
                                  .door_count = crew->door_count};
    bool is_done = fleet_replace(crew->fleet, crew->proxy, &config, &crew->why);
    snapshot_drop(snapshot);
    return is_done;
}

static inline void crew_free(struct crew *crew)
{
    fleet_free(crew->fleet);
    assert_int_equal(crew->over_count, 1);
    uv_close((uv_handle_t *)&crew->tick, NULL);
    town_free(crew->town);
    free(crew);
}

static inline struct end *crew_dial(struct crew *crew)
{
    return town_dial_port(crew->town, fleet_port(crew->fleet, crew->proxy, 0));
}

static inline uint32_t crew_done_count(const struct crew *crew)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < crew->worker_count; i++)
        count += crew->tallies[i].done_count;
    return count;
}

static inline uint32_t crew_good_count(const struct crew *crew)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < crew->worker_count; i++)
        count += crew->tallies[i].good_count;
    return count;
}

static inline uint64_t crew_stat(struct crew *crew, const char *cluster, const char *name)
{
    uint64_t value = 0;
    assert_true(fleet_stat(crew->fleet, crew->proxy, str_of(cluster), str_of(name), &value));
    return value;
}

/* How often `part` stands in what was heard. */
static inline uint32_t count_heard(const struct end *end, struct str part)
{
    struct str rest = buf_str(&end->heard);
    uint32_t count = 0;
    size_t at;
    while ((at = str_find_str(rest, part)) != STR_NONE) {
        rest = str_from(rest, at + part.len);
        count++;
    }
    return count;
}

static inline uint32_t descriptor_count(void)
{
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    uint32_t count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}
