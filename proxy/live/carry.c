/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/carry.c - the wire's wishes become socket calls, sockets' events
 * become what the wire is told. No policy here.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/live/inside.h"

#define WHY_BYTES_MAX 256
#define CONNS_AT_FIRST 64u

static struct socket *socket_at(const struct server *server, uint32_t conn)
{
    ASSERT(conn < server->conn_capacity);
    ASSERT(server->by_conn[conn] != NULL);
    return server->by_conn[conn];
}

static void on_connected(struct socket *socket)
{
    struct server *server = socket->owner;
    wire_connected(server->wire, socket->conn, loop_now_ns(server->loop));
    server_pump(server);
}

/* Envoy's words for a connection that failed after connect(2) had returned. */
static void on_connect_failed(struct socket *socket, int error)
{
    struct server *server = socket->owner;
    char why[WHY_BYTES_MAX];
    (void)snprintf(why, sizeof(why), "delayed connect error: %s", strerror(error));
    wire_connect_failed(server->wire, socket->conn, str_of(why), loop_now_ns(server->loop));
    server_pump(server);
}

static void on_read(struct socket *socket, struct str bytes)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL) {
        guest_note_read(socket->guest, bytes);
        return;
    }
    wire_read(server->wire, socket->conn, bytes, loop_now_ns(server->loop));
    server_pump(server);
}

static void on_read_ended(struct socket *socket)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL) {
        guest_note_read_ended(socket->guest);
        return;
    }
    wire_read_eof(server->wire, socket->conn, loop_now_ns(server->loop));
    server_pump(server);
}

static void on_wrote(struct socket *socket, size_t size)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL)
        size = guest_note_wrote(socket->guest, size);
    if (size == 0 || socket->conn == WIRE_NONE)
        return;
    wire_wrote(server->wire, socket->conn, size, loop_now_ns(server->loop));
    server_pump(server);
}

static void on_broke(struct socket *socket)
{
    struct server *server = socket->owner;
    if (socket->conn == WIRE_NONE)
        return;
    wire_broken(server->wire, socket->conn, loop_now_ns(server->loop));
    server_pump(server);
}

static void on_gone(struct socket *socket)
{
    struct server *server = socket->owner;
    if (socket->conn != WIRE_NONE) {
        server->by_conn[socket->conn] = NULL;
        wire_gone(server->wire, socket->conn);
        socket->conn = WIRE_NONE;
    }
    if (socket->guest != NULL)
        guest_note_gone(socket->guest);
    server->open_count--;
    list_push_front(&server->idle_sockets, &socket->node);
}

static const struct socket_events events = {
    .connected = on_connected,
    .connect_failed = on_connect_failed,
    .read = on_read,
    .read_ended = on_read_ended,
    .wrote = on_wrote,
    .broke = on_broke,
    .gone = on_gone,
};

/* Nobody listens where the name leads, or the name leads nowhere. */
static void refuse(struct server *server, uint32_t conn)
{
    wire_connect_failed(server->wire, conn, STR("delayed connect error: Connection refused"),
                        loop_now_ns(server->loop));
    wire_gone(server->wire, conn);
}

/* Envoy's words for a connection that connect(2) itself refused. */
static void note_immediate_failure(struct server *server, uint32_t conn, int error,
                                   const struct sockaddr_storage *place)
{
    char text[ADDRESS_TEXT_BYTES_MAX], why[WHY_BYTES_MAX];
    uint32_t port;
    struct str address = address_text(place, text, &port);
    const char *format = place->ss_family == AF_INET6
                             ? "immediate connect error: %s|remote address:[%.*s]:%u"
                             : "immediate connect error: %s|remote address:%.*s:%u";
    (void)snprintf(why, sizeof(why), format, strerror(error), STR_FMT(address), port);
    wire_connect_failed(server->wire, conn, str_of(why), loop_now_ns(server->loop));
}

static bool find_place(const struct server *server, const struct wire_action *action,
                       struct sockaddr_storage *place)
{
    const struct server_options *options = &server->options;
    if (options->map != NULL &&
        address_map_find(options->map, action->address, action->port, place))
        return true;
    return options->is_literal && address_parse(action->address, action->port, place);
}

static void connect_to(struct server *server, const struct wire_action *action)
{
    struct sockaddr_storage place;
    if (server->is_stopped || !find_place(server, action, &place)) {
        refuse(server, action->conn);
        return;
    }
    struct socket *socket = server_take_socket(server);
    server_attach(server, socket, action->conn);
    int error = socket_connect(socket, &place);
    if (error != 0)
        note_immediate_failure(server, action->conn, error, &place);
}

static void write_to(struct server *server, const struct wire_action *action)
{
    size_t sent_bytes;
    int64_t now_ns = loop_now_ns(server->loop);
    struct socket *socket = socket_at(server, action->conn);
    bool is_there = socket_write(socket, action->bytes, &sent_bytes);
    if (is_there && socket->guest != NULL)
        guest_note_said(socket->guest, action->bytes, sent_bytes);
    if (!is_there)
        wire_broken(server->wire, action->conn, now_ns);
    else if (sent_bytes > 0)
        wire_wrote(server->wire, action->conn, sent_bytes, now_ns);
}

static void tell_done(struct server *server, const struct wire_action *action)
{
    struct server_done done = {.record = action->record, .trace = action->trace};
    struct socket *socket =
        action->conn < server->conn_capacity ? server->by_conn[action->conn] : NULL;
    if (socket != NULL) {
        done.remote_port = socket->remote_port;
        done.nth = socket->done_count++;
    }
    if (server->options.on_done != NULL)
        server->options.on_done(&done, server->options.user);
}

static void close_conn(struct socket *socket, bool is_abrupt)
{
    if (is_abrupt)
        socket_abort(socket);
    else if (socket->guest == NULL || !guest_outlives(socket->guest))
        socket_close(socket);
}

static void set_pause(struct socket *socket, bool is_paused)
{
    if (socket->guest != NULL)
        guest_pause(socket->guest, is_paused);
    else if (is_paused)
        socket_pause(socket);
    else
        socket_resume(socket);
}

static void carry_out(struct server *server, const struct wire_action *action)
{
    switch (action->kind) {
    case WIRE_CONNECT:
        connect_to(server, action);
        return;
    case WIRE_WRITE:
        write_to(server, action);
        return;
    case WIRE_PAUSE:
        set_pause(socket_at(server, action->conn), true);
        return;
    case WIRE_RESUME:
        set_pause(socket_at(server, action->conn), false);
        return;
    case WIRE_SHUTDOWN:
        socket_shutdown(socket_at(server, action->conn));
        return;
    case WIRE_CLOSE:
        close_conn(socket_at(server, action->conn), action->is_abrupt);
        return;
    case WIRE_DONE:
        tell_done(server, action);
        return;
    }
    UNREACHABLE("wire_action_kind");
}

static void on_wake(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->armed_ns = NS_NEVER;
    wire_wake(server->wire, loop_now_ns(server->loop));
    server_pump(server);
}

/* A timer that is early does no harm, and moving it costs. */
static void set_timer(struct server *server)
{
    int64_t wake_ns = wire_wake_ns(server->wire);
    bool is_early_enough = server->armed_ns <= wake_ns && wake_ns != NS_NEVER;
    if (server->is_stopped || is_early_enough || wake_ns == server->armed_ns)
        return;
    server->armed_ns = wake_ns;
    loop_timer_set(server->loop, &server->timer, wake_ns, on_wake);
}

struct socket *server_take_socket(struct server *server)
{
    struct list *first = list_first(&server->idle_sockets);
    struct socket *socket;
    if (first != NULL) {
        socket = LIST_ITEM(first, struct socket, node);
        list_remove(&socket->node);
    } else {
        socket = ARENA_NEW(&server->memory, struct socket);
        socket_init(socket, server->loop, &events);
        socket->owner = server;
        *ARENA_PUSH(&server->memory, server->sockets, server->socket_count,
                    server->socket_capacity) = socket;
    }
    socket->conn = WIRE_NONE;
    socket->guest = NULL;
    socket->is_downstream = false;
    socket->remote_port = 0;
    socket->done_count = 0;
    server->open_count++;
    return socket;
}

void server_attach(struct server *server, struct socket *socket, uint32_t conn)
{
    if (conn >= server->conn_capacity) {
        uint32_t capacity = server->conn_capacity == 0 ? CONNS_AT_FIRST : server->conn_capacity;
        while (capacity <= conn)
            capacity *= 2;
        server->by_conn = arena_grow(&server->memory, server->by_conn, server->conn_capacity,
                                     capacity, sizeof(struct socket *));
        server->conn_capacity = capacity;
    }
    ASSERT(server->by_conn[conn] == NULL);
    server->by_conn[conn] = socket;
    socket->conn = conn;
}

void server_pump(struct server *server)
{
    ASSERT(!server->is_pumping);
    server->is_pumping = true;
    struct wire_action action;
    do {
        while (wire_next(server->wire, &action))
            carry_out(server, &action);
    } while (guests_turn(server));
    server->is_pumping = false;
    set_timer(server);
}

void server_break(struct server *server, struct socket *socket)
{
    /* One that is closing is no concern of the wire's any more. */
    if (socket_is_ending(socket)) {
        socket_abort(socket);
        return;
    }
    socket_abort(socket);
    wire_broken(server->wire, socket->conn, loop_now_ns(server->loop));
    server_pump(server);
}
