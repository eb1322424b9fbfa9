/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/server.h - a proxy on real sockets: accepts, carries out what its
 * wire (proxy/wire) wishes, tells it what happened. It decides nothing.
 *
 * Several servers may share a loop; each has its own wire, snapshot and seed.
 * All belong to the loop's thread. fleet.h puts them on several threads.
 *
 * server_replace changes the configuration under what is there (wire_replace).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/live/address_map.h"
#include "proxy/live/guide.h"
#include "proxy/live/loop.h"
#include "proxy/model/secret.h"
#include "proxy/wire/wire.h"

#define SERVER_NONE UINT32_MAX

struct server;

/* An exchange is over. Slices and pointers: for the call. */
struct server_done {
    const struct record *record;
    const struct trace *trace; /* NULL unless traces are recorded */
    uint32_t remote_port;      /* of the client's connection; 0: it is gone */
    uint32_t nth;              /* exchange on that connection, from 0 */
    uint32_t worker;           /* server_options.worker */
    int64_t epoch_seconds;     /* since 1970 at time 0 of the record: each loop has its own */
};

/* For the call. */
struct server_outlier {
    const struct outlier_event *event;
    uint32_t worker;
    int64_t at_ns; /* of the loop */
};

struct server_options {
    uint64_t seed;
    uint32_t worker; /* which of several threads this is; told to on_done */
    struct wire_options wire;
    const struct address_map *map; /* borrowed; NULL: an empty one */
    bool is_literal;               /* what the map lacks is an address as it stands; */
                                   /* otherwise a connection to it is refused */
    bool is_loopback_only;         /* such an address is refused if it is not this machine's */
    /* Says where a name is, in the map's stead; false: nowhere. NULL: the map says it.
     * Must not call a function of this server. */
    bool (*find)(const struct wire_action *connect, struct sockaddr_storage *place, void *user);
    struct str source_address; /* connections come from there, if it can be; copied; may be empty */
    /* What an inbound cluster dials is in the map by this name and the port, or nowhere:
     * the application behind the proxy. Empty: it is where it says. Copied. */
    struct str inside_name;
    const struct keyring *keyring; /* its secrets; borrowed; NULL: the snapshot's */
    struct str node_address;       /* what Envoy takes for its own address; copied */
    /* May be NULL. Must not call a function of the server. It is called for
     * exchanges that server_stop cuts off, too. */
    void (*on_done)(const struct server_done *done, void *user);
    /* An endpoint was ejected or let in again; the rest as with on_done. */
    void (*on_outlier)(const struct server_outlier *outlier, void *user);
    void *user;
    /* After an ejection that is enforced: other threads' servers of this proxy are to be told
     * (server_leave_ejected), by whoever knows them. NULL: there are none. */
    void (*on_ejected)(void *others);
    void *others;
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
/* Makes ready what the first connections with TLS would wait for. */
void server_warm(struct server *server);
/* Another thread ejected a host: its connections here go, too. */
void server_leave_ejected(struct server *server);
/* Stops it if it was not, and turns the loop until its last handle is closed. */
void server_free(struct server *server);

/* Listens; the door's number, or SERVER_NONE, and then *why (as long as the
 * server): "listen on 127.0.0.1:80: Permission denied". */
uint32_t server_listen(struct server *server, const struct server_door *door, struct str *why);
/* The same with a socket that listens already: it is the server's from now on. */
uint32_t server_adopt_listener(struct server *server, const struct server_door *door, int fd);
/* The port that the door's socket is bound to. */
uint32_t server_port(const struct server *server, uint32_t door);

/* The door stands for another listener from now on, and its connections are
 * believed to be what `door` says; its socket stays as it is (bind_* mean
 * nothing here). For server_replace. */
void server_door_change(struct server *server, uint32_t door, const struct server_door *wanted);
/* Takes in who waits to be accepted, then closes its socket. The number means
 * nothing any more and may be given to another door. Its connections stay. */
void server_door_close(struct server *server, uint32_t door);

/* From now on connections and requests meet `snapshot` (held), and upstream
 * names are looked up in `map` (copied; NULL: the options' map). `shared`: of the
 * snapshot, with other workers; NULL: the server makes its own. Call it after each
 * door was changed to a listener of `snapshot` or closed, without a turn of the
 * loop between: connections at rest are handed over here and now, to their
 * door's listener; those under way when their exchange has ended. */
void server_replace(struct server *server, struct snapshot *snapshot, struct shared *shared,
                    const struct address_map *map);
/* The map only (copied); connections that are there stay. */
void server_copy_map(struct server *server, const struct address_map *map);
/* Accepts nothing more, and closes what is idle (wire_drain). Requests that the
 * kernel had when it was called are served. */
void server_drain(struct server *server);
/* Closes every socket at once. */
void server_stop(struct server *server);

/* Is everything closed, and did libuv let go of it? Then server_free waits for
 * nothing. Only after server_stop. */
bool server_is_over(const struct server *server);

/* Downstream connections; exchanges under way; sockets of both sides. */
uint32_t server_connection_count(const struct server *server);
uint32_t server_exchange_count(const struct server *server);
uint32_t server_socket_count(const struct server *server);
/* The wire's engines (wire_engine_at): 0 is the current one, then those of before that
 * somebody still needs. A counter's value is the sum over all of them. */
uint32_t server_engine_count(const struct server *server);
struct engine *server_engine(const struct server *server, uint32_t nth);
/* The sum over the engines. False: no engine knows it. See engine_stat. */
bool server_stat(const struct server *server, struct str cluster, struct str name, uint64_t *value);
