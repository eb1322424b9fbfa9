/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/server.h - a proxy on real sockets: accepts, carries out what its
 * wire (proxy/wire) wishes, tells it what happened. It decides nothing.
 *
 * Several servers may share a loop; each has its own wire, snapshot and seed.
 * All belong to the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/live/address_map.h"
#include "proxy/live/guide.h"
#include "proxy/live/loop.h"
#include "proxy/wire/wire.h"

#define SERVER_NONE UINT32_MAX

struct server;

/* An exchange is over. Slices and pointers: for the call. */
struct server_done {
    const struct record *record;
    const struct trace *trace; /* NULL unless traces are recorded */
    uint32_t remote_port;      /* of the client's connection; 0: it is gone */
    uint32_t nth;              /* exchange on that connection, from 0 */
};

struct server_options {
    uint64_t seed;
    struct wire_options wire;
    const struct address_map *map; /* borrowed; NULL: an empty one */
    bool is_literal;               /* what the map lacks is an address as it stands; */
                                   /* otherwise a connection to it is refused */
    struct str node_address;       /* what Envoy takes for its own address; copied */
    /* May be NULL. Must not call a function of the server. It is called for
     * exchanges that server_stop cuts off, too. */
    void (*on_done)(const struct server_done *done, void *user);
    void *user;
};

/* A listener's socket. Slices are copied. */
struct server_door {
    const struct listener *listener;
    /* Not NULL: an HTTP proxy's door (guest.h); each connection says itself where it
     * goes, and no listener is given. Borrowed as long as the server. */
    const struct guide *guide;
    struct str bind_address;
    uint32_t bind_port; /* 0: the kernel gives one */
    /* What the proxy believes of connections that come here; empty: what the
     * socket says. */
    struct str remote_address;
    struct str local_address;
    uint32_t local_port;
    bool has_original; /* they were caught on their way to local_address:local_port */
};

/* Holds the snapshot; borrows the loop. */
struct server *server_new(struct loop *loop, struct snapshot *snapshot,
                          const struct server_options *options);
/* Stops it if it was not, and turns the loop until its last handle is closed. */
void server_free(struct server *server);

/* Listens; the door's number, or SERVER_NONE, and then *why (as long as the
 * server): "listen on 127.0.0.1:80: Permission denied". */
uint32_t server_listen(struct server *server, const struct server_door *door, struct str *why);
/* The port that the door's socket is bound to. */
uint32_t server_port(const struct server *server, uint32_t door);

/* Accepts nothing more, and closes what is idle (wire_drain). */
void server_drain(struct server *server);
/* Closes every socket at once. */
void server_stop(struct server *server);

/* Downstream connections; exchanges under way; sockets of both sides. */
uint32_t server_connection_count(const struct server *server);
uint32_t server_exchange_count(const struct server *server);
uint32_t server_socket_count(const struct server *server);
/* See engine_stat. */
bool server_stat(const struct server *server, struct str cluster, struct str name, uint64_t *value);
