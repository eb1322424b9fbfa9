/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/town.c - see town.h.
 */
#include "testbed/town/town.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/live/address_map.h"
#include "testbed/town/directory.h"
#include "testbed/town/kube_proxy.h"
#include "testbed/town/residents.h"
#include "testbed/world/keyrings.h"

#define MEMORY_BLOCK_BYTES (16u * 1024)
/* How long those who are not in the new files may still finish. */
#define REMOVED_PATIENCE_NS (10 * NS_SECOND)
/* Requests that were under way may still connect to a pod that is gone. */
#define DOORS_PATIENCE_NS (5 * NS_SECOND)

/* A proxy of the fleet; lives as long as the town. */
struct town_proxy {
    struct town *town;
    struct str name, namespace; /* "reviews-v1-0.default", "default" */
    uint32_t number;            /* in the fleet; FLEET_NONE: removed */
    struct guide guide;
};

struct town {
    struct arena memory;
    struct town_options options;
    struct loop *loop;
    struct fleet *fleet;
    struct residents *residents;
    uv_timer_t doors_timer; /* when doors of those who have gone close */
    uv_async_t over;        /* every worker is over */
    uint32_t handle_count;
    uv_rwlock_t lock; /* of the two below, which workers' threads read */
    struct era *era;
    struct registry registry;
    struct town_proxy **proxies;
    uint32_t proxy_count, proxy_capacity;
    atomic_bool was_cut;
    bool is_stopping;
};

static void on_over(uv_async_t *async)
{
    /* Its coming ended the loop's turn: whoever waits looks again. */
    (void)async;
}

static void tell_over(void *user)
{
    struct town *town = user;
    uv_async_send(&town->over);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct town *town = handle->data;
    town->handle_count--;
}

static void on_doors_timer(uv_timer_t *timer)
{
    struct town *town = timer->data;
    residents_keep_only(town->residents, town->era);
}

/* --- on the workers' threads ------------------------------------------------- */

/* A client that names a client's own door would go round in circles. */
static const struct register_row *own_door(const struct town *town, struct str host, uint32_t port)
{
    for (uint32_t i = 0; i < town->registry.count; i++) {
        const struct register_row *row = &town->registry.rows[i];
        if (row->kind == REGISTER_CLIENT && row->port == port && str_eq(row->address, host))
            return row;
    }
    return NULL;
}

static struct guide_answer say_how(const struct register_row *row, struct arena *arena)
{
    return (struct guide_answer){
        .verdict = GUIDE_NOWHERE,
        .status = 400,
        .text = arena_format(arena,
                             "pocketmesh: this is the way into the mesh for programs that play "
                             "%.*s.%.*s:\n\n  http_proxy=http://%.*s:%u PROGRAM\n"
                             "  curl -x %.*s:%u http://SERVICE:PORT/PATH",
                             STR_FMT(row->name), STR_FMT(row->namespace), STR_FMT(row->address),
                             row->port, STR_FMT(row->address), row->port),
    };
}

static struct guide_answer find(void *user, struct str host, uint32_t port, struct arena *arena)
{
    const struct town_proxy *proxy = user;
    struct town *town = proxy->town;
    uv_rwlock_rdlock(&town->lock);
    const struct register_row *door = own_door(town, host, port);
    struct directory_question asked = {
        .world = town->era->world,
        .namespace = proxy->namespace,
        .host = host,
        .port = port,
        .is_external_allowed = town->options.is_external_allowed,
    };
    struct guide_answer answer =
        door != NULL ? say_how(door, arena) : directory_find(&asked, arena);
    uv_rwlock_rdunlock(&town->lock);
    return answer;
}

static void on_done(const struct server_done *done, void *user)
{
    const struct town_proxy *proxy = user;
    struct town *town = proxy->town;
    const struct town_listener *listener = &town->options.listener;
    if (listener->on_done != NULL)
        listener->on_done(done, proxy->name, listener->user);
}

static void on_outlier(const struct server_outlier *outlier, void *user)
{
    const struct town_proxy *proxy = user;
    const struct town_listener *listener = &proxy->town->options.listener;
    if (listener->on_outlier != NULL)
        listener->on_outlier(outlier, listener->outlier_user);
}

/* --- making it so -------------------------------------------------------------- */

/* What the application behind a pod's sidecar is called in the map. */
static struct str inside_name(struct str name, struct str namespace, struct arena *arena)
{
    return arena_format(arena, "inside %.*s.%.*s", STR_FMT(name), STR_FMT(namespace));
}

/* Where names of the snapshot are on this machine, if not where they say. */
static void fill_map(struct address_map *map, const struct registry *registry, struct arena *arena)
{
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct register_row *row = &registry->rows[i];
        bool is_elsewhere =
            row->port != row->wanted_port || !str_eq(row->address, row->wanted_address);
        if (row->kind != REGISTER_POD || row->port == 0)
            continue;
        bool is_set = true;
        if (is_elsewhere)
            is_set = address_map_set(map, row->wanted_address, row->wanted_port, row->address,
                                     row->port);
        ASSERT(is_set);
        if (row->inside_port != 0)
            is_set = address_map_set(map, inside_name(row->name, row->namespace, arena),
                                     row->wanted_port, row->inside_address, row->inside_port);
        ASSERT(is_set);
    }
}

/* What is redirected to a pod's sidecar meets the listener of its port. */
static const struct listener *listener_of(const struct register_row *row, struct snapshot *snapshot)
{
    return row->kind == REGISTER_POD ? snapshot_inbound_listener(snapshot, row->wanted_port)
                                     : row->listener;
}

static struct fleet_door door_of(const struct register_row *row, const struct world_client *client,
                                 struct town_proxy *proxy)
{
    const struct listener *listener = listener_of(row, client->snapshot);
    struct fleet_door door = {
        .name = listener != NULL ? listener->name : STR("http_proxy"),
        .door = {.listener = listener, .bind_address = row->address, .bind_port = row->port},
    };
    if (row->kind == REGISTER_CLIENT) {
        door.door.guide = &proxy->guide;
        door.door.remote_address = client->address;
    } else {
        door.door.local_address = row->wanted_address;
        door.door.local_port = row->wanted_port;
        door.door.has_original = row->kind == REGISTER_POD;
    }
    return door;
}

static struct town_proxy *find_proxy(const struct town *town, struct str name)
{
    for (uint32_t i = 0; i < town->proxy_count; i++) {
        if (town->proxies[i]->number != FLEET_NONE && str_eq(town->proxies[i]->name, name))
            return town->proxies[i];
    }
    return NULL;
}

static struct town_proxy *new_proxy(struct town *town, const struct world_client *client,
                                    struct str name)
{
    struct town_proxy *proxy = ARENA_NEW(&town->memory, struct town_proxy);
    *proxy = (struct town_proxy){
        .town = town,
        .name = arena_str(&town->memory, name),
        .namespace = arena_str(&town->memory, client->spec.namespace),
        .number = FLEET_NONE,
        .guide = {.find = find, .user = proxy},
    };
    *ARENA_PUSH(&town->memory, town->proxies, town->proxy_count, town->proxy_capacity) = proxy;
    return proxy;
}

static bool begin_proxy(struct town *town, struct town_proxy *proxy,
                        const struct world_client *client, const struct fleet_config *config,
                        struct str *why)
{
    struct era *era = town->era;
    struct fleet_proxy facts = {
        .name = proxy->name,
        .source_address = client->proxy_address,
        .inside_name = inside_name(client->spec.name, client->spec.namespace, &era->arena),
        .is_literal = true,
        .is_loopback_only = !town->options.is_external_allowed,
        .node_address = STR(WORLD_NODE_ADDRESS),
        .on_done = on_done,
        .on_outlier = on_outlier,
        .user = proxy,
    };
    if (proxy->number != FLEET_NONE)
        return fleet_replace(town->fleet, proxy->number, config, why);
    proxy->number = fleet_add(town->fleet, &facts, config, why);
    return proxy->number != FLEET_NONE;
}

struct str town_proxy_name(const struct world_client *client, struct arena *arena)
{
    return arena_format(arena, "%.*s.%.*s", STR_FMT(client->spec.name),
                        STR_FMT(client->spec.namespace));
}

/* Does the proxy of this client listen there? */
static bool is_door_of(const struct register_row *row, const struct world *world, uint32_t client)
{
    if (row->kind != REGISTER_POD)
        return row->index == client;
    return row->is_guarded && world->pods[row->index].client == client;
}

/* One client's proxy, as the registry has its doors. */
static bool open_proxy(struct town *town, struct era *era, const struct registry *registry,
                       uint32_t index, const struct address_map *map, struct str *why)
{
    const struct world_client *client = &era->world->clients[index];
    if (world_snapshot(era->world, index) == NULL)
        return true;
    struct str name = town_proxy_name(client, &era->arena);
    struct town_proxy *proxy = find_proxy(town, name);
    if (proxy == NULL)
        proxy = new_proxy(town, client, name);
    if (client->snapshot->keyring == NULL)
        snapshot_set_keyring(client->snapshot, world_keyring(era->world, index, true));
    struct fleet_config config = {.snapshot = client->snapshot, .map = map};
    struct fleet_door *doors = NULL;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct register_row *row = &registry->rows[i];
        if (is_door_of(row, era->world, index))
            *ARENA_PUSH(&era->arena, doors, config.door_count, capacity) =
                door_of(row, client, proxy);
    }
    config.doors = doors;
    return begin_proxy(town, proxy, client, &config, why);
}

static bool has_client(const struct world *world, struct str name, struct arena *arena)
{
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (world->clients[i].snapshot != NULL &&
            str_eq(town_proxy_name(&world->clients[i], arena), name))
            return true;
    }
    return false;
}

static void remove_proxies(struct town *town, struct era *era)
{
    for (uint32_t i = 0; i < town->proxy_count; i++) {
        struct town_proxy *proxy = town->proxies[i];
        if (proxy->number == FLEET_NONE || has_client(era->world, proxy->name, &era->arena))
            continue;
        fleet_remove(town->fleet, proxy->number, REMOVED_PATIENCE_NS);
        proxy->number = FLEET_NONE;
    }
}

/* Behind a sidecar the application listens where nobody looks for it. */
static void open_resident(struct town *town, struct era *era, struct register_row *row)
{
    const struct behaviour *behaviour = &era->world->pods[row->index].behaviour;
    struct resident_place place = {.address = row->address, .port = row->port};
    if (row->is_guarded && (behaviour->is_refusing || behaviour->is_dropping))
        return;
    if (row->is_guarded)
        place = (struct resident_place){
            .address = STR("127.0.0.1"),
            .name = arena_format(&era->arena, "%.*s:%u",
                                 STR_FMT(inside_name(row->name, row->namespace, &era->arena)),
                                 row->wanted_port)};
    row->error = residents_open(town->residents, &place, era, row->index);
    if (row->error != 0)
        row->port = 0;
    if (row->error == 0 && row->is_guarded) {
        row->inside_address = place.address;
        row->inside_port = place.port;
    }
}

static bool open_residents(struct town *town, struct era *era, struct registry *registry)
{
    bool is_fine = true;
    for (uint32_t i = 0; i < registry->count; i++) {
        struct register_row *row = &registry->rows[i];
        if (row->kind == REGISTER_POD && row->port != 0 && !row->is_foreign)
            open_resident(town, era, row);
        is_fine = is_fine && row->port != 0;
    }
    return is_fine;
}

/* Names lead to the new world from here on; proxies follow one after the other. */
static void set_era(struct town *town, struct era *era, const struct registry *registry)
{
    struct era *before = town->era;
    era_hold(era);
    uv_rwlock_wrlock(&town->lock);
    town->era = era;
    town->registry = *registry;
    uv_rwlock_wrunlock(&town->lock);
    era_drop(before);
}

/* --- the doors ------------------------------------------------------------------ */

static void make_handles(struct town *town)
{
    int rc = uv_timer_init(&town->loop->uv, &town->doors_timer);
    ASSERT(rc == 0);
    rc = uv_async_init(&town->loop->uv, &town->over, on_over);
    ASSERT(rc == 0);
    rc = uv_rwlock_init(&town->lock);
    ASSERT(rc == 0);
    town->doors_timer.data = town;
    town->over.data = town;
    town->handle_count = 2;
}

struct town *town_new(const struct town_options *options)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct town *town = ARENA_NEW(&memory, struct town);
    town->memory = memory;
    town->options = *options;
    atomic_init(&town->was_cut, false);
    town->loop = loop_new();
    if (town->loop == NULL) {
        arena_fini(&memory);
        return NULL;
    }
    make_handles(town);
    town->residents = residents_new(town->loop);
    town->fleet = fleet_new(&(struct fleet_options){
        .worker_count = options->worker_count,
        .seed = options->seed,
        .on_over = tell_over,
        .user = town,
    });
    if (town->fleet != NULL)
        return town;
    town_free(town);
    return NULL;
}

void town_free(struct town *town)
{
    if (town == NULL)
        return;
    if (town->fleet != NULL)
        fleet_free(town->fleet);
    residents_free(town->residents);
    uv_close((uv_handle_t *)&town->doors_timer, on_handle_closed);
    uv_close((uv_handle_t *)&town->over, on_handle_closed);
    while (town->handle_count > 0)
        loop_turn(town->loop);
    era_drop(town->era);
    uv_rwlock_destroy(&town->lock);
    loop_free(town->loop);
    struct arena memory = town->memory;
    arena_fini(&memory);
}

struct loop *town_loop(struct town *town)
{
    return town->loop;
}

enum town_verdict town_open(struct town *town, struct era *era, struct registry *found,
                            struct str *why)
{
    struct address_map map;
    struct register_question asked = {
        .world = era->world,
        .wishes = town->options.wishes,
        .wish_count = town->options.wish_count,
        .before = town->era != NULL ? &town->registry : NULL,
    };
    *found = registry_of(&asked);
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->rows[i].port == 0)
            return TOWN_UNBINDABLE;
    }
    if (!open_residents(town, era, found))
        return TOWN_UNBINDABLE;
    set_era(town, era, found);
    residents_follow(town->residents);
    address_map_init(&map);
    fill_map(&map, found, &era->arena);
    kube_proxy_fill(&map, era->world);
    bool is_fine = true;
    for (uint32_t i = 0; i < era->world->client_count && is_fine; i++)
        is_fine = open_proxy(town, era, found, i, &map, why);
    address_map_fini(&map);
    remove_proxies(town, era);
    loop_timer_set(town->loop, &town->doors_timer,
                   ns_add(loop_now_ns(town->loop), DOORS_PATIENCE_NS), on_doors_timer);
    return is_fine ? TOWN_FINE : TOWN_REFUSED;
}

struct era *town_era(const struct town *town)
{
    return town->era;
}

const struct registry *town_registry(const struct town *town)
{
    return &town->registry;
}

void town_drain(struct town *town, int64_t patience_ns)
{
    fleet_drain(town->fleet, patience_ns);
}

void town_stop(struct town *town)
{
    if (town_is_over(town))
        return;
    if (fleet_counts(town->fleet, FLEET_NONE).exchanges > 0)
        atomic_store(&town->was_cut, true);
    fleet_stop(town->fleet);
}

bool town_is_settled(struct town *town)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < town->proxy_count; i++)
        count += town->proxies[i]->number != FLEET_NONE;
    return fleet_counts(town->fleet, FLEET_NONE).configurations <=
           count * fleet_worker_count(town->fleet);
}

bool town_is_over(const struct town *town)
{
    return fleet_is_over(town->fleet);
}

bool town_was_cut(const struct town *town)
{
    return atomic_load(&town->was_cut);
}

struct fleet *town_fleet(struct town *town)
{
    return town->fleet;
}
