/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/server.c - a server's life, and the wires it has.
 */
#include "proxy/live/server.h"

#include <stdio.h>

#include "base/check.h"
#include "base/ns.h"
#include "base/rng.h"
#include "proxy/crypto/jwt_verify.h"
#include "proxy/live/inside.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)
#define SEED_NAME_BYTES_MAX 32
#define INSIDE_SOURCE "127.0.0.6" /* Istio's upstream_bind_config of inbound clusters */

static void on_timer_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;
    server->handle_count--;
}

/* The first configuration's luck is the seed's; those of later ones are derived. */
static uint64_t next_seed(struct server *server)
{
    if (server->replace_count == 0)
        return server->options.seed;
    char name[SEED_NAME_BYTES_MAX];
    (void)snprintf(name, sizeof(name), "replace %u", server->replace_count);
    return rng_derive(server->options.seed, str_of(name));
}

/* With nobody but the configuration of before. */
static struct shared *new_shared(struct server *server, struct snapshot *snapshot, uint64_t seed)
{
    const struct shared *before =
        server->wire != NULL ? engine_shared(wire_engine(server->wire)) : NULL;
    int64_t now_ns = loop_epoch_seconds(server->loop) * NS_SECOND + loop_now_ns(server->loop);
    return shared_new(snapshot, before, seed, now_ns);
}

static void begin_wire(struct server *server, struct snapshot *snapshot)
{
    uint64_t seed = next_seed(server);
    struct wire_options options = server->options.wire;
    options.jwt_verify = jwt_verify;
    if (options.shared == NULL)
        options.shared = new_shared(server, snapshot, seed);
    server->wire = wire_new(snapshot, seed, options);
    if (server->options.wire.shared == NULL)
        shared_drop(options.shared);
    wire_set_epoch(server->wire, loop_epoch_seconds(server->loop));
}

struct server *server_new(struct loop *loop, struct snapshot *snapshot,
                          const struct server_options *options)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct server *server = ARENA_NEW(&memory, struct server);
    server->memory = memory;
    server->loop = loop;
    server->options = *options;
    server->options.node_address = arena_str(&server->memory, options->node_address);
    server->options.inside_name = arena_str(&server->memory, options->inside_name);
    if (!address_parse(options->source_address, 0, &server->source))
        server->source.ss_family = AF_UNSPEC;
    (void)address_parse(STR(INSIDE_SOURCE), 0, &server->inside_source);
    list_init(&server->idle_sockets);
    list_init(&server->greeted_sockets);
    list_init(&server->guests);
    list_init(&server->idle_guests);
    list_init(&server->stirred_guests);
    server->map = options->map;
    begin_wire(server, snapshot);
    server->armed_ns = NS_NEVER;
    int rc = uv_timer_init(&loop->uv, &server->timer);
    ASSERT(rc == 0);
    server->timer.data = server;
    rc = uv_idle_init(&loop->uv, &server->greeting);
    ASSERT(rc == 0);
    server->greeting.data = server;
    server->handle_count = 2;
    server_pump(server);
    return server;
}

void server_warm(struct server *server)
{
    secure_warm(server);
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    server_stop(server);
    while (!server_is_over(server))
        loop_turn(server->loop);
    guests_fini(server);
    for (uint32_t i = 0; i < server->socket_count; i++)
        socket_fini(server->sockets[i]);
    for (uint32_t i = 0; i < server->entry_count; i++)
        arena_fini(&server->entries[i]->memory);
    wire_free(server->wire);
    secure_renew(server, NULL);
    if (server->map == &server->own_map)
        address_map_fini(&server->own_map);
    struct arena memory = server->memory;
    arena_fini(&memory);
}

void server_copy_map(struct server *server, const struct address_map *map)
{
    if (server->map == &server->own_map)
        address_map_fini(&server->own_map);
    address_map_init(&server->own_map);
    address_map_copy(&server->own_map, map);
    server->map = &server->own_map;
}

void server_replace(struct server *server, struct snapshot *snapshot, struct shared *shared,
                    const struct address_map *map)
{
    ASSERT(!server->is_stopped && !server->is_draining);
    server->replace_count++;
    struct wire_replacement next = {
        .snapshot = snapshot, .shared = shared, .seed = next_seed(server)};
    if (shared == NULL)
        next.shared = new_shared(server, snapshot, next.seed);
    if (map != NULL)
        server_copy_map(server, map);
    secure_renew(server, snapshot);
    wire_replace(server->wire, &next, loop_now_ns(server->loop));
    if (shared == NULL)
        shared_drop(next.shared);
    server_pump(server);
}

void server_leave_ejected(struct server *server)
{
    if (server->is_stopped)
        return;
    wire_leave_ejected(server->wire, loop_now_ns(server->loop));
    server_pump(server);
}

void server_drain(struct server *server)
{
    if (server->is_draining || server->is_stopped)
        return;
    server->is_draining = true;
    server_let_in_all(server);
    /* What came before we said so is served: closing now would reset it. */
    for (uint32_t i = 0; i < server->socket_count; i++) {
        if (server->sockets[i]->is_downstream &&
            (server->sockets[i]->wire != NULL || server->sockets[i]->guest != NULL))
            server_read_now(server->sockets[i]);
    }
    guests_drain(server);
    wire_drain(server->wire, loop_now_ns(server->loop));
    server_pump(server);
}

/* Those of one side. Requests end with their client, so clients go first. */
static void break_sockets(struct server *server, bool is_downstream)
{
    for (uint32_t i = 0; i < server->socket_count; i++) {
        struct socket *socket = server->sockets[i];
        if (socket->wire != NULL && socket->is_downstream == is_downstream)
            server_break(server, socket);
    }
}

void server_stop(struct server *server)
{
    if (server->is_stopped)
        return;
    server->is_stopped = true;
    server_close_entries(server);
    guests_stop(server);
    break_sockets(server, true);
    break_sockets(server, false);
    uv_close((uv_handle_t *)&server->timer, on_timer_closed);
    uv_close((uv_handle_t *)&server->greeting, on_timer_closed);
}

bool server_is_over(const struct server *server)
{
    return server->is_stopped && server->handle_count == 0 && server->open_count == 0;
}

uint32_t server_connection_count(const struct server *server)
{
    return wire_connection_count(server->wire);
}

uint32_t server_exchange_count(const struct server *server)
{
    return wire_exchange_count(server->wire);
}

uint32_t server_socket_count(const struct server *server)
{
    return server->open_count;
}

uint32_t server_engine_count(const struct server *server)
{
    return wire_engine_count(server->wire);
}

struct engine *server_engine(const struct server *server, uint32_t nth)
{
    return wire_engine_at(server->wire, nth);
}

bool server_stat(const struct server *server, struct str cluster, struct str name, uint64_t *value)
{
    bool is_known = false;
    *value = 0;
    for (uint32_t i = 0; i < server_engine_count(server); i++) {
        uint64_t part;
        if (!engine_stat(server_engine(server, i), cluster, name, &part))
            continue;
        is_known = true;
        *value += part;
        if (stat_is_shared(name))
            break;
    }
    return is_known;
}
