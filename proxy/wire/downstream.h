/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/downstream.h - a client's connection: chooses its filter chain,
 * reads requests one after the other, and closes as Envoy does.
 *
 * Source: ENVOY.md 1.2 (pipelining, early responses), 1.9, 1.10, 3.4, 3.8.
 */
#pragma once

#include "proxy/wire/conn.h"
#include "proxy/wire/stream.h"

void downstream_start(struct conn *conn);
void downstream_read(struct conn *conn, struct str bytes);
/* FIN or RST: without half-close both mean that the client is gone. */
void downstream_note_end(struct conn *conn);
void downstream_note_sent(struct conn *conn);
void downstream_wake(struct conn *conn);
/* max_connection_duration has passed. */
void downstream_note_old(struct conn *conn);

/* The request under way is over. */
void downstream_note_finished(struct conn *conn, const struct stream *stream);
/* Reads on what waited; called at the end of the turn. */
void downstream_settle(struct conn *conn);
/* Closes it if no request is under way. */
void downstream_drain(struct conn *conn);
