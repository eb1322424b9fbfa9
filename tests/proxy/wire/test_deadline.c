/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_deadline.c - ENVOY.md 1.9, 1.10, 8.4: what time does to
 * streams and connections, in virtual time.
 */
#include "tests/proxy/wire/peers.h"

#define DIRECT "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"
#define POST_HALF "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab"
#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"

static struct http_connection_manager *manager(void)
{
    return &peers_chains[0].http;
}

static uint64_t http_count(struct peers *peers, enum http_stat stat)
{
    uint64_t value = 0;
    assert_true(engine_stat(wire_engine(peers->wire), STR("http"), stat_http_name(stat), &value));
    return value;
}

static uint64_t cluster_count(struct peers *peers, enum cluster_stat stat)
{
    return engine_cluster_stats(wire_engine(peers->wire), 0)->counters[stat];
}

static bool has_line(struct str heard, const char *line)
{
    return str_contains(heard, str_of(line));
}

static void ask_and_answer(struct peers *peers, uint32_t client)
{
    peers_say(peers, client, GET_APP);
    peers_say(peers, peers_server(peers), OK_FROM_SERVER "hi");
}

/* One stream that takes too long, by each of the four clocks. */
static const struct {
    const char *name;
    struct http_connection_manager set;
    const char *said;
    uint32_t status;
    const char *flags, *details, *line, *body;
    enum http_stat stat;
} TOO_LONG[] = {
    {"a head that never ends",
     {.request_headers_timeout_ns = 3 * NS_SECOND},
     "GET /app HTTP/1.1\r\nhost:",
     408,
     "-",
     "request_header_timeout",
     "HTTP/1.1 408 Request Timeout\r\n",
     "\r\n\r\nrequest header timeout",
     STAT_HTTP_downstream_rq_header_timeout},
    {"a body that never ends",
     {.request_timeout_ns = 3 * NS_SECOND},
     POST_HALF,
     408,
     "-",
     "request_overall_timeout",
     "HTTP/1.1 408 Request Timeout\r\n",
     "\r\n\r\nrequest timeout",
     STAT_HTTP_downstream_rq_timeout},
    {"silence of the client",
     {.stream_idle_timeout_ns = 3 * NS_SECOND},
     POST_HALF,
     408,
     "SI",
     "stream_idle_timeout",
     "HTTP/1.1 408 Request Timeout\r\n",
     "\r\n\r\nstream timeout",
     STAT_HTTP_downstream_rq_idle_timeout},
    {"silence of the server",
     {.stream_idle_timeout_ns = 3 * NS_SECOND},
     GET_APP,
     504,
     "SI",
     "stream_idle_timeout",
     "HTTP/1.1 504 Gateway Timeout\r\n",
     "\r\n\r\nstream timeout",
     STAT_HTTP_downstream_rq_idle_timeout},
    {"a life too long for a client that talks",
     {.max_stream_duration_ns = 3 * NS_SECOND},
     POST_HALF,
     408,
     "-",
     "max_duration_timeout",
     "HTTP/1.1 408 Request Timeout\r\n",
     "\r\n\r\ndownstream duration timeout",
     STAT_HTTP_downstream_rq_max_duration_reached},
    {"a life too long for a server that thinks",
     {.max_stream_duration_ns = 3 * NS_SECOND},
     GET_APP,
     504,
     "-",
     "max_duration_timeout",
     "HTTP/1.1 504 Gateway Timeout\r\n",
     "\r\n\r\ndownstream duration timeout",
     STAT_HTTP_downstream_rq_max_duration_reached},
};

static void test_streams_that_take_too_long_are_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(TOO_LONG); i++) {
        struct peers *peers = peers_new();
        manager()->request_headers_timeout_ns = TOO_LONG[i].set.request_headers_timeout_ns;
        manager()->request_timeout_ns = TOO_LONG[i].set.request_timeout_ns;
        manager()->stream_idle_timeout_ns = TOO_LONG[i].set.stream_idle_timeout_ns;
        manager()->max_stream_duration_ns = TOO_LONG[i].set.max_stream_duration_ns;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, TOO_LONG[i].said);
        peers_wait(peers, 3 * NS_SECOND - 1);
        assert_int_equal(peers->done_count, 0);
        peers_wait(peers, 1);
        peers_expect_done(peers, TOO_LONG[i].status, TOO_LONG[i].flags, TOO_LONG[i].details);
        struct str heard = peers_heard(peers, client);
        assert_true(str_has_prefix(heard, str_of(TOO_LONG[i].line)));
        assert_true(str_has_suffix(heard, str_of(TOO_LONG[i].body)));
        /* Who has not said everything loses the connection. */
        assert_int_equal(has_line(heard, "\r\nconnection: close\r\n"), TOO_LONG[i].status == 408);
        assert_int_equal(http_count(peers, TOO_LONG[i].stat), 1);
        uint32_t server = peers_server(peers);
        assert_true(server == PEERS_NONE || peers->items[server].is_closed);
        peers_free(peers);
    }
}

/* A trickle is no silence. */
static void test_progress_puts_silence_off(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    manager()->stream_idle_timeout_ns = 3 * NS_SECOND;
    manager()->request_headers_timeout_ns = NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        peers_wait(peers, 2 * NS_SECOND);
        peers_say(peers, client, "x");
    }
    uint32_t server = peers_server(peers);
    peers_wait(peers, 2 * NS_SECOND);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    for (int i = 0; i < 4; i++) {
        peers_wait(peers, 2 * NS_SECOND);
        peers_say(peers, server, "y");
    }
    peers_expect_done(peers, 200, "-", "via_upstream");
    assert_false(peers->items[client].is_closed);
    peers_free(peers);
}

/* The response was begun: its end does not come, the connection goes. */
static void test_a_begun_response_is_cut(void **state)
{
    (void)state;
    static const struct {
        struct http_connection_manager set;
        const char *flags, *details;
    } rows[] = {
        {{.stream_idle_timeout_ns = 3 * NS_SECOND}, "SI", "stream_idle_timeout"},
        {{.max_stream_duration_ns = 3 * NS_SECOND}, "-", "max_duration_timeout"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        manager()->stream_idle_timeout_ns = rows[i].set.stream_idle_timeout_ns;
        manager()->max_stream_duration_ns = rows[i].set.max_stream_duration_ns;
        manager()->request_timeout_ns = NS_SECOND; /* over when the response begins */
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, GET_APP);
        peers_say(peers, peers_server(peers), OK_FROM_SERVER "h");
        peers_wait(peers, 3 * NS_SECOND);
        peers_expect_done(peers, 200, rows[i].flags, rows[i].details);
        assert_false(peers->items[client].is_closed);
        peers_wait(peers, NS_SECOND); /* delayed_close_timeout */
        assert_true(peers->items[client].is_closed);
        assert_int_equal(http_count(peers, STAT_HTTP_downstream_cx_delayed_close_timeout), 1);
        peers_free(peers);
    }
}

/* ENVOY.md 15.1: silence ends a websocket as well; the route's clock does not. */
static void test_a_silent_websocket_is_closed(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    manager()->stream_idle_timeout_ns = 20 * NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_say(
        peers, client,
        "GET /short HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    uint32_t server = peers_server(peers);
    peers_say(peers, server, "HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    peers_wait(peers, 19 * NS_SECOND);
    peers_say(peers, server, "ping");
    peers_wait(peers, 19 * NS_SECOND);
    peers_say(peers, client, "pong");
    peers_wait(peers, 19 * NS_SECOND);
    assert_int_equal(peers->done_count, 0);
    peers_wait(peers, NS_SECOND);
    peers_expect_done(peers, 101, "SI", "stream_idle_timeout");
    assert_true(peers->items[server].is_closed);
    peers_free(peers);
}

static void test_a_route_outranks_its_manager(void **state)
{
    (void)state;
    static const struct {
        bool has_idle, has_duration;
        int64_t idle_ns, duration_ns;
        const char *details; /* NULL: nothing happens within a minute */
    } rows[] = {
        {true, false, NS_SECOND, 0, "stream_idle_timeout"},
        {true, true, 0, NS_SECOND, "max_duration_timeout"},
        {true, true, 0, 0, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        struct forward_action *forward = &small_routes[4].forward;
        forward->timeout_ns = 0;
        forward->has_idle_timeout = rows[i].has_idle;
        forward->idle_timeout_ns = rows[i].idle_ns;
        forward->has_max_stream_duration = rows[i].has_duration;
        forward->max_stream_duration_ns = rows[i].duration_ns;
        manager()->stream_idle_timeout_ns = 5 * NS_SECOND;
        manager()->max_stream_duration_ns = 7 * NS_SECOND;
        peers_say(peers, peers_dial(peers), GET_APP);
        peers_wait(peers, NS_SECOND);
        if (rows[i].details != NULL)
            assert_string_equal(peers_last_done(peers)->details, rows[i].details);
        peers_wait(peers, NS_MINUTE);
        assert_int_equal(peers->done_count, rows[i].details != NULL);
        peers_free(peers);
    }
}

/* A gRPC client is told so in its own words. */
static void test_grpc_is_told_that_the_deadline_is_exceeded(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    manager()->max_stream_duration_ns = NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "POST /app HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\n"
              "content-length: 0\r\n\r\n");
    peers_wait(peers, NS_SECOND);
    struct str heard = peers_heard(peers, client);
    assert_true(has_line(heard, "HTTP/1.1 200 OK\r\n"));
    assert_true(has_line(heard, "\r\ngrpc-status: 4\r\n"));
    peers_free(peers);
}

/* What comes within the grace is served, and told to be the last; then the peer
 * has a second to close first. Who never spoke is left at once. */
static void test_idle_and_old_connections_drain(void **state)
{
    (void)state;
    static const struct {
        int64_t idle_ns, age_ns;
        enum http_stat stat;
    } rows[] = {
        {10 * NS_SECOND, 0, STAT_HTTP_downstream_cx_idle_timeout},
        {NS_NEVER, 10 * NS_SECOND, STAT_HTTP_downstream_cx_max_duration_reached},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        manager()->idle_timeout_ns = rows[i].idle_ns;
        manager()->max_connection_duration_ns = rows[i].age_ns;
        manager()->drain_timeout_ns = 2 * NS_SECOND;
        uint32_t mute = peers_dial(peers), once = peers_dial(peers), twice = peers_dial(peers);
        peers_say(peers, once, DIRECT);
        peers_say(peers, twice, DIRECT);
        (void)peers_heard(peers, twice);
        peers_wait(peers, 10 * NS_SECOND);
        assert_int_equal(http_count(peers, rows[i].stat), 3);
        assert_true(peers->items[mute].is_closed);
        assert_false(peers->items[once].is_closed);
        peers_say(peers, twice, DIRECT);
        assert_true(has_line(peers_heard(peers, twice), "\r\nconnection: close\r\n"));
        peers_wait(peers, 3 * NS_SECOND - 1);
        assert_false(peers->items[once].is_closed);
        assert_false(peers->items[twice].is_closed);
        peers_wait(peers, 1);
        assert_true(peers->items[once].is_closed);
        assert_true(peers->items[twice].is_closed);
        peers_free(peers);
    }
}

/* A request under way is finished, and takes the connection with it. */
static void test_an_old_connection_ends_with_its_request(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    manager()->max_connection_duration_ns = 2 * NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    peers_wait(peers, 9 * NS_SECOND);
    assert_false(peers->items[client].is_closed);
    peers_say(peers, peers_server(peers), OK_FROM_SERVER "hi");
    assert_true(has_line(peers_heard(peers, client), "\r\nconnection: close\r\n"));
    peers_wait(peers, NS_SECOND);
    assert_true(peers->items[client].is_closed);
    peers_free(peers);
}

static void test_the_last_of_so_many_requests_closes(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    manager()->requests_per_connection_max = 3;
    uint32_t client = peers_dial(peers);
    for (int i = 1; i <= 3; i++) {
        assert_false(peers->items[client].is_closed);
        ask_and_answer(peers, client);
        assert_int_equal(has_line(peers_heard(peers, client), "\r\nconnection: close\r\n"), i == 3);
    }
    assert_true(peers->items[client].is_closed);
    assert_int_equal(http_count(peers, STAT_HTTP_downstream_cx_max_requests_reached), 1);
    peers_free(peers);
}

static void test_the_delayed_close_may_be_off_or_longer(void **state)
{
    (void)state;
    static const struct {
        int64_t set_ns, closed_after_ns;
    } rows[] = {{0, NS_SECOND}, {3 * NS_SECOND, 3 * NS_SECOND}, {NS_NEVER, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        manager()->delayed_close_ns = rows[i].set_ns;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, "nonsense\r\n\r\n");
        if (rows[i].closed_after_ns > 0) {
            peers_wait(peers, rows[i].closed_after_ns - 1);
            assert_false(peers->items[client].is_closed);
            peers_wait(peers, 1);
        }
        assert_true(peers->items[client].is_closed);
        peers_free(peers);
    }
}

/* --- upstream ------------------------------------------------------------- */

static void test_idle_upstream_connections_are_closed(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    small_clusters[0].idle_timeout_ns = 10 * NS_SECOND;
    uint32_t client = peers_dial(peers);
    for (int i = 0; i < 3; i++) {
        peers_wait(peers, 9 * NS_SECOND);
        ask_and_answer(peers, client);
    }
    assert_int_equal(peers_server_count(peers), 1);
    peers_wait(peers, 10 * NS_SECOND);
    assert_true(peers->items[peers_server(peers)].is_closed);
    assert_int_equal(cluster_count(peers, STAT_CLUSTER_upstream_cx_idle_timeout), 1);
    peers_free(peers);
}

static void test_upstream_connections_grow_old(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    small_clusters[0].max_connection_duration_ns = 5 * NS_SECOND;
    uint32_t client = peers_dial(peers);
    ask_and_answer(peers, client);
    peers_wait(peers, 4 * NS_SECOND);
    peers_say(peers, client, GET_APP);
    peers_wait(peers, 2 * NS_SECOND); /* under way: it is finished */
    uint32_t server = peers_server(peers);
    assert_false(peers->items[server].is_closed);
    peers_say(peers, server, OK_FROM_SERVER "hi");
    assert_true(peers->items[server].is_closed);
    assert_int_equal(cluster_count(peers, STAT_CLUSTER_upstream_cx_max_duration_reached), 1);
    ask_and_answer(peers, client); /* idle when it is old: closed at once */
    peers_wait(peers, 5 * NS_SECOND);
    assert_true(peers->items[peers_server(peers)].is_closed);
    assert_int_equal(peers_server_count(peers), 2);
    peers_free(peers);
}

static void test_upstream_connections_serve_so_many_requests(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    small_clusters[0].requests_per_connection_max = 2;
    uint32_t client = peers_dial(peers);
    for (int i = 0; i < 5; i++)
        ask_and_answer(peers, client);
    assert_int_equal(peers_server_count(peers), 3);
    assert_int_equal(cluster_count(peers, STAT_CLUSTER_upstream_cx_max_requests), 2);
    peers_free(peers);
}

/* The close that crosses a request is a termination, not an answer. */
static void test_a_close_that_crosses_the_request(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    ask_and_answer(peers, client);
    (void)peers_heard(peers, client);
    uint32_t server = peers_server(peers);
    peers_say(peers, client, GET_APP);
    peers_fin(peers, server);
    peers_expect_done(peers, 503, "UC",
                      "upstream_reset_before_response_started{connection_termination}");
    /* Seen before the request, it is nobody's trouble. */
    ask_and_answer(peers, client);
    peers_fin(peers, peers_server(peers));
    ask_and_answer(peers, client);
    peers_expect_done(peers, 200, "-", "via_upstream");
    peers_free(peers);
}

static void test_connects_that_take_too_long(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers->is_holding_connects = true;
    peers_say(peers, peers_dial(peers), GET_APP);
    peers_wait(peers, 2 * NS_SECOND - 1);
    assert_int_equal(peers->done_count, 0);
    peers_wait(peers, 1);
    peers_expect_done(peers, 503, "UF",
                      "upstream_reset_before_response_started{connection_timeout}");
    assert_int_equal(cluster_count(peers, STAT_CLUSTER_upstream_cx_connect_timeout), 1);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_that_take_too_long_are_answered),
        cmocka_unit_test(test_progress_puts_silence_off),
        cmocka_unit_test(test_a_begun_response_is_cut),
        cmocka_unit_test(test_a_silent_websocket_is_closed),
        cmocka_unit_test(test_a_route_outranks_its_manager),
        cmocka_unit_test(test_grpc_is_told_that_the_deadline_is_exceeded),
        cmocka_unit_test(test_idle_and_old_connections_drain),
        cmocka_unit_test(test_an_old_connection_ends_with_its_request),
        cmocka_unit_test(test_the_last_of_so_many_requests_closes),
        cmocka_unit_test(test_the_delayed_close_may_be_off_or_longer),
        cmocka_unit_test(test_idle_upstream_connections_are_closed),
        cmocka_unit_test(test_upstream_connections_grow_old),
        cmocka_unit_test(test_upstream_connections_serve_so_many_requests),
        cmocka_unit_test(test_a_close_that_crosses_the_request),
        cmocka_unit_test(test_connects_that_take_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
