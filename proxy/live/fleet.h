/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/fleet.h - proxies on several threads: workers that share nothing,
 * and the one thread that rules them.
 *
 *   control ──mailbox──> worker 0: loop, a server for each proxy ──┐ SO_REUSEPORT:
 *   (caller) ─mailbox──> worker 1: loop, a server for each proxy ──┘ the kernel deals
 *            <─answered──                                            connections out
 *
 * A proxy has one server (server.h: wire, engine, pools, counters) on every
 * worker, and every door one socket on every worker, bound to the same port.
 * A request is served on one thread from its first byte to its last and meets
 * no lock; what Envoy counts for the process is summed when it is read, or shared
 * where a limit hangs on it (proxy/core/shared.h).
 *
 * All functions belong to one thread, the one that made the fleet, and none may
 * be called from a worker's callback. They wait until the workers have done
 * what was asked (less than a turn of their loops), except fleet_drain and
 * fleet_remove, which only begin.
 *
 * Signals are the caller's: block them before fleet_new (threads inherit the
 * mask) or expect them on any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/live/address_map.h"
#include "proxy/live/server.h"
#include "proxy/model/snapshot.h"
#include "proxy/wire/wire.h"

#define FLEET_NONE UINT32_MAX
#define FLEET_WORKERS_MAX 64u /* more loops than a machine of this kind has cores */

struct fleet;

struct fleet_options {
    uint32_t worker_count; /* 1 to FLEET_WORKERS_MAX; 1 is exact and repeatable */
    uint64_t seed; /* each server's own is derived from it, its proxy's name and its worker */
    /* Every worker is over, after fleet_drain or fleet_stop: for the call, on
     * the thread of the last one; uv_async_send to the caller's loop is what it
     * is for. Called once. May be NULL. */
    void (*on_over)(void *user);
    void *user;
};

/* NULL: the system has no descriptors or threads left. */
struct fleet *fleet_new(const struct fleet_options *options);
/* Stops it at once if it is not over, waits for its threads, gives everything
 * back. */
void fleet_free(struct fleet *fleet);

uint32_t fleet_worker_count(const struct fleet *fleet);

/* A place where a proxy accepts. Borrowed for the call, like everything below. */
struct fleet_door {
    /* Which door this is, when the kernel chose the port. Unique in the proxy. */
    struct str name;
    /* As server.h has it. `listener` is of the snapshot that comes with it. */
    struct server_door door;
};

/* What a proxy does from now on. */
struct fleet_config {
    struct snapshot *snapshot;     /* held as long as somebody needs it */
    const struct address_map *map; /* copied; NULL: an empty one */
    const struct fleet_door *doors;
    uint32_t door_count;
};

/* What stays as long as the proxy. */
struct fleet_proxy {
    struct str name; /* unique in the fleet: "productpage-v1-0.default" */
    struct wire_options wire;
    bool is_literal;           /* see server_options */
    bool is_loopback_only;     /* the same */
    struct str node_address;   /* copied */
    struct str source_address; /* see server_options */
    struct str inside_name;    /* the same */
    /* Comes on a worker's thread, at the same time on several, once for each
     * exchange, also for those that stopping cuts off; `done->worker` tells
     * which. What it touches must be that worker's own (an array of
     * worker_count elements), or atomic. May be NULL. Must not block, and must
     * not call a function of fleet.h or server.h. */
    void (*on_done)(const struct server_done *done, void *user);
    void (*on_outlier)(const struct server_outlier *outlier, void *user); /* the same */
    void *user;
};

/* Binds every door, then begins to serve; the proxy's number (they count from 0
 * and are not used again), or FLEET_NONE, and then nothing is bound and *why is
 * "listen on 127.0.0.1:80: Permission denied" (until the next call). A port
 * that another process listens on is refused, although SO_REUSEPORT might
 * allow it. After fleet_drain or fleet_stop: "the workers are ending". */
uint32_t fleet_add(struct fleet *fleet, const struct fleet_proxy *proxy,
                   const struct fleet_config *config, struct str *why);

/* A new configuration, without a request lost. False: a new door could not be
 * bound, or it is too late; then nothing has changed, and *why says it as
 * fleet_add does.
 *
 * - A door at the same place (bind address and port; where the port is 0, the
 *   same name) keeps its sockets: nothing that waits to be accepted is lost,
 *   and its port stays. The others of before close, new ones open.
 * - An established connection stays. A request that is under way ends on the
 *   configuration that it began with, the next one on the same connection
 *   meets the new one. Connections whose door is gone, or whose listener
 *   does not speak HTTP any more, get `connection: close`; idle ones close.
 * - TCP sessions and tunnels stay until they end.
 * - What was before goes when its last exchange and connection have gone.
 * - Counters of clusters that are in both, and those of the connection
 *   managers, go on (engine_inherit), and so do breakers and ejections of clusters
 *   that are configured as before (shared.h). Load balancers and pools begin anew. */
bool fleet_replace(struct fleet *fleet, uint32_t proxy, const struct fleet_config *config,
                   struct str *why);

/* Its doors close, its connections are drained; what is left after
 * `patience_ns` is cut. Its number means nothing any more. */
void fleet_remove(struct fleet *fleet, uint32_t proxy, int64_t patience_ns);

/* The number of a proxy that was added and not removed, or FLEET_NONE. */
uint32_t fleet_find(const struct fleet *fleet, struct str name);
/* The port that the door is bound to; `door`: its index in the configuration. */
uint32_t fleet_port(const struct fleet *fleet, uint32_t proxy, uint32_t door);

/* No new connections, `connection: close` on every answer, idle connections
 * close; TCP sessions and tunnels may go on. A worker without a connection is
 * over; what is left after `patience_ns` is cut. Returns at once; see on_over
 * and fleet_wait. A second call does nothing. */
void fleet_drain(struct fleet *fleet, int64_t patience_ns);
/* Cuts everything now, also while draining, and returns when every worker is
 * over: no callback comes after. A second call does nothing. */
void fleet_stop(struct fleet *fleet);

/* Are all workers over? Counters can be read until fleet_free. */
bool fleet_is_over(struct fleet *fleet);
/* Waits until they are; false: for `patience_ns` no worker has ended. */
bool fleet_wait(struct fleet *fleet, int64_t patience_ns);

/* Calls `visit` with each worker's server of the proxy: on that worker's
 * thread, one worker after the other, in order, while the caller waits. So
 * `user` needs no lock, and a worker stands still for no longer than its own
 * visit. For counters see server_engine. When a worker is over, the call comes
 * on the caller's thread. */
void fleet_visit(struct fleet *fleet, uint32_t proxy,
                 void (*visit)(uint32_t worker, struct server *server, void *user), void *user);

/* The sum over all workers. See engine_stat. */
bool fleet_stat(struct fleet *fleet, uint32_t proxy, struct str cluster, struct str name,
                uint64_t *value);

/* Of one proxy, or of all of them (FLEET_NONE); summed over the workers. */
struct fleet_counts {
    uint32_t connections;    /* downstream */
    uint32_t exchanges;      /* under way */
    uint32_t sockets;        /* of both sides */
    uint32_t configurations; /* that somebody still needs: one for each server when all are quiet */
};
struct fleet_counts fleet_counts(struct fleet *fleet, uint32_t proxy);
