/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/ping.c - see ping.h.
 */
#include "proxy/wire/ping.h"

#include "base/ns.h"
#include "proxy/http/h2.h"
#include "proxy/wire/upstream_h2.h"
#include "proxy/wire/upstream_parts.h"

/* Envoy's interval_jitter, where nothing is said. */
#define JITTER_PERCENT 15u

void ping_arm(struct conn *conn)
{
    const struct cluster *cluster = conn->up.cluster;
    uint64_t interval_ms = (uint64_t)(cluster->h2_keepalive_interval_ns / NS_MS);
    if (!cluster->has_h2_keepalive || interval_ms == 0)
        return;
    uint64_t jitter_ms = JITTER_PERCENT * interval_ms / 100;
    if (jitter_ms > 0)
        interval_ms += rng_below(&conn->wire->rng_ping, jitter_ms);
    conn->up.is_pinged = false;
    timer_set(&conn->wire->timers, &conn->ping,
              ns_add(conn->wire->now_ns, (int64_t)interval_ms * NS_MS));
}

/* Envoy's, too, says when it was sent. */
static void send(struct conn *conn)
{
    const struct wire *wire = conn->wire;
    conn->up.is_pinged = true;
    h2_ping(conn->h2, (uint64_t)(wire->epoch_seconds * 1000 + wire->now_ns / NS_MS));
    timer_set(&conn->wire->timers, &conn->ping,
              ns_add(wire->now_ns, conn->up.cluster->h2_keepalive_timeout_ns));
    conn_flush_h2(conn);
}

void ping_wake(struct conn *conn)
{
    if (!conn->up.is_pinged) {
        send(conn);
        return;
    }
    upstream_count(conn, STAT_CLUSTER_http2_keepalive_timeout);
    if (conn->state == CONN_CONNECTING) {
        conn_abort(conn);
        tally_connect_failed(conn);
        pool_note_connect_failed(conn->up.pool, conn->number, POOL_CONNECT_GIVEN_UP);
        upstream_fail_waiters(conn, FAILURE_LOCAL_CONNECTION_FAILURE, STR_EMPTY);
        return;
    }
    upstream_h2_give_up(conn);
}
