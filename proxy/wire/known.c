/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/known.c - see known.h.
 */
#include "proxy/wire/known.h"

#define KNOWN_MAX 64u

struct known {
    struct known *next;
    struct request_memo memo;
    const void *message;
    const struct http_connection_manager *http;
    struct str remote_address, node_address;
    bool is_tls;
};

static bool is_same(const struct known *known, const struct conn *conn, const void *message)
{
    const struct peer_facts *peer = &conn->down.peer;
    return known->message == message && known->http == conn->down.http &&
           known->is_tls == peer->is_tls && str_eq(known->remote_address, peer->remote_address) &&
           str_eq(known->node_address, peer->node_address);
}

static struct known *add(struct conn *conn, const void *message)
{
    struct wire *wire = conn->wire;
    const struct peer_facts *peer = &conn->down.peer;
    struct known *known = ARENA_NEW(&wire->memory, struct known);
    *known = (struct known){
        .next = wire->knowns,
        .memo.arena = &wire->memory,
        .message = message,
        .http = conn->down.http,
        .remote_address = arena_str(&wire->memory, peer->remote_address),
        .node_address = arena_str(&wire->memory, peer->node_address),
        .is_tls = peer->is_tls,
    };
    wire->knowns = known;
    wire->known_count++;
    return known;
}

struct request_memo *known_of(struct conn *conn, const void *message)
{
    struct known *known = conn->down.known;
    if (known != NULL && known->message == message)
        return &known->memo;
    known = conn->wire->knowns;
    while (known != NULL && !is_same(known, conn, message))
        known = known->next;
    if (known == NULL && conn->wire->known_count < KNOWN_MAX)
        known = add(conn, message);
    conn->down.known = known;
    return known != NULL ? &known->memo : NULL;
}
