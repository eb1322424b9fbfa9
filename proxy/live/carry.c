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

static int64_t now(const struct server *server)
{
    return loop_now_ns(server->loop);
}

/* For the record; a connection that is gone already has no near end. */
static void note_local(const struct socket *socket)
{
    struct sockaddr_storage place;
    char text[ADDRESS_TEXT_BYTES_MAX];
    uint32_t port;
    if (!socket_local_place(socket, &place))
        return;
    struct str address = address_text(&place, text, &port);
    wire_note_local(socket->wire, socket->conn, address, port);
}

static void on_connected(struct socket *socket)
{
    struct server *server = socket->owner;
    note_local(socket);
    if (socket->tls != NULL) {
        secure_begin(socket);
        return;
    }
    wire_connected(server->wire, socket->conn, now(server));
    server_pump(server);
}

/* Envoy's words for a connection that failed after connect(2) had returned. */
static void on_connect_failed(struct socket *socket, int error)
{
    struct server *server = socket->owner;
    char why[WHY_BYTES_MAX];
    (void)snprintf(why, sizeof(why), "delayed connect error: %s", strerror(error));
    wire_connect_failed(server->wire, socket->conn, str_of(why), now(server));
    server_pump(server);
}

static void on_read(struct socket *socket, struct str bytes)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL) {
        guest_note_read(socket->guest, bytes);
        return;
    }
    if (socket->tls != NULL) {
        secure_note_read(socket, bytes);
        return;
    }
    wire_read(server->wire, socket->conn, bytes, now(server));
    server_pump(server);
}

static void on_read_ended(struct socket *socket)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL) {
        guest_note_read_ended(socket->guest);
        return;
    }
    if (socket->tls != NULL) {
        secure_note_read_ended(socket);
        return;
    }
    wire_read_eof(server->wire, socket->conn, now(server));
    server_pump(server);
}

static void on_wrote(struct socket *socket, size_t size)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL)
        size = guest_note_wrote(socket->guest, size);
    else if (socket->tls != NULL)
        size = secure_note_wrote(socket);
    if (socket->wire == NULL || size == 0)
        return;
    wire_wrote(server->wire, socket->conn, size, now(server));
    server_pump(server);
}

static void on_broke(struct socket *socket)
{
    struct server *server = socket->owner;
    if (socket->wire == NULL)
        return;
    if (socket->tls != NULL) {
        secure_note_broke(socket);
        return;
    }
    wire_broken(server->wire, socket->conn, now(server));
    server_pump(server);
}

static void on_gone(struct socket *socket)
{
    struct server *server = socket->owner;
    if (socket->guest != NULL)
        guest_note_gone(socket->guest);
    secure_forget(socket);
    server->open_count--;
    list_push_front(&server->idle_sockets, &socket->node);
    if (socket->wire == NULL)
        return;
    server->by_conn[socket->conn] = NULL;
    wire_gone(server->wire, socket->conn);
    socket->wire = NULL;
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
                        now(server));
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
    wire_connect_failed(server->wire, conn, str_of(why), now(server));
}

static bool find_place(struct server *server, const struct wire_action *action,
                       struct sockaddr_storage *place)
{
    const struct server_options *options = &server->options;
    if (options->find != NULL)
        return options->find(action, place, options->user);
    if (options->inside_name.len > 0 && cluster_is_inside(action->cluster))
        return server->map != NULL && address_map_find(server->map, options->inside_name,
                                                       action->port, server->dial_turn++, place);
    if (server->map != NULL &&
        address_map_find(server->map, action->address, action->port, server->dial_turn++, place))
        return true;
    return options->is_literal && address_parse(action->address, action->port, place) &&
           (!options->is_loopback_only || address_is_loopback(place));
}

/* From loopback nobody reaches what is elsewhere. NULL: from any address. */
static const struct sockaddr_storage *source_for(const struct server *server,
                                                 const struct wire_action *action,
                                                 const struct sockaddr_storage *place)
{
    bool is_inside = server->options.inside_name.len > 0 && cluster_is_inside(action->cluster);
    const struct sockaddr_storage *source = is_inside ? &server->inside_source : &server->source;
    bool is_there = source->ss_family == place->ss_family &&
                    address_is_loopback(source) == address_is_loopback(place);
    return is_there ? source : NULL;
}

static void connect_to(struct server *server, const struct wire_action *action)
{
    struct sockaddr_storage place;
    if (server->is_stopped || !find_place(server, action, &place)) {
        refuse(server, action->conn);
        return;
    }
    struct tls_session *session = action->is_secure ? secure_call(server, action) : NULL;
    if (action->is_secure && session == NULL)
        return;
    struct socket *socket = server_take_socket(server);
    socket->tls = session;
    server_attach(server, socket, action->conn);
    int error = socket_connect(socket, &place, source_for(server, action, &place));
    if (error != 0)
        note_immediate_failure(server, action->conn, error, &place);
    else
        socket_keep_alive(socket, &action->cluster->tcp_keepalive);
}

static void write_to(struct server *server, const struct wire_action *action)
{
    size_t sent_bytes;
    struct socket *socket = socket_at(server, action->conn);
    bool is_there = socket->tls != NULL ? secure_write(socket, action->bytes, &sent_bytes)
                                        : socket_write(socket, action->bytes, &sent_bytes);
    if (is_there && socket->guest != NULL)
        guest_note_said(socket->guest, action->bytes, sent_bytes);
    if (!is_there)
        wire_broken(server->wire, action->conn, now(server));
    else if (sent_bytes > 0)
        wire_wrote(server->wire, action->conn, sent_bytes, now(server));
}

static void tell_done(struct server *server, const struct wire_action *action)
{
    struct server_done done = {.record = action->record,
                               .trace = action->trace,
                               .worker = server->options.worker,
                               .epoch_seconds = loop_epoch_seconds(server->loop)};
    struct socket *socket =
        action->conn < server->conn_capacity ? server->by_conn[action->conn] : NULL;
    if (socket != NULL) {
        done.remote_port = socket->remote_port;
        done.nth = socket->done_count++;
    }
    if (server->options.on_done != NULL)
        server->options.on_done(&done, server->options.user);
}

static void tell_outlier(struct server *server, const struct outlier_event *event)
{
    struct server_outlier outlier = {
        .event = event, .worker = server->options.worker, .at_ns = loop_now_ns(server->loop)};
    if (server->options.on_outlier != NULL)
        server->options.on_outlier(&outlier, server->options.user);
    if (event->is_ejection && event->is_enforced && server->options.on_ejected != NULL)
        server->options.on_ejected(server->options.others);
}

static void close_conn(struct socket *socket, bool is_abrupt)
{
    if (socket->tls != NULL && !is_abrupt)
        secure_end(socket);
    if (is_abrupt)
        socket_abort(socket);
    else if (socket->guest == NULL || !guest_outlives(socket->guest))
        socket_close(socket);
}

/* Over TLS its own word is all that is said, as Envoy does: FIN comes with the end of both
 * sides. */
static void shut(struct socket *socket)
{
    if (socket->tls != NULL)
        secure_end(socket);
    else
        socket_shutdown(socket);
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
    case WIRE_WHOLE:
        UNREACHABLE("nobody asked for them");
    case WIRE_PAUSE:
    case WIRE_RESUME:
        set_pause(socket_at(server, action->conn), action->kind == WIRE_PAUSE);
        return;
    case WIRE_SECURE:
        secure_accept(server, socket_at(server, action->conn), action);
        return;
    case WIRE_SHUTDOWN:
        shut(socket_at(server, action->conn));
        return;
    case WIRE_CLOSE:
        close_conn(socket_at(server, action->conn), action->is_abrupt);
        return;
    case WIRE_DONE:
        tell_done(server, action);
        return;
    case WIRE_OUTLIER:
        tell_outlier(server, &action->event);
        return;
    }
    UNREACHABLE("wire_action_kind");
}

static void on_wake(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->armed_ns = NS_NEVER;
    wire_wake(server->wire, now(server));
    server_pump(server);
}

/* A timer that is early does no harm, and moving it costs. */
static void set_timer(struct server *server)
{
    int64_t due_ns = wire_wake_ns(server->wire);
    bool is_early_enough = server->armed_ns <= due_ns && due_ns != NS_NEVER;
    if (server->is_stopped || is_early_enough || due_ns == server->armed_ns)
        return;
    server->armed_ns = due_ns;
    loop_timer_set(server->loop, &server->timer, due_ns, on_wake);
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
    socket->wire = NULL;
    socket->entry = NULL;
    socket->guest = NULL;
    socket->tls = NULL;
    socket->untold_bytes = 0;
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
    socket->wire = server->wire;
    socket->conn = conn;
}

static void carry_out_all(struct server *server)
{
    ASSERT(!server->is_pumping);
    server->is_pumping = true;
    struct wire_action action;
    while (wire_next(server->wire, &action))
        carry_out(server, &action);
    server->is_pumping = false;
}

/* NULL: its door is gone. */
static const struct listener *heir_listener(const struct socket *socket,
                                            const struct server *server)
{
    if (socket->guest != NULL)
        return guest_listener(socket->guest, engine_snapshot(wire_engine(server->wire)));
    return socket->entry != NULL ? socket->entry->door.listener : NULL;
}

/* Who is at rest goes on with the current configuration, or is drained if its door is gone or
 * stands for something else now. */
static void hand_over(struct server *server)
{
    for (uint32_t conn = wire_next_at_rest(server->wire); conn != WIRE_NONE;
         conn = wire_next_at_rest(server->wire)) {
        struct socket *socket = socket_at(server, conn);
        if (socket->guest != NULL && guest_moves_out(socket->guest)) {
            carry_out_all(server);
            continue;
        }
        const struct listener *listener = heir_listener(socket, server);
        if (listener == NULL || !wire_hand_over(server->wire, conn, listener, now(server)))
            wire_drain_conn(server->wire, conn, now(server));
        carry_out_all(server);
    }
}

static void settle(struct server *server)
{
    carry_out_all(server);
    hand_over(server);
}

void server_pump(struct server *server)
{
    settle(server);
    while (guests_turn(server))
        settle(server);
    secure_greet_all(server);
    set_timer(server);
}

void server_read_now(struct socket *socket)
{
    struct str bytes = socket_read_now(socket);
    if (bytes.len > 0)
        on_read(socket, bytes);
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
