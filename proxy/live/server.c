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
#define WIRE_BLOCK_BYTES 1024u
#define SEED_NAME_BYTES_MAX 32
#define INSIDE_SOURCE "127.0.0.6" /* Istio's upstream_bind_config of inbound clusters */

static void on_timer_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;
    server->handle_count--;
}

/* The first wire's luck is the seed's; those of later ones are derived. */
static uint64_t next_seed(struct server *server)
{
    if (server->replace_count == 0)
        return server->options.seed;
    char name[SEED_NAME_BYTES_MAX];
    (void)snprintf(name, sizeof(name), "replace %u", server->replace_count);
    return rng_derive(server->options.seed, str_of(name));
}

/* With nobody but the wire of before. */
static struct shared *new_shared(struct server *server, struct snapshot *snapshot, uint64_t seed)
{
    const struct shared *before =
        server->current != NULL ? engine_shared(wire_engine(server->current->wire)) : NULL;
    int64_t now_ns = loop_epoch_seconds(server->loop) * NS_SECOND + loop_now_ns(server->loop);
    return shared_new(snapshot, before, seed, now_ns);
}

/* `shared` may be NULL. */
static struct server_wire *new_wire(struct server *server, struct snapshot *snapshot,
                                    struct shared *shared)
{
    struct arena memory;
    arena_init(&memory, WIRE_BLOCK_BYTES, 0);
    struct server_wire *wire = ARENA_NEW(&memory, struct server_wire);
    wire->memory = memory;
    wire->server = server;
    wire->map = server->options.map;
    uint64_t seed = next_seed(server);
    struct wire_options options = server->options.wire;
    options.jwt_verify = jwt_verify;
    if (server->replace_count > 0)
        options.started_ns = loop_now_ns(server->loop);
    options.shared = shared != NULL ? shared : new_shared(server, snapshot, seed);
    wire->wire = wire_new(snapshot, seed, options);
    if (shared == NULL)
        shared_drop(options.shared);
    wire_set_epoch(wire->wire, loop_epoch_seconds(server->loop));
    list_init(&wire->node);
    return wire;
}

void server_wire_free(struct server_wire *wire)
{
    wire_free(wire->wire);
    tls_store_free(wire->tls);
    if (wire->map == &wire->own_map)
        address_map_fini(&wire->own_map);
    struct arena memory = wire->memory;
    arena_fini(&memory);
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
    list_init(&server->retiring);
    list_init(&server->idle_sockets);
    list_init(&server->greeted_sockets);
    list_init(&server->guests);
    list_init(&server->idle_guests);
    list_init(&server->stirred_guests);
    server->current = new_wire(server, snapshot, options->wire.shared);
    server->armed_ns = NS_NEVER;
    int rc = uv_timer_init(&loop->uv, &server->timer);
    ASSERT(rc == 0);
    server->timer.data = server;
    rc = uv_idle_init(&loop->uv, &server->greeting);
    ASSERT(rc == 0);
    server->greeting.data = server;
    server->handle_count = 2;
    server_pump(server->current);
    return server;
}

void server_warm(struct server *server)
{
    secure_warm(server->current);
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
    while (!list_is_empty(&server->retiring)) {
        struct server_wire *wire =
            LIST_ITEM(list_first(&server->retiring), struct server_wire, node);
        list_remove(&wire->node);
        server_wire_free(wire);
    }
    server_wire_free(server->current);
    struct arena memory = server->memory;
    arena_fini(&memory);
}

void server_copy_map(struct server *server, const struct address_map *map)
{
    struct server_wire *wire = server->current;
    if (wire->map == &wire->own_map)
        address_map_fini(&wire->own_map);
    address_map_init(&wire->own_map);
    address_map_copy(&wire->own_map, map);
    wire->map = &wire->own_map;
}

void server_replace(struct server *server, struct snapshot *snapshot, struct shared *shared,
                    const struct address_map *map)
{
    ASSERT(!server->is_stopped && !server->is_draining);
    struct server_wire *old = server->current;
    server->replace_count++;
    server->current = new_wire(server, snapshot, shared);
    if (map != NULL)
        server_copy_map(server, map);
    list_push_front(&server->retiring, &old->node);
    wire_take_over(server->current->wire, old->wire, loop_now_ns(server->loop));
    wire_retire(old->wire, loop_now_ns(server->loop));
    server_pump(old);
}

/* Calls for each wire, those of before first: they may go meanwhile. */
static void for_each_wire(struct server *server, void (*call)(struct server_wire *wire))
{
    struct list *next;
    for (struct list *node = server->retiring.next; node != &server->retiring; node = next) {
        next = node->next;
        call(LIST_ITEM(node, struct server_wire, node));
    }
    call(server->current);
}

static void leave_wire(struct server_wire *wire)
{
    wire_leave_ejected(wire->wire, loop_now_ns(wire->server->loop));
    server_pump(wire);
}

void server_leave_ejected(struct server *server)
{
    if (!server->is_stopped)
        for_each_wire(server, leave_wire);
}

static void drain_wire(struct server_wire *wire)
{
    wire_drain(wire->wire, loop_now_ns(wire->server->loop));
    server_pump(wire);
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
    for_each_wire(server, drain_wire);
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

uint32_t server_retiring_count(const struct server *server)
{
    uint32_t count = 0;
    for (struct list *node = server->retiring.next; node != &server->retiring; node = node->next)
        count++;
    return count;
}

/* 0: the current one. */
static struct server_wire *wire_at(const struct server *server, uint32_t nth)
{
    if (nth == 0)
        return server->current;
    struct list *node = server->retiring.next;
    for (uint32_t i = 1; i < nth && node != &server->retiring; i++)
        node = node->next;
    ASSERT(node != &server->retiring);
    return LIST_ITEM(node, struct server_wire, node);
}

uint32_t server_connection_count(const struct server *server)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < server_engine_count(server); i++)
        count += wire_connection_count(wire_at(server, i)->wire);
    return count;
}

uint32_t server_exchange_count(const struct server *server)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < server_engine_count(server); i++)
        count += wire_exchange_count(wire_at(server, i)->wire);
    return count;
}

uint32_t server_socket_count(const struct server *server)
{
    return server->open_count;
}

uint32_t server_engine_count(const struct server *server)
{
    return 1 + server_retiring_count(server);
}

struct engine *server_engine(const struct server *server, uint32_t nth)
{
    return wire_engine(wire_at(server, nth)->wire);
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
