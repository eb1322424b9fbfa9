/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/socket.h - one TCP connection under libuv: bytes out in order,
 * bytes in until paused, FIN, a close that waits or one that resets.
 *
 *   idle ─accept──────────> open ──close──> (flushing) ──> closing ─gone─> idle
 *     └───connect─> connecting ─┘ └─broke or abrupt──────────┘
 *
 * A place is pooled by its owner: after `gone` it may be used again and keeps
 * its buffers. Bytes go to the kernel at once when it takes them; what it does
 * not take is copied and follows when it does. Two buffers take turns, because
 * what libuv is writing must not move.
 *
 * Events are told from libuv's callbacks only, never from inside a socket_*
 * function, and none but `gone` after socket_close.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "proxy/live/loop.h"
#include "proxy/model/cluster.h"

struct server_entry;
struct wire;
struct guest;
struct tls_session;
struct socket;

struct socket_events {
    void (*connected)(struct socket *socket);
    /* An errno. It is closing already. */
    void (*connect_failed)(struct socket *socket, int error);
    void (*read)(struct socket *socket, struct str bytes); /* bytes: for the call */
    void (*read_ended)(struct socket *socket);             /* FIN */
    /* So many more bytes of what socket_write kept have left. */
    void (*wrote)(struct socket *socket, size_t size);
    /* RST or another error. It is closing already. */
    void (*broke)(struct socket *socket);
    /* libuv has let go of it. */
    void (*gone)(struct socket *socket);
};

struct socket {
    uv_tcp_t tcp;
    uv_connect_t connect_request;
    uv_write_t write_request;
    uv_shutdown_t shutdown_request;
    struct loop *loop;
    const struct socket_events *events;
    struct buf flying;  /* libuv writes it */
    struct buf waiting; /* behind it */
    bool is_open;
    bool is_reading;
    bool is_paused;
    bool is_held;
    bool is_read_ended;
    bool is_writing;
    bool is_shutdown_wished;
    bool is_close_wished; /* when everything is written */
    bool is_closing;
    /* The owner's. */
    void *owner;
    struct list node;
    struct wire *wire;          /* who knows it; NULL: nobody */
    uint32_t conn;              /* its number there */
    struct server_entry *entry; /* where a client came in; NULL: that door is closed */
    struct guest *guest;        /* of an HTTP proxy's client; else NULL */
    struct tls_session *tls;    /* NULL: plaintext */
    struct buf greeting;        /* of a client: what was read before TLS was ended */
    struct list greeted;        /* in server->greeted_sockets */
    size_t untold_bytes;        /* with TLS: the wire's, that have not all left */
    size_t own_bytes;           /* TLS's own (greetings, alerts), while they wait */
    bool is_downstream;
    uint32_t remote_port; /* of a client */
    uint32_t done_count;  /* exchanges that were finished on it */
};

/* A new place, idle. */
void socket_init(struct socket *socket, struct loop *loop, const struct socket_events *events);
/* It must be idle. */
void socket_fini(struct socket *socket);

/* An idle one takes the connection that waits at `server`, and does not read
 * yet. False: it went away or there are no descriptors; `gone` comes. */
bool socket_accept(struct socket *socket, uv_stream_t *server);
/* An idle one takes a connection that was accepted already; fd is its own from
 * now on. False: libuv cannot have it; it is closed, and `gone` comes. */
bool socket_open(struct socket *socket, int fd);
/* An idle one begins to connect, from the address of `source` if this machine has it
 * (NULL: from any); reads as soon as it is connected. 0, or the errno of an immediate
 * failure; then `gone` comes. */
int socket_connect(struct socket *socket, const struct sockaddr_storage *place,
                   const struct sockaddr_storage *source);
/* One that connects: the kernel asks the peer for a sign of life, as it says (SO_KEEPALIVE and
 * what goes with it); nothing happens where it does not say so. */
void socket_keep_alive(struct socket *socket, const struct tcp_keepalive *keepalive);
void socket_start_reading(struct socket *socket);

/* What has come and was not read yet, for the call; empty: nothing, or it is
 * not being read now. */
struct str socket_read_now(struct socket *socket);

/* The far and the near end; false: it is not connected any more. */
bool socket_peer_place(const struct socket *socket, struct sockaddr_storage *place);
bool socket_local_place(const struct socket *socket, struct sockaddr_storage *place);

/* All bytes will be sent. *sent_bytes: those that left at once. False: it broke
 * and is closing; `broke` does not come. */
bool socket_write(struct socket *socket, struct str bytes, size_t *sent_bytes);
void socket_pause(struct socket *socket);
void socket_resume(struct socket *socket);
/* The same of another's wish: it is read when neither is against it. */
void socket_hold(struct socket *socket, bool is_held);
/* FIN after what was written. */
void socket_shutdown(struct socket *socket);
/* After what was written, or at once with RST. Closing twice does no harm. */
void socket_close(struct socket *socket);
void socket_abort(struct socket *socket);
/* Has everything left that was written? */
bool socket_is_drained(const struct socket *socket);
/* Was it closed, if not all of it is gone yet? */
bool socket_is_ending(const struct socket *socket);
