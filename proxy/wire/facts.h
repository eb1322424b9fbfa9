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

/* A copy; NULL of NULL. */
const struct certificate *facts_certificate(const struct certificate *told, struct arena *arena);

/* Of one whose texts are `known` they are shared; NULL: they are copied. */
struct record_downstream facts_downstream(const struct conn *down, const struct known *known,
                                          struct arena *arena);
struct record_upstream facts_upstream(const struct conn *conn, struct stream *stream);
