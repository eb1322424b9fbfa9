/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/upstream_parts.h - what upstream.c (HTTP/1) and upstream_h2.c share: a
 * pooled connection's waiters and end, and what an attempt is told of its response.
 */
#pragma once

#include <stdbool.h>

#include "proxy/core/pool.h"
#include "proxy/core/reason.h"
#include "proxy/core/stats.h"
#include "proxy/wire/attempt.h"
#include "proxy/wire/conn.h"

void upstream_count(struct conn *conn, enum cluster_stat stat);
struct attempt *upstream_waiter(struct conn *conn, uint32_t waiter);

/* All who are to fail with this connection. */
void upstream_fail_waiters(struct conn *conn, enum failure failure, struct str why);
/* A pooled connection is gone, or has served somebody: who waits may need other ones,
 * or would wait for nobody. */
void upstream_replace(struct conn *conn);
void upstream_close_pooled(struct conn *conn, enum pool_close by);
/* Nobody needs it now. A configuration that ends has no use for it later either. */
void upstream_rest(struct conn *conn);

/* Numbers below 100 are final, too; so is 101. */
bool upstream_is_interim(uint32_t status);
/* A head that lives elsewhere is kept with the stream once it is the response. */
struct response_head *upstream_keep_head(struct attempt *attempt, struct response_head *head);

void upstream_tell_head(struct attempt *attempt, struct response_head *head);
/* The response is complete with its head, and has parted from its connection. */
void upstream_tell_only_head(struct attempt *attempt, struct response_head *head);
/* True: the client has enough for now. */
bool upstream_tell_data(struct attempt *attempt, struct str data);
/* `trailers`: of the stream's arena, or NULL. */
void upstream_tell_end(struct attempt *attempt, const struct header_list *trailers);
