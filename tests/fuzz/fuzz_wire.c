/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_wire.c - a carrier that does anything a carrier may: dials,
 * says bytes, ends, breaks, lets time pass, in any order.
 *
 * What is held: actions name only connections that are there, nothing is
 * written to one that was closed or shut, what waits to be sent is bounded, and
 * when every connection has ended no exchange is left.
 *
 * The script: one byte says what happens (low four bits) and to which
 * connection (high four bits), and what follows depends on it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/model/limits.h"
#include "proxy/wire/wire.h"

#include "tests/proxy/wire/small.h"

#include "tests/fuzz/replay.h"

#define ENDS_MAX 64u

/* What is under way when reading stops: a read, a head, a direct response. */
#define UNSENT_BYTES_MAX \
    (LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES + LIMIT_READ_BYTES)

struct end {
    bool is_there;
    bool is_upstream, is_connecting, is_paused, is_shut, is_eof;
    size_t unsent_bytes;
};

struct carrier {
    struct wire *wire;
    struct listener listeners[3];
    int64_t now_ns;
    struct end ends[ENDS_MAX];
    uint32_t accepted_count, done_count;
};

struct script {
    const uint8_t *bytes;
    size_t size;
};

static const char *const PHRASES[] = {
    "GET /app HTTP/1.1\r\nhost: a\r\n\r\n",
    "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n",
    "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n",
    "POST /app HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
    "GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "HEAD /short HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    "9\r\n123456789\r\n",
    "0\r\n\r\n",
    "123456789",
    "\r\n",
};

static uint8_t next(struct script *script)
{
    if (script->size == 0)
        return 0;
    script->size--;
    return *script->bytes++;
}

static struct end *end_of(struct carrier *carrier, uint32_t conn)
{
    ASSERT(conn < ENDS_MAX);
    ASSERT(carrier->ends[conn].is_there);
    return &carrier->ends[conn];
}

static void gone(struct carrier *carrier, uint32_t conn)
{
    carrier->ends[conn].is_there = false;
    wire_gone(carrier->wire, conn);
}

static void check_record(const struct record *record)
{
    ASSERT(record != NULL);
    ASSERT(record->finished_ns >= record->started_ns);
    ASSERT(record->flag_count <= RECORD_FLAGS_MAX);
}

static void carry_out(struct carrier *carrier, const struct wire_action *action)
{
    struct end *end;
    switch (action->kind) {
    case WIRE_CONNECT:
        ASSERT(action->conn < ENDS_MAX);
        ASSERT(!carrier->ends[action->conn].is_there);
        carrier->ends[action->conn] =
            (struct end){.is_there = true, .is_upstream = true, .is_connecting = true};
        return;
    case WIRE_WRITE:
        end = end_of(carrier, action->conn);
        ASSERT(!end->is_connecting);
        ASSERT(!end->is_shut);
        ASSERT(action->bytes.len > 0);
        end->unsent_bytes += action->bytes.len;
        ASSERT(end->unsent_bytes <= UNSENT_BYTES_MAX);
        return;
    case WIRE_WHOLE:
        UNREACHABLE("nobody asked for them");
    case WIRE_PAUSE:
        end = end_of(carrier, action->conn);
        ASSERT(!end->is_paused);
        end->is_paused = true;
        return;
    case WIRE_RESUME:
        end = end_of(carrier, action->conn);
        ASSERT(end->is_paused);
        end->is_paused = false;
        return;
    case WIRE_SECURE: /* its listeners end none */
        abort();
    case WIRE_SHUTDOWN:
        end = end_of(carrier, action->conn);
        ASSERT(!end->is_shut);
        end->is_shut = true;
        return;
    case WIRE_CLOSE:
        (void)end_of(carrier, action->conn);
        gone(carrier, action->conn);
        return;
    case WIRE_DONE:
        carrier->done_count++;
        check_record(action->record);
        return;
    case WIRE_OUTLIER:
        ASSERT(action->event.address.len > 0);
        return;
    }
    UNREACHABLE("wire_action_kind");
}

static void run(struct carrier *carrier)
{
    struct wire_action action;
    while (wire_next(carrier->wire, &action))
        carry_out(carrier, &action);
}

static void dial(struct carrier *carrier, uint8_t which)
{
    struct wire_accept accept = {.listener = &carrier->listeners[which % 3],
                                 .peer.remote_address = STR("10.9.0.1")};
    uint32_t conn = wire_accepted(carrier->wire, &accept, carrier->now_ns);
    if (conn == WIRE_NONE)
        return;
    ASSERT(conn < ENDS_MAX);
    ASSERT(!carrier->ends[conn].is_there);
    carrier->ends[conn] = (struct end){.is_there = true};
    carrier->accepted_count++;
}

static bool may_speak(const struct end *end)
{
    return end->is_there && !end->is_connecting && !end->is_eof && !end->is_paused;
}

static void say_script(struct carrier *carrier, uint32_t conn, struct script *script)
{
    size_t size = next(script) % 64u;
    if (size > script->size)
        size = script->size;
    struct str bytes = {(const char *)script->bytes, size};
    script->bytes += size;
    script->size -= size;
    if (may_speak(&carrier->ends[conn]))
        wire_read(carrier->wire, conn, bytes, carrier->now_ns);
}

static void say_phrase(struct carrier *carrier, uint32_t conn, struct script *script)
{
    const char *phrase = PHRASES[next(script) % COUNT_OF(PHRASES)];
    if (may_speak(&carrier->ends[conn]))
        wire_read(carrier->wire, conn, str_of(phrase), carrier->now_ns);
}

static void say_much(struct carrier *carrier, uint32_t conn)
{
    static char much[LIMIT_READ_BYTES];
    if (may_speak(&carrier->ends[conn]))
        wire_read(carrier->wire, conn, (struct str){much, sizeof(much)}, carrier->now_ns);
}

static void send_some(struct carrier *carrier, uint32_t conn, struct script *script)
{
    struct end *end = &carrier->ends[conn];
    if (!end->is_there || end->unsent_bytes == 0)
        return;
    uint8_t part = next(script);
    size_t size = part == 0 ? end->unsent_bytes : 1 + end->unsent_bytes * part / 256;
    if (size > end->unsent_bytes)
        size = end->unsent_bytes;
    end->unsent_bytes -= size;
    wire_wrote(carrier->wire, conn, size, carrier->now_ns);
}

static void answer_connect(struct carrier *carrier, uint32_t conn, bool is_good)
{
    struct end *end = &carrier->ends[conn];
    if (!end->is_there || !end->is_connecting)
        return;
    end->is_connecting = false;
    if (is_good) {
        wire_connected(carrier->wire, conn, carrier->now_ns);
        return;
    }
    wire_connect_failed(carrier->wire, conn, STR("delayed connect error: Connection refused"),
                        carrier->now_ns);
    gone(carrier, conn);
}

static void break_end(struct carrier *carrier, uint32_t conn)
{
    if (!carrier->ends[conn].is_there)
        return;
    wire_broken(carrier->wire, conn, carrier->now_ns);
    gone(carrier, conn);
}

static void finish_end(struct carrier *carrier, uint32_t conn)
{
    struct end *end = &carrier->ends[conn];
    if (!end->is_there || end->is_connecting || end->is_eof)
        return;
    end->is_eof = true;
    wire_read_eof(carrier->wire, conn, carrier->now_ns);
}

static void pass_time(struct carrier *carrier, uint8_t amount)
{
    carrier->now_ns += (int64_t)amount * amount * amount * NS_MS;
    if (wire_wake_ns(carrier->wire) <= carrier->now_ns)
        wire_wake(carrier->wire, carrier->now_ns);
}

static void play(struct carrier *carrier, struct script *script)
{
    uint8_t word = next(script);
    uint32_t conn = word >> 4;
    switch (word & 15) {
    case 0:
    case 1:
        dial(carrier, word >> 4);
        break;
    case 2:
    case 3:
        say_script(carrier, conn, script);
        break;
    case 4:
    case 5:
    case 6:
        say_phrase(carrier, conn, script);
        break;
    case 7:
        say_much(carrier, conn);
        break;
    case 8:
    case 9:
        answer_connect(carrier, conn, true);
        break;
    case 10:
        answer_connect(carrier, conn, false);
        break;
    case 11:
        send_some(carrier, conn, script);
        break;
    case 12:
        finish_end(carrier, conn);
        break;
    case 13:
        break_end(carrier, conn);
        break;
    case 14:
        pass_time(carrier, next(script));
        break;
    default:
        if (word == 0xff)
            wire_drain(carrier->wire, carrier->now_ns);
        else
            wire_wake(carrier->wire, carrier->now_ns);
        break;
    }
    /* A carrier may be told more than once before it acts. */
    if (word != 0x0f)
        run(carrier);
}

static void check_all_ends(struct carrier *carrier)
{
    run(carrier);
    for (uint32_t conn = 0; conn < ENDS_MAX; conn++) {
        break_end(carrier, conn);
        run(carrier);
    }
    /* Breaking clients may have opened no connection, but retries could. */
    for (uint32_t conn = 0; conn < ENDS_MAX; conn++)
        break_end(carrier, conn);
    run(carrier);
    ASSERT(wire_exchange_count(carrier->wire) == 0);
    ASSERT(wire_connection_count(carrier->wire) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct str protocols[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    struct snapshot *snapshot = small_snapshot();
    struct filter_chain http = {.kind = CHAIN_HTTP, .http = small_http};
    struct filter_chain tcp = {.kind = CHAIN_TCP, .tcp.cluster = STR("one")};
    struct filter_chain inspected = http;
    inspected.application_protocols = protocols;
    inspected.application_protocol_count = COUNT_OF(protocols);
    struct carrier carrier = {
        .listeners = {{.port = 80, .chains = &http, .chain_count = 1},
                      {.port = 80, .chains = &tcp, .chain_count = 1},
                      {.port = 80,
                       .chains = &inspected,
                       .chain_count = 1,
                       .default_chain = &tcp,
                       .tls_inspector = {.is_there = true},
                       .http_inspector = {.is_there = true}}},
        .wire = wire_new(snapshot, 1,
                         (struct wire_options){.connections_max = ENDS_MAX,
                                               .is_recording_traces = true,
                                               .trace_items_max = 64}),
    };
    struct script script = {bytes, size};
    while (script.size > 0)
        play(&carrier, &script);
    check_all_ends(&carrier);
    wire_free(carrier.wire);
    snapshot_drop(snapshot);
    return 0;
}
