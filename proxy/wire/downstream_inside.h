/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/downstream_inside.h - what downstream.c, downstream_h2.c and hand_over.c share.
 */
#pragma once

#include "proxy/wire/conn.h"

/* It speaks HTTP; which version, its first bytes tell. */
void downstream_open_http(struct conn *conn, const struct http_connection_manager *http);
void downstream_open_h1(struct conn *conn);

int64_t downstream_idle_timeout_ns(const struct http_connection_manager *http);
void downstream_set_idle_timer(struct conn *conn);
/* What was written leaves, then the client may close, then we do. */
void downstream_linger(struct conn *conn);
/* Answers say from now on that the connection closes; it does after a while. */
void downstream_begin_drain(struct conn *conn);
/* Into one of the wire's lists of connections without a request. */
void downstream_put(struct conn *conn, struct list *list);
