/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_h2.c - what strangers send as HTTP/2: to the codec's two sides, to a
 * proxy from a client, and to a proxy from a server. Nothing crashes, a stream's events
 * come in the order of a message, a request ends once, and nothing is left.
 *
 * The first byte says who is spoken to, the second how large the pieces are.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/ns.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "proxy/wire/wire.h"
#include "tests/proxy/wire/small.h"

#include "tests/fuzz/replay.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define STREAMS_MAX 4096u
#define CONNS_MAX 64u

/* --- the codec ---------------------------------------------------------------------- */

enum place { PLACE_BEFORE, PLACE_BODY, PLACE_OVER };

struct owner {
    enum place place;
    bool is_answered;
};

static struct owner owners[STREAMS_MAX];

static struct owner *step(struct owner *owner, const struct h2_event *event)
{
    switch (event->kind) {
    case H2_MORE:
    case H2_GOAWAY:
    case H2_PONG:
    case H2_ERROR:
        return owner;
    case H2_HEAD:
        ASSERT(owner->place == PLACE_BEFORE);
        if (event->response != NULL && event->response->status / 100 == 1)
            return owner;
        owner->place = event->is_end ? PLACE_OVER : PLACE_BODY;
        return owner;
    case H2_DATA:
        ASSERT(owner->place == PLACE_BODY);
        return owner;
    case H2_TRAILERS:
    case H2_END:
        ASSERT(owner->place == PLACE_BODY);
        owner->place = PLACE_OVER;
        return owner;
    case H2_CLOSED:
        return owner;
    }
    UNREACHABLE("h2_event_kind");
}

static void answer(struct h2 *h2, struct h2_stream *stream, struct arena *arena)
{
    struct response_head head = {.status = 200};
    header_list_init(&head.headers, arena);
    h2_send_response(h2, stream, &head, false);
    h2_send_data(h2, stream, STR("hello"));
    h2_send_end(h2, stream, NULL);
}

static void take_all(struct h2 *h2, struct str *piece, uint32_t *owner_count, struct arena *arena)
{
    struct h2_event event;
    while (h2_next(h2, piece, &event) != H2_MORE) {
        if (event.stream == NULL || event.kind == H2_ERROR)
            continue;
        if (event.owner == NULL && event.kind == H2_HEAD && *owner_count < STREAMS_MAX) {
            owners[*owner_count] = (struct owner){0};
            event.owner = &owners[(*owner_count)++];
            h2_stream_set_owner(event.stream, event.owner);
        }
        if (event.owner == NULL)
            continue;
        struct owner *owner = step(event.owner, &event);
        if (event.kind == H2_DATA)
            h2_consume(h2, event.stream, event.data.len);
        if (owner->place == PLACE_OVER && event.request != NULL && !owner->is_answered)
            answer(h2, event.stream, arena);
        owner->is_answered |= owner->place == PLACE_OVER;
    }
}

static void feed_codec(enum h2_side side, struct str text, size_t piece_bytes)
{
    struct h2_memory memory;
    struct arena arena;
    struct buf out;
    h2_memory_init(&memory);
    arena_init(&arena, 4096, 0);
    buf_init(&out, 256u << 20);
    struct h2_settings settings = {.side = side, .head_bytes_max = 8192, .header_count_max = 50};
    struct h2 *h2 = h2_new(&settings, &memory);
    uint32_t owner_count = 0;
    if (side == H2_CLIENT) {
        struct request_head head = {
            .method = STR("GET"), .path = STR("/"), .authority = STR("a"), .scheme = STR("http")};
        header_list_init(&head.headers, &arena);
        for (; owner_count < 3; owner_count++) {
            owners[owner_count] = (struct owner){0};
            (void)h2_send_request(h2, &head, true, &owners[owner_count]);
        }
    }
    while (text.len > 0) {
        struct str piece = str_slice(text, 0, piece_bytes);
        text = str_from(text, piece.len);
        take_all(h2, &piece, &owner_count, &arena);
        h2_flush(h2, &out, 1u << 20);
        buf_clear(&out);
    }
    struct str none = STR_EMPTY;
    take_all(h2, &none, &owner_count, &arena);
    h2_free(h2);
    h2_memory_fini(&memory);
    arena_fini(&arena);
    buf_fini(&out);
}

/* --- a proxy ----------------------------------------------------------------------------- */

struct carrier {
    struct wire *wire;
    int64_t now_ns;
    bool is_there[CONNS_MAX];
    uint32_t server; /* the last one that was opened, or WIRE_NONE */
    uint32_t done_count;
};

static void carry_out(struct carrier *carrier, const struct wire_action *action)
{
    switch (action->kind) {
    case WIRE_CONNECT:
        ASSERT(action->conn < CONNS_MAX);
        carrier->is_there[action->conn] = true;
        carrier->server = action->conn;
        wire_connected(carrier->wire, action->conn, carrier->now_ns);
        return;
    case WIRE_WRITE:
        ASSERT(carrier->is_there[action->conn]);
        wire_wrote(carrier->wire, action->conn, action->bytes.len, carrier->now_ns);
        return;
    case WIRE_CLOSE:
        ASSERT(carrier->is_there[action->conn]);
        carrier->is_there[action->conn] = false;
        wire_gone(carrier->wire, action->conn);
        return;
    case WIRE_DONE:
        carrier->done_count++;
        return;
    case WIRE_WHOLE:
    case WIRE_SECURE:
        UNREACHABLE("nobody asked for it");
    case WIRE_PAUSE:
    case WIRE_RESUME:
    case WIRE_SHUTDOWN:
    case WIRE_OUTLIER:
        return;
    }
}

static void run(struct carrier *carrier)
{
    struct wire_action action;
    while (wire_next(carrier->wire, &action))
        carry_out(carrier, &action);
}

static void say(struct carrier *carrier, uint32_t conn, struct str text, size_t piece_bytes)
{
    while (text.len > 0 && conn != WIRE_NONE && carrier->is_there[conn]) {
        struct str piece = str_slice(text, 0, piece_bytes);
        text = str_from(text, piece.len);
        wire_read(carrier->wire, conn, piece, carrier->now_ns);
        run(carrier);
    }
}

static void feed_proxy(bool is_server, struct str text, size_t piece_bytes)
{
    static struct filter_chain chains[1];
    struct carrier carrier = {.server = WIRE_NONE};
    struct snapshot *snapshot = small_snapshot();
    small_clusters[0].protocol = is_server ? UPSTREAM_HTTP2 : UPSTREAM_AS_DOWNSTREAM;
    chains[0] = (struct filter_chain){.kind = CHAIN_HTTP, .http = small_http};
    struct listener listener = {.name = STR("l"), .chains = chains, .chain_count = 1};
    carrier.wire = wire_new(snapshot, 1, (struct wire_options){.connections_max = CONNS_MAX});
    struct wire_accept accept = {.listener = &listener, .peer.remote_address = STR("10.0.0.9")};
    uint32_t client = wire_accepted(carrier.wire, &accept, 0);
    carrier.is_there[client] = true;
    run(&carrier);
    if (is_server) {
        say(&carrier, client, STR("POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab"),
            SIZE_MAX);
        say(&carrier, carrier.server, text, piece_bytes);
    } else {
        say(&carrier, client, STR(PREFACE), SIZE_MAX);
        say(&carrier, client, text, piece_bytes);
        say(&carrier, carrier.server, STR("\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x88"), SIZE_MAX);
    }
    for (int i = 0; i < 100 && wire_wake_ns(carrier.wire) < 60 * NS_SECOND; i++) {
        carrier.now_ns = ns_max(carrier.now_ns, wire_wake_ns(carrier.wire));
        wire_wake(carrier.wire, carrier.now_ns);
        run(&carrier);
    }
    if (carrier.is_there[client]) {
        wire_read_eof(carrier.wire, client, carrier.now_ns);
        run(&carrier);
    }
    ASSERT(!is_server || carrier.done_count == 1);
    ASSERT(wire_exchange_count(carrier.wire) == 0);
    wire_free(carrier.wire);
    snapshot_drop(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const size_t PIECES[] = {SIZE_MAX, 1, 3, 9, 17, 64, 1000, LIMIT_READ_BYTES};
    if (size < 2)
        return 0;
    struct str text = {(const char *)bytes + 2, size - 2};
    size_t piece_bytes = PIECES[bytes[1] % COUNT_OF(PIECES)];
    size_t read_bytes = piece_bytes < LIMIT_READ_BYTES ? piece_bytes : LIMIT_READ_BYTES;
    switch (bytes[0] % 4) {
    case 0:
        feed_codec(H2_CLIENT, text, piece_bytes);
        return 0;
    case 1:
        feed_codec(H2_SERVER, text, piece_bytes);
        return 0;
    case 2:
        feed_proxy(false, text, read_bytes);
        return 0;
    default:
        feed_proxy(true, text, read_bytes);
        return 0;
    }
}
