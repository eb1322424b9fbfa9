/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/town.h - a server on loopback between raw libuv clients and
 * one raw upstream, all in one loop. Every port is the kernel's.
 *
 * Nothing sleeps: tests turn the loop until something is true, and give up
 * after PATIENCE.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/ns.h"
#include "proxy/live/server.h"

#include "tests/proxy/wire/small.h"

#define PATIENCE (20 * NS_SECOND)
#define TOWN_ENDS_MAX 16384u
#define SMALL_KERNEL_BUFFER_BYTES (64 * 1024)

enum end_role { END_CLIENT, END_UPSTREAM };

/* One end of a connection: a client's, or the upstream's. */
struct end {
    struct town *town;
    enum end_role role;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    char *writing; /* what libuv writes; kept, so that much can be said in little memory */
    size_t writing_capacity;
    bool is_writing;
    struct buf heard;
    uint64_t heard_bytes;
    uint64_t sent_bytes;
    uint64_t left_bytes; /* of a body of 'x' that is being sent */
    bool is_connected;
    bool is_ended;  /* heard FIN */
    bool is_broken; /* heard RST, or could not connect */
    bool is_closed; /* libuv has let go of it */
    bool is_discarding;
    bool is_fin_after_body;
};

struct town {
    struct loop *loop;
    struct snapshot *snapshot;
    struct http_connection_manager http;
    struct filter_chain chain;
    struct listener listener;
    struct address_map map;
    struct server_options options;
    bool has_original;
    struct server *server;
    uint32_t door;
    uv_tcp_t upstream;
    uint32_t upstream_port;
    bool is_upstream_slow;      /* its kernel buffers are small */
    bool is_upstream_silent;    /* the test answers */
    const char *answer;         /* to every head; NULL: the usual one */
    uint64_t answer_body_bytes; /* behind it */
    struct end *ends[TOWN_ENDS_MAX];
    uint32_t end_count;
    uint32_t done_count;
    uint32_t status;      /* of the last record */
    char details[200];    /* the same */
    char flags[32];       /* the same */
    uint32_t remote_port; /* the same */
    uint32_t nth;         /* the same */
};

#define USUAL_ANSWER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static inline void on_town_done(const struct server_done *done, void *user)
{
    struct town *town = user;
    struct arena arena;
    arena_init(&arena, 256, 0);
    town->done_count++;
    town->status = done->record->status;
    town->remote_port = done->remote_port;
    town->nth = done->nth;
    struct str flags = record_flags(done->record, &arena);
    snprintf(town->flags, sizeof(town->flags), "%.*s", STR_FMT(flags));
    snprintf(town->details, sizeof(town->details), "%.*s", STR_FMT(done->record->details));
    arena_fini(&arena);
}

static inline void on_end_closed(uv_handle_t *handle)
{
    struct end *end = handle->data;
    end->is_closed = true;
}

static inline void end_close(struct end *end)
{
    if (!uv_is_closing((uv_handle_t *)&end->tcp))
        uv_close((uv_handle_t *)&end->tcp, on_end_closed);
}

static inline void end_say(struct end *end, struct str bytes);

static inline void on_end_written(uv_write_t *write, int status)
{
    struct end *end = write->handle->data;
    end->is_writing = false;
    if (status != 0)
        return;
    if (end->left_bytes == 0) {
        if (end->is_fin_after_body)
            assert_int_equal(uv_shutdown(&end->shutdown, (uv_stream_t *)&end->tcp, NULL), 0);
        return;
    }
    static char piece[64 * 1024];
    memset(piece, 'x', sizeof(piece));
    size_t size = end->left_bytes < sizeof(piece) ? (size_t)end->left_bytes : sizeof(piece);
    end->left_bytes -= size;
    end_say(end, (struct str){piece, size});
}

/* One write at a time. */
static inline void end_say(struct end *end, struct str bytes)
{
    assert_false(end->is_writing);
    end->is_writing = true;
    if (end->writing_capacity < bytes.len) {
        end->writing = realloc(end->writing, bytes.len);
        assert_non_null(end->writing);
        end->writing_capacity = bytes.len;
    }
    memcpy(end->writing, bytes.ptr, bytes.len);
    end->sent_bytes += bytes.len;
    uv_buf_t piece = uv_buf_init(end->writing, (unsigned)bytes.len);
    assert_int_equal(uv_write(&end->write, (uv_stream_t *)&end->tcp, &piece, 1, on_end_written), 0);
}

/* The upstream's usual manners: an answer for every head, when it is there. */
static inline void answer_heads(struct end *end)
{
    size_t at;
    while ((at = str_find_str(buf_str(&end->heard), STR("\r\n\r\n"))) != STR_NONE) {
        buf_consume(&end->heard, at + 4);
        const char *answer = end->town->answer != NULL ? end->town->answer : USUAL_ANSWER;
        end->left_bytes = end->town->answer_body_bytes;
        end_say(end, str_of(answer));
    }
}

static inline void on_end_alloc(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    (void)handle;
    static char bytes[64 * 1024];
    (void)suggested_bytes;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static inline void on_end_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct end *end = stream->data;
    if (size == 0)
        return;
    if (size < 0) {
        end->is_ended = size == UV_EOF;
        end->is_broken = size != UV_EOF;
        uv_read_stop(stream);
        if ((end->role == END_UPSTREAM && !end->town->is_upstream_silent) || end->is_broken)
            end_close(end);
        return;
    }
    end->heard_bytes += (uint64_t)size;
    if (end->is_discarding)
        return;
    assert_int_equal(buf_append(&end->heard, (struct str){buf->base, (size_t)size}), RC_OK);
    if (end->role == END_UPSTREAM && !end->town->is_upstream_silent)
        answer_heads(end);
}

static inline void end_listen_to(struct end *end)
{
    assert_int_equal(uv_read_start((uv_stream_t *)&end->tcp, on_end_alloc, on_end_read), 0);
}

static inline struct end *town_add_end(struct town *town, enum end_role role)
{
    assert_true(town->end_count < TOWN_ENDS_MAX);
    struct end *end = calloc(1, sizeof(*end));
    assert_non_null(end);
    end->town = town;
    end->role = role;
    buf_init(&end->heard, 64u * 1024 * 1024);
    assert_int_equal(uv_tcp_init(&town->loop->uv, &end->tcp), 0);
    end->tcp.data = end;
    town->ends[town->end_count++] = end;
    return end;
}

static inline void on_upstream_connection(uv_stream_t *server, int status)
{
    struct town *town = server->data;
    assert_int_equal(status, 0);
    struct end *end = town_add_end(town, END_UPSTREAM);
    assert_int_equal(uv_accept(server, (uv_stream_t *)&end->tcp), 0);
    int size = SMALL_KERNEL_BUFFER_BYTES;
    if (town->is_upstream_slow)
        assert_int_equal(uv_send_buffer_size((uv_handle_t *)&end->tcp, &size), 0);
    end->is_connected = true;
    end_listen_to(end);
}

static inline uint32_t town_port_of(const uv_tcp_t *tcp)
{
    struct sockaddr_storage place;
    int size = sizeof(place);
    char text[ADDRESS_TEXT_BYTES_MAX];
    uint32_t port;
    assert_int_equal(uv_tcp_getsockname(tcp, (struct sockaddr *)&place, &size), 0);
    assert_true(str_eq(address_text(&place, text, &port), STR("127.0.0.1")));
    return port;
}

/* A socket on loopback; with `listens` false connections to it are refused. */
static inline uint32_t town_bind(struct town *town, uv_tcp_t *tcp, bool listens)
{
    struct sockaddr_storage place;
    assert_true(address_parse(STR("127.0.0.1"), 0, &place));
    assert_int_equal(uv_tcp_init(&town->loop->uv, tcp), 0);
    tcp->data = town;
    assert_int_equal(uv_tcp_bind(tcp, (const struct sockaddr *)&place, 0), 0);
    if (listens)
        assert_int_equal(uv_listen((uv_stream_t *)tcp, 128, on_upstream_connection), 0);
    return town_port_of(tcp);
}

static inline struct town *town_plan(void)
{
    struct town *town = calloc(1, sizeof(*town));
    assert_non_null(town);
    town->loop = loop_new();
    assert_non_null(town->loop);
    town->snapshot = small_snapshot();
    town->http = small_http;
    town->chain = (struct filter_chain){.name = STR("http"), .kind = CHAIN_HTTP};
    town->chain.http = town->http;
    town->listener = (struct listener){.name = STR("10.0.0.9_80"),
                                       .address = STR("10.0.0.9"),
                                       .port = 80,
                                       .chains = &town->chain,
                                       .chain_count = 1};
    address_map_init(&town->map);
    town->upstream_port = town_bind(town, &town->upstream, true);
    assert_true(address_map_set(&town->map, STR("10.0.0.1"), ADDRESS_MAP_ANY_PORT, STR("127.0.0.1"),
                                town->upstream_port));
    struct server_options options = {.seed = 1,
                                     .map = &town->map,
                                     .node_address = STR("127.0.0.1"),
                                     .on_done = on_town_done,
                                     .user = town};
    town->options = options;
    return town;
}

/* The server begins; what tests change of options and listener stands. */
static inline void town_open(struct town *town)
{
    town->server = server_new(town->loop, town->snapshot, &town->options);
    struct server_door door = {.listener = &town->listener,
                               .bind_address = STR("127.0.0.1"),
                               .local_address = STR("10.0.0.9"),
                               .local_port = 80,
                               .has_original = town->has_original};
    struct str why = STR_EMPTY;
    town->door = server_listen(town->server, &door, &why);
    assert_int_not_equal(town->door, SERVER_NONE);
}

static inline struct town *town_new(void)
{
    struct town *town = town_plan();
    town_open(town);
    return town;
}

static inline void town_free(struct town *town)
{
    server_free(town->server);
    snapshot_drop(town->snapshot);
    uv_close((uv_handle_t *)&town->upstream, NULL);
    for (uint32_t i = 0; i < town->end_count; i++) {
        if (!town->ends[i]->is_closed)
            end_close(town->ends[i]);
    }
    loop_free(town->loop);
    for (uint32_t i = 0; i < town->end_count; i++) {
        assert_true(town->ends[i]->is_closed);
        buf_fini(&town->ends[i]->heard);
        free(town->ends[i]->writing);
        free(town->ends[i]);
    }
    address_map_fini(&town->map);
    free(town);
}

static inline void on_end_connected(uv_connect_t *connect, int status)
{
    struct end *end = connect->handle->data;
    end->is_connected = status == 0;
    end->is_broken = status != 0;
    if (end->is_connected)
        end_listen_to(end);
}

static inline bool end_has_connected(void *user)
{
    const struct end *end = user;
    return end->is_connected || end->is_broken;
}

static inline struct end *town_dial_port(struct town *town, uint32_t port)
{
    struct end *end = town_add_end(town, END_CLIENT);
    struct sockaddr_storage place;
    assert_true(address_parse(STR("127.0.0.1"), port, &place));
    assert_int_equal(
        uv_tcp_connect(&end->connect, &end->tcp, (const struct sockaddr *)&place, on_end_connected),
        0);
    assert_true(loop_turn_until(town->loop, end_has_connected, end, PATIENCE));
    return end;
}

static inline struct end *town_dial(struct town *town)
{
    return town_dial_port(town, server_port(town->server, town->door));
}

/* Turns until `what` (of `user`) is true. */
#define TOWN_WAIT(town, what, user) \
    assert_true(loop_turn_until((town)->loop, (what), (user), PATIENCE))

/* The last end of the upstream, or NULL. */
static inline struct end *town_upstream_end(const struct town *town)
{
    for (uint32_t i = town->end_count; i-- > 0;) {
        if (town->ends[i]->role == END_UPSTREAM)
            return town->ends[i];
    }
    return NULL;
}

static inline uint32_t town_upstream_end_count(const struct town *town)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < town->end_count; i++)
        count += town->ends[i]->role == END_UPSTREAM;
    return count;
}
