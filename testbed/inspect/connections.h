/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/connections.h - which connections the attempts of one request needed, each
 * told as a handshake, and what the sidecars at their far ends made of the request.
 *
 * A caller that speaks TLS itself, or is refused as it does not, has the first of them: to its
 * gateway, and where that passes it on, to who is behind. A connection is told once for all
 * attempts that went the same way. Those in which nobody has a sidecar or speaks TLS are not
 * told.
 *
 * Steps are computed. What happened is told beside them, and where the two are at odds, that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "testbed/inspect/handshake.h"
#include "testbed/world/call.h"
#include "testbed/world/play.h"

struct connection {
    struct mtls_question asked;
    struct mtls_meeting meeting;
    struct handshake_story story;
    struct str attempts;      /* "1, 2, 3"; empty: there was no proxy to count them */
    bool is_reused;           /* the last of them found it open */
    struct caller_tls seen;   /* of one of the caller's own that ends here */
    struct str contradiction; /* mtls_contradiction */
};

struct connections {
    struct connection *items;
    uint32_t count, capacity;
};

struct connections connections_of(struct world *world, const struct call *call,
                                  const struct outcome *outcome, struct arena *arena);

/* The connection in which the caller's own TLS ends, or is refused: its gateway's, or where that
 * passes it on to a pod of ours, that one's. NULL: it speaks none, and is not refused for
 * that. */
const struct connection *connections_callers(const struct connections *all);

struct connections_page {
    struct world *world;
    struct connections connections;
    struct arena *arena;         /* for words */
    const struct play_hop *hops; /* of this request, and of what it led to */
    uint32_t hop_count;
    bool has_colour;
};

enum rc connections_write(const struct connections_page *page, struct arena *scratch,
                          struct buf *out) MUST_USE;
/* The pairs "connections" and "servers" of an object. */
void connections_write_json(const struct connections_page *page, struct arena *scratch,
                            struct json *json);
