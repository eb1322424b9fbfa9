/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_h2.c - two ends of one HTTP/2 connection, and ends that break
 * the rules. What Envoy does with each was asked of a real one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"

#define NOTES_MAX 4096u

/* A client and a server, what each was told as one line of words. */
struct end {
    struct h2 *h2;
    struct buf out;
    char notes[NOTES_MAX];
    size_t note_bytes;
    uint64_t data_bytes;
    struct h2_stream *stream; /* of the last event */
    bool is_keeping;          /* does not give back what it has read */
    bool is_answering;        /* a server: 200 with a body and trailers, at once */
    struct response_head answer;
    struct header_list trailers;
};

struct pair {
    struct h2_memory memory;
    struct arena arena;
    struct end client, server;
    size_t piece_bytes;
    int owner;
};

static void note(struct end *end, struct str words)
{
    int size = snprintf(end->notes + end->note_bytes, NOTES_MAX - end->note_bytes, "%.*s ",
                        STR_FMT(words));
    assert_true(size > 0);
    end->note_bytes += (size_t)size;
    assert_true(end->note_bytes < NOTES_MAX);
}

static void note_number(struct end *end, const char *word, uint32_t number)
{
    char text[64];
    snprintf(text, sizeof(text), "%s%u", word, number);
    note(end, str_of(text));
}

static void note_headers(struct end *end, const struct header_list *headers)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        note(end, headers->items[i].name);
        note(end, headers->items[i].value);
    }
}

static void end_init(struct pair *pair, struct end *end, enum h2_side side)
{
    struct h2_settings settings = {
        .side = side, .head_bytes_max = LIMIT_REQUEST_HEAD_BYTES, .header_count_max = 100};
    end->h2 = h2_new(&settings, &pair->memory);
    buf_init(&end->out, 64u << 20);
    header_list_init(&end->answer.headers, &pair->arena);
    header_list_init(&end->trailers, &pair->arena);
    end->answer.status = 200;
}

static struct pair *pair_new(size_t piece_bytes)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    assert_non_null(pair);
    h2_memory_init(&pair->memory);
    arena_init(&pair->arena, 4096, 0);
    pair->piece_bytes = piece_bytes;
    end_init(pair, &pair->client, H2_CLIENT);
    end_init(pair, &pair->server, H2_SERVER);
    return pair;
}

static void pair_free(struct pair *pair)
{
    h2_free(pair->client.h2);
    h2_free(pair->server.h2);
    buf_fini(&pair->client.out);
    buf_fini(&pair->server.out);
    h2_memory_fini(&pair->memory);
    arena_fini(&pair->arena);
    free(pair);
}

static void answer(struct end *end, struct h2_stream *stream)
{
    h2_send_response(end->h2, stream, &end->answer, false);
    h2_send_data(end->h2, stream, STR("hello"));
    h2_send_end(end->h2, stream, &end->trailers);
}

static void note_head(struct pair *pair, struct end *end, const struct h2_event *event)
{
    if (event->request != NULL) {
        note(end, event->request->method);
        note(end, event->request->authority);
        note(end, event->request->path);
        note_headers(end, &event->request->headers);
        h2_stream_set_owner(event->stream, &pair->owner);
    } else {
        note_number(end, "", event->response->status);
        note_headers(end, &event->response->headers);
    }
}

static void take(struct pair *pair, struct end *end, const struct h2_event *event)
{
    end->stream = event->kind == H2_CLOSED ? NULL : event->stream;
    switch (event->kind) {
    case H2_MORE:
        return;
    case H2_HEAD:
        note_head(pair, end, event);
        if (event->is_end)
            note(end, STR("end"));
        break;
    case H2_DATA:
        end->data_bytes += event->data.len;
        if (!end->is_keeping)
            h2_consume(end->h2, event->stream, event->data.len);
        return;
    case H2_TRAILERS:
        note(end, STR("trailers"));
        note_headers(end, event->trailers);
        break;
    case H2_END:
        note(end, STR("end"));
        break;
    case H2_CLOSED:
        note_number(end, "closed", event->code);
        return;
    case H2_GOAWAY:
        note_number(end, "goaway", event->code);
        return;
    case H2_PONG:
        return;
    case H2_ERROR:
        note(end, STR("error"));
        if (event->details.len > 0)
            note(end, event->details);
        return;
    }
    bool is_over = event->is_end || event->kind == H2_END;
    if (is_over && end == &pair->server && end->is_answering)
        answer(end, event->stream);
}

static void hear(struct pair *pair, struct end *end, struct str bytes)
{
    struct h2_event event;
    do {
        struct str piece = str_slice(bytes, 0, pair->piece_bytes);
        bytes = str_from(bytes, piece.len);
        while (h2_next(end->h2, &piece, &event) != H2_MORE)
            take(pair, end, &event);
    } while (bytes.len > 0);
}

/* What one end has to say is heard by the other; false: nothing. */
static bool carry(struct pair *pair, struct end *from, struct end *to)
{
    h2_flush(from->h2, &from->out, 1u << 20);
    hear(pair, from, STR_EMPTY);
    struct str bytes = buf_str(&from->out);
    if (bytes.len == 0)
        return false;
    hear(pair, to, bytes);
    buf_clear(&from->out);
    return true;
}

static void run(struct pair *pair)
{
    bool is_moving = true;
    while (is_moving) {
        is_moving = carry(pair, &pair->client, &pair->server);
        is_moving |= carry(pair, &pair->server, &pair->client);
    }
}

static struct request_head *request(struct pair *pair, const char *method)
{
    struct request_head *head = ARENA_NEW(&pair->arena, struct request_head);
    *head = (struct request_head){.method = str_of(method),
                                  .path = STR("/x?y"),
                                  .authority = STR("a:80"),
                                  .has_authority = true,
                                  .scheme = STR("http")};
    header_list_init(&head->headers, &pair->arena);
    return head;
}

static void expect(const struct end *end, const char *notes)
{
    assert_string_equal(end->notes, notes);
}

static void forget(struct end *end)
{
    end->note_bytes = 0;
    end->notes[0] = '\0';
}

static void each_size(void (*play)(struct pair *pair))
{
    static const size_t PIECES[] = {SIZE_MAX, 1, 7};
    for (size_t i = 0; i < COUNT_OF(PIECES); i++) {
        struct pair *pair = pair_new(PIECES[i]);
        play(pair);
        pair_free(pair);
    }
}

static void exchange(struct pair *pair)
{
    pair->server.is_answering = true;
    header_append_line(&pair->server.answer.headers, STR("x-a"), STR("b"));
    header_append_line(&pair->server.trailers, STR("grpc-status"), STR("0"));
    struct request_head *head = request(pair, "POST");
    header_append_line(&head->headers, STR("connection"), STR("close"));
    header_append_line(&head->headers, STR("te"), STR("trailers"));
    struct h2_stream *stream = h2_send_request(pair->client.h2, head, false, &pair->owner);
    h2_send_data(pair->client.h2, stream, STR("{}"));
    h2_send_end(pair->client.h2, stream, NULL);
    run(pair);
    expect(&pair->server, "POST a:80 /x?y te trailers end closed0 ");
    expect(&pair->client, "200 x-a b trailers grpc-status 0 closed0 ");
    assert_int_equal(pair->server.data_bytes, 2);
    assert_int_equal(pair->client.data_bytes, 5);
    assert_int_equal(h2_peer_streams_max(pair->client.h2), 1024);
    assert_int_equal(h2_stream_count(pair->client.h2), 0);
}

static void test_a_request_and_its_answer_cross(void **state)
{
    (void)state;
    each_size(exchange);
}

static void many(struct pair *pair)
{
    pair->server.is_answering = true;
    for (int i = 0; i < 20; i++)
        assert_non_null(h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner));
    run(pair);
    assert_int_equal(pair->client.data_bytes, 100);
    assert_int_equal(h2_stream_count(pair->server.h2), 0);
}

static void test_streams_share_a_connection(void **state)
{
    (void)state;
    each_size(many);
}

/* RFC 9113, 8.2.3; ENVOY.md 14.1. */
static void test_crumbs_of_a_cookie_are_one_line(void **state)
{
    (void)state;
    struct pair *pair = pair_new(SIZE_MAX);
    struct request_head *head = request(pair, "GET");
    header_append_line(&head->headers, STR("cookie"), STR("a=1"));
    header_append_line(&head->headers, STR("cookie"), STR("b=2"));
    (void)h2_send_request(pair->client.h2, head, true, &pair->owner);
    run(pair);
    expect(&pair->server, "GET a:80 /x?y cookie a=1; b=2 end ");
    pair_free(pair);
}

static void test_interim_answers_come_first(void **state)
{
    (void)state;
    struct pair *pair = pair_new(1);
    (void)h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner);
    run(pair);
    struct response_head interim = {.status = 103};
    header_list_init(&interim.headers, &pair->arena);
    h2_send_response(pair->server.h2, pair->server.stream, &interim, false);
    h2_send_response(pair->server.h2, pair->server.stream, &pair->server.answer, true);
    run(pair);
    expect(&pair->client, "103 200 end closed0 ");
    pair_free(pair);
}

/* A body larger than both windows stops where the reader stops, and goes on with it. */
static void test_a_reader_that_keeps_what_it_reads_stops_the_writer(void **state)
{
    (void)state;
    struct pair *pair = pair_new(SIZE_MAX);
    static char block[64 * 1024];
    struct h2_stream *stream =
        h2_send_request(pair->client.h2, request(pair, "POST"), false, &pair->owner);
    pair->server.is_keeping = true;
    run(pair); /* SETTINGS first: a stream's window is small before them */
    uint64_t whole = LIMIT_H2_STREAM_WINDOW_BYTES + sizeof(block);
    for (uint64_t sent = 0; sent < whole; sent += sizeof(block))
        h2_send_data(pair->client.h2, stream, (struct str){block, sizeof(block)});
    h2_send_end(pair->client.h2, stream, NULL);
    run(pair);
    assert_int_equal(pair->server.data_bytes, LIMIT_H2_STREAM_WINDOW_BYTES);
    assert_int_equal(h2_stream_waiting_bytes(stream), sizeof(block));
    h2_consume(pair->server.h2, pair->server.stream, LIMIT_H2_STREAM_WINDOW_BYTES);
    run(pair);
    assert_int_equal(pair->server.data_bytes, whole);
    expect(&pair->server, "POST a:80 /x?y end ");
    pair_free(pair);
}

static void test_resets_are_told_to_the_other_side(void **state)
{
    (void)state;
    struct pair *pair = pair_new(SIZE_MAX);
    struct h2_stream *stream =
        h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner);
    run(pair);
    h2_stream_set_owner(stream, NULL);
    h2_reset(pair->client.h2, stream, H2_CODE_INTERNAL);
    run(pair);
    expect(&pair->server, "GET a:80 /x?y end closed2 ");
    expect(&pair->client, "");
    (void)h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner);
    run(pair);
    h2_stream_set_owner(pair->server.stream, NULL);
    h2_reset(pair->server.h2, pair->server.stream, H2_CODE_REFUSED_STREAM);
    run(pair);
    expect(&pair->client, "closed7 ");
    pair_free(pair);
}

/* As Envoy: the answer, then RST_STREAM with NO_ERROR. */
static void test_an_answer_before_the_request_s_end_stops_it(void **state)
{
    (void)state;
    struct pair *pair = pair_new(SIZE_MAX);
    struct h2_stream *stream =
        h2_send_request(pair->client.h2, request(pair, "POST"), false, &pair->owner);
    run(pair);
    answer(&pair->server, pair->server.stream);
    h2_send_no_more_wanted(pair->server.h2, pair->server.stream);
    h2_stream_set_owner(pair->server.stream, NULL);
    run(pair);
    expect(&pair->client, "200 end closed0 ");
    assert_int_equal(pair->client.data_bytes, 5);
    (void)stream;
    pair_free(pair);
}

static void test_goaway_leaves_what_is_under_way(void **state)
{
    (void)state;
    struct pair *pair = pair_new(SIZE_MAX);
    (void)h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner);
    run(pair);
    h2_shutdown_notice(pair->server.h2);
    h2_goaway(pair->server.h2);
    run(pair);
    answer(&pair->server, pair->server.stream);
    run(pair);
    expect(&pair->client, "goaway0 goaway0 200 end closed0 ");
    pair_free(pair);
}

/* Bytes instead of a server, and what becomes of a client's request. */
static void test_servers_that_break_the_rules(void **state)
{
    (void)state;
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define FRAME(size, type, flags, payload) "\0\0" size type flags "\0\0\0\1" payload
    static const struct {
        struct str says;
        const char *notes;
    } rows[] = {
        {STR_INIT("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "error "},
        {STR_INIT("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"), "error "},
        {STR_INIT("garbage that is longer than nine bytes"), "error "},
        {STR_INIT(SETTINGS FRAME("\1", "\1", "\5", "\x88")), "200 end closed0 "},
        /* Names in capital letters, names of HTTP/1, no status, 101. */
        {STR_INIT(SETTINGS FRAME("\7", "\1", "\5", "\x88\0\2Xa\1b")),
         "error http2.invalid.header.field "},
        {STR_INIT(SETTINGS FRAME("\23", "\1", "\5", "\x88\0\12connection\5close")),
         "error http2.invalid.header.field "},
        {STR_INIT(SETTINGS FRAME("\5", "\1", "\5", "\0\1x\1b")),
         "error http2.violation.of.messaging.rule "},
        {STR_INIT(SETTINGS FRAME("\5", "\1", "\5", "\10\003101")),
         "error http2.invalid.header.field "},
        /* Two bytes where three were promised: that stream alone. */
        {STR_INIT(SETTINGS FRAME("\5", "\1", "\4", "\x88\17\15\1\063")
                      FRAME("\2", "\0", "\1", "ab")),
         "200 content-length 3 closed1 "},
        {STR_INIT(SETTINGS FRAME("\4", "\3", "\0", "\0\0\0\10")), "closed8 "},
        {STR_INIT(SETTINGS "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0"), "goaway0 closed7 "},
        {STR_INIT(SETTINGS FRAME("\2", "\11", "\0", "aa")), "error "},
    };
#undef SETTINGS
#undef FRAME
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        struct pair *pair = pair_new(i % 2 == 0 ? SIZE_MAX : 1);
        (void)h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner);
        h2_flush(pair->client.h2, &pair->client.out, 1u << 20);
        hear(pair, &pair->client, rows[i / 2].says);
        h2_flush(pair->client.h2, &pair->client.out, 1u << 20);
        hear(pair, &pair->client, STR_EMPTY);
        expect(&pair->client, rows[i / 2].notes);
        pair_free(pair);
    }
}

static void test_too_many_headers_end_the_stream_alone(void **state)
{
    (void)state;
    struct pair *pair = pair_new(SIZE_MAX);
    struct request_head *head = request(pair, "GET");
    for (int i = 0; i < 101; i++)
        header_append_line(&head->headers, STR("x-many"), STR("v"));
    (void)h2_send_request(pair->client.h2, head, true, &pair->owner);
    run(pair);
    expect(&pair->server, "closed2 ");
    expect(&pair->client, "closed2 ");
    forget(&pair->server);
    (void)h2_send_request(pair->client.h2, request(pair, "GET"), true, &pair->owner);
    run(pair);
    expect(&pair->server, "GET a:80 /x?y end ");
    pair_free(pair);
}

/* nghttp2's own method: the n-th allocation fails, for every n. Nothing is said twice,
 * nothing leaks, and a connection that breaks says so. */
static void test_no_allocation_is_needed_to_break_cleanly(void **state)
{
    (void)state;
    bool is_enough = false;
    for (uint64_t n = 0; !is_enough; n++) {
        struct pair *pair = calloc(1, sizeof(*pair));
        assert_non_null(pair);
        assert_true(n < 2000);
        h2_memory_init(&pair->memory);
        arena_init(&pair->arena, 4096, 0);
        pair->piece_bytes = SIZE_MAX;
        pair->memory.left_count = n;
        end_init(pair, &pair->client, H2_CLIENT);
        end_init(pair, &pair->server, H2_SERVER);
        pair->server.is_answering = true;
        header_append_line(&pair->server.trailers, STR("grpc-status"), STR("0"));
        if (pair->client.h2 != NULL && pair->server.h2 != NULL) {
            struct h2_stream *stream =
                h2_send_request(pair->client.h2, request(pair, "POST"), false, &pair->owner);
            if (stream != NULL) {
                h2_send_data(pair->client.h2, stream, STR("{}"));
                h2_send_end(pair->client.h2, stream, NULL);
            }
            run(pair);
            is_enough = str_contains(str_of(pair->client.notes), STR("grpc-status 0 closed0"));
            assert_true(is_enough || h2_is_broken(pair->client.h2) ||
                        h2_is_broken(pair->server.h2));
        }
        pair_free(pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_and_its_answer_cross),
        cmocka_unit_test(test_streams_share_a_connection),
        cmocka_unit_test(test_crumbs_of_a_cookie_are_one_line),
        cmocka_unit_test(test_interim_answers_come_first),
        cmocka_unit_test(test_a_reader_that_keeps_what_it_reads_stops_the_writer),
        cmocka_unit_test(test_resets_are_told_to_the_other_side),
        cmocka_unit_test(test_an_answer_before_the_request_s_end_stops_it),
        cmocka_unit_test(test_goaway_leaves_what_is_under_way),
        cmocka_unit_test(test_servers_that_break_the_rules),
        cmocka_unit_test(test_too_many_headers_end_the_stream_alone),
        cmocka_unit_test(test_no_allocation_is_needed_to_break_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
