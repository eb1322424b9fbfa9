/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/facts.h - what is kept of connections, and what a record says of them.
 *
 * Copies: a connection may be gone before the record is read.
 */
#pragma once

#include "base/arena.h"
#include "proxy/core/record.h"
#include "proxy/http/pipeline.h"

struct conn;
struct known;
struct stream;

/* The ends of a connection as its carrier told them. */
struct peer_facts facts_peer(const struct peer_facts *told, struct arena *arena);

/* What was told of TLS, kept with the wire once for all connections that say the same, as far
 * as there is room, else with the connection. Copied, but for keys. */
struct facts_kept {
    struct facts_kept *next;
    struct record_tls tls;
};
void facts_note_tls(struct conn *conn, const struct record_tls *told);

/* Of one whose texts are `known` they are shared; NULL: they are copied. */
struct record_downstream facts_downstream(const struct conn *down, const struct known *known,
                                          struct arena *arena);
struct record_upstream facts_upstream(const struct conn *conn, struct stream *stream);
