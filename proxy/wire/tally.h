/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/tally.h - what connections count: how many, how long, how many
 * bytes. ENVOY.md 12.3-12.5.
 *
 * The counters are the engine's (engine_stats.h), found once for a connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/core/engine_stats.h"
#include "proxy/model/listener.h"

struct conn;

struct tally {
    int64_t began_ns;
    bool is_accepted;                  /* downstream: a chain has it */
    bool is_remote_end;                /* the peer closed first */
    struct http_stats *http;           /* downstream HTTP; NULL otherwise */
    uint64_t *read_bytes, *sent_bytes; /* NULL: nobody knows yet whose they are */
    uint64_t early_bytes;              /* read before that */
};

/* A downstream connection: a chain has it, matched by no chain, HTTP, TCP. */
void tally_accepted(struct conn *conn);
void tally_no_chain(struct conn *conn);
/* It went away before its chain was known. */
void tally_left_early(struct conn *conn);
/* Its first bytes are waited for, or are not any more. */
void tally_waiting(struct conn *conn, bool is_waiting);
void tally_waiting_timeout(struct conn *conn);
void tally_transport_timeout(struct conn *conn);
void tally_http(struct conn *conn, const struct http_connection_manager *http);
/* Which codec it has is known. */
void tally_codec(struct conn *conn);
void tally_tcp(struct conn *conn, const struct tcp_proxy *proxy);
void tally_tcp_idle(struct conn *conn);
/* It goes on with another configuration: before, and then; after that tally_http if it
 * speaks HTTP. */
void tally_leave(struct conn *conn);
void tally_join(struct conn *conn);

/* An upstream connection: begun, connected or not. */
void tally_connecting(struct conn *conn);
/* It goes on with another configuration, which is its reign already. */
void tally_follow(struct conn *conn);
void tally_connected(struct conn *conn);
void tally_connect_failed(struct conn *conn);

/* Any connection, before its place is given back. */
void tally_gone(struct conn *conn);

static inline void tally_read(struct tally *tally, size_t size)
{
    if (tally->read_bytes != NULL)
        *tally->read_bytes += size;
    else
        tally->early_bytes += size;
}

static inline void tally_sent(struct tally *tally, size_t size)
{
    if (tally->sent_bytes != NULL)
        *tally->sent_bytes += size;
}
