/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/pool.h - HTTP connections to one endpoint: which to reuse, when
 * to open another, who waits. Pure: connections and waiters are the caller's
 * numbers; counts the cluster's connection statistics, and what is under way
 * for breakers and balancer.
 *
 * Source: ENVOY.md 6, 8.1 to 8.4: newest idle connection first; waiters FIFO; a
 * failed connect fails everybody who waits. A request is active from when it gets
 * a connection until its response is complete or the connection is gone.
 *
 * A pool of HTTP/2 puts as many requests on a connection as that takes, and opens
 * another one when it is full. Where this says idle it has room there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/engine.h"
#include "proxy/core/succession.h"

#define POOL_NONE UINT32_MAX

struct pool;

/* The engine's pool for an endpoint, or its successor's if the endpoint is there too (see
 * succession.h); made when first asked for. With auto_sni each name
 * that `host` (a request's authority) comes to has its own, as a certificate that was
 * seen for one name says nothing of another; one that nobody uses is given away. */
struct pool *engine_pool(struct engine *engine, uint32_t cluster_index, uint32_t endpoint_index,
                         struct str host);
/* The same of HTTP/2. */
struct pool *engine_h2_pool(struct engine *engine, uint32_t cluster_index, uint32_t endpoint_index,
                            struct str host);
/* The same for a place that an ORIGINAL_DST cluster was asked for. */
struct pool *engine_original_pool(struct engine *engine, uint32_t cluster_index, struct str address,
                                  uint32_t port, bool is_h2);
bool pool_is_h2(const struct pool *pool);
/* Whose it is. endpoint_index LB_NONE: an original destination. */
struct endpoint_place pool_place(const struct pool *pool);
/* After engine_take_over: the pool of the successor that has its connections and waiters
 * now; NULL: they stayed. */
struct pool *pool_heir(const struct pool *pool);

enum pool_verdict {
    POOL_REUSE,    /* send on `conn` now */
    POOL_CONNECT,  /* open a connection, tell pool_note_connecting (or pool_note_not_connecting);
                      the waiter is queued */
    POOL_WAIT,     /* queued; a connection is coming */
    POOL_OVERFLOW, /* a breaker is full; not queued */
};

/* After POOL_REUSE and wherever a waiter is answered its request is active. */
struct pool_answer {
    enum pool_verdict verdict;
    uint32_t conn;          /* POOL_REUSE */
    enum breaker_kind full; /* POOL_OVERFLOW */
};

struct pool_answer pool_ask(struct pool *pool, uint32_t waiter);

void pool_note_connecting(struct pool *pool, uint32_t conn);
/* It could not be begun; what the breaker lent for it is given back. */
void pool_note_not_connecting(struct pool *pool);

/* Connected: the waiter that gets it, or POOL_NONE (then it is idle). When no more
 * requests may be active all who wait fail: see pool_next_failed. */
uint32_t pool_note_connected(struct pool *pool, uint32_t conn);

/* HTTP/2: another waiter that `conn` has room for, or POOL_NONE. To be called until then
 * after pool_note_connected, and after what makes room. */
uint32_t pool_next_waiter(struct pool *pool, uint32_t conn);
/* HTTP/2: so many streams the peer allows. */
void pool_note_streams_max(struct pool *pool, uint32_t conn, uint32_t streams_max);
/* HTTP/2: no request is put on it any more. */
void pool_note_draining(struct pool *pool, uint32_t conn);

enum pool_connect_end {
    POOL_CONNECT_REFUSED,  /* by the other side, or on the way there */
    POOL_CONNECT_TIMEOUT,  /* connect_timeout has passed */
    POOL_CONNECT_GIVEN_UP, /* here, for another reason */
};
/* The connect failed: conn is forgotten, and all who wait fail with it. */
void pool_note_connect_failed(struct pool *pool, uint32_t conn, enum pool_connect_end why);
/* Those who fail, to be called until POOL_NONE after each function that says so. */
uint32_t pool_next_failed(struct pool *pool);

/* No connection can be had for those who wait: they all fail. */
void pool_refuse_waiting(struct pool *pool);

/* A connection is gone: do those who wait need another one, and may there be
 * one? Then open it and tell pool_note_connecting, or pool_note_not_connecting. */
bool pool_needs_connection(struct pool *pool);

/* A response on `conn` is complete: one request less is active on it.
 * HTTP/1: then either pool_note_idle or pool_note_closed. */
void pool_note_done(struct pool *pool, uint32_t conn);

/* The connection may be used again: the waiter that gets it, or POOL_NONE: it
 * is idle; as with pool_note_connected all who wait may fail. */
uint32_t pool_note_idle(struct pool *pool, uint32_t conn);

/* A waiter gives up before it got a connection (timeout, client gone). */
void pool_cancel(struct pool *pool, uint32_t waiter);

enum pool_close { POOL_CLOSE_LOCAL, POOL_CLOSE_REMOTE };

/* The connection is gone, idle or busy. */
void pool_note_closed(struct pool *pool, uint32_t conn, enum pool_close by);

/* May `conn` take one more request (requests_per_connection_max, HTTP/2: and it is not
 * draining)? Asked after each response. */
bool pool_may_keep(const struct pool *pool, uint32_t conn);
