/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/known.c - see known.h.
 */
#include "proxy/wire/known.h"

#define KNOWN_MAX 64u

static bool is_same(const struct known *known, const struct conn *conn, const void *message)
{
    const struct peer_facts *peer = &conn->down.peer;
    return known->message == message && known->http == conn->down.http &&
           str_eq(known->remote_address, peer->remote_address) &&
           str_eq(known->local_address, peer->local_address) &&
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
        .local_address = arena_str(&wire->memory, peer->local_address),
        .node_address = arena_str(&wire->memory, peer->node_address),
    };
    wire->knowns = known;
    wire->known_count++;
    return known;
}

struct known *known_of(struct conn *conn, const void *message)
{
    /* What a certificate says goes into heads, what a token says into routes. */
    const struct filter_chain *chain = conn->down.chain;
    if (conn->down.peer.is_tls || (chain != NULL && chain->security != NULL))
        return NULL;
    struct known *known = conn->down.known;
    if (known != NULL && known->message == message)
        return known;
    known = conn->wire->knowns;
    while (known != NULL && !is_same(known, conn, message))
        known = known->next;
    if (known == NULL && conn->wire->known_count < KNOWN_MAX)
        known = add(conn, message);
    return conn->down.known = known;
}
