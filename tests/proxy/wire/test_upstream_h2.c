/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_upstream_h2.c - requests to a server that is to speak HTTP/2.
 * What comes of each end of a stream was asked of a real Envoy.
 */
#include "tests/proxy/wire/h2_peer.h"

/* The server that was opened last, after it has heard what there is. */
static struct h2_peer *server_of(struct peers *peers)
{
    struct h2_peer *server = h2_peer_new(peers, peers_server(peers), H2_SERVER);
    h2_peer_hear(server);
    return server;
}

/* A piece of the body is sent on as it comes. */
static void expect_chunked(struct peers *peers, uint32_t client, const char *whole,
                           const char *bytewise)
{
    char text[512];
    snprintf(text, sizeof(text),
             "HTTP/1.1 200 OK\r\n" PEERS_TAIL "transfer-encoding: chunked\r\n\r\n%s0\r\n\r\n",
             peers->is_bytewise ? bytewise : whole);
    peers_expect(peers, client, text);
}

static void reuse(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    struct h2_peer *server = server_of(peers);
    h2_peer_expect(server, "GET /app end ");
    h2_peer_answer(server, 0, 200, "ok", NULL);
    expect_chunked(peers, client, "2\r\nok\r\n", "1\r\no\r\n1\r\nk\r\n");
    peers_expect_done(peers, 200, "-", "via_upstream");
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}");
    h2_peer_hear(server);
    h2_peer_answer(server, 1, 204, "", NULL);
    h2_peer_expect(server, "closed0 POST /app end closed0 ");
    assert_int_equal(server->data_bytes, 2);
    peers_expect(peers, client, "HTTP/1.1 204 No Content\r\n" PEERS_TAIL "\r\n");
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_http2_total"), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_http1_total"), 0);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_total"), 2);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_pending_total"), 1);
    h2_peer_free(server);
}

static void test_a_connection_is_used_again(void **state)
{
    (void)state;
    peers_play(reuse, UPSTREAM_HTTP2);
}

static void share(struct peers *peers)
{
    enum { COUNT = 5 };
    uint32_t clients[COUNT];
    peers->is_holding_connects = true;
    for (int i = 0; i < COUNT; i++) {
        clients[i] = peers_dial(peers);
        peers_say(peers, clients[i], GET_APP);
    }
    assert_int_equal(peers_server_count(peers), 1); /* all wait for this one */
    uint32_t index = peers_server(peers);
    peers->items[index].is_connecting = false;
    wire_connected(peers->wire, peers->items[index].conn, peers->now_ns);
    peers_run(peers);
    struct h2_peer *server = server_of(peers);
    assert_int_equal(server->stream_count, COUNT);
    for (uint32_t i = COUNT; i-- > 0;) {
        h2_peer_answer(server, i, 200 + i, "", NULL);
        assert_true(buf_size(&peers->items[clients[i]].heard) > 0);
        assert_int_equal(peers_last_done(peers)->status, 200 + i);
    }
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_total"), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_pending_total"), COUNT);
    h2_peer_free(server);
}

static void test_requests_that_wait_share_a_connection(void **state)
{
    (void)state;
    peers_play(share, UPSTREAM_HTTP2);
}

/* Whoever finds no room on a connection gets another one. */
static void test_a_full_connection_is_not_the_last(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP2;
    small_clusters[0].streams_max = 2;
    peers_renew(peers);
    for (int i = 0; i < 3; i++)
        peers_say(peers, peers_dial(peers), GET_APP);
    assert_int_equal(peers_server_count(peers), 2);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_total"), 2);
    small_clusters[0].streams_max = 0;
    peers_free(peers);
}

static void trailers(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "POST /app HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\n"
              "content-length: 5\r\n\r\n12345");
    struct h2_peer *server = server_of(peers);
    h2_peer_answer(server, 0, 200, "hello", "14");
    /* enable_trailers is off: HTTP/1 does not hear of them. */
    expect_chunked(peers, client, "5\r\nhello\r\n",
                   "1\r\nh\r\n1\r\ne\r\n1\r\nl\r\n1\r\nl\r\n1\r\no\r\n");
    peers_expect_done(peers, 200, "-", "via_upstream");
    h2_peer_free(server);
}

static void test_trailers_end_a_response(void **state)
{
    (void)state;
    peers_play(trailers, UPSTREAM_HTTP2);
}

/* What a server says instead, and what is counted. */
static void test_servers_that_do_not_speak_it(void **state)
{
    (void)state;
    static const char *const SAYS[] = {
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n",
        "garbage, and not even short\r\n\r\n",
    };
    for (size_t i = 0; i < 2 * COUNT_OF(SAYS); i++) {
        struct peers *peers = peers_new();
        small_clusters[0].protocol = UPSTREAM_HTTP2;
        peers_renew(peers);
        peers->is_bytewise = i % 2 == 1;
        peers_say(peers, peers_dial(peers), GET_APP);
        uint32_t server = peers_server(peers);
        assert_true(str_has_prefix(peers_heard(peers, server), STR("PRI * HTTP/2.0\r\n\r\nSM")));
        peers_say(peers, server, SAYS[i / 2]);
        peers_expect_done(peers, 502, "UPE",
                          "upstream_reset_before_response_started{protocol_error}");
        assert_true(peers->items[server].is_closed);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_protocol_error"), 1);
        assert_int_equal(peers_stat(peers, "one", "upstream_rq_tx_reset"), 1);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_local"), 1);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_with_active_rq"), 0);
        peers_free(peers);
    }
}

static void test_ends_of_streams(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        uint32_t status;
        const char *flags, *words, *counter;
    } rows[] = {
        {0, 503, "UR", "remote_reset", "upstream_rq_rx_reset"},
        {1, 502, "UPE", "protocol_error", "upstream_rq_tx_reset"},
        {2, 503, "UR", "remote_reset", "upstream_rq_rx_reset"},
        {7, 503, "UR", "remote_refused_stream_reset", NULL},
        {8, 503, "UR", "remote_reset", "upstream_rq_rx_reset"},
        {10, 503, "UR", "remote_error_with_CONNECT_request", NULL},
    };
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP2;
    peers_renew(peers);
    struct h2_peer *server = NULL;
    for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
        peers_say(peers, peers_dial(peers), GET_APP);
        server = server != NULL ? server : server_of(peers);
        h2_peer_hear(server);
        uint64_t before = rows[i].counter != NULL ? peers_stat(peers, "one", rows[i].counter) : 0;
        h2_stream_set_owner(server->streams[i], NULL);
        h2_reset(server->h2, server->streams[i], rows[i].code);
        h2_peer_say(server);
        char details[128];
        snprintf(details, sizeof(details), "upstream_reset_before_response_started{%s}",
                 rows[i].words);
        peers_expect_done(peers, rows[i].status, rows[i].flags, details);
        if (rows[i].counter != NULL)
            assert_int_equal(peers_stat(peers, "one", rows[i].counter), before + 1);
        assert_int_equal(peers_stat(peers, "one", "http2.rx_reset"), i + 1);
    }
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy"), 0);
    h2_peer_free(server);
    peers_free(peers);
}

static void lose(struct peers *peers)
{
    for (int i = 0; i < 3; i++)
        peers_say(peers, peers_dial(peers), GET_APP);
    assert_int_equal(peers_server_count(peers), 1);
    peers_fin(peers, peers_server(peers));
    assert_int_equal(peers->done_count, 3);
    peers_expect_done(peers, 503, "UC",
                      "upstream_reset_before_response_started{connection_termination}");
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_pending_failure_eject"), 3);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_remote_with_active_rq"), 1);
}

static void test_a_connection_that_ends_takes_all_with_it(void **state)
{
    (void)state;
    peers_play(lose, UPSTREAM_HTTP2);
}

static void leave(struct peers *peers)
{
    uint32_t one = peers_dial(peers), two = peers_dial(peers);
    peers_say(peers, one, GET_APP);
    peers_say(peers, two, GET_APP);
    struct h2_peer *server = server_of(peers);
    h2_peer_expect(server, "GET /app end GET /app end ");
    peers_fin(peers, one);
    h2_peer_hear(server);
    h2_peer_expect(server, "closed2 ");
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_tx_reset"), 1);
    h2_peer_answer(server, 1, 200, "", NULL);
    assert_int_equal(peers_last_done(peers)->status, 200);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy"), 0);
    h2_peer_free(server);
}

static void test_who_leaves_resets_its_stream_alone(void **state)
{
    (void)state;
    peers_play(leave, UPSTREAM_HTTP2);
}

static void go_away(struct peers *peers)
{
    peers_say(peers, peers_dial(peers), GET_APP);
    struct h2_peer *server = server_of(peers);
    uint32_t first = server->peer;
    h2_goaway(server->h2);
    h2_peer_say(server);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_close_notify"), 1);
    peers_say(peers, peers_dial(peers), GET_APP);
    assert_int_equal(peers_server_count(peers), 2);
    assert_false(peers->items[first].is_closed);
    h2_peer_answer(server, 0, 200, "", NULL);
    assert_int_equal(peers_last_done(peers)->status, 200);
    assert_true(peers->items[first].is_closed);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_local"), 1);
    h2_peer_free(server);
}

static void test_goaway_opens_another_connection(void **state)
{
    (void)state;
    peers_play(go_away, UPSTREAM_HTTP2);
}

/* A request that waits for its answer too long resets its stream. */
static void test_a_timeout_leaves_the_connection(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP2;
    peers_renew(peers);
    peers_say(peers, peers_dial(peers), "GET /short HTTP/1.1\r\nhost: a\r\n\r\n");
    struct h2_peer *server = server_of(peers);
    peers_wait(peers, 2 * NS_SECOND);
    peers_expect_done(peers, 504, "UT", "response_timeout");
    h2_peer_hear(server);
    h2_peer_expect(server, "GET /short end closed2 ");
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy"), 0);
    peers_wait(peers, NS_HOUR);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_idle_timeout"), 1);
    assert_true(peers->items[server->peer].is_closed);
    h2_peer_free(server);
    peers_free(peers);
}

static void early(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12");
    struct h2_peer *server = server_of(peers);
    h2_peer_answer(server, 0, 200, "", NULL);
    h2_peer_hear(server);
    h2_peer_expect(server, "POST /app closed2 ");
    peers_expect_done(peers, 200, "-", "via_upstream");
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_tx_reset"), 1);
    h2_peer_free(server);
}

static void test_an_early_answer_resets_the_request(void **state)
{
    (void)state;
    peers_play(early, UPSTREAM_HTTP2);
}

/* A body that is larger than what the server takes waits, and its client with it. */
static void test_a_slow_server_holds_the_client_back(void **state)
{
    (void)state;
    static char block[LIMIT_READ_BYTES];
    memset(block, 'x', sizeof(block));
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP2;
    peers_renew(peers);
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 33554432\r\n\r\n");
    struct h2_peer *server = server_of(peers);
    server->is_keeping = true;
    uint64_t sent = 0;
    while (!peers->items[client].is_paused && sent < 33554432) {
        peers_say_bytes(peers, client, (struct str){block, sizeof(block)});
        sent += sizeof(block);
        h2_peer_hear(server);
    }
    assert_true(sent > LIMIT_H2_STREAM_WINDOW_BYTES);
    assert_true(sent < LIMIT_H2_STREAM_WINDOW_BYTES + 3 * LIMIT_CONNECTION_BUFFER_BYTES);
    assert_int_equal(server->data_bytes, LIMIT_H2_STREAM_WINDOW_BYTES);
    h2_consume(server->h2, server->streams[0], LIMIT_H2_STREAM_WINDOW_BYTES);
    server->is_keeping = false;
    h2_peer_say(server);
    h2_peer_hear(server);
    assert_false(peers->items[client].is_paused);
    for (; sent < 33554432; sent += sizeof(block)) {
        peers_say_bytes(peers, client, (struct str){block, sizeof(block)});
        h2_peer_hear(server);
    }
    assert_int_equal(server->data_bytes, 33554432);
    h2_peer_answer(server, 0, 200, "", NULL);
    peers_expect_done(peers, 200, "-", "via_upstream");
    h2_peer_free(server);
    peers_free(peers);
}

#define WEBSOCKET                                                      \
    "GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: " \
    "websocket\r\n\r\n"
#define SETTINGS "\0\0\6\4\0\0\0\0\0\0\10\0\0\0\1"
#define FRAME(size, type, flags, payload) "\0\0" size type flags "\0\0\0\1" payload

/* An upgrade is an extended CONNECT, and 200 its agreement; what the server says else is
 * passed on as it is. As a real Envoy does. */
static void test_a_websocket_over_a_stream(void **state)
{
    (void)state;
    static const struct {
        struct str says;
        const char *heard;
        uint32_t status;
    } rows[] = {
        {STR_INIT(SETTINGS FRAME("\1", "\1", "\4", "\x88") FRAME("\2", "\0", "\0", "hi")),
         "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
         "date: " PEERS_DATE "\r\nserver: envoy\r\n\r\nhi",
         101},
        {STR_INIT(SETTINGS FRAME("\5", "\1", "\4", "\10\003302") FRAME("\2", "\0", "\1", "no")),
         "HTTP/1.1 302 Found\r\ndate: " PEERS_DATE "\r\nserver: envoy\r\nconnection: close\r\n"
         "transfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
         302},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        small_clusters[0].protocol = UPSTREAM_HTTP2;
        peers_renew(peers);
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, WEBSOCKET);
        uint32_t server = peers_server(peers);
        assert_true(str_contains(peers_heard(peers, server), STR("\7CONNECT")));
        peers_say_bytes(peers, server, rows[i].says);
        peers_expect(peers, client, rows[i].heard);
        (void)peers_heard(peers, server);
        if (rows[i].status == 101) {
            peers_say(peers, client, "hello");
            assert_true(
                str_has_suffix(peers_heard(peers, server), STR(FRAME("\5", "\0", "\0", "hello"))));
            peers_fin(peers, client);
        }
        assert_int_equal(peers_last_done(peers)->status, rows[i].status);
        assert_int_equal(peers_stat(peers, "one", "http2.tx_reset"), 1);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy"), 0);
        peers_free(peers);
    }
}
#undef SETTINGS
#undef FRAME

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_is_used_again),
        cmocka_unit_test(test_requests_that_wait_share_a_connection),
        cmocka_unit_test(test_a_full_connection_is_not_the_last),
        cmocka_unit_test(test_trailers_end_a_response),
        cmocka_unit_test(test_servers_that_do_not_speak_it),
        cmocka_unit_test(test_ends_of_streams),
        cmocka_unit_test(test_a_connection_that_ends_takes_all_with_it),
        cmocka_unit_test(test_who_leaves_resets_its_stream_alone),
        cmocka_unit_test(test_goaway_opens_another_connection),
        cmocka_unit_test(test_a_timeout_leaves_the_connection),
        cmocka_unit_test(test_an_early_answer_resets_the_request),
        cmocka_unit_test(test_a_slow_server_holds_the_client_back),
        cmocka_unit_test(test_a_websocket_over_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
