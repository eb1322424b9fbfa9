/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/facts.c - see facts.h.
 */
#include "proxy/wire/facts.h"

#include "proxy/wire/conn.h"
#include "proxy/wire/known.h"
#include "proxy/wire/stream.h"

static const struct str *copies(const struct str *items, uint32_t count, struct arena *arena)
{
    struct str *out = ARENA_ARRAY(arena, struct str, count);
    for (uint32_t i = 0; i < count; i++)
        out[i] = arena_str(arena, items[i]);
    return out;
}

const struct certificate *facts_certificate(const struct certificate *told, struct arena *arena)
{
    if (told == NULL)
        return NULL;
    struct certificate *out = ARENA_NEW(arena, struct certificate);
    *out = *told;
    out->issuer = arena_str(arena, told->issuer);
    out->uris = copies(told->uris, told->uri_count, arena);
    out->names = copies(told->names, told->name_count, arena);
    out->hash = arena_str(arena, told->hash);
    out->key_hash = arena_str(arena, told->key_hash);
    out->subject = arena_str(arena, told->subject);
    out->chain_pem = arena_str(arena, told->chain_pem);
    out->key_pem = STR_EMPTY; /* nobody behind TLS needs it */
    return out;
}

struct peer_facts facts_peer(const struct peer_facts *told, struct arena *arena)
{
    struct peer_facts out = *told;
    out.protocols = copies(told->protocols, told->protocol_count, arena);
    out.certificate = facts_certificate(told->certificate, arena);
    out.own_certificate = facts_certificate(told->own_certificate, arena);
    out.server_name = arena_str(arena, told->server_name);
    out.remote_address = arena_str(arena, told->remote_address);
    out.local_address = arena_str(arena, told->local_address);
    out.node_address = arena_str(arena, told->node_address);
    return out;
}

struct record_downstream facts_downstream(const struct conn *down, const struct known *known,
                                          struct arena *arena)
{
    const struct peer_facts *peer = &down->down.peer;
    struct str remote =
        known != NULL ? known->remote_address : arena_str(arena, peer->remote_address);
    return (struct record_downstream){
        .connection_id = down->id,
        .remote_address = remote,
        .remote_port = peer->remote_port,
        .direct_address = remote,
        .direct_port = peer->remote_port,
        .local_address =
            known != NULL ? known->local_address : arena_str(arena, peer->local_address),
        .local_port = peer->local_port,
        .server_name = arena_str(arena, peer->server_name),
        .peer = facts_certificate(peer->certificate, arena),
        .listener = down->down.listener,
        .chain = down->down.chain,
    };
}

struct record_upstream facts_upstream(const struct conn *conn, struct stream *stream)
{
    struct arena *arena = &stream->arena;
    /* An endpoint's is the snapshot's. */
    bool is_lasting = conn->up.endpoint != NULL && conn->reign == stream->reign;
    return (struct record_upstream){
        .connection_id = conn->id,
        .local_address = conn->up.is_local_own ? conn->up.local_address
                                               : arena_str(arena, conn->up.local_address),
        .local_port = conn->up.local_port,
        .address = is_lasting ? conn->up.address : arena_str(arena, conn->up.address),
        .port = conn->up.port,
        .is_h2 = conn->h2 != NULL,
    };
}
