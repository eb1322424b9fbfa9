/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/entry.c - a server's doors, and who comes in.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/live/inside.h"
#include "proxy/live/port.h"

#define DOOR_BLOCK_BYTES 256u

static void on_entry_closed(uv_handle_t *handle)
{
    struct server_entry *entry = handle->data;
    entry->is_closing = false;
    entry->server->handle_count--;
}

static void close_entry(struct server_entry *entry)
{
    if (!entry->is_open)
        return;
    entry->is_open = false;
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

/* A connection that a socket has; it begins to be served. */
static void let_in(struct server_entry *entry, struct socket *socket)
{
    struct server *server = entry->server;
    struct entrance entrance;
    uint32_t conn = WIRE_NONE;
    bool is_there = look_at(entry, socket, &entrance);
    if (is_there && entry->door.guide == NULL)
        conn = wire_accepted(server->wire, &entrance.accept, loop_now_ns(server->loop));
    if (!is_there || (conn == WIRE_NONE && entry->door.guide == NULL)) {
        socket_abort(socket);
        return;
    }
    socket->is_downstream = true;
    socket->remote_port = entrance.accept.peer.remote_port;
    socket->entry = entry;
    if (entry->door.guide != NULL) {
        guest_begin(server, socket, entry->door.guide, &entrance.accept.peer);
        socket_start_reading(socket);
        return;
    }
    server_attach(server, socket, conn);
    socket_start_reading(socket);
    server_pump(server);
}

static void on_entry_connection(uv_stream_t *stream, int status)
{
    struct server_entry *entry = stream->data;
    if (status < 0) /* too many descriptors, or the client thought better of it */
        return;
    struct socket *socket = server_take_socket(entry->server);
    if (socket_accept(socket, stream))
        let_in(entry, socket);
}

/* Whom the kernel has let in already: closing would reset them. */
static void let_in_who_waits(struct server_entry *entry)
{
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&entry->tcp, &fd) != 0)
        return;
    for (uint32_t i = 0; i < PORT_BACKLOG; i++) {
        int accepted = accept(fd, NULL, NULL);
        if (accepted < 0 && errno != EINTR && errno != ECONNABORTED)
            return;
        if (accepted < 0)
            continue;
        struct socket *socket = server_take_socket(entry->server);
        if (socket_open(socket, accepted))
            let_in(entry, socket);
    }
}

static void set_door(struct server_entry *entry, const struct server_door *door)
{
    arena_reset(&entry->memory);
    entry->door = *door;
    entry->door.bind_address = arena_str(&entry->memory, door->bind_address);
    entry->door.remote_address = arena_str(&entry->memory, door->remote_address);
    entry->door.local_address = arena_str(&entry->memory, door->local_address);
}

/* A place that is closed, or a new one. */
static uint32_t find_place(struct server *server)
{
    for (uint32_t i = 0; i < server->entry_count; i++) {
        if (!server->entries[i]->is_open && !server->entries[i]->is_closing)
            return i;
    }
    struct server_entry *entry = ARENA_NEW(&server->memory, struct server_entry);
    entry->server = server;
    arena_init(&entry->memory, DOOR_BLOCK_BYTES, 0);
    *ARENA_PUSH(&server->memory, server->entries, server->entry_count, server->entry_capacity) =
        entry;
    return server->entry_count - 1;
}

static uint32_t add_entry(struct server *server, const struct server_door *door)
{
    ASSERT(!server->is_stopped && !server->is_draining);
    uint32_t number = find_place(server);
    struct server_entry *entry = server->entries[number];
    set_door(entry, door);
    int rc = uv_tcp_init(&server->loop->uv, &entry->tcp);
    ASSERT(rc == 0);
    entry->tcp.data = entry;
    entry->is_open = true;
    server->handle_count++;
    return number;
}

/* 0, or an errno. */
static int start_listening(struct server_entry *entry)
{
    struct sockaddr_storage place;
    int rc = uv_listen((uv_stream_t *)&entry->tcp, PORT_BACKLOG, on_entry_connection);
    if (rc != 0)
        return rc;
    int size = sizeof(place);
    rc = uv_tcp_getsockname(&entry->tcp, (struct sockaddr *)&place, &size);
    char text[ADDRESS_TEXT_BYTES_MAX];
    if (rc == 0)
        (void)address_text(&place, text, &entry->port);
    return rc;
}

/* 0, or an errno. */
static int open_entry(struct server_entry *entry)
{
    const struct server_door *door = &entry->door;
    struct sockaddr_storage place;
    if (!address_parse(door->bind_address, door->bind_port, &place))
        return UV_EINVAL;
    int rc = uv_tcp_bind(&entry->tcp, (const struct sockaddr *)&place, 0);
    return rc != 0 ? rc : start_listening(entry);
}

static struct server_entry *entry_at(const struct server *server, uint32_t door)
{
    ASSERT(door < server->entry_count);
    ASSERT(server->entries[door]->is_open);
    return server->entries[door];
}

uint32_t server_listen(struct server *server, const struct server_door *door, struct str *why)
{
    uint32_t number = add_entry(server, door);
    struct server_entry *entry = server->entries[number];
    int rc = open_entry(entry);
    if (rc == 0)
        return number;
    *why = arena_format(&server->memory, "listen on %.*s:%u: %s", STR_FMT(door->bind_address),
                        door->bind_port, strerror(-rc));
    close_entry(entry);
    return SERVER_NONE;
}

uint32_t server_adopt_listener(struct server *server, const struct server_door *door, int fd)
{
    uint32_t number = add_entry(server, door);
    struct server_entry *entry = server->entries[number];
    int rc = uv_tcp_open(&entry->tcp, fd);
    ASSERT(rc == 0);
    rc = start_listening(entry);
    ASSERT(rc == 0); /* it did so before */
    return number;
}

uint32_t server_port(const struct server *server, uint32_t door)
{
    return entry_at(server, door)->port;
}

void server_door_change(struct server *server, uint32_t door, const struct server_door *wanted)
{
    set_door(entry_at(server, door), wanted);
}

void server_door_close(struct server *server, uint32_t door)
{
    struct server_entry *entry = entry_at(server, door);
    let_in_who_waits(entry);
    close_entry(entry);
    for (uint32_t i = 0; i < server->socket_count; i++) {
        struct socket *socket = server->sockets[i];
        if (socket->entry != entry)
            continue;
        socket->entry = NULL;
        if (socket->wire != NULL)
            server_read_now(socket);
        if (socket->wire == NULL || socket_is_ending(socket))
            continue;
        wire_drain_conn(server->wire, socket->conn, loop_now_ns(server->loop));
        server_pump(server);
    }
}

void server_let_in_all(struct server *server)
{
    for (uint32_t i = 0; i < server->entry_count; i++) {
        if (server->entries[i]->is_open)
            let_in_who_waits(server->entries[i]);
    }
    server_close_entries(server);
}

void server_close_entries(struct server *server)
{
    for (uint32_t i = 0; i < server->entry_count; i++)
        close_entry(server->entries[i]);
}
