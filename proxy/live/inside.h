/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/inside.h - what entry.c, carry.c and server.c share: the server itself.
 *
 * Whoever is called by libuv tells the wire what happened and then pumps: takes
 * the wire's wishes until there is none. Nothing is told from inside a pump but
 * what a wish led to at once (bytes that left, a connection that cannot be).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "base/list.h"
#include "proxy/live/guest.h"
#include "proxy/live/server.h"
#include "proxy/live/socket.h"
#include "proxy/live/tls.h"

/* A door's socket. A place is used again when it was closed; it lives as long
 * as the server. */
struct server_entry {
    struct server *server;
    struct arena memory; /* of the door's slices */
    struct server_door door;
    uv_tcp_t tcp;
    uint32_t port;
    bool is_open;
    bool is_closing; /* until libuv has let go of it */
};

struct server {
    struct arena memory;
    struct loop *loop;
    struct wire *wire;
    const struct address_map *map; /* NULL: an empty one */
    uint32_t dial_turn;            /* whose turn it is where a name is several places */
    struct address_map own_map;    /* what `map` points to after a server_copy_map */
    struct socket **by_conn;       /* the wire's numbers to sockets; NULL: none */
    uint32_t conn_capacity;
    struct tls_store *tls; /* of the current snapshot; NULL: nobody has spoken TLS yet */
    struct server_options options;
    struct sockaddr_storage source;        /* of options.source_address; AF_UNSPEC: any */
    struct sockaddr_storage inside_source; /* towards the application behind the proxy */
    uint32_t replace_count;
    struct server_entry **entries;
    uint32_t entry_count, entry_capacity;
    struct socket **sockets; /* every place that was made */
    uint32_t socket_count, socket_capacity;
    struct list idle_sockets;
    struct list greeted_sockets; /* whose greeting TLS has not read yet */
    uv_idle_t greeting;          /* runs while it is a later turn's */
    uint64_t handshake_turn;     /* of the loop: so many steps of handshakes.. */
    uint32_t handshake_count;    /* ..were taken in it */
    struct list guests, idle_guests, stirred_guests;
    uv_timer_t timer;
    int64_t armed_ns;      /* when the timer fires; NS_NEVER: it is not set */
    uint32_t open_count;   /* sockets that are not idle */
    uint32_t handle_count; /* doors, lookups, timer and greeting, until libuv let go of them */
    bool is_pumping;
    bool is_draining;
    bool is_stopped;
};

/* carry.c */

/* An idle socket, made if there is none. */
struct socket *server_take_socket(struct server *server);
/* The wire knows it by this number from now on. */
void server_attach(struct server *server, struct socket *socket, uint32_t conn);
/* Carries out what the wire wishes, hands over who is at rest, and sets the timer. */
void server_pump(struct server *server);
/* Serves what has come and was not read yet. */
void server_read_now(struct socket *socket);
/* Tells the wire that it broke, and resets it. */
void server_break(struct server *server, struct socket *socket);

/* secure.c: sockets with TLS */

/* A session for WIRE_CONNECT; NULL: a secret is absent, and the wire was told. */
struct tls_session *secure_call(struct server *server, const struct wire_action *action);
/* From now on handshakes meet the secrets of `next` (NULL: there are no more); those under way
 * end as they began. Where the secrets are the same, sessions may be resumed. */
void secure_renew(struct server *server, const struct snapshot *next);
void secure_warm(struct server *server);
/* Carries out WIRE_SECURE; what came already is read when the pump is done. */
void secure_accept(struct server *server, struct socket *socket, const struct wire_action *action);
/* Reads the greetings of those, as many as this turn may. */
void secure_greet_all(struct server *server);
/* The socket is gone. */
void secure_forget(struct socket *socket);
/* It is connected: begins the handshake. */
void secure_begin(struct socket *socket);
void secure_note_read(struct socket *socket, struct str bytes);
void secure_note_read_ended(struct socket *socket);
void secure_note_broke(struct socket *socket);
/* As socket_write, of plain bytes; *sent_bytes: of the wire's, also those of before. */
bool secure_write(struct socket *socket, struct str bytes, size_t *sent_bytes);
/* How many of the wire's bytes have left now. */
size_t secure_note_wrote(struct socket *socket);
/* Says that nothing follows; before the socket is shut or closed. */
void secure_end(struct socket *socket);

/* entry.c */

/* Takes in who waits at the doors, and closes them. */
void server_let_in_all(struct server *server);
/* The same without a look at who waits. */
void server_close_entries(struct server *server);
