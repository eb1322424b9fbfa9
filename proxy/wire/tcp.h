/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/tcp.h - the TCP proxy: two connections, bytes both ways, half
 * closes passed on.
 *
 * The pair shares a session (a stream with nothing but a record), which ends
 * when either connection is closed for good.
 *
 * Source: ENVOY.md 15.2.
 */
#pragma once

#include "proxy/wire/conn.h"
#include "proxy/wire/stream.h"

/* `conn` speaks TCP by its chain; bytes read already wait in conn->in. */
void tcp_start(struct conn *conn, const struct tcp_proxy *proxy);

/* Of either connection of a pair. */
void tcp_note_connected(struct conn *conn);
void tcp_note_connect_failed(struct conn *conn, struct str why);
void tcp_read(struct conn *conn, struct str bytes);
void tcp_note_eof(struct conn *conn);
void tcp_note_broken(struct conn *conn);
void tcp_note_sent(struct conn *conn);
/* wire_replace's part: the sessions' balancers. */
void tcp_take_over(struct reign *reign, const struct reign *old);
void tcp_wake(struct conn *conn);
/* max_downstream_connection_duration is over. */
void tcp_note_old(struct conn *conn);
