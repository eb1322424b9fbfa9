/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_hostile.c - the front door, seen by those who want to
 * break it: one message read in two ways, floods, trickles. Servers that are no better:
 * test_hostile_servers.c.
 *
 * The law of smuggling: whatever a client sends, what goes upstream is a
 * sequence of messages that can be read in one way only, and a message that is
 * refused does not go there.
 */
#include "tests/proxy/wire/peers.h"

#define HEAD "POST /app HTTP/1.1\r\nhost: a\r\n"
#define LAST "0\r\n\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"
#define DIRECT "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"
#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

/* What a server hears must not have the hidden request, bytes of which are no
 * body's. */
static void assert_nothing_went_up(const struct peers *peers)
{
    assert_int_equal(peers_server_count(peers), 0);
}

/* Refused in the head: nobody upstream hears a byte, and nothing behind it is
 * served. */
static const char *const TWO_WAYS[] = {
    /* CL.TE, TE.CL, with either first */
    HEAD "content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n" LAST SMUGGLED,
    HEAD "connection: content-length\r\ncontent-length: 5\r\n"
         "transfer-encoding: chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "connection: transfer-encoding\r\ncontent-length: 5\r\n"
         "transfer-encoding: chunked\r\n\r\n" LAST SMUGGLED,
    /* TE.TE: one of them hidden from somebody */
    HEAD "transfer-encoding: chunked\r\ntransfer-encoding: x\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: x\r\ntransfer-encoding: chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chunked\r\ntransfer-encoding:\r\ncontent-length: 5\r\n\r\n" LAST,
    HEAD "transfer-encoding : chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: xchunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chunked, identity\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: identity, chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: 'chunked'\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: \"chunked\"\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chunked;a=b\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: \x0b"
         "chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chunked\x0c\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding: chu\r\n nked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding\r\n: chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding\x01: chunked\r\n\r\n" LAST SMUGGLED,
    HEAD "transfer-encoding\xa0: chunked\r\n\r\n" LAST SMUGGLED,
    /* lengths */
    HEAD "content-length: 5\r\ncontent-length: 6\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5\r\ncontent-length: 5\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5, 6\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5 6\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: +5\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: -5\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 0x5\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5.0\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5e0\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: \"5\"\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 18446744073709551616\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 99999999999999999999999\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length:\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length : 5\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5\r5\r\n\r\n" LAST SMUGGLED,
    HEAD "content-length: 5\r\n 5\r\n\r\n" LAST SMUGGLED,
    HEAD "content_length\x7f: 5\r\n\r\n" LAST SMUGGLED,
    /* lines */
    "POST /app HTTP/1.1\r\n host: a\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1\r\nhost: a\r\n b\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1\r\nhost: a\r\n: x\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1\r\nhost: a\r\nx\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1\r\nhost: a b\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1\r\nhost: a/b\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1\rhost: a\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.1 HTTP/1.1\r\nhost: a\r\n\r\n" SMUGGLED,
    "POST /app\r\nhost: a\r\n\r\n" SMUGGLED,
    "POST /app HTTP/1.0\r\nhost: a\r\n\r\n" SMUGGLED,
    "POST /a\x7fpp HTTP/1.1\r\nhost: a\r\n\r\n" SMUGGLED,
    "POST http://a\\@b/app HTTP/1.1\r\nhost: a\r\n\r\n" SMUGGLED,
    "POST http://a:b/app HTTP/1.1\r\nhost: a\r\n\r\n" SMUGGLED,
    "CONNECT a:80 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n" LAST SMUGGLED,
    /* what a proxy behind us would believe */
    HEAD "connection: x-forwarded-for\r\n\r\n" SMUGGLED,
    HEAD "connection: host\r\n\r\n" SMUGGLED,
};

static void test_what_can_be_read_in_two_ways_goes_nowhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(TWO_WAYS); i++) {
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            struct peers *peers = peers_new();
            peers->is_bytewise = bytewise == 1;
            uint32_t client = peers_dial(peers);
            peers_say(peers, client, TWO_WAYS[i]);
            assert_nothing_went_up(peers);
            assert_int_equal(peers->done_count, 1);
            uint32_t status = peers_last_done(peers)->status;
            if (status != 400 && status != 426 && status != 501)
                fail_msg("row %zu is answered with %u", i, status);
            peers_wait(peers, NS_SECOND);
            assert_true(peers->items[client].is_closed);
            peers_free(peers);
        }
    }
}

/* Refused in the body: what went upstream has no end, and its connection goes. */
static void test_a_body_that_turns_bad_is_never_completed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "3\nabc\r\n" LAST SMUGGLED,
        "3\rabc\r\n" LAST SMUGGLED,
        "3;x\nabc\r\n" LAST SMUGGLED,
        "3;x\rx\r\nabc\r\n" LAST SMUGGLED,
        "0x3\r\nabc\r\n" LAST SMUGGLED,
        "-3\r\nabc\r\n" LAST SMUGGLED,
        "+3\r\nabc\r\n" LAST SMUGGLED,
        " 3\r\nabc\r\n" LAST SMUGGLED,
        ";3\r\nabc\r\n" LAST SMUGGLED,
        "\r\n" LAST SMUGGLED,
        "g\r\n" LAST SMUGGLED,
        "3_\r\nabc\r\n" LAST SMUGGLED,
        "10000000000000003\r\nabc\r\n" LAST SMUGGLED,
        "fffffffffffffffff\r\nabc\r\n" LAST SMUGGLED,
        "3\r\nabc0\r\n\r\n" SMUGGLED,
        "0\n\n" SMUGGLED,
        "0\r\n x\r\n\r\n" SMUGGLED,
        "0\r\nx\r\n\r\n" SMUGGLED,
        "0\r\na b: c\r\n\r\n" SMUGGLED,
        "0\r\na: \x01\r\n\r\n" SMUGGLED,
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, HEAD "transfer-encoding: chunked\r\n\r\n");
        uint32_t server = peers_server(peers);
        peers_say(peers, client, rows[i]);
        struct str heard = peers_heard(peers, server);
        assert_false(str_contains(heard, STR("smuggled")));
        assert_false(str_contains(heard, STR("\r\n0\r\n")));
        assert_true(peers->items[server].is_closed);
        assert_int_equal(peers->done_count, 1);
        peers_expect_done(peers, 400, "DPE", peers_last_done(peers)->details);
        peers_wait(peers, NS_SECOND);
        assert_true(peers->items[client].is_closed);
        peers_free(peers);
    }
}

/* What Envoy forgives goes upstream in one form, and what hides behind it is
 * another request to both. */
static void test_what_is_forgiven_is_written_anew(void **state)
{
    (void)state;
    static const struct {
        const char *said, *part; /* heard upstream */
    } rows[] = {
        {HEAD "content-length: 3\n\nabc" SMUGGLED, "content-length: 3\r\n"},
        {HEAD "x: a\r\n transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc" SMUGGLED,
         "x: a transfer-encoding: chunked\r\n"},
        {HEAD "Content-Length: \t3 \r\n\r\nabc" SMUGGLED, "content-length: 3\r\n"},
        {HEAD "x: a\rb\r\ncontent-length: 3\r\n\r\nabc" SMUGGLED, "x: ab\r\n"},
        {HEAD "TRANSFER-ENCODING: chunked\r\n\r\n3;x\r\nabcdef\r\n0\r\nt: v\r\n\r\n" SMUGGLED,
         "3\r\nabc\r\n" LAST},
        {HEAD "connection: content-length\r\ncontent-length: 3\r\n\r\nabc" SMUGGLED,
         "3\r\nabc\r\n" LAST},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i].said);
        struct str heard = peers_heard(peers, peers_server(peers));
        assert_true(str_contains(heard, str_of(rows[i].part)));
        assert_false(str_contains(heard, STR("smuggled"))); /* not before the first answer */
        peers_say(peers, peers_server(peers), OK_FROM_SERVER);
        assert_string_equal(peers_last_done(peers)->details, "route_not_found"); /* the second */
        peers_free(peers);
    }
}

/* --- floods --------------------------------------------------------------- */

static void say_often(struct peers *peers, uint32_t peer, const char *text, uint32_t count)
{
    for (uint32_t i = 0; i < count && !peers->items[peer].is_gone; i++)
        peers_say(peers, peer, text);
}

/* Stops at the limit, long before the end of what is sent. */
static void test_heads_without_end_are_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *more, *details;
        uint32_t status;
    } rows[] = {
        {"GET /",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "http1.headers_too_large", 431},
        {"GET /app HTTP/1.1\r\nhost: a\r\n",
         "x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "http1.headers_too_large",
         431},
        {"GET /app HTTP/1.1\r\nx: ",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "http1.headers_too_large", 431},
        {"GET /app HTTP/1.1\r\nhost: a\r\nx:", " \r\n", "http1.headers_too_large", 431},
        {HEAD "transfer-encoding: chunked\r\n\r\n0\r\n",
         "x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "http1.headers_too_large",
         431},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i].begin);
        for (uint32_t said = 0; said < LIMIT_REQUEST_HEAD_BYTES + LIMIT_READ_BYTES;
             said += (uint32_t)strlen(rows[i].more))
            peers_say(peers, client, rows[i].more);
        peers_expect_done(peers, rows[i].status, "DPE", rows[i].details);
        assert_int_equal(peers->done_count, 1);
        peers_wait(peers, NS_SECOND);
        assert_true(peers->items[client].is_closed);
        peers_free(peers);
    }
}

static void test_a_head_has_so_many_lines(void **state)
{
    (void)state;
    for (uint32_t count = LIMIT_HEADER_COUNT; count <= LIMIT_HEADER_COUNT + 1; count++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, "GET /direct HTTP/1.1\r\nhost: a\r\n");
        say_often(peers, client, "x: x\r\n", count - 2);
        /* Those of a name that Envoy joins are one. */
        say_often(peers, client, "accept: x\r\n", 5000);
        peers_say(peers, client, "\r\n");
        assert_int_equal(peers_last_done(peers)->status, count > LIMIT_HEADER_COUNT ? 431 : 200);
        peers_free(peers);
    }
}

/* A byte in a chunk: nothing is amplified, nothing is lost. */
static void test_tiny_chunks(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, HEAD "transfer-encoding: chunked\r\n\r\n");
    uint32_t server = peers_server(peers);
    (void)peers_heard(peers, server);
    struct buf flood;
    buf_init(&flood, 1u << 20);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(buf_append(&flood, STR("1\r\nx\r\n")), RC_OK);
    peers_say_bytes(peers, client, buf_str(&flood));
    assert_int_equal(peers_heard(peers, server).len, buf_size(&flood));
    peers_say(peers, client, LAST);
    peers_say(peers, server, OK_FROM_SERVER);
    assert_int_equal(peers_last_done(peers)->bytes_received, 10000);
    buf_fini(&flood);
    peers_free(peers);
}

/* An extension without end costs nothing and moves nothing. */
static void test_chunk_extensions_are_not_kept(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers_chains[0].http.stream_idle_timeout_ns = NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, HEAD "transfer-encoding: chunked\r\n\r\n1;");
    uint32_t server = peers_server(peers);
    (void)peers_heard(peers, server);
    for (int i = 0; i < 3; i++) {
        say_often(peers, client, "extension=extension;extension=extension;", 1000);
        peers_wait(peers, NS_SECOND / 2);
    }
    assert_int_equal(peers_heard(peers, server).len, 0);
    peers_expect_done(peers, 408, "SI", "stream_idle_timeout"); /* it was silence */
    peers_free(peers);
}

/* To Envoy a blank line begins a request. However many come, they are not kept
 * and are no progress. */
static void test_blank_lines_are_not_kept(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers_chains[0].http.stream_idle_timeout_ns = NS_SECOND;
    uint32_t client = peers_dial(peers);
    for (int i = 0; i < 3; i++) {
        say_often(peers, client, "\r\n\r\n\r\n\r\n\n\n\n\n", 5000);
        assert_int_equal(wire_exchange_count(peers->wire), i < 2);
        peers_wait(peers, NS_SECOND / 2);
    }
    peers_expect_done(peers, 408, "SI", "stream_idle_timeout");
    assert_int_equal(peers->done_count, 1);
    peers_free(peers);
}

static void test_pipelined_requests_wait_their_turn(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    for (uint32_t i = 0; i < 1000 && !peers->items[client].is_paused; i++)
        peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_true(peers->items[client].is_paused);
    assert_int_equal(wire_exchange_count(peers->wire), 1);
    assert_int_equal(peers_server_count(peers), 1);
    peers_free(peers);
}

/* Answers of our own pile up faster than they leave: Envoy begins no request
 * behind two whole responses that are still here (ENVOY.md 1.2). */
static void test_a_flood_of_pipelined_answers_is_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        bool is_slow; /* the client does not read */
        uint32_t answered_count;
        bool is_flood;
    } rows[] = {
        {DIRECT DIRECT, false, 2, false},
        {DIRECT DIRECT DIRECT, false, 2, true},
        {DIRECT DIRECT DIRECT DIRECT DIRECT, false, 2, true},
        {DIRECT DIRECT "G", false, 2, true},
        {DIRECT DIRECT "\r\n", true, 2, true},
        {DIRECT DIRECT "GET / HTTP/1.1\r\n\r\n", true, 2, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        peers->is_slow = rows[i].is_slow;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i].said);
        assert_int_equal(peers->done_count, rows[i].answered_count + rows[i].is_flood);
        if (rows[i].is_flood)
            peers_expect_done(peers, 0, "DPE", "codec_error:Too_many_responses_queued.");
        struct str heard = peers_heard(peers, client);
        uint32_t heard_count = 0;
        for (size_t at; (at = str_find_str(heard, STR("HTTP/1.1 200 OK"))) != STR_NONE;
             heard_count++)
            heard = str_from(heard, at + 1);
        assert_int_equal(heard_count, rows[i].answered_count);
        assert_false(peers->items[client].is_closed);
        peers_wait(peers, NS_SECOND);
        assert_int_equal(peers->items[client].is_closed, rows[i].is_flood);
        peers_free(peers);
    }
}

/* Envoy writes between an answer from upstream and the next request; only what
 * marks the end of a body with a length stays until more is written. */
static void test_answers_from_upstream_and_our_own_are_queued_together(void **state)
{
    (void)state;
    static const struct {
        const char *said, *answers[3];
        uint32_t done_count; /* the last one is the flood */
    } rows[] = {
        {GET_APP DIRECT DIRECT DIRECT, {OK_FROM_SERVER "ok"}, 3},
        {GET_APP DIRECT DIRECT DIRECT, {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"}, 4},
        {GET_APP DIRECT DIRECT DIRECT, {"HTTP/1.1 204 No Content\r\n\r\n"}, 4},
        {GET_APP DIRECT DIRECT DIRECT,
         {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
         4},
        {GET_APP GET_APP DIRECT DIRECT, {OK_FROM_SERVER "ok", OK_FROM_SERVER "ok"}, 4},
        {DIRECT GET_APP DIRECT DIRECT, {OK_FROM_SERVER "ok"}, 4},
        {GET_APP GET_APP GET_APP DIRECT DIRECT,
         {OK_FROM_SERVER "ok", OK_FROM_SERVER "ok", OK_FROM_SERVER "ok"},
         5},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        peers_say(peers, peers_dial(peers), rows[i].said);
        for (size_t k = 0; k < COUNT_OF(rows[i].answers) && rows[i].answers[k] != NULL; k++)
            peers_say(peers, peers_server(peers), rows[i].answers[k]);
        assert_int_equal(peers->done_count, rows[i].done_count);
        peers_expect_done(peers, 0, "DPE", "codec_error:Too_many_responses_queued.");
        peers_free(peers);
    }
}

/* What has left is not queued: one after the other may go on for ever, and one
 * byte that is still here counts. */
static void test_answers_that_have_left_are_no_flood(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    for (int i = 0; i < 100; i++)
        peers_say(peers, client, DIRECT DIRECT);
    assert_int_equal(peers->done_count, 200);
    peers->is_slow = true;
    peers_say(peers, client, DIRECT);
    size_t first_bytes = peers->items[client].unsent_bytes;
    peers_say(peers, client, DIRECT);
    wire_wrote(peers->wire, peers->items[client].conn, first_bytes, peers->now_ns);
    peers_run(peers);
    peers_say(peers, client, DIRECT);
    assert_int_equal(peers->done_count, 203);
    wire_wrote(peers->wire, peers->items[client].conn, first_bytes - 1, peers->now_ns);
    peers_run(peers);
    peers_say(peers, client, DIRECT);
    assert_int_equal(peers->done_count, 204);
    peers_expect_done(peers, 0, "DPE", "codec_error:Too_many_responses_queued.");
    peers_free(peers);
}

/* Everybody takes a place and says a letter a second: there is room for so many,
 * the others are turned away, and each goes when its time is over. */
static void test_slow_loris(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers_chains[0].http.request_headers_timeout_ns = 10 * NS_SECOND;
    struct wire_accept accept = {.listener = &peers->listener};
    uint32_t loris[512];
    for (uint32_t i = 0; i < COUNT_OF(loris); i++)
        loris[i] = peers_dial(peers);
    for (uint32_t i = 0; i < 1024 - COUNT_OF(loris); i++)
        (void)peers_dial(peers);
    assert_int_equal(wire_accepted(peers->wire, &accept, peers->now_ns), WIRE_NONE);
    for (int second = 0; second < 9; second++) {
        for (uint32_t i = 0; i < COUNT_OF(loris); i++)
            peers_say(peers, loris[i], second == 0 ? "GET /" : "x");
        peers_wait(peers, NS_SECOND);
    }
    assert_int_equal(peers->done_count, 0);
    peers_wait(peers, 3 * NS_SECOND);
    assert_int_equal(peers->done_count, COUNT_OF(loris));
    peers_expect_done(peers, 408, "-", "request_header_timeout");
    for (uint32_t i = 0; i < COUNT_OF(loris); i++)
        assert_true(peers->items[loris[i]].is_closed);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_can_be_read_in_two_ways_goes_nowhere),
        cmocka_unit_test(test_a_body_that_turns_bad_is_never_completed),
        cmocka_unit_test(test_what_is_forgiven_is_written_anew),
        cmocka_unit_test(test_heads_without_end_are_cut_off),
        cmocka_unit_test(test_a_head_has_so_many_lines),
        cmocka_unit_test(test_tiny_chunks),
        cmocka_unit_test(test_chunk_extensions_are_not_kept),
        cmocka_unit_test(test_blank_lines_are_not_kept),
        cmocka_unit_test(test_pipelined_requests_wait_their_turn),
        cmocka_unit_test(test_a_flood_of_pipelined_answers_is_cut_off),
        cmocka_unit_test(test_answers_from_upstream_and_our_own_are_queued_together),
        cmocka_unit_test(test_answers_that_have_left_are_no_flood),
        cmocka_unit_test(test_slow_loris),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
