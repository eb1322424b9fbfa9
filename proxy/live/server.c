/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/server.c - a server's life, its doors, and who comes in.
 */
#include "proxy/live/server.h"

#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/live/inside.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)

/* Connections that wait to be accepted: more than a burst of a laptop's
 * clients; the kernel cuts it to net.core.somaxconn. */
#define BACKLOG 1024

static void on_handle_closed(uv_handle_t *handle)
{
    struct server *server = handle->data;
    server->handle_count--;
}

static void on_entry_closed(uv_handle_t *handle)
{
    struct server_entry *entry = handle->data;
    entry->server->handle_count--;
}

static void close_entry(struct server_entry *entry)
{
    if (entry->is_closing)
        return;
    entry->is_closing = true;
    uv_close((uv_handle_t *)&entry->tcp, on_entry_closed);
}

/* What the wire is told of a connection: what its door believes, else what the
 * socket says. Texts are for the call. */
struct entrance {
    char remote_text[ADDRESS_TEXT_BYTES_MAX];
    char local_text[ADDRESS_TEXT_BYTES_MAX];
    struct wire_accept accept;
};

static bool look_at(const struct server_entry *entry, const struct socket *socket,
                    struct entrance *entrance)
{
    const struct server_door *door = &entry->door;
    struct sockaddr_storage remote, local;
    if (!socket_peer_place(socket, &remote) || !socket_local_place(socket, &local))
        return false;
    entrance->accept = (struct wire_accept){.listener = door->listener};
    struct peer_facts *peer = &entrance->accept.peer;
    peer->node_address = entry->server->options.node_address;
    peer->remote_address = address_text(&remote, entrance->remote_text, &peer->remote_port);
    peer->local_address = address_text(&local, entrance->local_text, &peer->local_port);
    if (door->remote_address.len > 0)
        peer->remote_address = door->remote_address;
    if (door->local_address.len > 0) {
        peer->local_address = door->local_address;
        peer->local_port = door->local_port;
    }
    if (door->has_original) {
        entrance->accept.original_address = peer->local_address;
        entrance->accept.original_port = peer->local_port;
    }
    return true;
}

static void on_entry_connection(uv_stream_t *stream, int status)
{
    struct server_entry *entry = stream->data;
    struct server *server = entry->server;
    if (status < 0) /* too many descriptors, or the client thought better of it */
        return;
    struct socket *socket = server_take_socket(server);
    if (!socket_accept(socket, stream))
        return;
    struct entrance entrance;
    uint32_t conn = WIRE_NONE;
    bool is_there = look_at(entry, socket, &entrance);
    socket->is_downstream = true;
    socket->remote_port = entrance.accept.peer.remote_port;
    if (is_there && entry->door.guide != NULL) {
        guest_begin(server, socket, entry->door.guide, &entrance.accept.peer);
        socket_start_reading(socket);
        return;
    }
    if (is_there)
        conn = wire_accepted(server->wire, &entrance.accept, loop_now_ns(server->loop));
    if (conn == WIRE_NONE) {
        socket_abort(socket);
        return;
    }
    server_attach(server, socket, conn);
    socket_start_reading(socket);
    server_pump(server);
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
    server->wire = wire_new(snapshot, options->seed, options->wire);
    wire_set_epoch(server->wire, loop_epoch_seconds(loop));
    list_init(&server->idle_sockets);
    list_init(&server->guests);
    list_init(&server->idle_guests);
    list_init(&server->stirred_guests);
    server->armed_ns = NS_NEVER;
    int rc = uv_timer_init(&loop->uv, &server->timer);
    ASSERT(rc == 0);
    server->timer.data = server;
    server->handle_count = 1;
    server_pump(server);
    return server;
}

void server_free(struct server *server)
{
    if (server == NULL)
        return;
    server_stop(server);
    while (server->handle_count > 0 || server->open_count > 0)
        loop_turn(server->loop);
    guests_fini(server);
    for (uint32_t i = 0; i < server->socket_count; i++)
        socket_fini(server->sockets[i]);
    wire_free(server->wire);
    struct arena memory = server->memory;
    arena_fini(&memory);
}

static struct server_entry *add_entry(struct server *server, const struct server_door *door)
{
    struct arena *memory = &server->memory;
    struct server_entry *entry = ARENA_NEW(memory, struct server_entry);
    entry->server = server;
    entry->door = *door;
    entry->door.bind_address = arena_str(memory, door->bind_address);
    entry->door.remote_address = arena_str(memory, door->remote_address);
    entry->door.local_address = arena_str(memory, door->local_address);
    *ARENA_PUSH(memory, server->entries, server->entry_count, server->entry_capacity) = entry;
    int rc = uv_tcp_init(&server->loop->uv, &entry->tcp);
    ASSERT(rc == 0);
    entry->tcp.data = entry;
    server->handle_count++;
    return entry;
}

/* 0, or an errno. */
static int open_entry(struct server_entry *entry)
{
    const struct server_door *door = &entry->door;
    struct sockaddr_storage place;
    if (!address_parse(door->bind_address, door->bind_port, &place))
        return UV_EINVAL;
    int rc = uv_tcp_bind(&entry->tcp, (const struct sockaddr *)&place, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&entry->tcp, BACKLOG, on_entry_connection);
    if (rc != 0)
        return rc;
    int size = sizeof(place);
    rc = uv_tcp_getsockname(&entry->tcp, (struct sockaddr *)&place, &size);
    char text[ADDRESS_TEXT_BYTES_MAX];
    if (rc == 0)
        (void)address_text(&place, text, &entry->port);
    return rc;
}

uint32_t server_listen(struct server *server, const struct server_door *door, struct str *why)
{
    ASSERT(!server->is_stopped && !server->is_draining);
    struct server_entry *entry = add_entry(server, door);
    int rc = open_entry(entry);
    if (rc == 0)
        return server->entry_count - 1;
    *why = arena_format(&server->memory, "listen on %.*s:%u: %s", STR_FMT(door->bind_address),
                        door->bind_port, strerror(-rc));
    close_entry(entry);
    return SERVER_NONE;
}

uint32_t server_port(const struct server *server, uint32_t door)
{
    ASSERT(door < server->entry_count);
    return server->entries[door]->port;
}

static void close_entries(struct server *server)
{
    for (uint32_t i = 0; i < server->entry_count; i++)
        close_entry(server->entries[i]);
}

void server_drain(struct server *server)
{
    if (server->is_draining || server->is_stopped)
        return;
    server->is_draining = true;
    close_entries(server);
    guests_drain(server);
    wire_drain(server->wire, loop_now_ns(server->loop));
    server_pump(server);
}

/* Those of one side. Requests end with their client, so clients go first. */
static void break_sockets(struct server *server, bool is_downstream)
{
    for (uint32_t i = 0; i < server->conn_capacity; i++) {
        struct socket *socket = server->by_conn[i];
        if (socket != NULL && socket->is_downstream == is_downstream)
            server_break(server, socket);
    }
}

void server_stop(struct server *server)
{
    if (server->is_stopped)
        return;
    server->is_stopped = true;
    close_entries(server);
    guests_stop(server);
    break_sockets(server, true);
    break_sockets(server, false);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
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

bool server_stat(const struct server *server, struct str cluster, struct str name, uint64_t *value)
{
    return engine_stat(wire_engine(server->wire), cluster, name, value);
}
