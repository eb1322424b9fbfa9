/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/peers.h - a wire, a small snapshot and peers in memory.
 *
 * Clients and servers are scripts of the test: what the wire writes is kept for
 * them, what they say is handed to it, whole or byte by byte. Nothing is mocked
 * below: exchange, pools and codecs are the real ones.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/ns.h"
#include "proxy/model/limits.h"
#include "proxy/wire/wire.h"

#include "tests/proxy/wire/small.h"

#define PEERS_MAX 4096u
#define PEERS_NONE UINT32_MAX

/* Wednesday, 27 November 2024, 12:00:00 */
#define PEERS_EPOCH INT64_C(1732708800)
#define PEERS_DATE "Wed, 27 Nov 2024 12:00:00 GMT"
/* What the proxy adds to an answer of the server's. */
#define PEERS_TAIL "x-envoy-upstream-service-time: 0\r\ndate: " PEERS_DATE "\r\nserver: envoy\r\n"
#define GET_APP "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"

struct peer {
    uint32_t conn;
    bool is_server;
    bool is_connecting;
    bool is_paused;
    bool is_shut;                     /* got FIN */
    bool is_closed;                   /* got a close */
    bool is_reset;                    /* ... which was abrupt */
    bool is_gone;                     /* wire_gone was told */
    const struct downstream_tls *tls; /* of a client: TLS was to be ended; heard: its greeting */
    uint32_t port;                    /* of a server: where the wire went */
    size_t unsent_bytes;              /* written by the wire, not told to have left */
    struct buf heard;
};

struct done {
    uint32_t status;
    char flags[32];
    char details[160];
    char method[16];
    char cluster[32];
    uint64_t bytes_received, bytes_sent;
    uint32_t attempt_count;
    uint32_t trace_count;
};

struct peers {
    struct snapshot *snapshot;
    struct listener listener;
    struct wire *wire;
    int64_t now_ns;
    struct peer *items;
    uint32_t count;
    struct done dones[PEERS_MAX];
    uint32_t done_count;
    uint32_t outlier_count;   /* WIRE_OUTLIER */
    bool is_bytewise;         /* what is said arrives byte by byte */
    bool is_slow;             /* what is written does not leave by itself */
    bool is_holding_connects; /* the test answers WIRE_CONNECT */
    bool is_refusing;         /* nobody listens */
};

static struct filter_chain peers_chains[3];

static inline void peers_begin(struct peers *peers)
{
    peers->wire =
        wire_new(peers->snapshot, 1,
                 (struct wire_options){.is_recording_traces = true, .connections_max = 1024});
    wire_set_epoch(peers->wire, PEERS_EPOCH);
}

/* After changes of clusters, which a wire looks at when it is made. */
static inline void peers_renew(struct peers *peers)
{
    wire_free(peers->wire);
    peers_begin(peers);
}

/* A listener with one HTTP chain; tests change it before the first dial. */
static inline struct peers *peers_new(void)
{
    struct peers *peers = calloc(1, sizeof(*peers));
    assert_non_null(peers);
    peers->items = calloc(PEERS_MAX, sizeof(*peers->items));
    assert_non_null(peers->items);
    peers->snapshot = small_snapshot();
    memset(peers_chains, 0, sizeof(peers_chains));
    peers_chains[0] = (struct filter_chain){.kind = CHAIN_HTTP, .http = small_http};
    peers->listener = (struct listener){.name = STR("0.0.0.0_80"),
                                        .address = STR("0.0.0.0"),
                                        .port = 80,
                                        .chains = peers_chains,
                                        .chain_count = 1};
    peers_begin(peers);
    return peers;
}

static inline void peers_free(struct peers *peers)
{
    wire_free(peers->wire);
    snapshot_drop(peers->snapshot);
    for (uint32_t i = 0; i < peers->count; i++)
        buf_fini(&peers->items[i].heard);
    free(peers->items);
    free(peers);
}

/* A scene whose bytes come whole, then one by one; the cluster speaks `protocol`. */
static inline void peers_play(void (*scene)(struct peers *peers), enum upstream_protocol protocol)
{
    for (int i = 0; i < 2; i++) {
        struct peers *peers = peers_new();
        small_clusters[0].protocol = protocol;
        peers_renew(peers);
        peers->is_bytewise = i == 1;
        scene(peers);
        peers_free(peers);
    }
}

/* A counter of cluster "one", or of the connection manager "http". */
static inline uint64_t peers_stat(struct peers *peers, const char *owner, const char *name)
{
    uint64_t value = 0;
    assert_true(engine_stat(wire_engine(peers->wire), str_of(owner), str_of(name), &value));
    return value;
}

static inline uint32_t peers_add(struct peers *peers, uint32_t conn, bool is_server)
{
    assert_true(peers->count < PEERS_MAX);
    struct peer *peer = &peers->items[peers->count];
    *peer = (struct peer){.conn = conn, .is_server = is_server, .is_connecting = is_server};
    buf_init(&peer->heard, 64u * 1024 * 1024);
    return peers->count++;
}

/* Who has that number now. */
static inline struct peer *peers_find(struct peers *peers, uint32_t conn)
{
    for (uint32_t i = peers->count; i-- > 0;) {
        if (peers->items[i].conn == conn && !peers->items[i].is_gone)
            return &peers->items[i];
    }
    return NULL;
}

static inline void peers_text(char *out, size_t size, struct str text)
{
    snprintf(out, size, "%.*s", STR_FMT(text));
}

static inline void peers_note_done(struct peers *peers, const struct wire_action *action)
{
    assert_true(peers->done_count < PEERS_MAX);
    struct done *done = &peers->dones[peers->done_count++];
    const struct record *record = action->record;
    struct arena arena;
    arena_init(&arena, 256, 0);
    *done = (struct done){.status = record->status,
                          .bytes_received = record->bytes_received,
                          .bytes_sent = record->bytes_sent,
                          .attempt_count = record->attempt_count,
                          .trace_count = action->trace != NULL ? action->trace->count : 0};
    peers_text(done->flags, sizeof(done->flags), record_flags(record, &arena));
    peers_text(done->details, sizeof(done->details), record->details);
    peers_text(done->method, sizeof(done->method), record->method);
    peers_text(done->cluster, sizeof(done->cluster), record->cluster_name);
    arena_fini(&arena);
}

static inline void peers_gone(struct peers *peers, struct peer *peer)
{
    peer->is_gone = true;
    wire_gone(peers->wire, peer->conn);
}

static inline void peers_note_connect(struct peers *peers, const struct wire_action *action)
{
    struct peer *peer = &peers->items[peers_add(peers, action->conn, true)];
    peer->port = action->port;
    if (peers->is_holding_connects)
        return;
    peer->is_connecting = false;
    if (peers->is_refusing) {
        peer->is_closed = true;
        wire_connect_failed(peers->wire, peer->conn,
                            STR("delayed connect error: Connection refused"), peers->now_ns);
        peers_gone(peers, peer);
    } else {
        wire_connected(peers->wire, peer->conn, peers->now_ns);
    }
}

static inline void peers_note_write(struct peers *peers, struct peer *peer,
                                    const struct wire_action *action)
{
    assert_false(peer->is_closed);
    assert_false(peer->is_shut);
    assert_false(peer->is_connecting);
    assert_true(action->bytes.len > 0);
    assert_int_equal(buf_append(&peer->heard, action->bytes), RC_OK);
    if (peers->is_slow)
        peer->unsent_bytes += action->bytes.len;
    else
        wire_wrote(peers->wire, peer->conn, action->bytes.len, peers->now_ns);
}

static inline void peers_carry_out(struct peers *peers, const struct wire_action *action)
{
    struct peer *peer =
        action->kind != WIRE_CONNECT && action->kind != WIRE_DONE && action->kind != WIRE_OUTLIER
            ? peers_find(peers, action->conn)
            : NULL;
    switch (action->kind) {
    case WIRE_CONNECT:
        peers_note_connect(peers, action);
        return;
    case WIRE_DONE:
        peers_note_done(peers, action);
        return;
    case WIRE_OUTLIER:
        peers->outlier_count++;
        return;
    case WIRE_WRITE:
        assert_non_null(peer);
        peers_note_write(peers, peer, action);
        return;
    case WIRE_WHOLE:
        fail(); /* nobody asked for them */
        return;
    case WIRE_PAUSE:
        assert_non_null(peer);
        assert_false(peer->is_paused);
        peer->is_paused = true;
        return;
    case WIRE_RESUME:
        assert_non_null(peer);
        assert_true(peer->is_paused);
        peer->is_paused = false;
        return;
    case WIRE_SECURE:
        assert_non_null(peer);
        assert_null(peer->tls);
        peer->tls = action->tls;
        assert_int_equal(buf_append(&peer->heard, action->bytes), RC_OK);
        return;
    case WIRE_SHUTDOWN:
        assert_non_null(peer);
        peer->is_shut = true;
        return;
    case WIRE_CLOSE:
        assert_non_null(peer);
        assert_false(peer->is_closed);
        peer->is_closed = true;
        peer->is_reset = action->is_abrupt;
        peers_gone(peers, peer);
        return;
    }
    fail();
}

static inline void peers_run(struct peers *peers)
{
    struct wire_action action;
    while (wire_next(peers->wire, &action))
        peers_carry_out(peers, &action);
}

/* A snapshot like `of`, with other clusters (as many), not indexed yet. */
static inline struct snapshot *peers_heir(const struct snapshot *of, const struct cluster *clusters)
{
    struct snapshot *heir = snapshot_new();
    heir->route_configs = of->route_configs;
    heir->route_config_count = of->route_config_count;
    heir->clusters = clusters;
    heir->cluster_count = of->cluster_count;
    return heir;
}

static inline void peers_replace(struct peers *peers, struct snapshot *heir)
{
    snapshot_index(heir);
    struct wire_replacement next = {.snapshot = heir, .seed = 2};
    next.shared = shared_new(heir, engine_shared(wire_engine(peers->wire)), 2,
                             PEERS_EPOCH * NS_SECOND + peers->now_ns);
    wire_replace(peers->wire, &next, peers->now_ns);
    shared_drop(next.shared);
    peers_run(peers);
}

/* Time passes; the wire is woken as often as it wants. */
static inline void peers_wait(struct peers *peers, int64_t ns)
{
    int64_t until_ns = peers->now_ns + ns;
    for (int rounds = 0; wire_wake_ns(peers->wire) <= until_ns; rounds++) {
        assert_true(rounds < 10000);
        peers->now_ns = ns_max(peers->now_ns, wire_wake_ns(peers->wire));
        wire_wake(peers->wire, peers->now_ns);
        peers_run(peers);
    }
    peers->now_ns = until_ns;
}

static inline uint32_t peers_dial(struct peers *peers)
{
    struct wire_accept accept = {
        .listener = &peers->listener,
        .peer = {.remote_address = STR("10.9.0.1"),
                 .remote_port = 40000,
                 .local_address = STR("10.0.0.9"),
                 .local_port = 80,
                 .node_address = STR("127.0.0.1")},
    };
    uint32_t conn = wire_accepted(peers->wire, &accept, peers->now_ns);
    assert_int_not_equal(conn, WIRE_NONE);
    uint32_t peer = peers_add(peers, conn, false);
    peers_run(peers);
    return peer;
}

static inline void peers_say_bytes(struct peers *peers, uint32_t index, struct str bytes)
{
    size_t piece_bytes = peers->is_bytewise ? 1 : LIMIT_READ_BYTES;
    while (bytes.len > 0 && !peers->items[index].is_gone) {
        wire_read(peers->wire, peers->items[index].conn, str_slice(bytes, 0, piece_bytes),
                  peers->now_ns);
        peers_run(peers);
        bytes = str_from(bytes, piece_bytes);
    }
}

static inline void peers_say(struct peers *peers, uint32_t index, const char *text)
{
    peers_say_bytes(peers, index, str_of(text));
}

static inline void peers_fin(struct peers *peers, uint32_t index)
{
    if (peers->items[index].is_gone)
        return;
    wire_read_eof(peers->wire, peers->items[index].conn, peers->now_ns);
    peers_run(peers);
}

static inline void peers_break(struct peers *peers, uint32_t index)
{
    wire_broken(peers->wire, peers->items[index].conn, peers->now_ns);
    peers->items[index].is_closed = true;
    peers_gone(peers, &peers->items[index]);
    peers_run(peers);
}

/* What the peer has heard since it was last asked; valid until it hears more. */
static inline struct str peers_heard(struct peers *peers, uint32_t index)
{
    struct str heard = buf_str(&peers->items[index].heard);
    buf_consume(&peers->items[index].heard, heard.len);
    return heard;
}

static inline void peers_expect(struct peers *peers, uint32_t index, const char *text)
{
    char *got = calloc(1, buf_size(&peers->items[index].heard) + 1);
    assert_non_null(got);
    struct str heard = peers_heard(peers, index);
    if (heard.len > 0)
        memcpy(got, heard.ptr, heard.len);
    assert_string_equal(got, text);
    free(got);
}

/* The server that was opened last. */
static inline uint32_t peers_server(const struct peers *peers)
{
    for (uint32_t i = peers->count; i-- > 0;) {
        if (peers->items[i].is_server)
            return i;
    }
    return PEERS_NONE;
}

static inline uint32_t peers_server_count(const struct peers *peers)
{
    uint32_t server_count = 0;
    for (uint32_t i = 0; i < peers->count; i++)
        server_count += peers->items[i].is_server ? 1 : 0;
    return server_count;
}

static inline const struct done *peers_last_done(const struct peers *peers)
{
    assert_true(peers->done_count > 0);
    return &peers->dones[peers->done_count - 1];
}

static inline void peers_expect_done(const struct peers *peers, uint32_t status, const char *flags,
                                     const char *details)
{
    const struct done *done = peers_last_done(peers);
    assert_int_equal(done->status, status);
    assert_string_equal(done->flags, flags);
    assert_string_equal(done->details, details);
}
