/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_downstream.c - what a client sees of its connection.
 */
#include "tests/proxy/wire/peers.h"

#define HELLO                                                                               \
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\ndate: " PEERS_DATE \
    "\r\nserver: envoy\r\n"
#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
#define OK_HEAD                                                                    \
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-envoy-upstream-service-time: 0\r\n" \
    "date: " PEERS_DATE "\r\nserver: envoy\r\n"

/* Each runs with bytes together and one by one. */
static void answer_direct(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n");
    peers_expect(peers, client, HELLO "\r\nhello");
    peers_expect_done(peers, 200, "-", "direct_response");
    peers_say(peers, client, "HEAD /direct HTTP/1.1\r\nhost: a\r\n\r\n");
    peers_expect(peers, client, HELLO "\r\n");
    assert_false(peers->items[client].is_closed);
    assert_int_equal(peers->done_count, 2);
    assert_int_equal(wire_exchange_count(peers->wire), 0);
    assert_int_equal(wire_connection_count(peers->wire), 1);
}

static void test_a_connection_serves_one_request_after_the_other(void **state)
{
    (void)state;
    peers_play(answer_direct, UPSTREAM_HTTP1);
}

/* To Envoy an answer of its own comes before the codec has seen the request's
 * end, so the close is delayed; one from upstream comes after it. */
static void close_after_answer(struct peers *peers)
{
    uint32_t client = peers_dial(peers), other = peers_dial(peers);
    peers_say(peers, client, "GET /direct HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    peers_expect(peers, client, HELLO "connection: close\r\n\r\nhello");
    assert_false(peers->items[client].is_closed);
    peers_wait(peers, NS_SECOND);
    assert_true(peers->items[client].is_closed);
    assert_false(peers->items[client].is_reset);
    /* What nominates itself goes, and what it said holds. */
    uint32_t third = peers_dial(peers);
    peers_say(peers, third,
              "GET /app HTTP/1.1\r\nhost: a\r\nconnection: close, connection\r\n\r\n");
    peers_say(peers, peers_server(peers), OK_FROM_SERVER "ok");
    assert_true(str_has_suffix(peers_heard(peers, third), STR("connection: close\r\n\r\nok")));
    assert_true(peers->items[third].is_closed);
    peers_say(peers, other, "GET /app HTTP/1.1\r\nhost: a\r\nproxy-connection: close\r\n\r\n");
    peers_say(peers, peers_server(peers), OK_FROM_SERVER "ok");
    assert_true(str_has_suffix(peers_heard(peers, other), STR("connection: close\r\n\r\nok")));
    assert_true(peers->items[other].is_closed);
}

static void test_a_client_that_asks_for_close_gets_it(void **state)
{
    (void)state;
    peers_play(close_after_answer, UPSTREAM_HTTP1);
}

/* ENVOY.md 1.2, accept_http_10: rows asked of a real Envoy. */
static void test_http10_is_kept_only_when_it_asks_and_the_length_is_known(void **state)
{
    (void)state;
#define ASK "GET /app HTTP/1.0\r\nhost: a\r\n"
    static const struct {
        const char *asked, *answered, *want;
        bool is_kept;
    } rows[] = {
        {ASK "\r\n", OK_FROM_SERVER "ok",
         "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n" PEERS_TAIL "connection: close\r\n\r\nok",
         false},
        {ASK "connection: keep-alive\r\n\r\n", OK_FROM_SERVER "ok",
         "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n" PEERS_TAIL "connection: keep-alive\r\n\r\nok",
         true},
        {ASK "connection: keep-alive\r\n\r\n",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
         "HTTP/1.0 200 OK\r\n" PEERS_TAIL "connection: close\r\n\r\nok", false},
        {ASK "\r\n", "HTTP/1.1 204 x\r\n\r\n",
         "HTTP/1.0 204 No Content\r\n" PEERS_TAIL "connection: close\r\n\r\n", false},
        {ASK "\r\n", "HTTP/1.1 100 x\r\n\r\n" OK_FROM_SERVER "ok",
         "HTTP/1.0 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\ncontent-length: 2\r\n" PEERS_TAIL
         "connection: close\r\n\r\nok",
         false},
        {"HEAD /app HTTP/1.0\r\nhost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
         "HTTP/1.0 200 OK\r\n" PEERS_TAIL "connection: close\r\n\r\n", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        peers_chains[0].http.is_accepting_http10 = true;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i].asked);
        uint32_t server = peers_server(peers);
        assert_true(str_contains(buf_str(&peers->items[server].heard), STR(" HTTP/1.1\r\n")));
        peers_say(peers, server, rows[i].answered);
        peers_expect(peers, client, rows[i].want);
        assert_int_equal(peers->items[client].is_closed, !rows[i].is_kept);
        peers_free(peers);
    }
#undef ASK
}

/* ENVOY.md 17.1, 1.11: statuses, bodies and the order of headers. */
static void test_local_replies_are_envoys_to_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        uint32_t status;
        const char *flags, *details, *want;
    } rows[] = {
        {"/nothing", 404, "NR", "route_not_found",
         "HTTP/1.1 404 Not Found\r\ndate: " PEERS_DATE
         "\r\nserver: envoy\r\ncontent-length: 0\r\n\r\n"},
        {"/lost", 503, "NC", "cluster_not_found",
         "HTTP/1.1 503 Service Unavailable\r\ndate: " PEERS_DATE
         "\r\nserver: envoy\r\ncontent-length: 0\r\n\r\n"},
        {"/empty", 503, "UH", "no_healthy_upstream",
         "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 19\r\ncontent-type: text/plain\r\n"
         "date: " PEERS_DATE "\r\nserver: envoy\r\n\r\nno healthy upstream"},
    };
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char request[128];
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nhost: a\r\n\r\n", rows[i].target);
        peers_say(peers, client, request);
        peers_expect(peers, client, rows[i].want);
        peers_expect_done(peers, rows[i].status, rows[i].flags, rows[i].details);
        assert_true(peers_last_done(peers)->trace_count > 0);
    }
    peers_free(peers);
}

/* ENVOY.md 1.2: the codec refuses; then at most a second until the close. */
static void test_bad_requests_are_answered_and_the_connection_lingers(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        uint32_t status;
        const char *details, *line;
    } rows[] = {
        {"GET / HTTP/1.0\r\n\r\n", 426, "low_version", "HTTP/1.1 426 Upgrade Required\r\n"},
        {"get / HTTP/1.1\r\n\r\n", 400, "http1.codec_error", "HTTP/1.1 400 Bad Request\r\n"},
        {"\x01\x02\r\n\r\n", 400, "http1.codec_error", "HTTP/1.1 400 Bad Request\r\n"},
        {"GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n", 400, "http1.codec_error",
         "HTTP/1.1 400 Bad Request\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i].request);
        struct str heard = peers_heard(peers, client);
        assert_true(str_has_prefix(heard, str_of(rows[i].line)));
        assert_true(str_contains(heard, STR("\r\nconnection: close\r\n")));
        peers_expect_done(peers, rows[i].status, "DPE", rows[i].details);
        assert_false(peers->items[client].is_closed);
        peers_say(peers, client, "more");
        peers_wait(peers, NS_SECOND - 1);
        assert_false(peers->items[client].is_closed);
        peers_wait(peers, 1);
        assert_true(peers->items[client].is_closed);
        peers_free(peers);
    }
}

static void refuse_without_host(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "GET /direct HTTP/1.1\r\n\r\n");
    peers_expect(peers, client,
                 "HTTP/1.1 400 Bad Request\r\ndate: " PEERS_DATE
                 "\r\nserver: envoy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    peers_expect_done(peers, 400, "-", "missing_host_header");
    peers_wait(peers, NS_SECOND);
    assert_true(peers->items[client].is_closed);
}

static void test_a_request_without_host_is_refused_by_the_connection_manager(void **state)
{
    (void)state;
    peers_play(refuse_without_host, UPSTREAM_HTTP1);
}

static void pipeline(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"
              "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_int_equal(peers_server_count(peers), 1);
    uint32_t server = peers_server(peers);
    assert_true(str_has_prefix(peers_heard(peers, server), STR("GET /app HTTP/1.1\r\n")));
    assert_int_equal(peers->done_count, 0);
    peers_say(peers, server, OK_FROM_SERVER "ok");
    peers_expect(peers, client, OK_HEAD "\r\nok" HELLO "\r\nhello");
    peers_say(peers, client, "\r\nGET /app/2 HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_true(str_has_prefix(peers_heard(peers, server), STR("GET /app/2 HTTP/1.1\r\n")));
    peers_say(peers, server, OK_FROM_SERVER "2!");
    peers_expect(peers, client, OK_HEAD "\r\n2!");
    assert_int_equal(peers_server_count(peers), 1);
    assert_int_equal(peers->done_count, 3);
}

/* ENVOY.md 1.2: strictly one at a time, in order. */
static void test_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    peers_play(pipeline, UPSTREAM_HTTP1);
}

static void test_a_flood_of_pipelined_requests_waits_outside(void **state)
{
    (void)state;
    static const struct str get = STR_INIT("GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    uint32_t said_count = 0;
    while (!peers->items[client].is_paused && said_count < 100000) {
        peers_say_bytes(peers, client, get);
        said_count++;
    }
    assert_true(said_count * get.len < LIMIT_READ_BYTES + 3 * get.len);
    uint32_t server = peers_server(peers);
    for (uint32_t i = 0; i < said_count; i++)
        peers_say(peers, server, OK_FROM_SERVER "ok");
    assert_int_equal(peers->done_count, said_count);
    assert_false(peers->items[client].is_paused);
    assert_int_equal(peers_server_count(peers), 1);
    peers_free(peers);
}

/* ENVOY.md 3.8, in each phase of a request. */
static void test_a_client_that_leaves_ends_its_request_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *said, *answered;
        bool is_connecting, is_server_expected;
        uint32_t status;
    } rows[] = {
        {"G", NULL, false, false, 0},
        {"GET /app HTTP/1.1\r\nho", NULL, false, false, 0},
        {"GET /app HTTP/1.1\r\nhost: a\r\n\r\n", NULL, true, true, 0},
        {"GET /app HTTP/1.1\r\nhost: a\r\n\r\n", NULL, false, true, 0},
        {"POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf", NULL, false, true, 0},
        {"GET /app HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nconte", false, true, 0},
        {"GET /app HTTP/1.1\r\nhost: a\r\n\r\n", OK_FROM_SERVER "o", false, true, 200},
    };
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        peers->is_holding_connects = rows[i / 2].is_connecting;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i / 2].said);
        uint32_t server = peers_server(peers);
        assert_int_equal(server != PEERS_NONE, rows[i / 2].is_server_expected);
        if (rows[i / 2].answered != NULL)
            peers_say(peers, server, rows[i / 2].answered);
        if (i % 2 == 0)
            peers_fin(peers, client);
        else
            peers_break(peers, client);
        assert_true(peers->items[client].is_closed);
        peers_expect_done(peers, rows[i / 2].status, "DC", "downstream_remote_disconnect");
        assert_int_equal(peers->done_count, 1);
        if (server != PEERS_NONE && !rows[i / 2].is_connecting)
            assert_true(peers->items[server].is_closed);
        assert_int_equal(wire_exchange_count(peers->wire), 0);
        assert_int_equal(wire_connection_count(peers->wire), 0);
        peers_free(peers);
    }
}

/* A blank line is the beginning of a request that did not come. */
static void test_an_idle_client_may_leave_silently(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, i == 1 ? "\r\n" : "");
        peers_fin(peers, client);
        assert_true(peers->items[client].is_closed);
        assert_int_equal(peers->done_count, i);
        if (i == 1)
            peers_expect_done(peers, 0, "DC", "downstream_remote_disconnect");
        peers_free(peers);
    }
}

static void answer_early(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /direct HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n");
    peers_expect(peers, client, HELLO "connection: close\r\n\r\nhello");
    assert_int_equal(peers->done_count, 1);
    peers_say(peers, client, "the rest is not wanted");
    peers_wait(peers, NS_SECOND);
    assert_true(peers->items[client].is_closed);
}

/* ENVOY.md 1.2, early response. */
static void test_an_answer_before_the_requests_end_closes_after_a_second(void **state)
{
    (void)state;
    peers_play(answer_early, UPSTREAM_HTTP1);
}

static void answer_early_from_upstream(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nsome");
    uint32_t server = peers_server(peers);
    peers_say(peers, server, "HTTP/1.1 413 X\r\ncontent-length: 0\r\n\r\n");
    assert_true(str_contains(peers_heard(peers, client), STR("\r\nconnection: close\r\n")));
    assert_true(peers->items[server].is_closed);
    assert_false(peers->items[client].is_closed);
    peers_fin(peers, client);
    assert_true(peers->items[client].is_closed);
    peers_expect_done(peers, 413, "-", "via_upstream");
}

static void test_a_post_answered_early_gives_up_both_connections(void **state)
{
    (void)state;
    peers_play(answer_early_from_upstream, UPSTREAM_HTTP1);
}

static void test_draining_closes_idle_connections_and_lets_requests_end(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t idle = peers_dial(peers);
    uint32_t busy = peers_dial(peers);
    peers_say(peers, busy, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
    uint32_t server = peers_server(peers);
    wire_drain(peers->wire, peers->now_ns);
    peers_run(peers);
    assert_true(peers->items[idle].is_closed);
    assert_false(peers->items[busy].is_closed);
    peers_say(peers, server, OK_FROM_SERVER "ok");
    assert_true(str_contains(peers_heard(peers, busy), STR("\r\nconnection: close\r\n")));
    assert_true(peers->items[busy].is_closed);
    assert_true(peers->items[server].is_closed);
    assert_int_equal(wire_connection_count(peers->wire), 0);
    peers_free(peers);
}

static void test_a_full_wire_refuses_connections(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    struct wire *wire = wire_new(peers->snapshot, 1, (struct wire_options){.connections_max = 2});
    struct wire_accept accept = {.listener = &peers->listener};
    assert_int_equal(wire_accepted(wire, &accept, 0), 0);
    assert_int_equal(wire_accepted(wire, &accept, 0), 1);
    assert_int_equal(wire_accepted(wire, &accept, 0), WIRE_NONE);
    wire_broken(wire, 0, 0);
    wire_gone(wire, 0);
    assert_int_equal(wire_accepted(wire, &accept, 0), 0);
    wire_free(wire);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_serves_one_request_after_the_other),
        cmocka_unit_test(test_a_client_that_asks_for_close_gets_it),
        cmocka_unit_test(test_http10_is_kept_only_when_it_asks_and_the_length_is_known),
        cmocka_unit_test(test_local_replies_are_envoys_to_the_byte),
        cmocka_unit_test(test_bad_requests_are_answered_and_the_connection_lingers),
        cmocka_unit_test(test_a_request_without_host_is_refused_by_the_connection_manager),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_a_flood_of_pipelined_requests_waits_outside),
        cmocka_unit_test(test_a_client_that_leaves_ends_its_request_everywhere),
        cmocka_unit_test(test_an_idle_client_may_leave_silently),
        cmocka_unit_test(test_an_answer_before_the_requests_end_closes_after_a_second),
        cmocka_unit_test(test_a_post_answered_early_gives_up_both_connections),
        cmocka_unit_test(test_draining_closes_idle_connections_and_lets_requests_end),
        cmocka_unit_test(test_a_full_wire_refuses_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
