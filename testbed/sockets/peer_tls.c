/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/peer_tls.c - TLS that callers and stand-ins speak themselves.
 */
#include "base/check.h"
#include "testbed/sockets/inside.h"

static struct tls_store *store_of(struct sockets *sockets, const struct tls_end *end)
{
    for (uint32_t i = 0; i < sockets->end_count; i++) {
        if (sockets->ends[i].end == end)
            return sockets->ends[i].store;
    }
    struct sockets_end *added =
        ARENA_PUSH(&sockets->arena, sockets->ends, sockets->end_count, sockets->end_capacity);
    *added = (struct sockets_end){end, tls_store_new(&end->keyring)};
    return added->store;
}

struct tls_session *sockets_secure(struct sockets *sockets, const struct tls_end *end,
                                   bool is_client)
{
    struct tls_store *store = store_of(sockets, end);
    if (!is_client)
        return tls_accept(store, &end->server);
    struct tls_call call = {.cluster = &end->cluster, .payload = TLS_CARRIES_HTTP1};
    return tls_connect(store, &call);
}

void sockets_ends_fini(struct sockets *sockets)
{
    for (uint32_t i = 0; i < sockets->end_count; i++)
        tls_store_drop(sockets->ends[i].store);
    sockets->end_count = 0;
}

void peer_tls_note(struct peer *peer, enum tls_failure failure)
{
    if (peer->role != PEER_CALLER || peer->tls == NULL)
        return;
    struct caller_tls known = {.is_spoken = true, .is_agreed = peer->is_secured};
    if (peer->is_secured) {
        struct tls_facts facts = tls_facts(peer->tls);
        known.version = facts.version;
        known.cipher = facts.cipher;
        known.protocol = facts.protocol;
        known.has_server = facts.has_peer;
    }
    known.failure = failure;
    caller_note_tls(&peer->caller, &known);
}

static void note_open(struct peer *peer)
{
    peer->is_secured = true;
    peer_tls_note(peer, TLS_FINE);
    if (peer->role == PEER_STANDIN)
        standin_secured(&peer->standin, tls_facts(peer->tls).server_name);
    else
        caller_connected(&peer->caller, sockets_now_ns(peer->sockets));
}

static void note_failed(struct peer *peer, bool was_shaking_hands)
{
    int64_t now_ns = sockets_now_ns(peer->sockets);
    peer_tls_note(peer, tls_failed(peer->tls));
    if (peer->role == PEER_STANDIN)
        standin_broken(&peer->standin);
    else if (was_shaking_hands)
        caller_tls_failed(&peer->caller, now_ns);
    else
        caller_broken(&peer->caller, now_ns);
}

static void note_eof(struct peer *peer)
{
    if (peer->role == PEER_STANDIN)
        standin_eof(&peer->standin, sockets_now_ns(peer->sockets));
    else
        caller_eof(&peer->caller, sockets_now_ns(peer->sockets));
}

void peer_tls_read(struct peer *peer, struct str bytes)
{
    bool was_shaking_hands = tls_state(peer->tls) == TLS_STATE_HANDSHAKE;
    int64_t now_ns = sockets_now_ns(peer->sockets);
    struct str plain;
    if (tls_state(peer->tls) == TLS_STATE_CLOSED)
        return;
    tls_feed(peer->tls, bytes);
    if (was_shaking_hands && tls_state(peer->tls) == TLS_STATE_OPEN)
        note_open(peer);
    while (tls_read(peer->tls, &plain)) {
        if (peer->role == PEER_STANDIN)
            standin_read(&peer->standin, plain, now_ns);
        else
            caller_read(&peer->caller, plain, now_ns);
    }
    if (tls_state(peer->tls) == TLS_STATE_FAILED)
        note_failed(peer, was_shaking_hands);
    else if (tls_state(peer->tls) == TLS_STATE_CLOSED)
        note_eof(peer);
}

void peer_tls_gather(struct peer *peer)
{
    struct str out = tls_out(peer->tls);
    if (!peer->is_deaf)
        ASSERT(buf_append(&peer->out, out) == RC_OK);
    tls_sent(peer->tls, out.len);
}

bool peer_tls_is_open(const struct peer *peer)
{
    return tls_state(peer->tls) == TLS_STATE_OPEN || tls_state(peer->tls) == TLS_STATE_CLOSED;
}
