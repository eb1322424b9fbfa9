/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/upstream_h2.h - Envoy's HTTP/2 client: one connection, many requests.
 *
 * Called by upstream.c for connections that have a codec of HTTP/2, and by attempts
 * that are lent one. An attempt's stream begins with its head; a stream that is reset
 * leaves the connection to the others.
 *
 * Source: ENVOY.md 8.3, 14.
 */
#pragma once

#include "proxy/wire/attempt.h"
#include "proxy/wire/conn.h"

void upstream_h2_note_connected(struct conn *conn);
void upstream_h2_read(struct conn *conn, struct str bytes);
void upstream_h2_note_end(struct conn *conn);
void upstream_h2_note_sent(struct conn *conn);
/* Ends of streams that sending brought about; called at the end of the turn. */
void upstream_h2_settle(struct conn *conn);

/* Its peer says nothing any more: all requests fail, and it closes. */
void upstream_h2_give_up(struct conn *conn);

/* Of an attempt that was lent the connection: its request, as far as it is there. False:
 * the connection broke, which upstream_h2_settle tells. */
void upstream_h2_send_head(struct attempt *attempt, bool has_body);
void upstream_h2_send_data(struct attempt *attempt, struct str data);
void upstream_h2_send_end(struct attempt *attempt);
/* Whoever takes its response has room again. */
void upstream_h2_resume(struct attempt *attempt);
/* The attempt was given up. */
void upstream_h2_reset(struct conn *conn, struct attempt *attempt);
