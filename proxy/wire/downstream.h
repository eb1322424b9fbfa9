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

/* Facts' slices are copied. NULL: the wire is full. */
struct conn *downstream_take(struct wire *wire, const struct wire_accept *accept);
void downstream_start(struct conn *conn);
/* TLS was agreed upon. */
void downstream_note_secured(struct conn *conn, struct str protocol);
void downstream_read(struct conn *conn, struct str bytes);
/* Must what comes wait? Else a request may begin, and its events be taken. */
bool downstream_is_blocked(const struct conn *conn);
void downstream_begin_stream(struct conn *conn);
/* All of a request that the stream knows, as by events; false: by events then. */
bool downstream_begin_again(struct conn *conn);
void downstream_take_event(struct conn *conn, const struct h1_event *event);
/* FIN or RST: without half-close both mean that the client is gone. */
void downstream_note_end(struct conn *conn);
void downstream_note_sent(struct conn *conn, size_t size);
void downstream_wake(struct conn *conn);
/* max_connection_duration has passed. */
void downstream_note_old(struct conn *conn);

/* The request under way is over. */
void downstream_note_finished(struct conn *conn, struct stream *stream);
/* Reads on what waited; called at the end of the turn. */
void downstream_settle(struct conn *conn);
/* No request is served after those that it sent already. */
void downstream_drain(struct conn *conn);

/* Its configuration was replaced: is it at rest, or does it stay until it ends? */
void downstream_retire(struct conn *conn);
