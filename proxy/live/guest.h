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
 * socket. So socket->wire is NULL from time to time, and that is all that carry.c
 * must know. A connection that is given up is on the wire that it began on; a new
 * one begins on the current wire.
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
#include "proxy/model/snapshot.h"

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
    char place_text[ADDRESS_TEXT_BYTES_MAX]; /* where its connection was going */
    struct str place_address;
    uint32_t place_port;
    size_t early_bytes; /* given to the socket before the connection's, not sent yet */
    size_t conn_bytes;  /* the connection's, not sent yet */
    bool is_conn_paused;
    bool is_input_over;
    bool is_asking;  /* the usher's question waits for an answer */
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
/* It closes the connection. True: the socket stays; the number is gone. */
bool guest_outlives(struct guest *guest);

/* The wire retires, and the connection is at rest. True: its client is between two
 * requests and has given it up; false: it must go on with the listener below (NULL:
 * there is none) of the snapshot that comes. */
bool guest_moves_out(struct guest *guest);
const struct listener *guest_listener(const struct guest *guest, const struct snapshot *snapshot);

/* One step of one guest that wants its turn; false: there is none. What the wire wishes
 * then comes first. */
bool guests_turn(struct server *server);

/* Those who are between two places are no concern of the wire's. */
void guests_drain(struct server *server);
void guests_stop(struct server *server);
void guests_fini(struct server *server);
