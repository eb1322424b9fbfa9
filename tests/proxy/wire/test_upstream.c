/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_upstream.c - requests on their way to a server and back.
 */
#include "tests/proxy/wire/peers.h"

#define RESET "upstream connect error or disconnect/reset before headers. reset reason: "

static void reuse(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    for (int i = 0; i < 5; i++) {
        peers_say(peers, client, GET_APP);
        uint32_t server = peers_server(peers);
        assert_true(
            str_has_prefix(peers_heard(peers, server), STR("GET /app HTTP/1.1\r\nhost: a\r\n")));
        peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        peers_expect(peers, client, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" PEERS_TAIL "\r\nok");
        peers_expect_done(peers, 200, "-", "via_upstream");
        assert_int_equal(peers_last_done(peers)->bytes_sent, 2);
    }
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_total"), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_total"), 5);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_200"), 5);
}

static void test_a_connection_is_used_again(void **state)
{
    (void)state;
    peers_play(reuse, UPSTREAM_HTTP1);
}

static void post_chunked(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "POST /app HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
              "4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\nx-sum: 1\r\n\r\n");
    uint32_t server = peers_server(peers);
    struct str heard = peers_heard(peers, server);
    assert_true(str_contains(heard, STR("\r\ntransfer-encoding: chunked\r\n")));
    assert_false(str_contains(heard, STR("x-sum")));
    assert_true(str_has_suffix(heard, STR("\r\n0\r\n\r\n")));
    peers_say(peers, server,
              "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
              "5\r\nhello\r\n0\r\nx-sum: 2\r\n\r\n");
    heard = peers_heard(peers, client);
    assert_true(str_contains(heard, STR("\r\ntransfer-encoding: chunked\r\n\r\n")));
    assert_true(str_has_suffix(heard, STR("\r\n0\r\n\r\n")));
    assert_false(str_contains(heard, STR("x-sum")));
    assert_int_equal(peers_last_done(peers)->bytes_received, 7);
    assert_int_equal(peers_last_done(peers)->bytes_sent, 5);
    peers_say(peers, client, GET_APP);
    assert_int_equal(peers_server_count(peers), 1);
}

static void test_chunked_bodies_go_both_ways_without_trailers(void **state)
{
    (void)state;
    peers_play(post_chunked, UPSTREAM_HTTP1);
}

/* Responses that have no body whatever their headers say. */
static void test_answers_without_a_body_end_with_their_head(void **state)
{
    (void)state;
    static const struct {
        const char *method, *answer, *want;
    } rows[] = {
        {"HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
         "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n" PEERS_TAIL "\r\n"},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n" PEERS_TAIL "\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\n\r\n",
         "HTTP/1.1 304 Not Modified\r\n" PEERS_TAIL "\r\n"},
        {"GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
         "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n" PEERS_TAIL "\r\n"},
    };
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char request[64];
        snprintf(request, sizeof(request), "%s /app HTTP/1.1\r\nhost: a\r\n\r\n", rows[i].method);
        peers_say(peers, client, request);
        peers_say(peers, peers_server(peers), rows[i].answer);
        peers_expect(peers, client, rows[i].want);
    }
    assert_int_equal(peers_server_count(peers), 1);
    peers_free(peers);
}

/* Nobody asked for it: a response without a body, and the connection is kept.
 * Asked for, but without the words: the same, and the connection is not. */
static void test_a_101_that_switches_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *answered;
        bool is_kept;
    } rows[] = {
        {GET_APP, "HTTP/1.1 101 x\r\n\r\n", true},
        {GET_APP, "HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n", true},
        {"GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
         "HTTP/1.1 101 x\r\n\r\n", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i].asked);
        peers_say(peers, peers_server(peers), rows[i].answered);
        struct str heard = peers_heard(peers, client);
        assert_true(str_has_prefix(heard, STR("HTTP/1.1 101 Switching Protocols\r\n")));
        assert_false(str_contains(heard, STR("upgrade")));
        assert_int_equal(str_contains(heard, STR("\r\nconnection: close\r\n")), !rows[i].is_kept);
        peers_expect_done(peers, 101, "-", "via_upstream");
        peers_wait(peers, NS_SECOND);
        assert_int_equal(peers->items[client].is_closed, !rows[i].is_kept);
        peers_free(peers);
    }
}

/* ENVOY.md 3.4 and 8.2: how an upstream may fail before its headers are there. */
static void test_failures_before_the_answer_become_envoys_503_and_502(void **state)
{
    (void)state;
    enum how { REFUSE, SAY, SAY_AND_FIN, SAY_AND_BREAK };
    static const struct {
        enum how how;
        const char *said;
        uint32_t status;
        const char *flags, *details, *reason;
    } rows[] = {
        {REFUSE, "", 503, "UF",
         "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:"
         "_Connection_refused}",
         "remote connection failure"},
        {SAY_AND_FIN, "", 503, "UC",
         "upstream_reset_before_response_started{connection_termination}",
         "connection termination"},
        {SAY_AND_BREAK, "", 503, "UC",
         "upstream_reset_before_response_started{connection_termination}",
         "connection termination"},
        {SAY_AND_FIN, "HTTP/1.1 200 OK\r\nx", 502, "UPE",
         "upstream_reset_before_response_started{protocol_error}", "protocol error"},
        {SAY_AND_BREAK, "HTTP/1.1 200", 502, "UPE",
         "upstream_reset_before_response_started{protocol_error}", "protocol error"},
        {SAY, "hello\r\n", 502, "UPE", "upstream_reset_before_response_started{protocol_error}",
         "protocol error"},
        {SAY, "HTTP/1.1 204 No\r\ncontent-length: 2\r\n\r\nok", 502, "UPE",
         "upstream_reset_before_response_started{protocol_error}", "protocol error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        peers->is_refusing = rows[i].how == REFUSE;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, GET_APP);
        uint32_t server = peers_server(peers);
        peers_say(peers, server, rows[i].said);
        if (rows[i].how == SAY_AND_FIN)
            peers_fin(peers, server);
        if (rows[i].how == SAY_AND_BREAK)
            peers_break(peers, server);
        char want[256];
        snprintf(want, sizeof(want), RESET "%s", rows[i].reason);
        assert_true(str_has_suffix(peers_heard(peers, client), str_of(want)));
        peers_expect_done(peers, rows[i].status, rows[i].flags, rows[i].details);
        assert_true(peers->items[server].is_closed);
        assert_false(peers->items[client].is_closed);
        peers_say(peers, client, "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_int_equal(peers_last_done(peers)->status, 200);
        peers_free(peers);
    }
}

/* ENVOY.md 3.4, after headers: the bytes so far at once, the close a second
 * later. */
static void test_a_torn_answer_is_cut_a_second_later(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        bool is_broken, is_close_asked;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", false, false},
        {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", true, false},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal", false, false},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhal", false, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client,
                  rows[i].is_close_asked
                      ? "GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
                      : GET_APP);
        uint32_t server = peers_server(peers);
        peers_say(peers, server, rows[i].said);
        if (rows[i].is_broken)
            peers_break(peers, server);
        else
            peers_fin(peers, server);
        assert_true(str_has_prefix(peers_heard(peers, client), STR("HTTP/1.1 200 OK\r\n")));
        peers_expect_done(peers, 200, "UPE",
                          "upstream_reset_after_response_started{protocol_error}");
        /* Who has said all and asked for close need not be given time. */
        peers_wait(peers, NS_SECOND - 1);
        assert_int_equal(peers->items[client].is_closed, rows[i].is_close_asked);
        peers_wait(peers, 1);
        assert_true(peers->items[client].is_closed);
        assert_int_equal(buf_size(&peers->items[client].heard), 0);
        peers_free(peers);
    }
}

static void read_until_close(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    uint32_t server = peers_server(peers);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\n\r\nall");
    assert_int_equal(peers->done_count, 0);
    peers_break(peers, server);
    peers_expect_done(peers, 200, "-", "via_upstream");
    struct str heard = peers_heard(peers, client);
    assert_true(str_contains(heard, STR("\r\ntransfer-encoding: chunked\r\n\r\n")));
    assert_true(str_has_suffix(heard, STR("\r\n0\r\n\r\n")));
    assert_false(peers->items[client].is_closed);
}

static void test_a_close_ends_a_body_without_a_length(void **state)
{
    (void)state;
    peers_play(read_until_close, UPSTREAM_HTTP1);
}

/* ENVOY.md 8.2, reuse rule and unsolicited bytes. */
static void test_a_connection_is_closed_after_the_answer_when_it_must(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        const char *stat;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
         "upstream_cx_destroy_local"},
        {"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", "upstream_cx_destroy_local"},
        {"HTTP/1.1 204 No Content\r\n\r\nsurplus", "upstream_cx_protocol_error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, GET_APP);
        uint32_t server = peers_server(peers);
        peers_say(peers, server, rows[i].said);
        assert_true(peers->items[server].is_closed);
        peers_expect_done(peers, i == 2 ? 204 : 200, "-", "via_upstream");
        assert_int_equal(peers_stat(peers, "one", rows[i].stat), 1);
        peers_say(peers, client, GET_APP);
        assert_int_equal(peers_server_count(peers), 2);
        peers_free(peers);
    }
}

static void test_an_idle_connection_that_speaks_or_ends_is_closed(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, GET_APP);
        uint32_t server = peers_server(peers);
        peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        if (i == 0)
            peers_say(peers, server, "HTTP/1.1 408 Request Timeout\r\n\r\n");
        else if (i == 1)
            peers_say(peers, server, "?");
        else if (i == 2)
            peers_fin(peers, server);
        else
            peers_wait(peers, NS_HOUR);
        assert_true(peers->items[server].is_closed);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_protocol_error"), i == 1 ? 1 : 0);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_remote"), i == 2 ? 1 : 0);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_idle_timeout"), i == 3 ? 1 : 0);
        assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_with_active_rq"), 0);
        peers_free(peers);
    }
}

static void test_a_connect_without_answer_times_out(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers->is_holding_connects = true;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    uint32_t server = peers_server(peers);
    peers_wait(peers, 2 * NS_SECOND - 1);
    assert_false(peers->items[server].is_closed);
    peers_wait(peers, 1);
    assert_true(peers->items[server].is_closed);
    assert_true(str_has_suffix(peers_heard(peers, client), STR(RESET "connection timeout")));
    peers_expect_done(peers, 503, "UF",
                      "upstream_reset_before_response_started{connection_timeout}");
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_connect_timeout"), 1);
    peers_free(peers);
}

static void test_the_routes_timeout_answers_504_and_gives_the_connection_up(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "GET /short HTTP/1.1\r\nhost: a\r\n\r\n");
    uint32_t server = peers_server(peers);
    peers_wait(peers, NS_SECOND);
    assert_true(peers->items[server].is_closed);
    assert_true(
        str_has_suffix(peers_heard(peers, client), STR("\r\n\r\nupstream request timeout")));
    peers_expect_done(peers, 504, "UT", "response_timeout");
    assert_int_equal(peers_stat(peers, "one", "upstream_cx_destroy_local_with_active_rq"), 1);
    assert_false(peers->items[client].is_closed);
    peers_free(peers);
}

static void test_only_the_first_interim_answer_is_passed_on(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "POST /app HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    uint32_t server = peers_server(peers);
    assert_true(str_contains(peers_heard(peers, server), STR("\r\nexpect: 100-continue\r\n")));
    peers_say(peers, server, "HTTP/1.1 100 Continue\r\n\r\n");
    peers_expect(peers, client, "HTTP/1.1 100 Continue\r\n\r\n");
    peers_say(peers, server, "HTTP/1.1 100 Continue\r\n\r\n");
    peers_expect(peers, client, "");
    peers_say(peers, client, "ok");
    peers_expect(peers, server, "ok");
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_true(str_has_prefix(peers_heard(peers, client), STR("HTTP/1.1 200 OK\r\n")));
    assert_false(peers->items[client].is_closed);
    /* It is counted as an answer, on both sides. */
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_completed"), 2);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_100"), 1);
    assert_int_equal(peers_stat(peers, "one", "upstream_rq_200"), 1);
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_completed"), 2);
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_1xx"), 1);
    peers_free(peers);
}

/* ENVOY.md 8.2: a waiter gets the connection only after the turn in which a
 * close could have come with the response. */
static void test_a_waiter_gets_the_connection_after_its_answer(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t first = peers_dial(peers);
    uint32_t second = peers_dial(peers);
    peers_say(peers, first, GET_APP);
    uint32_t server = peers_server(peers);
    peers->is_holding_connects = true;
    peers_say(peers, second, "GET /app/2 HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_int_equal(peers_server_count(peers), 2);
    assert_true(str_has_prefix(peers_heard(peers, server), STR("GET /app HTTP")));
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    assert_int_equal(peers->done_count, 1);
    assert_int_equal(buf_size(&peers->items[server].heard), 0);
    peers_wait(peers, 0);
    assert_true(str_has_prefix(peers_heard(peers, server), STR("GET /app/2 HTTP")));
    peers_free(peers);
}

static void test_a_close_that_comes_with_the_answer_harms_no_waiter(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t first = peers_dial(peers);
    uint32_t second = peers_dial(peers);
    peers_say(peers, first, GET_APP);
    uint32_t server = peers_server(peers);
    peers->is_holding_connects = true;
    peers_say(peers, second, "GET /app/2 HTTP/1.1\r\nhost: a\r\n\r\n");
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    peers_fin(peers, server);
    peers_wait(peers, 0);
    assert_int_equal(peers->done_count, 1);
    server = peers_server(peers);
    peers->items[server].is_connecting = false;
    wire_connected(peers->wire, peers->items[server].conn, peers->now_ns);
    peers_run(peers);
    assert_true(str_has_prefix(peers_heard(peers, server), STR("GET /app/2 HTTP")));
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_is_used_again),
        cmocka_unit_test(test_chunked_bodies_go_both_ways_without_trailers),
        cmocka_unit_test(test_answers_without_a_body_end_with_their_head),
        cmocka_unit_test(test_failures_before_the_answer_become_envoys_503_and_502),
        cmocka_unit_test(test_a_101_that_switches_nothing),
        cmocka_unit_test(test_a_torn_answer_is_cut_a_second_later),
        cmocka_unit_test(test_a_close_ends_a_body_without_a_length),
        cmocka_unit_test(test_a_connection_is_closed_after_the_answer_when_it_must),
        cmocka_unit_test(test_an_idle_connection_that_speaks_or_ends_is_closed),
        cmocka_unit_test(test_a_connect_without_answer_times_out),
        cmocka_unit_test(test_the_routes_timeout_answers_504_and_gives_the_connection_up),
        cmocka_unit_test(test_only_the_first_interim_answer_is_passed_on),
        cmocka_unit_test(test_a_waiter_gets_the_connection_after_its_answer),
        cmocka_unit_test(test_a_close_that_comes_with_the_answer_harms_no_waiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
