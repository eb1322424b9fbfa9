/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/secure.c - TLS between a socket and its wire: the wire hears and says
 * plain bytes only, and of a handshake no more than how it ended.
 *
 * What TLS itself has to say (greetings, alerts) is sent after whatever may have made
 * it speak. Bytes count as sent when all ciphertext has left; what comes meanwhile waits
 * in the clear, and becomes as few records as it can. A peer whose greeting waits for its
 * turn, or who makes TLS speak and does not listen, is not read.
 */
#include "base/check.h"
#include "proxy/live/inside.h"
#include "proxy/model/keyring.h"
#include "proxy/model/limits.h"

#define WHY_BLOCK_BYTES 1024u
/* Of TLS's own that a peer may leave unread: more than any greeting. */
#define OWN_BYTES_MAX (16u * 1024)

static int64_t now(const struct socket *socket)
{
    return loop_now_ns(socket->loop);
}

static const struct keyring *keyring_of(const struct server *server,
                                        const struct snapshot *snapshot)
{
    return server->options.keyring != NULL ? server->options.keyring : snapshot->keyring;
}

static struct tls_store *tls_store_of(struct server *server)
{
    if (server->tls == NULL)
        server->tls = tls_store_new(keyring_of(server, engine_snapshot(wire_engine(server->wire))));
    return server->tls;
}

void secure_renew(struct server *server, const struct snapshot *next)
{
    bool is_same = server->tls != NULL && next != NULL &&
                   keyring_is_same(tls_store_keyring(server->tls), keyring_of(server, next));
    if (is_same) {
        tls_store_forget_sockets(server->tls);
        return;
    }
    tls_store_drop(server->tls);
    server->tls = NULL;
}

void secure_warm(struct server *server)
{
    tls_store_warm(tls_store_of(server), engine_snapshot(wire_engine(server->wire)));
}

struct tls_session *secure_call(struct server *server, const struct wire_action *action)
{
    struct tls_call call = {
        .cluster = action->cluster,
        .host = action->host,
        .address = action->address,
        .port = action->port,
        .payload = action->payload,
    };
    struct tls_session *session = tls_connect(tls_store_of(server), &call);
    if (tls_state(session) != TLS_STATE_FAILED)
        return session;
    tls_free(session);
    wire_connect_failed(server->wire, action->conn,
                        tls_failure_text(TLS_SECRET_ABSENT, STR_EMPTY, NULL),
                        loop_now_ns(server->loop));
    wire_gone(server->wire, action->conn);
    return NULL;
}

/* Does the wire still hear of it? */
static bool is_heard(const struct socket *socket)
{
    return socket->wire != NULL && !socket_is_ending(socket);
}

/* False: it broke, and is closing. */
static bool flush(struct socket *socket)
{
    struct str out = tls_out(socket->tls);
    size_t sent_bytes;
    if (out.len == 0 || socket_is_ending(socket))
        return true;
    bool is_there = socket_write(socket, out, &sent_bytes);
    tls_sent(socket->tls, out.len);
    return is_there;
}

static void settle_hold(struct socket *socket)
{
    socket_hold(socket, buf_size(&socket->greeting) > 0 || socket->own_bytes > OWN_BYTES_MAX);
}

/* The same of what TLS has to say by itself. */
static bool flush_own(struct socket *socket)
{
    size_t size = tls_out(socket->tls).len;
    if (!flush(socket))
        return false;
    socket->own_bytes = socket_is_drained(socket) ? 0 : socket->own_bytes + size;
    settle_hold(socket);
    return true;
}

static void tell_broken(struct socket *socket)
{
    struct server *server = socket->owner;
    wire_broken(server->wire, socket->conn, now(socket));
    server_pump(server);
}

/* The handshake of a connection that the wire has asked for. */
static void tell_connect_failed(struct socket *socket, enum tls_failure failure)
{
    struct server *server = socket->owner;
    struct arena arena;
    arena_init(&arena, WHY_BLOCK_BYTES, 0);
    struct str why = failure == TLS_RESET || failure == TLS_ENDED
                         ? tls_failure_text(failure, STR_EMPTY, &arena)
                         : tls_failed_text(socket->tls, &arena);
    wire_connect_failed(server->wire, socket->conn, why, now(socket));
    arena_fini(&arena);
    server_pump(server);
}

static bool is_shaking_hands(const struct socket *socket)
{
    return tls_state(socket->tls) == TLS_STATE_HANDSHAKE;
}

/* What it came to, and what the two showed each other. */
static void tell_shaken(struct socket *socket, const struct tls_facts *facts)
{
    struct certificate peer;
    struct arena arena;
    arena_init(&arena, WHY_BLOCK_BYTES, 0);
    bool has_peer = tls_peer(socket->tls, &peer, &arena);
    struct wire_handshake handshake = {
        .agreed = {.version = tls_version_name(facts->version),
                   .cipher = facts->cipher,
                   .curve = facts->curve,
                   .sigalg = facts->sigalg,
                   .is_resumed = facts->is_resumed,
                   .has_peer = has_peer},
        .server_name = facts->server_name,
        .peer = has_peer ? &peer : NULL,
        .own = tls_own(socket->tls),
    };
    wire_note_handshake(socket->wire, socket->conn, &handshake);
    arena_fini(&arena);
}

/* It cannot go on. What there is to say of it (an alert) leaves first. */
static void give_up(struct socket *socket, bool was_shaking_hands)
{
    bool is_connecting = was_shaking_hands && !socket->is_downstream;
    wire_note_tls_failure(socket->wire, socket->conn, tls_failed(socket->tls));
    /* What this side found Envoy counts when it reads and when it closes; an alert once. */
    if (!was_shaking_hands && tls_alert(tls_failed(socket->tls), TLS_VERSION_1_3) != 0)
        wire_note_tls_failure(socket->wire, socket->conn, tls_failed(socket->tls));
    socket_close(socket);
    if (is_connecting)
        tell_connect_failed(socket, tls_failed(socket->tls));
    else
        tell_broken(socket);
}

static void note_open(struct socket *socket)
{
    struct server *server = socket->owner;
    struct tls_facts facts = tls_facts(socket->tls);
    tell_shaken(socket, &facts);
    if (socket->is_downstream)
        wire_secured(server->wire, socket->conn, facts.protocol, now(socket));
    else
        wire_connected(server->wire, socket->conn, now(socket));
    server_pump(server);
}

static void tell_read(struct socket *socket, struct str plain)
{
    struct server *server = socket->owner;
    wire_read(server->wire, socket->conn, plain, now(socket));
    server_pump(server);
}

static void tell_read_ended(struct socket *socket)
{
    struct server *server = socket->owner;
    wire_read_eof(server->wire, socket->conn, now(socket));
    server_pump(server);
}

static struct server *server_of(const struct socket *socket)
{
    return socket->owner;
}

/* Takes one of the turn's steps; false: they are all taken. */
static bool may_step(struct server *server)
{
    if (server->handshake_turn != server->loop->turn_count) {
        server->handshake_turn = server->loop->turn_count;
        server->handshake_count = 0;
    }
    if (server->handshake_count == LIMIT_HANDSHAKES_PER_TURN)
        return false;
    server->handshake_count++;
    return true;
}

static void on_greeting(uv_idle_t *idle)
{
    secure_greet_all(idle->data);
}

/* Keeps them for a later turn, behind what is kept already. */
static void postpone(struct socket *socket, struct str bytes)
{
    struct server *server = server_of(socket);
    enum rc rc = buf_append(&socket->greeting, bytes);
    ASSERT(rc == RC_OK); /* nobody reads on meanwhile */
    settle_hold(socket);
    list_remove(&socket->greeted);
    list_push_back(&server->greeted_sockets, &socket->greeted);
    if (!server->is_stopped)
        (void)uv_idle_start(&server->greeting, on_greeting);
}

static void take_in(struct socket *socket, struct str bytes)
{
    bool was_shaking_hands = is_shaking_hands(socket);
    struct str plain;
    tls_feed(socket->tls, bytes);
    if (!flush_own(socket)) {
        tell_broken(socket);
        return;
    }
    if (was_shaking_hands && tls_state(socket->tls) == TLS_STATE_OPEN) {
        was_shaking_hands = false; /* what comes behind it is another matter */
        note_open(socket);
    }
    while (is_heard(socket) && tls_read(socket->tls, &plain))
        tell_read(socket, plain);
    if (!is_heard(socket))
        return;
    if (!flush_own(socket))
        tell_broken(socket);
    else if (tls_state(socket->tls) == TLS_STATE_FAILED)
        give_up(socket, was_shaking_hands);
    else if (tls_state(socket->tls) == TLS_STATE_CLOSED)
        tell_read_ended(socket);
}

static void read_greeting(struct socket *socket)
{
    list_remove(&socket->greeted);
    if (is_heard(socket) && tls_state(socket->tls) == TLS_STATE_FAILED) {
        /* Nobody has read what came: that is a reset. */
        socket_abort(socket);
        tell_broken(socket);
    } else if (is_heard(socket)) {
        take_in(socket, buf_str(&socket->greeting));
    }
    buf_clear(&socket->greeting);
    buf_shrink(&socket->greeting);
    settle_hold(socket);
}

void secure_forget(struct socket *socket)
{
    if (socket->tls == NULL)
        return;
    tls_free(socket->tls);
    socket->tls = NULL;
    list_remove(&socket->greeted);
    buf_clear(&socket->greeting);
    buf_shrink(&socket->greeting);
    socket->own_bytes = 0;
}

void secure_greet_all(struct server *server)
{
    while (!list_is_empty(&server->greeted_sockets) && may_step(server))
        read_greeting(LIST_ITEM(list_first(&server->greeted_sockets), struct socket, greeted));
    if (!server->is_stopped && list_is_empty(&server->greeted_sockets))
        (void)uv_idle_stop(&server->greeting);
}

void secure_accept(struct server *server, struct socket *socket, const struct wire_action *action)
{
    ASSERT(socket->tls == NULL);
    socket->tls = tls_accept(tls_store_of(server), action->tls);
    postpone(socket, action->bytes);
}

void secure_note_read(struct socket *socket, struct str bytes)
{
    bool is_waiting = buf_size(&socket->greeting) > 0;
    if (is_waiting || (is_shaking_hands(socket) && !may_step(server_of(socket))))
        postpone(socket, bytes);
    else
        take_in(socket, bytes);
}

void secure_note_read_ended(struct socket *socket)
{
    if (buf_size(&socket->greeting) > 0)
        read_greeting(socket); /* nothing may be told before it */
    if (!is_heard(socket))
        return;
    bool is_connecting = is_shaking_hands(socket) && !socket->is_downstream;
    if (tls_state(socket->tls) == TLS_STATE_CLOSED)
        return; /* it was told so before */
    if (!is_connecting) {
        tell_read_ended(socket);
        return;
    }
    socket_close(socket);
    tell_connect_failed(socket, TLS_ENDED);
}

void secure_note_broke(struct socket *socket)
{
    if (is_shaking_hands(socket) && !socket->is_downstream)
        tell_connect_failed(socket, TLS_RESET);
    else
        tell_broken(socket);
}

void secure_begin(struct socket *socket)
{
    tls_feed(socket->tls, STR_EMPTY);
    if (!flush(socket))
        secure_note_broke(socket);
}

/* What the wire has not been told of, if all of it has left. */
static size_t take_told(struct socket *socket)
{
    size_t told_bytes = socket_is_drained(socket) ? socket->untold_bytes : 0;
    socket->untold_bytes -= told_bytes;
    return told_bytes;
}

bool secure_write(struct socket *socket, struct str bytes, size_t *sent_bytes)
{
    socket->untold_bytes += bytes.len;
    *sent_bytes = 0;
    if (!socket_is_drained(socket)) {
        tls_keep(socket->tls, bytes);
        return true;
    }
    tls_write(socket->tls, bytes);
    if (!flush(socket))
        return false;
    *sent_bytes = take_told(socket);
    return true;
}

size_t secure_note_wrote(struct socket *socket)
{
    if (!socket_is_drained(socket))
        return 0;
    socket->own_bytes = 0;
    settle_hold(socket);
    tls_write_kept(socket->tls);
    if (flush(socket))
        return take_told(socket);
    tell_broken(socket);
    return 0;
}

void secure_end(struct socket *socket)
{
    if (socket_is_ending(socket))
        return;
    tls_write_kept(socket->tls);
    tls_end(socket->tls);
    (void)flush(socket); /* who is not there is seen when it is closed */
}
