/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/downstream_h2.h - a client that speaks HTTP/2: one connection, many streams.
 *
 * Called by downstream.c for connections that have a codec of HTTP/2, and by response.c
 * for their streams.
 *
 * Source: ENVOY.md 14.
 */
#pragma once

#include "proxy/wire/conn.h"
#include "proxy/wire/stream.h"

void downstream_h2_open(struct conn *conn);
void downstream_h2_read(struct conn *conn, struct str bytes);
void downstream_h2_settle(struct conn *conn);
void downstream_h2_note_end(struct conn *conn);
void downstream_h2_note_sent(struct conn *conn);
void downstream_h2_wake(struct conn *conn);
void downstream_h2_note_finished(struct conn *conn, struct stream *stream);
/* No stream begins after those that are there; without any it is closed. */
void downstream_h2_drain(struct conn *conn);
/* GOAWAY: the last streams are to come. */
void downstream_h2_tell_drain(struct conn *conn);

/* May more of the request come? */
void downstream_h2_balance(struct stream *stream);

/* The stream's response. */
void downstream_h2_send_head(struct stream *stream, const struct response_head *head, bool is_end);
void downstream_h2_send_data(struct stream *stream, struct str data);
void downstream_h2_send_end(struct stream *stream, const struct header_list *trailers);
