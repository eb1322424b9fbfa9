/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/upstream.h - an HTTP connection to an endpoint: opened for a pool,
 * lent to one attempt at a time (HTTP/2: to many), kept or closed after each response.
 *
 * Source: ENVOY.md 8.2, 8.3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/reason.h"
#include "proxy/wire/attempt.h"
#include "proxy/wire/conn.h"

void upstream_note_connected(struct conn *conn);
void upstream_note_connect_failed(struct conn *conn, struct str why);
void upstream_read(struct conn *conn, struct str bytes);
/* One event of the response; `has_surplus`: bytes came behind it. */
void upstream_take_event(struct conn *conn, struct attempt *attempt, const struct h1_event *event,
                         bool has_surplus);
/* A head that is the whole response. */
void upstream_take_only_head(struct conn *conn, struct attempt *attempt,
                             const struct h1_event *event, bool has_surplus);
/* The response is complete: the connection goes its own way. */
void upstream_part(struct conn *conn, struct attempt *attempt, bool has_surplus);
/* FIN or RST; the same to Envoy's HTTP/1 client. */
void upstream_note_end(struct conn *conn);
void upstream_note_sent(struct conn *conn);
void upstream_wake(struct conn *conn);
/* max_connection_duration has passed. */
void upstream_note_old(struct conn *conn);
/* Its host was ejected: it is closed, at once or behind the response that it carries. */
void upstream_note_ejected(struct conn *conn);

/* The attempt takes it for its request. */
void upstream_lend(struct conn *conn, struct attempt *attempt);
/* The attempt was given up: reset. */
void upstream_reset(struct conn *conn, struct attempt *attempt);
/* Whoever takes its response has room again. */
void upstream_resume(struct attempt *attempt);
/* Its configuration was replaced. It goes on with the new one where its cluster and host do;
 * else it serves whom it serves, and closes. */
void upstream_follow(struct conn *conn);
/* Closes it if it is idle. */
void upstream_close_idle(struct conn *conn);
