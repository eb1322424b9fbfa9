/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/guest.h - a client that came through an HTTP proxy's door: its one
 * socket, and the connection of the wire that it has at the moment.
 *
 *   client's socket <──> usher (proxy/http) <──> the wire's connection, or none
 *
 * The wire never learns of the proxy: for each place that the client asks for it
 * is told of a connection that was caught on its way there. When the place is
 * another one, the connection is given up and a new one begins, on the same
 * socket. So socket->conn is WIRE_NONE from time to time, and that is all that
 * carry.c must know.
 *
 * Part of the server; slots are pooled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "base/list.h"
#include "proxy/http/pipeline.h"
#include "proxy/http/usher.h"
#include "proxy/live/address_map.h"
#include "proxy/live/guide.h"

struct server;
struct socket;

struct guest {
    struct list node;    /* of the server's guests, or of its idle slots */
    struct list stirred; /* something happened: it wants its turn */
    struct server *server;
    struct socket *socket; /* NULL: gone */
    const struct guide *guide;
    struct usher usher;
    struct arena texts; /* of one question */
    char remote_text[ADDRESS_TEXT_BYTES_MAX];
    struct peer_facts peer;
    size_t early_bytes; /* given to the socket before the connection's, not sent yet */
    size_t conn_bytes;  /* the connection's, not sent yet */
    bool is_conn_paused;
    bool is_input_over;
    bool is_looking; /* `lookup` is under way */
    uv_getaddrinfo_t lookup;
};

/* The socket was accepted at a door that has this guide. `peer`: who it is. */
void guest_begin(struct server *server, struct socket *socket, const struct guide *guide,
                 const struct peer_facts *peer);

/* What happened to its socket. */
void guest_note_read(struct guest *guest, struct str bytes);
void guest_note_read_ended(struct guest *guest);
/* How many of `size` were the connection's. */
size_t guest_note_wrote(struct guest *guest, size_t size);
void guest_note_gone(struct guest *guest);

/* What the wire wishes of its connection. */
void guest_note_said(struct guest *guest, struct str bytes, size_t sent_bytes);
void guest_pause(struct guest *guest, bool is_paused);
/* True: the socket stays; the number is gone. */
bool guest_outlives(struct guest *guest);

/* One step of one guest that wants its turn; false: there is none. After each,
 * the wire's wishes come first. */
bool guests_turn(struct server *server);

/* Those who are between two places are no concern of the wire's. */
void guests_drain(struct server *server);
void guests_stop(struct server *server);
void guests_fini(struct server *server);
