/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/wire.c - the doors: what the carrier tells goes to the connection
 * it is about; what was wished comes out.
 */
#include "proxy/wire/wire.h"

#include "base/ns.h"
#include "proxy/core/succession.h"
#include "proxy/model/limits.h"
#include "proxy/wire/conn.h"
#include "proxy/wire/downstream.h"
#include "proxy/wire/hand_over.h"
#include "proxy/wire/leave.h"
#include "proxy/wire/stream.h"
#include "proxy/wire/tcp.h"
#include "proxy/wire/turn.h"
#include "proxy/wire/upstream.h"
#include "proxy/wire/whole.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)

static struct conn *conn_at(struct wire *wire, uint32_t number)
{
    struct conn *conn = slots_at(&wire->conns, number);
    ASSERT(conn->state != CONN_FREE);
    return conn;
}

static void give_done(struct wire *wire)
{
    while (!list_is_empty(&wire->done_streams))
        stream_give(LIST_ITEM(list_first(&wire->done_streams), struct stream, done));
}

/* What was taken in the last turn is not needed any more. */
static void forget_taken(struct wire *wire)
{
    while (!list_is_empty(&wire->taken_conns)) {
        struct conn *conn = LIST_ITEM(list_first(&wire->taken_conns), struct conn, taken);
        list_remove(&conn->taken);
        conn_forget_taken(conn);
    }
    give_done(wire);
}

static void begin_turn(struct wire *wire, int64_t now_ns)
{
    ASSERT(now_ns >= wire->now_ns);
    wire->now_ns = now_ns;
    forget_taken(wire);
}

/* Requests that waited behind an answer are read now. */
static void end_turn(struct wire *wire)
{
    leave_ejected(wire);
    turn_settle(wire);
    while (!list_is_empty(&wire->ready_conns)) {
        struct conn *conn = LIST_ITEM(list_first(&wire->ready_conns), struct conn, down.ready);
        list_remove(&conn->down.ready);
        downstream_settle(conn);
    }
}

struct wire *wire_new(struct snapshot *snapshot, uint64_t seed, struct wire_options options)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct wire *wire = ARENA_NEW(&memory, struct wire);
    wire->memory = memory;
    wire->options = options;
    if (wire->options.connections_max == 0)
        wire->options.connections_max = LIMIT_CONNECTIONS;
    wire->rng_tcp = rng_seeded(seed, STR("tcp"));
    wire->rng_ping = rng_seeded(seed, STR("ping"));
    wire->reign = reign_new(wire, &(struct reign_options){.snapshot = snapshot,
                                                          .shared = options.shared,
                                                          .seed = seed,
                                                          .started_ns = options.started_ns});
    wire->options.shared = NULL; /* the engine's */
    list_init(&wire->past_reigns);
    slots_init(&wire->conns, &wire->memory, sizeof(struct conn));
    slots_init(&wire->streams, &wire->memory, sizeof(struct stream));
    slots_init(&wire->attempts, &wire->memory, sizeof(struct attempt));
    heap_init(&wire->timers);
    wishes_init(&wire->wishes, &wire->memory);
    list_init(&wire->taken_conns);
    list_init(&wire->done_streams);
    list_init(&wire->stirred_conns);
    h2_memory_init(&wire->h2_memory);
    list_init(&wire->ready_conns);
    list_init(&wire->resting_conns);
    date_init(&wire->date);
    return wire;
}

void wire_free(struct wire *wire)
{
    if (wire == NULL)
        return;
    for (uint32_t i = 0; i < wire->attempts.made_count; i++)
        attempt_fini(slots_at(&wire->attempts, i));
    for (uint32_t i = 0; i < wire->streams.made_count; i++)
        stream_fini(slots_at(&wire->streams, i));
    for (uint32_t i = 0; i < wire->conns.made_count; i++)
        conn_fini(slots_at(&wire->conns, i));
    h2_memory_fini(&wire->h2_memory);
    heap_fini(&wire->timers);
    while (wire->past_reign_count > 0) {
        struct reign *reign = reign_at(wire, wire->past_reign_count);
        list_remove(&reign->link);
        wire->past_reign_count--;
        reign_free(reign);
    }
    reign_free(wire->reign);
    struct arena memory = wire->memory;
    arena_fini(&memory);
}

struct engine *wire_engine(struct wire *wire)
{
    return wire->reign->engine;
}

uint32_t wire_engine_count(const struct wire *wire)
{
    return 1 + wire->past_reign_count;
}

struct engine *wire_engine_at(const struct wire *wire, uint32_t nth)
{
    return reign_at(wire, nth)->engine;
}

uint32_t wire_accepted(struct wire *wire, const struct wire_accept *accept, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = downstream_take(wire, accept);
    if (conn == NULL)
        return WIRE_NONE;
    downstream_start(conn);
    end_turn(wire);
    return conn->number;
}

void wire_read(struct wire *wire, uint32_t conn_number, struct str bytes, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    tally_read(&conn->tally, bytes.len);
    if (conn->speech == SPEECH_TCP)
        tcp_read(conn, bytes);
    else if (conn->side == CONN_UPSTREAM)
        upstream_read(conn, bytes);
    else
        downstream_read(conn, bytes);
    end_turn(wire);
}

bool wire_read_whole(struct wire *wire, uint32_t conn_number, const struct h1_read *whole,
                     int64_t now_ns)
{
    begin_turn(wire, now_ns);
    bool is_read = whole_read(conn_at(wire, conn_number), whole);
    end_turn(wire);
    return is_read;
}

/* FIN or worse. */
static void note_end(struct conn *conn)
{
    if (conn->side == CONN_UPSTREAM)
        upstream_note_end(conn);
    else
        downstream_note_end(conn);
}

void wire_read_eof(struct wire *wire, uint32_t conn_number, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    if (conn->state == CONN_OPEN || conn->state == CONN_LINGERING) {
        if (conn->speech == SPEECH_TCP)
            tcp_note_eof(conn);
        else
            note_end(conn);
    }
    end_turn(wire);
}

void wire_broken(struct wire *wire, uint32_t conn_number, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    enum conn_state before = conn->state;
    conn_note_broken(conn);
    if (before == CONN_CONNECTING) {
        if (conn->speech == SPEECH_TCP)
            tcp_note_connect_failed(conn, STR_EMPTY);
        else
            upstream_note_connect_failed(conn, STR_EMPTY);
    } else if (before == CONN_OPEN || before == CONN_LINGERING) {
        if (conn->speech == SPEECH_TCP)
            tcp_note_broken(conn);
        else
            note_end(conn);
    }
    end_turn(wire);
}

void wire_connected(struct wire *wire, uint32_t conn_number, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    ASSERT(conn->side == CONN_UPSTREAM);
    if (conn->state == CONN_CONNECTING) {
        conn->state = CONN_OPEN;
        conn_stop_timer(conn);
        tally_connected(conn);
        if (conn->speech == SPEECH_TCP)
            tcp_note_connected(conn);
        else
            upstream_note_connected(conn);
    }
    end_turn(wire);
}

void wire_leave_ejected(struct wire *wire, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    leave_all_ejected(wire);
    end_turn(wire);
}

void wire_secured(struct wire *wire, uint32_t conn_number, struct str protocol, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    ASSERT(conn->side == CONN_DOWNSTREAM);
    if (conn_is_open(conn))
        downstream_note_secured(conn, protocol);
    end_turn(wire);
}

void wire_connect_failed(struct wire *wire, uint32_t conn_number, struct str why, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    ASSERT(conn->side == CONN_UPSTREAM);
    bool was_connecting = conn->state == CONN_CONNECTING;
    conn_note_broken(conn);
    if (was_connecting && conn->speech == SPEECH_TCP)
        tcp_note_connect_failed(conn, why);
    else if (was_connecting)
        upstream_note_connect_failed(conn, why);
    end_turn(wire);
}

void wire_wrote(struct wire *wire, uint32_t conn_number, size_t size, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    conn_note_sent(conn, size);
    if (conn->speech == SPEECH_TCP)
        tcp_note_sent(conn);
    else if (conn->side == CONN_UPSTREAM)
        upstream_note_sent(conn);
    else
        downstream_note_sent(conn, size);
    end_turn(wire);
}

void wire_gone(struct wire *wire, uint32_t conn_number)
{
    struct conn *conn = conn_at(wire, conn_number);
    ASSERT(conn->state == CONN_CLOSING || conn->state == CONN_BROKEN);
    tally_gone(conn);
    conn_give(conn);
    reigns_end(wire);
}

/* Each of them: whose intervals end, who is ejected. */
static int64_t engines_wake_ns(const struct wire *wire)
{
    int64_t first_ns = engine_wake_ns(wire->reign->engine);
    for (uint32_t i = 1; i <= wire->past_reign_count; i++)
        first_ns = ns_min(first_ns, engine_wake_ns(reign_at(wire, i)->engine));
    return first_ns;
}

int64_t wire_wake_ns(const struct wire *wire)
{
    const struct heap_node *first = heap_first(&wire->timers);
    return ns_min(first != NULL ? first->due_ns : NS_NEVER, engines_wake_ns(wire));
}

int64_t wire_due_ns(struct wire *wire)
{
    return ns_min(timers_due_ns(&wire->timers), engines_wake_ns(wire));
}

void wire_wake(struct wire *wire, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    for (uint32_t i = 0; i <= wire->past_reign_count; i++) {
        struct engine *engine = reign_at(wire, i)->engine;
        if (engine_wake_ns(engine) <= now_ns)
            engine_step(engine, now_ns);
    }
    /* Timers that are set meanwhile wait for the next wake. */
    uint64_t sequence_end = wire->timers.next_sequence;
    struct timer *timer;
    while ((timer = timers_take(&wire->timers, now_ns, sequence_end)) != NULL)
        turn_wake(timer);
    end_turn(wire);
}

void wire_set_epoch(struct wire *wire, int64_t seconds)
{
    wire->epoch_seconds = seconds;
    ASSERT(wire->past_reign_count == 0);
    engine_set_epoch(wire->reign->engine, seconds);
}

void wire_drain(struct wire *wire, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    wire->is_draining = true;
    for (uint32_t i = 0; i < wire->conns.made_count; i++) {
        struct conn *conn = slots_at(&wire->conns, i);
        if (!conn_is_open(conn))
            continue;
        if (conn->side == CONN_DOWNSTREAM)
            downstream_drain(conn);
        else
            upstream_close_idle(conn);
    }
    end_turn(wire);
}

void wire_drain_conn(struct wire *wire, uint32_t conn_number, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    ASSERT(conn->side == CONN_DOWNSTREAM);
    downstream_drain(conn);
    end_turn(wire);
}

void wire_replace(struct wire *wire, const struct wire_replacement *next, int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct reign *old = wire->reign;
    wire->reign = reign_new(wire, &(struct reign_options){.snapshot = next->snapshot,
                                                          .shared = next->shared,
                                                          .seed = next->seed,
                                                          .started_ns = now_ns});
    engine_take_over(wire->reign->engine, old->engine, now_ns);
    for (uint32_t i = 1; i <= wire->past_reign_count; i++)
        engine_follow(reign_at(wire, i)->engine, old->engine, wire->reign->engine);
    list_push_front(&wire->past_reigns, &old->link);
    wire->past_reign_count++;
    tcp_take_over(wire->reign, old);
    hand_over_begin(wire, old);
    end_turn(wire);
}

uint32_t wire_next_at_rest(struct wire *wire)
{
    while (!list_is_empty(&wire->resting_conns)) {
        struct conn *conn = LIST_ITEM(list_first(&wire->resting_conns), struct conn, down.ready);
        if (conn_is_open(conn))
            return conn->number;
        list_remove(&conn->down.ready);
    }
    return WIRE_NONE;
}

bool wire_hand_over(struct wire *wire, uint32_t conn_number, const struct listener *listener,
                    int64_t now_ns)
{
    begin_turn(wire, now_ns);
    struct conn *conn = conn_at(wire, conn_number);
    ASSERT(conn_is_of_past(conn));
    ASSERT(conn->down.stream == NULL);
    bool is_handed_over = downstream_hand_over(conn, listener);
    end_turn(wire);
    return is_handed_over;
}

uint32_t wire_connection_count(const struct wire *wire)
{
    return wire->downstream_count;
}

uint32_t wire_exchange_count(const struct wire *wire)
{
    return wire->exchange_count;
}

static bool take_write(struct conn *conn, struct wire_action *action)
{
    action->bytes = conn_take_bytes(conn);
    return action->bytes.len > 0;
}

static bool take_whole(struct conn *conn, struct wire_action *action)
{
    struct wire_whole *whole = conn_take_whole(conn);
    if (whole == NULL)
        return false;
    whole->stream->whole_count++;
    action->whole = whole;
    /* As when its bytes have left. */
    if (conn->state == CONN_LINGERING)
        conn_set_timer(conn, ns_add(conn->wire->now_ns, conn->down.grace_ns));
    return true;
}

static void take_done(struct stream *stream, struct wire_action *action)
{
    action->conn = stream->down_number;
    action->record = stream_record(stream);
    action->trace =
        stream->wire->options.is_recording_traces && !stream->is_session ? &stream->trace : NULL;
    list_push_back(&stream->wire->done_streams, &stream->done);
}

/* What came in the clear belongs to whoever ends TLS. */
static void take_secure(struct conn *conn, struct wire_action *action)
{
    action->tls = conn->down.chain->tls;
    action->bytes = conn_take_input(conn);
}

static void take_connect(const struct conn *conn, struct wire_action *action)
{
    action->address = conn->up.address;
    action->port = conn->up.port;
    action->cluster = conn->up.cluster;
    action->endpoint = conn->up.endpoint;
    action->is_secure = tls_of_endpoint(action->cluster, action->endpoint) != NULL;
    action->payload = conn->up.pool == NULL ? TLS_CARRIES_BYTES
                      : conn->h2 != NULL    ? TLS_CARRIES_HTTP2
                                            : TLS_CARRIES_HTTP1;
    action->host = conn->up.host;
}

bool wire_next(struct wire *wire, struct wire_action *action)
{
    struct wish wish;
    while (wishes_take(&wire->wishes, &wish)) {
        action->kind = wish.kind;
        action->is_abrupt = wish.is_abrupt;
        if (wish.kind == WIRE_DONE) {
            take_done(wish.stream, action);
            return true;
        }
        if (wish_is_for_gone(&wish))
            continue;
        action->conn = wish.conn->number;
        if ((wish.kind == WIRE_WHOLE && !take_whole(wish.conn, action)) ||
            (wish.kind == WIRE_WRITE && !take_write(wish.conn, action)))
            continue;
        if (wish.kind == WIRE_CONNECT)
            take_connect(wish.conn, action);
        if (wish.kind == WIRE_SECURE)
            take_secure(wish.conn, action);
        return true;
    }
    action->kind = WIRE_OUTLIER;
    action->conn = WIRE_NONE;
    for (uint32_t i = 0; i <= wire->past_reign_count; i++)
        if (engine_next_event(reign_at(wire, i)->engine, &action->event))
            return true;
    if (wire->past_reign_count > 0) {
        give_done(wire);
        reigns_end(wire);
    }
    return false;
}
