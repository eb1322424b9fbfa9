/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sim/secure.c - TLS between a link and whoever is at its end, as
 * proxy/live/secure.c has it for sockets: ends hear and say plain bytes only.
 *
 * Nothing here takes a turn; whoever delivered does.
 */
#include "base/check.h"
#include "testbed/sim/inside.h"

#define WHY_BLOCK_BYTES 1024u

static struct link_end *end_of(struct link *link, enum link_side side)
{
    return &link->ends[side];
}

static void flush(struct sim *sim, struct link *link, enum link_side side)
{
    struct sim_tls *tls = end_of(link, side)->tls;
    link_send_bytes(&sim->links, link, side, buf_str(&tls->out), sim->now_ns);
    buf_clear(&tls->out);
}

/* Everybody has OpenSSL's taste. */
static void tell_shaken(const struct link_end *end)
{
    const struct sim_tls *tls = end->tls;
    struct wire_handshake handshake = {
        .agreed = {.version = tls_version_name(tls->outcome.version),
                   .cipher = tls->outcome.cipher,
                   .curve = STR("X25519"),
                   .is_resumed = tls->is_resumed,
                   .has_peer = tls->peer != NULL},
        .server_name = tls->server_name,
        .peer = tls->peer,
        .own = tls->party.certificate,
    };
    if (tls->peer != NULL)
        handshake.agreed.sigalg =
            tls->peer->is_rsa ? STR("rsa_pss_rsae_sha256") : STR("ecdsa_secp256r1_sha256");
    wire_note_handshake(end->proxy->wire, end->conn, &handshake);
}

/* What a caller knows of its TLS by now. */
static void note_caller(const struct link_end *end, enum tls_failure failure)
{
    const struct sim_tls *tls = end->tls;
    struct caller_tls known = {.is_spoken = true, .has_server = tls->peer != NULL};
    if (end->is_secured) {
        known.is_agreed = true;
        known.version = tls->outcome.version;
        known.cipher = tls->outcome.cipher;
        known.protocol = tls->outcome.protocol;
    }
    known.failure = failure;
    caller_note_tls(&end->caller->caller, &known);
}

static void tell_connected(struct sim *sim, struct link_end *end)
{
    end->is_secured = true;
    switch (end->owner) {
    case LINK_NOBODY:
        return;
    case LINK_CALLER:
        note_caller(end, TLS_FINE);
        caller_connected(&end->caller->caller, sim->now_ns);
        return;
    case LINK_STANDIN:
        standin_secured(&end->standin->standin, end->tls->server_name);
        return;
    case LINK_PROXY:
        tell_shaken(end);
        if (end->tls->is_server)
            wire_secured(end->proxy->wire, end->conn, end->tls->outcome.protocol, sim->now_ns);
        else
            wire_connected(end->proxy->wire, end->conn, sim->now_ns);
        return;
    }
    UNREACHABLE("link_owner");
}

static void tell_read(struct sim *sim, struct link_end *end, struct str plain)
{
    switch (end->owner) {
    case LINK_NOBODY:
        return;
    case LINK_CALLER:
        caller_read(&end->caller->caller, plain, sim->now_ns);
        return;
    case LINK_STANDIN:
        standin_read(&end->standin->standin, plain, sim->now_ns);
        return;
    case LINK_PROXY:
        wire_read(end->proxy->wire, end->conn, plain, sim->now_ns);
        return;
    }
    UNREACHABLE("link_owner");
}

static void tell_ended(struct sim *sim, struct link_end *end)
{
    switch (end->owner) {
    case LINK_NOBODY:
        return;
    case LINK_CALLER:
        if (!end->is_secured)
            note_caller(end, TLS_ENDED);
        caller_eof(&end->caller->caller, sim->now_ns);
        return;
    case LINK_STANDIN:
        standin_eof(&end->standin->standin, sim->now_ns);
        return;
    case LINK_PROXY:
        wire_read_eof(end->proxy->wire, end->conn, sim->now_ns);
        return;
    }
    UNREACHABLE("link_owner");
}

/* A proxy's connection is over, by no wish of its own. */
static void end_proxy(struct sim *sim, struct link *link, enum link_side side,
                      enum tls_failure failure, bool is_connecting)
{
    struct link_end *end = end_of(link, side);
    struct wire *wire = end->proxy->wire;
    wire_note_tls_failure(wire, end->conn, failure);
    if (is_connecting) {
        struct arena arena;
        arena_init(&arena, WHY_BLOCK_BYTES, 0);
        struct str met = tls_met_text(failure, &end->tls->party.names, end->tls->peer, &arena);
        wire_connect_failed(wire, end->conn, tls_failure_text(failure, met, &arena), sim->now_ns);
        arena_fini(&arena);
    } else {
        wire_broken(wire, end->conn, sim->now_ns);
    }
    sim_proxy_note_gone(sim, end);
}

/* What it is to its owner: the handshake's end, or the connection's. */
static void tell_failed(struct sim *sim, struct link *link, enum link_side side,
                        enum tls_failure failure, bool was_shaking_hands)
{
    struct link_end *end = end_of(link, side);
    switch (end->owner) {
    case LINK_NOBODY:
        return;
    case LINK_CALLER:
        note_caller(end, failure);
        if (was_shaking_hands && failure != TLS_RESET)
            caller_tls_failed(&end->caller->caller, sim->now_ns);
        else
            caller_broken(&end->caller->caller, sim->now_ns);
        return;
    case LINK_STANDIN:
        standin_broken(&end->standin->standin);
        return;
    case LINK_PROXY:
        end_proxy(sim, link, side, failure, was_shaking_hands && side == LINK_CONNECTOR);
        if (failure == TLS_RESET)
            end->is_open = false;
        else
            sim_close(sim, link, side, failure == TLS_SECRET_ABSENT);
        return;
    }
    UNREACHABLE("link_owner");
}

void sim_secure_read(struct sim *sim, struct link *link, enum link_side side, struct str bytes)
{
    struct link_end *end = end_of(link, side);
    struct sim_tls *tls = end->tls;
    /* One without its secrets has failed before a byte was sent. */
    bool was_shaking_hands = tls->state == TLS_STATE_HANDSHAKE || tls->state == TLS_STATE_FAILED;
    bool was_closed = tls->state == TLS_STATE_CLOSED;
    struct str plain;
    sim_tls_feed(tls, bytes, sim->now_ns / NS_SECOND);
    flush(sim, link, side);
    if (was_shaking_hands && tls->state == TLS_STATE_OPEN)
        tell_connected(sim, end);
    while (sim_tls_read(tls, &plain))
        tell_read(sim, end, plain);
    flush(sim, link, side);
    if (tls->state == TLS_STATE_FAILED)
        tell_failed(sim, link, side, tls->failure, was_shaking_hands);
    else if (tls->state == TLS_STATE_CLOSED && !was_closed)
        tell_ended(sim, end);
}

void sim_secure_read_ended(struct sim *sim, struct link *link, enum link_side side)
{
    struct link_end *end = end_of(link, side);
    bool is_shaking_hands = end->tls->state == TLS_STATE_HANDSHAKE;
    if (end->tls->state == TLS_STATE_CLOSED)
        return;
    if (is_shaking_hands && end->owner == LINK_PROXY && side == LINK_CONNECTOR)
        tell_failed(sim, link, side, TLS_ENDED, true);
    else
        tell_ended(sim, end);
}

void sim_secure_broke(struct sim *sim, struct link *link, enum link_side side)
{
    bool is_shaking_hands = end_of(link, side)->tls->state == TLS_STATE_HANDSHAKE;
    tell_failed(sim, link, side, TLS_RESET, is_shaking_hands);
}

void sim_send(struct sim *sim, struct link *link, enum link_side side, struct str bytes)
{
    struct link_end *end = end_of(link, side);
    if (end->tls == NULL) {
        link_send_bytes(&sim->links, link, side, bytes, sim->now_ns);
        return;
    }
    sim_tls_write(end->tls, bytes);
    flush(sim, link, side);
}

void sim_send_read(struct sim *sim, struct link *link, enum link_side side,
                   const struct h1_read *read)
{
    if (end_of(link, side)->tls != NULL ||
        !link_send_read(&sim->links, link, side, read, sim->now_ns))
        sim_send(sim, link, side, read->bytes);
}

void sim_secure_end(struct sim *sim, struct link *link, enum link_side side)
{
    if (end_of(link, side)->tls == NULL)
        return;
    sim_tls_end(end_of(link, side)->tls);
    flush(sim, link, side);
}
