/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/inside.h - what the files of this folder share.
 *
 * One thread, one loop: callers, proxies and stand-ins take turns in it, and
 * a call to the play runs it until every outcome is there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "base/list.h"
#include "proxy/live/server.h"
#include "testbed/sockets/door.h"
#include "testbed/sockets/hop.h"
#include "testbed/sockets/peer.h"
#include "testbed/sockets/sockets.h"
#include "testbed/world/sighting.h"

#define SOCKETS_READ_BYTES (64u * 1024) /* libuv's own suggestion */

/* How a call is found again in what its proxy recorded. */
struct sockets_wanted {
    bool is_wanted;
    uint32_t client;
    uint32_t local_port; /* of the caller's connection */
    uint32_t nth;        /* request on that connection, from 0 */
};

/* A call that begins later. */
struct sockets_start {
    uv_timer_t timer;
    struct sockets *sockets;
    uint32_t call_index;
};

struct sockets_batch {
    const struct call *calls;
    struct outcome *outcomes;
    struct arena *arena; /* NULL: none is under way */
    uint32_t count;
    uint32_t left_count;           /* outcomes that are not complete */
    uint32_t recordless_count;     /* calls through a proxy without a record yet */
    struct sockets_wanted *wanted; /* one for each call */
};

struct sockets {
    struct play play;
    struct world *world;
    struct play_options options;
    struct arena arena; /* as long as the play */
    struct hop *hops;   /* by client: its proxy */
    struct door *doors; /* by pod */
    struct list free_callers, kept_callers, free_standins;
    struct list all_peers;
    struct sighting_log log;
    struct sockets_batch batch;
    uint32_t standin_number; /* the last connection's */
    uint64_t happened_count; /* things that ends were told */
    char *read_bytes;
    uv_timer_t patience;
    int64_t began_ns;
    struct play_event *events; /* what proxies did to pods */
    uint32_t event_count, event_capacity;
};

/* sockets.c */
void sockets_accept(struct sockets *sockets, uint32_t pod, uv_stream_t *server);
/* Its local port is known. */
void sockets_caller_connected(struct peer *caller);
/* Its outcome is complete, or a kept connection went away. */
void sockets_caller_over(struct peer *caller);
/* A proxy finished the `nth` exchange of the connection from `remote_port`. */
void sockets_record(struct sockets *sockets, uint32_t client, const struct server_done *done);
/* A proxy ejected a pod, or let it in again. */
void sockets_outlier(struct sockets *sockets, const struct server_outlier *outlier);
