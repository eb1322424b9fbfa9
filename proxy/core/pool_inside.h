/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/pool_inside.h - the inside of a pool, for pool.c and pool_follow.c.
 */
#pragma once

#include "proxy/core/engine_state.h"
#include "proxy/core/pool.h"

#define POOL_NAME_BYTES_MAX 255u /* a longer one is called by nobody */

/* HTTP/2: idle has room, busy has none, done takes no more. */
enum conn_state { CONN_CONNECTING, CONN_IDLE, CONN_BUSY, CONN_DONE };

struct pool_conn {
    uint32_t number;
    enum conn_state state;
    uint32_t request_count; /* that it was given */
    uint32_t stream_count;  /* active on it */
    uint32_t streams_max;   /* HTTP/2 */
};

/* Small arrays in order: a laptop's pools have few connections, and order is
 * what matters (newest idle first, waiters first come first served). */
struct pool {
    struct engine *engine;
    const struct cluster *cluster;
    struct cluster_stats *stats;
    struct breaker *breaker;
    struct lb *lb;           /* NULL: an original destination, which nobody chose */
    uint32_t endpoint_index; /* LB_NONE: the same */
    bool is_h2;
    struct pool_conn *conns; /* oldest state change first */
    uint32_t conn_count, conn_capacity;
    uint32_t connecting_count;
    uint32_t promised_count; /* connections that may be opened, and are not yet */
    uint32_t *waiters;       /* ring */
    uint32_t waiter_head, waiter_count, waiter_capacity;
    uint32_t failed_count; /* waiters at the head that fail now */
    bool is_overflowing;   /* they fail as no more requests may be active */
    struct str name;       /* with auto_sni: who is called */
    char *name_text;
    struct pool *next; /* of the endpoint's, with another name */
    struct pool *heir; /* see pool_follow */
};

/* The engine's pool of that place and name, made when there is none. */
struct pool *pool_named(struct engine *engine, struct pool ***pools, uint32_t cluster_index,
                        uint32_t endpoint_index, struct str name);
