/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/peer.c - see peer.h.
 */
#include "testbed/sockets/peer.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "base/check.h"
#include "testbed/sockets/inside.h"

static struct peer *peer_of(uv_handle_t *handle)
{
    return handle->data;
}

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = peer_of(handle);
    ASSERT(peer->handle_count > 0);
    peer->handle_count--;
    tls_free(peer->tls);
    peer->tls = NULL;
    if (peer->handle_count == 0)
        list_push_front(peer->role == PEER_CALLER ? &peer->sockets->free_callers
                                                  : &peer->sockets->free_standins,
                        &peer->node);
}

static void tell_broken(struct peer *peer)
{
    peer_tls_note(peer, TLS_RESET);
    if (peer->role == PEER_STANDIN)
        standin_broken(&peer->standin);
    else
        caller_broken(&peer->caller, sockets_now_ns(peer->sockets));
}

static void tell_eof(struct peer *peer)
{
    int64_t now_ns = sockets_now_ns(peer->sockets);
    if (peer->tls != NULL && !peer->is_secured)
        peer_tls_note(peer, TLS_ENDED);
    if (peer->role == PEER_STANDIN)
        standin_eof(&peer->standin, now_ns);
    else
        caller_eof(&peer->caller, now_ns);
}

static void on_timer(uv_timer_t *timer)
{
    struct peer *peer = peer_of((uv_handle_t *)timer);
    int64_t now_ns = sockets_now_ns(peer->sockets);
    if (peer->role == PEER_STANDIN)
        standin_wake(&peer->standin, now_ns);
    else
        caller_wake(&peer->caller, now_ns);
    peer_turn(peer);
}

static void on_alloc(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    (void)suggested_bytes;
    struct sockets *sockets = peer_of(handle)->sockets;
    *buf = uv_buf_init(sockets->read_bytes, SOCKETS_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct peer *peer = peer_of((uv_handle_t *)stream);
    int64_t now_ns = sockets_now_ns(peer->sockets);
    if (size == 0)
        return;
    peer->sockets->happened_count++;
    if (size < 0)
        uv_read_stop(stream);
    struct str bytes = {buf->base, size > 0 ? (size_t)size : 0};
    if (size < 0 && size != UV_EOF)
        tell_broken(peer);
    else if (peer->tls != NULL && size > 0)
        peer_tls_read(peer, bytes);
    else if (peer->role == PEER_STANDIN && size > 0)
        standin_read(&peer->standin, bytes, now_ns);
    else if (size > 0)
        caller_read(&peer->caller, bytes, now_ns);
    else
        tell_eof(peer);
    peer_turn(peer);
}

static void on_write(uv_write_t *write, int status)
{
    struct peer *peer = write->data;
    peer->is_writing = false;
    buf_clear(&peer->out);
    if (peer->is_closing)
        return;
    peer->is_deaf = peer->is_deaf || status < 0;
    peer_turn(peer);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct peer *peer = connect->data;
    if (peer->is_closing)
        return;
    int64_t now_ns = sockets_now_ns(peer->sockets);
    peer->sockets->happened_count++;
    if (status < 0) {
        caller_refused(&peer->caller, now_ns);
    } else {
        peer->is_connected = true;
        peer_start(peer);
        if (peer->tls != NULL)
            peer_tls_read(peer, STR_EMPTY);
        else
            caller_connected(&peer->caller, now_ns);
    }
    peer_turn(peer);
}

/* The next bytes of a stand-in; notes when it is over. */
static bool standin_pull(struct peer *peer, struct str *bytes)
{
    struct standin_action action;
    if (!standin_next(&peer->standin, sockets_now_ns(peer->sockets), &action))
        return false;
    if (action.kind == STANDIN_CALL) {
        errand_hop(peer, action.call);
        *bytes = STR_EMPTY;
        return true;
    }
    if (action.kind != STANDIN_WRITE) {
        peer->is_abrupt = action.kind == STANDIN_RESET;
        return false;
    }
    *bytes = action.bytes;
    return true;
}

static bool pull(struct peer *peer, struct str *bytes)
{
    return peer->role == PEER_STANDIN ? standin_pull(peer, bytes)
                                      : caller_next(&peer->caller, bytes);
}

static bool is_over(const struct peer *peer)
{
    return peer->role == PEER_STANDIN ? standin_is_over(&peer->standin)
                                      : caller_is_done(&peer->caller);
}

/* Its connection is kept for the next call. */
static bool is_staying(const struct peer *peer)
{
    return peer->role == PEER_CALLER && caller_may_keep(&peer->caller) &&
           (peer->is_kept || (peer->errand != NULL && peer->errand->base.call->is_keeping));
}

/* Takes what the end has to say, up to a limit. */
static void gather(struct peer *peer)
{
    struct str bytes;
    if (peer->tls != NULL)
        peer_tls_gather(peer);
    if (peer->tls != NULL && !peer_tls_is_open(peer))
        return;
    while (buf_size(&peer->out) < PEER_OUT_BYTES_MAX && pull(peer, &bytes)) {
        if (peer->tls != NULL && !peer->is_tls_ended) {
            tls_write(peer->tls, bytes);
            peer_tls_gather(peer);
        } else if (!peer->is_deaf) {
            ASSERT(buf_append(&peer->out, bytes) == RC_OK);
        }
    }
    if (peer->tls != NULL && is_over(peer) && !is_staying(peer) && !peer->is_abrupt &&
        !peer->is_tls_ended) {
        peer->is_tls_ended = true;
        tls_end(peer->tls);
        peer_tls_gather(peer);
    }
}

/* Gives `out` to the kernel; what it does not take now, it will take later. */
static void give_to_kernel(struct peer *peer)
{
    struct str bytes = buf_str(&peer->out);
    uv_buf_t piece = uv_buf_init((char *)peer->out.ptr + peer->out.start, (unsigned)bytes.len);
    int sent_bytes = uv_try_write((uv_stream_t *)&peer->tcp, &piece, 1);
    if (sent_bytes < 0 && sent_bytes != UV_EAGAIN) {
        peer->is_deaf = true;
        buf_clear(&peer->out);
        return;
    }
    buf_consume(&peer->out, sent_bytes > 0 ? (size_t)sent_bytes : 0);
    if (buf_size(&peer->out) == 0)
        return;
    piece = uv_buf_init(peer->out.ptr + peer->out.start, (unsigned)buf_size(&peer->out));
    peer->write.data = peer;
    peer->is_writing = uv_write(&peer->write, (uv_stream_t *)&peer->tcp, &piece, 1, on_write) == 0;
    peer->is_deaf = peer->is_deaf || !peer->is_writing;
}

static void set_timer(struct peer *peer)
{
    int64_t wake_ns = peer->role == PEER_STANDIN ? standin_wake_ns(&peer->standin)
                                                 : caller_wake_ns(&peer->caller);
    if (wake_ns == NS_NEVER) {
        uv_timer_stop(&peer->timer);
        return;
    }
    int64_t left_ns = ns_max(0, wake_ns - sockets_now_ns(peer->sockets));
    /* Rounded up: an early timer would only be set again. */
    uint64_t left_ms = (uint64_t)((left_ns + NS_MS - 1) / NS_MS);
    uv_timer_start(&peer->timer, on_timer, left_ms, 0);
}

static void init_handles(struct peer *peer)
{
    uv_loop_t *loop = sockets_uv(peer->sockets);
    ASSERT(uv_tcp_init(loop, &peer->tcp) == 0);
    ASSERT(uv_timer_init(loop, &peer->timer) == 0);
    peer->tcp.data = peer;
    peer->timer.data = peer;
    peer->handle_count = 2;
    peer->is_connected = false;
    peer->is_writing = false;
    peer->is_deaf = false;
    peer->is_closing = false;
    peer->is_ending = false;
    peer->is_abrupt = false;
    peer->is_kept = false;
    peer->tls = NULL;
    peer->is_tls_ended = false;
    peer->is_secured = false;
    peer->local_port = 0;
    peer->errand = NULL;
    peer->asked_count = 0;
    buf_clear(&peer->out);
}

struct peer *peer_new(struct sockets *sockets, enum peer_role role)
{
    struct list *free_peers =
        role == PEER_CALLER ? &sockets->free_callers : &sockets->free_standins;
    struct peer *peer;
    if (list_is_empty(free_peers)) {
        peer = ARENA_NEW(&sockets->arena, struct peer);
        peer->sockets = sockets;
        peer->role = role;
        buf_init(&peer->out, 2 * PEER_OUT_BYTES_MAX + STANDIN_HELD_BYTES_MAX * 4);
        if (role == PEER_CALLER)
            caller_init(&peer->caller);
        else
            standin_init(&peer->standin, sockets->world, &sockets->log);
        list_push_back(&sockets->all_peers, &peer->everybody);
    } else {
        peer = LIST_ITEM(list_first(free_peers), struct peer, node);
        list_remove(&peer->node);
    }
    list_init(&peer->node);
    init_handles(peer);
    return peer;
}

void peer_turn(struct peer *peer)
{
    if (peer->is_closing)
        return;
    while (peer->is_connected && !peer->is_writing) {
        gather(peer);
        if (buf_size(&peer->out) == 0)
            break;
        give_to_kernel(peer);
    }
    set_timer(peer);
    if (!is_over(peer))
        return;
    if (peer->role == PEER_CALLER)
        sockets_caller_over(peer);
    else if (!peer->is_writing || peer->is_deaf)
        peer_close(peer, peer->is_abrupt);
}

void peer_start(struct peer *peer)
{
    ASSERT(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read) == 0);
}

void peer_connect(struct peer *peer, struct str source, struct str address, uint32_t port)
{
    struct sockaddr_in from, to;
    /* Where there is no such loopback address, the system's choice has to do. */
    if (door_sockaddr(door_loopback(source), 0, &from))
        (void)uv_tcp_bind(&peer->tcp, (const struct sockaddr *)&from, 0);
    bool is_address = door_sockaddr(address, port, &to);
    peer->connect.data = peer;
    if (!is_address ||
        uv_tcp_connect(&peer->connect, &peer->tcp, (const struct sockaddr *)&to, on_connect) != 0) {
        caller_refused(&peer->caller, sockets_now_ns(peer->sockets));
        return;
    }
    /* Now, as a session's record may come before on_connect. */
    struct sockaddr_in local;
    int length = sizeof(local);
    if (uv_tcp_getsockname(&peer->tcp, (struct sockaddr *)&local, &length) == 0)
        peer->local_port = ntohs(local.sin_port);
    sockets_caller_has_port(peer);
}

void peer_close(struct peer *peer, bool is_abrupt)
{
    if (peer->is_closing)
        return;
    peer->is_closing = true;
    uv_close((uv_handle_t *)&peer->timer, on_closed);
    if (!is_abrupt || uv_tcp_close_reset(&peer->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&peer->tcp, on_closed);
}

void peer_fini(struct peer *peer)
{
    ASSERT(peer->handle_count == 0);
    buf_fini(&peer->out);
    if (peer->role == PEER_CALLER)
        caller_fini(&peer->caller);
    else
        standin_fini(&peer->standin);
}
