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

static struct socket *socket_at(const struct server_wire *wire, uint32_t conn)
{
    ASSERT(conn < wire->conn_capacity);
    ASSERT(wire->by_conn[conn] != NULL);
    return wire->by_conn[conn];
}

static int64_t now(const struct server_wire *wire)
{
    return loop_now_ns(wire->server->loop);
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
    wire_note_local(socket->wire->wire, socket->conn, address, port);
}

static void on_connected(struct socket *socket)
{
    struct server_wire *wire = socket->wire;
    note_local(socket);
    if (socket->tls != NULL) {
        secure_begin(socket);
        return;
    }
    wire_connected(wire->wire, socket->conn, now(wire));
    server_pump(wire);
}

/* Envoy's words for a connection that failed after connect(2) had returned. */
static void on_connect_failed(struct socket *socket, int error)
{
    struct server_wire *wire = socket->wire;
    char why[WHY_BYTES_MAX];
    (void)snprintf(why, sizeof(why), "delayed connect error: %s", strerror(error));
    wire_connect_failed(wire->wire, socket->conn, str_of(why), now(wire));
    server_pump(wire);
}

static void on_read(struct socket *socket, struct str bytes)
{
    struct server_wire *wire = socket->wire;
    if (socket->guest != NULL) {
        guest_note_read(socket->guest, bytes);
        return;
    }
    if (socket->tls != NULL) {
        secure_note_read(socket, bytes);
        return;
    }
    wire_read(wire->wire, socket->conn, bytes, now(wire));
    server_pump(wire);
}

static void on_read_ended(struct socket *socket)
{
    struct server_wire *wire = socket->wire;
    if (socket->guest != NULL) {
        guest_note_read_ended(socket->guest);
        return;
    }
    if (socket->tls != NULL) {
        secure_note_read_ended(socket);
        return;
    }
    wire_read_eof(wire->wire, socket->conn, now(wire));
    server_pump(wire);
}

static void on_wrote(struct socket *socket, size_t size)
{
    struct server_wire *wire = socket->wire;
    if (socket->guest != NULL)
        size = guest_note_wrote(socket->guest, size);
    else if (socket->tls != NULL)
        size = secure_note_wrote(socket);
    if (wire == NULL || size == 0)
        return;
    wire_wrote(wire->wire, socket->conn, size, now(wire));
    server_pump(wire);
}

static void on_broke(struct socket *socket)
{
    struct server_wire *wire = socket->wire;
    if (wire == NULL)
        return;
    if (socket->tls != NULL) {
        secure_note_broke(socket);
        return;
    }
    wire_broken(wire->wire, socket->conn, now(wire));
    server_pump(wire);
}

/* Gives a retiring wire back whose last connection has gone. */
static void end_if_over(struct server_wire *wire)
{
    struct server *server = wire->server;
    if (wire == server->current || !wire_is_over(wire->wire))
        return;
    engine_inherit(wire_engine(server->current->wire), wire_engine(wire->wire));
    list_remove(&wire->node);
    server_wire_free(wire);
}

static void on_gone(struct socket *socket)
{
    struct server *server = socket->owner;
    struct server_wire *wire = socket->wire;
    if (socket->guest != NULL)
        guest_note_gone(socket->guest);
    secure_forget(socket);
    server->open_count--;
    list_push_front(&server->idle_sockets, &socket->node);
    if (wire == NULL)
        return;
    wire->by_conn[socket->conn] = NULL;
    wire_gone(wire->wire, socket->conn);
    socket->wire = NULL;
    end_if_over(wire);
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
static void refuse(struct server_wire *wire, uint32_t conn)
{
    wire_connect_failed(wire->wire, conn, STR("delayed connect error: Connection refused"),
                        now(wire));
    wire_gone(wire->wire, conn);
}

/* Envoy's words for a connection that connect(2) itself refused. */
static void note_immediate_failure(struct server_wire *wire, uint32_t conn, int error,
                                   const struct sockaddr_storage *place)
{
    char text[ADDRESS_TEXT_BYTES_MAX], why[WHY_BYTES_MAX];
    uint32_t port;
    struct str address = address_text(place, text, &port);
    const char *format = place->ss_family == AF_INET6
                             ? "immediate connect error: %s|remote address:[%.*s]:%u"
                             : "immediate connect error: %s|remote address:%.*s:%u";
    (void)snprintf(why, sizeof(why), format, strerror(error), STR_FMT(address), port);
    wire_connect_failed(wire->wire, conn, str_of(why), now(wire));
}

static bool find_place(struct server_wire *wire, const struct wire_action *action,
                       struct sockaddr_storage *place)
{
    const struct server_options *options = &wire->server->options;
    if (options->find != NULL)
        return options->find(action, place, options->user);
    if (options->inside_name.len > 0 && cluster_is_inside(action->cluster))
        return wire->map != NULL && address_map_find(wire->map, options->inside_name, action->port,
                                                     wire->dial_turn++, place);
    if (wire->map != NULL &&
        address_map_find(wire->map, action->address, action->port, wire->dial_turn++, place))
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

static void connect_to(struct server_wire *wire, const struct wire_action *action)
{
    struct server *server = wire->server;
    struct sockaddr_storage place;
    if (server->is_stopped || !find_place(wire, action, &place)) {
        refuse(wire, action->conn);
        return;
    }
    struct tls_session *session = action->is_secure ? secure_call(wire, action) : NULL;
    if (action->is_secure && session == NULL)
        return;
    struct socket *socket = server_take_socket(server);
    socket->tls = session;
    server_attach(wire, socket, action->conn);
    int error = socket_connect(socket, &place, source_for(server, action, &place));
    if (error != 0)
        note_immediate_failure(wire, action->conn, error, &place);
}

static void write_to(struct server_wire *wire, const struct wire_action *action)
{
    size_t sent_bytes;
    struct socket *socket = socket_at(wire, action->conn);
    bool is_there = socket->tls != NULL ? secure_write(socket, action->bytes, &sent_bytes)
                                        : socket_write(socket, action->bytes, &sent_bytes);
    if (is_there && socket->guest != NULL)
        guest_note_said(socket->guest, action->bytes, sent_bytes);
    if (!is_there)
        wire_broken(wire->wire, action->conn, now(wire));
    else if (sent_bytes > 0)
        wire_wrote(wire->wire, action->conn, sent_bytes, now(wire));
}

static void tell_done(struct server_wire *wire, const struct wire_action *action)
{
    struct server *server = wire->server;
    struct server_done done = {.record = action->record,
                               .trace = action->trace,
                               .worker = server->options.worker,
                               .epoch_seconds = loop_epoch_seconds(server->loop)};
    struct socket *socket = action->conn < wire->conn_capacity ? wire->by_conn[action->conn] : NULL;
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

static void carry_out(struct server_wire *wire, const struct wire_action *action)
{
    switch (action->kind) {
    case WIRE_CONNECT:
        connect_to(wire, action);
        return;
    case WIRE_WRITE:
        write_to(wire, action);
        return;
    case WIRE_WHOLE:
        UNREACHABLE("nobody asked for them");
    case WIRE_PAUSE:
    case WIRE_RESUME:
        set_pause(socket_at(wire, action->conn), action->kind == WIRE_PAUSE);
        return;
    case WIRE_SECURE:
        secure_accept(wire, socket_at(wire, action->conn), action);
        return;
    case WIRE_SHUTDOWN:
        shut(socket_at(wire, action->conn));
        return;
    case WIRE_CLOSE:
        close_conn(socket_at(wire, action->conn), action->is_abrupt);
        return;
    case WIRE_DONE:
        tell_done(wire, action);
        return;
    case WIRE_OUTLIER:
        tell_outlier(wire->server, &action->event);
        return;
    }
    UNREACHABLE("wire_action_kind");
}

static void wake(struct server_wire *wire)
{
    wire_wake(wire->wire, now(wire));
    server_pump(wire);
}

static void on_wake(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->armed_ns = NS_NEVER;
    struct list *next;
    for (struct list *node = server->retiring.next; node != &server->retiring; node = next) {
        next = node->next;
        wake(LIST_ITEM(node, struct server_wire, node));
    }
    wake(server->current);
}

static int64_t wake_ns(const struct server *server)
{
    int64_t first_ns = wire_wake_ns(server->current->wire);
    for (struct list *node = server->retiring.next; node != &server->retiring; node = node->next)
        first_ns = ns_min(first_ns, wire_wake_ns(LIST_ITEM(node, struct server_wire, node)->wire));
    return first_ns;
}

/* A timer that is early does no harm, and moving it costs. */
static void set_timer(struct server *server)
{
    int64_t due_ns = wake_ns(server);
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

void server_attach(struct server_wire *wire, struct socket *socket, uint32_t conn)
{
    if (conn >= wire->conn_capacity) {
        uint32_t capacity = wire->conn_capacity == 0 ? CONNS_AT_FIRST : wire->conn_capacity;
        while (capacity <= conn)
            capacity *= 2;
        wire->by_conn = arena_grow(&wire->memory, wire->by_conn, wire->conn_capacity, capacity,
                                   sizeof(struct socket *));
        wire->conn_capacity = capacity;
    }
    ASSERT(wire->by_conn[conn] == NULL);
    wire->by_conn[conn] = socket;
    socket->wire = wire;
    socket->conn = conn;
}

static void carry_out_all(struct server_wire *wire)
{
    struct server *server = wire->server;
    ASSERT(!server->is_pumping);
    server->is_pumping = true;
    struct wire_action action;
    while (wire_next(wire->wire, &action))
        carry_out(wire, &action);
    server->is_pumping = false;
}

/* NULL: its door is gone. */
static const struct listener *heir_listener(const struct socket *socket,
                                            const struct server_wire *current)
{
    if (socket->guest != NULL)
        return guest_listener(socket->guest, engine_snapshot(wire_engine(current->wire)));
    return socket->entry != NULL ? socket->entry->door.listener : NULL;
}

/* Who is at rest goes on with the current wire, or is drained if its door is
 * gone or stands for something else now. */
static void hand_over(struct server_wire *wire)
{
    struct server_wire *current = wire->server->current;
    for (uint32_t conn = wire_next_at_rest(wire->wire); conn != WIRE_NONE;
         conn = wire_next_at_rest(wire->wire)) {
        struct socket *socket = socket_at(wire, conn);
        struct wire_heir heir = {.wire = current->wire};
        uint32_t number = WIRE_NONE;
        if (socket->guest != NULL && guest_moves_out(socket->guest)) {
            carry_out_all(wire);
            continue;
        }
        heir.listener = heir_listener(socket, current);
        if (heir.listener != NULL) {
            number = wire_hand_over(wire->wire, conn, &heir, now(wire));
        }
        if (number != WIRE_NONE) {
            wire->by_conn[conn] = NULL;
            server_attach(current, socket, number);
            carry_out_all(current);
        } else {
            wire_drain_conn(wire->wire, conn, now(wire));
            carry_out_all(wire);
        }
    }
}

static void settle(struct server_wire *wire)
{
    carry_out_all(wire);
    if (wire == wire->server->current)
        return;
    hand_over(wire);
    end_if_over(wire);
}

void server_pump(struct server_wire *wire)
{
    struct server *server = wire->server;
    settle(wire);
    while (guests_turn(server, &wire)) {
        if (wire != NULL)
            settle(wire);
    }
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
    wire_broken(socket->wire->wire, socket->conn, loop_now_ns(server->loop));
    server_pump(socket->wire);
}
