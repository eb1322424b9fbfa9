/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/guest.c - see guest.h.
 */
#include "proxy/live/guest.h"

#include <netdb.h>
#include <string.h>

#include "base/check.h"
#include "proxy/live/inside.h"

#define TEXTS_BLOCK_BYTES 4096u

static void stir(struct guest *guest)
{
    list_remove(&guest->stirred);
    list_push_back(&guest->server->stirred_guests, &guest->stirred);
}

static void settle_reading(struct guest *guest)
{
    bool is_wanted = usher_wants_input(&guest->usher) && !guest->is_conn_paused;
    if (guest->socket == NULL || socket_is_ending(guest->socket))
        return;
    if (is_wanted)
        socket_resume(guest->socket);
    else
        socket_pause(guest->socket);
}

/* It has no connection of the wire's any more. */
static void forget_conn(struct guest *guest)
{
    struct socket *socket = guest->socket;
    struct server *server = socket->owner;
    server->by_conn[socket->conn] = NULL;
    wire_gone(server->wire, socket->conn);
    socket->wire = NULL;
    guest->early_bytes += guest->conn_bytes;
    guest->conn_bytes = 0;
    guest->is_conn_paused = false;
}

/* Nothing is under way on it, or nobody waits for that. */
static void leave(struct guest *guest)
{
    struct server *server = guest->server;
    wire_broken(server->wire, guest->socket->conn, loop_now_ns(server->loop));
    forget_conn(guest);
}

static void enter(struct guest *guest, struct str address, uint32_t port)
{
    struct server *server = guest->server;
    ASSERT(address.len <= sizeof(guest->place_text));
    memcpy(guest->place_text, address.ptr, address.len);
    guest->place_address = (struct str){guest->place_text, address.len};
    guest->place_port = port;
    struct wire_accept accept = {
        .listener = guest_listener(guest, engine_snapshot(wire_engine(server->wire))),
        .peer = guest->peer,
        .original_address = guest->place_address,
        .original_port = port,
    };
    accept.peer.local_address = guest->place_address;
    accept.peer.local_port = port;
    uint32_t conn = WIRE_NONE;
    if (accept.listener != NULL)
        conn = wire_accepted(server->wire, &accept, loop_now_ns(server->loop));
    if (conn == WIRE_NONE) {
        usher_refuse(&guest->usher, 503,
                     accept.listener == NULL ? STR("this proxy has no listener for that port")
                                             : STR("this proxy has too many connections"));
        return;
    }
    server_attach(server, guest->socket, conn);
    usher_admit(&guest->usher);
}

static void give(struct guest *guest)
{
    list_remove(&guest->node);
    list_remove(&guest->stirred);
    list_push_front(&guest->server->idle_guests, &guest->node);
}

static void take_lookup(struct guest *guest, int status, const struct addrinfo *found)
{
    char text[ADDRESS_TEXT_BYTES_MAX];
    uint32_t port;
    struct str address = STR_EMPTY;
    if (status == 0) {
        struct sockaddr_storage place = {0};
        memcpy(&place, found->ai_addr, found->ai_addrlen);
        address = address_text(&place, text, &port);
    }
    if (address.len > 0) {
        enter(guest, address, guest->usher.port);
        return;
    }
    usher_refuse(&guest->usher, 502,
                 arena_format(&guest->texts, "the system's DNS does not know \"%.*s\": %s",
                              STR_FMT(guest->usher.host), uv_strerror(status)));
}

static void on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct guest *guest = request->data;
    struct server *server = guest->server;
    guest->is_looking = false;
    server->handle_count--;
    if (guest->socket == NULL) {
        give(guest);
    } else if (!socket_is_ending(guest->socket)) {
        take_lookup(guest, status, found);
        stir(guest);
        server_pump(server);
    }
    uv_freeaddrinfo(found);
}

static void look_up(struct guest *guest, struct str name)
{
    struct str host = arena_str(&guest->texts, name);
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    guest->lookup.data = guest;
    int rc = uv_getaddrinfo(&guest->server->loop->uv, &guest->lookup, on_lookup, host.ptr, NULL,
                            &wanted);
    if (rc != 0) {
        take_lookup(guest, rc, NULL);
        return;
    }
    guest->is_looking = true;
    guest->server->handle_count++;
}

static void ask(struct guest *guest)
{
    guest->is_asking = false;
    arena_reset(&guest->texts);
    const struct guide *guide = guest->guide;
    const struct usher *usher = &guest->usher;
    struct guide_answer answer = guide->find(guide->user, usher->host, usher->port, &guest->texts);
    switch (answer.verdict) {
    case GUIDE_HERE:
        enter(guest, answer.address, answer.port);
        return;
    case GUIDE_OUTSIDE:
        look_up(guest, answer.address.len > 0 ? answer.address : usher->host);
        return;
    case GUIDE_NOWHERE:
        usher_refuse(&guest->usher, answer.status, answer.text);
        return;
    }
    UNREACHABLE("guide_verdict");
}

/* Its place is left first, and what that leads to comes before the question. */
static void settle_question(struct guest *guest)
{
    if (guest->socket->wire != NULL)
        leave(guest);
    else
        ask(guest);
}

static void pass(struct guest *guest, struct str bytes)
{
    struct server *server = guest->server;
    if (guest->socket->wire != NULL)
        wire_read(server->wire, guest->socket->conn, bytes, loop_now_ns(server->loop));
}

static void say(struct guest *guest, struct str bytes)
{
    size_t sent_bytes;
    struct server *server = guest->server;
    ASSERT(guest->conn_bytes == 0);
    if (socket_write(guest->socket, bytes, &sent_bytes)) {
        guest->early_bytes += bytes.len - sent_bytes;
        return;
    }
    if (guest->socket->wire != NULL)
        wire_broken(server->wire, guest->socket->conn, loop_now_ns(server->loop));
}

/* False: it has nothing to do. */
static bool step(struct guest *guest)
{
    struct usher_action action;
    if (guest->socket == NULL || socket_is_ending(guest->socket))
        return false;
    if (guest->is_asking) {
        settle_question(guest);
        return true;
    }
    if (!usher_next(&guest->usher, &action))
        return false;
    switch (action.kind) {
    case USHER_ASK:
        guest->is_asking = true;
        return true;
    case USHER_PASS:
        pass(guest, action.bytes);
        return true;
    case USHER_SAY:
        say(guest, action.bytes);
        return true;
    case USHER_FINISH:
        if (guest->is_input_over)
            socket_close(guest->socket);
        else
            socket_shutdown(guest->socket);
        return true;
    }
    UNREACHABLE("usher_action_kind");
}

static struct guest *take(struct server *server)
{
    struct list *first = list_first(&server->idle_guests);
    struct guest *guest;
    if (first != NULL) {
        guest = LIST_ITEM(first, struct guest, node);
        list_remove(&guest->node);
    } else {
        guest = ARENA_NEW(&server->memory, struct guest);
        guest->server = server;
        list_init(&guest->node);
        list_init(&guest->stirred);
        usher_init(&guest->usher);
        arena_init(&guest->texts, TEXTS_BLOCK_BYTES, 0);
    }
    list_push_back(&server->guests, &guest->node);
    return guest;
}

void guest_begin(struct server *server, struct socket *socket, const struct guide *guide,
                 const struct peer_facts *peer)
{
    struct guest *guest = take(server);
    ASSERT(peer->remote_address.len <= sizeof(guest->remote_text));
    guest->socket = socket;
    guest->guide = guide;
    guest->peer = *peer;
    memcpy(guest->remote_text, peer->remote_address.ptr, peer->remote_address.len);
    guest->peer.remote_address.ptr = guest->remote_text;
    guest->early_bytes = guest->conn_bytes = 0;
    guest->is_conn_paused = guest->is_input_over = guest->is_asking = false;
    usher_begin(&guest->usher);
    socket->guest = guest;
}

void guest_note_read(struct guest *guest, struct str bytes)
{
    usher_read(&guest->usher, bytes);
    stir(guest);
    server_pump(guest->server);
    usher_keep(&guest->usher);
}

void guest_note_read_ended(struct guest *guest)
{
    struct server *server = guest->server;
    guest->is_input_over = true;
    if (guest->socket->wire == NULL) {
        socket_close(guest->socket);
        return;
    }
    wire_read_eof(server->wire, guest->socket->conn, loop_now_ns(server->loop));
    server_pump(server);
}

size_t guest_note_wrote(struct guest *guest, size_t size)
{
    size_t early_bytes = size < guest->early_bytes ? size : guest->early_bytes;
    guest->early_bytes -= early_bytes;
    size -= early_bytes;
    ASSERT(size <= guest->conn_bytes);
    guest->conn_bytes -= size;
    return size;
}

void guest_note_gone(struct guest *guest)
{
    guest->socket->guest = NULL;
    guest->socket = NULL;
    if (guest->is_looking)
        (void)uv_cancel((uv_req_t *)&guest->lookup); /* or wait for its answer */
    else
        give(guest);
}

void guest_note_said(struct guest *guest, struct str bytes, size_t sent_bytes)
{
    ASSERT(sent_bytes == 0 || guest->early_bytes == 0);
    guest->conn_bytes += bytes.len - sent_bytes;
    usher_note_said(&guest->usher, bytes);
    stir(guest);
}

void guest_pause(struct guest *guest, bool is_paused)
{
    guest->is_conn_paused = is_paused;
    settle_reading(guest);
}

bool guest_outlives(struct guest *guest)
{
    bool is_between = usher_note_left(&guest->usher);
    if (!is_between || guest->is_input_over || guest->server->is_draining ||
        guest->server->is_stopped)
        return false;
    forget_conn(guest);
    stir(guest);
    return true;
}

bool guest_moves_out(struct guest *guest)
{
    if (!usher_note_left(&guest->usher))
        return false;
    (void)leave(guest);
    stir(guest);
    return true;
}

const struct listener *guest_listener(const struct guest *guest, const struct snapshot *snapshot)
{
    return snapshot_outbound_listener(snapshot, guest->place_address, guest->place_port);
}

bool guests_turn(struct server *server)
{
    struct list *first = list_first(&server->stirred_guests);
    if (first == NULL)
        return false;
    struct guest *guest = LIST_ITEM(first, struct guest, stirred);
    if (!step(guest)) {
        list_remove(&guest->stirred);
        settle_reading(guest);
    }
    return true;
}

void guests_drain(struct server *server)
{
    for (struct list *at = server->guests.next; at != &server->guests; at = at->next) {
        struct guest *guest = LIST_ITEM(at, struct guest, node);
        if (guest->socket != NULL && guest->socket->wire == NULL && !guest->is_looking)
            socket_close(guest->socket);
    }
}

void guests_stop(struct server *server)
{
    for (struct list *at = server->guests.next; at != &server->guests; at = at->next) {
        struct guest *guest = LIST_ITEM(at, struct guest, node);
        if (guest->socket != NULL && guest->socket->wire == NULL)
            socket_abort(guest->socket);
    }
}

void guests_fini(struct server *server)
{
    ASSERT(list_is_empty(&server->guests));
    while (!list_is_empty(&server->idle_guests)) {
        struct guest *guest = LIST_ITEM(list_first(&server->idle_guests), struct guest, node);
        list_remove(&guest->node);
        usher_fini(&guest->usher);
        arena_fini(&guest->texts);
    }
}
