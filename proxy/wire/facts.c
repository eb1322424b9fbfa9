/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/facts.c - see facts.h.
 */
#include "proxy/wire/facts.h"

#include "proxy/model/keyring.h"
#include "proxy/wire/conn.h"
#include "proxy/wire/inside.h"
#include "proxy/wire/known.h"
#include "proxy/wire/stream.h"

/* Connections of most meshes say one of a few things. */
#define TLS_KEPT_MAX 64u

static const struct str *copies(const struct str *items, uint32_t count, struct arena *arena)
{
    struct str *out = ARENA_ARRAY(arena, struct str, count);
    for (uint32_t i = 0; i < count; i++)
        out[i] = arena_str(arena, items[i]);
    return out;
}

/* Its key stays where it is: nobody behind TLS needs it. */
static const struct certificate *keyless_copy(const struct certificate *told, struct arena *arena)
{
    if (told == NULL)
        return NULL;
    struct certificate keyless = *told;
    keyless.key_pem = STR_EMPTY;
    return certificate_copy(arena, &keyless);
}

static struct record_tls tls_copy(const struct record_tls *told, struct arena *arena)
{
    return (struct record_tls){
        .version = arena_str(arena, told->version),
        .cipher = arena_str(arena, told->cipher),
        .group = arena_str(arena, told->group),
        .server_name = arena_str(arena, told->server_name),
        .peer = keyless_copy(told->peer, arena),
        .own = keyless_copy(told->own, arena),
    };
}

static bool is_same_certificate(const struct certificate *a, const struct certificate *b)
{
    return a == b || (a != NULL && b != NULL && a->hash.len > 0 && str_eq(a->hash, b->hash));
}

static bool is_same_tls(const struct record_tls *a, const struct record_tls *b)
{
    return is_same_certificate(a->peer, b->peer) && is_same_certificate(a->own, b->own) &&
           str_eq(a->server_name, b->server_name) && str_eq(a->version, b->version) &&
           str_eq(a->cipher, b->cipher) && str_eq(a->group, b->group);
}

static const struct record_tls *kept_tls(struct wire *wire, const struct record_tls *told)
{
    struct facts_kept *kept = wire->tls_kept;
    while (kept != NULL && !is_same_tls(&kept->tls, told))
        kept = kept->next;
    if (kept == NULL && wire->tls_kept_count < TLS_KEPT_MAX) {
        kept = ARENA_NEW(&wire->memory, struct facts_kept);
        *kept = (struct facts_kept){wire->tls_kept, tls_copy(told, &wire->memory)};
        wire->tls_kept = kept;
        wire->tls_kept_count++;
    }
    return kept != NULL ? &kept->tls : NULL;
}

void facts_note_tls(struct conn *conn, const struct record_tls *told)
{
    conn->tls = kept_tls(conn->wire, told);
    conn->is_tls_own = conn->tls == NULL;
    if (conn->is_tls_own) {
        struct record_tls *own = ARENA_NEW(&conn->facts, struct record_tls);
        *own = tls_copy(told, &conn->facts);
        conn->tls = own;
    }
    if (conn->side != CONN_DOWNSTREAM)
        return;
    conn->down.peer.certificate = conn->tls->peer;
    conn->down.peer.own_certificate = conn->tls->own;
}

/* As long as the wire, or a copy in `arena`. */
static const struct record_tls *tls_of(const struct conn *conn, struct arena *arena)
{
    if (!conn->is_tls_own)
        return conn->tls;
    struct record_tls *out = ARENA_NEW(arena, struct record_tls);
    *out = tls_copy(conn->tls, arena);
    return out;
}

struct peer_facts facts_peer(const struct peer_facts *told, struct arena *arena)
{
    struct peer_facts out = *told;
    out.protocols = copies(told->protocols, told->protocol_count, arena);
    out.certificate = out.own_certificate = NULL; /* they are told with the handshake */
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
        .tls = tls_of(down, arena),
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
        .tls = tls_of(conn, arena),
    };
}
