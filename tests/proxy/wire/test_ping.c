/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_ping.c - servers that answer PINGs and servers that do not. Counters
 * and flags are those of a real Envoy.
 */
#include "tests/proxy/wire/h2_peer.h"

#define GET_APP "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"

static uint64_t stat(struct peers *peers, const char *name)
{
    uint64_t value = 0;
    assert_true(engine_stat(wire_engine(peers->wire), STR("one"), str_of(name), &value));
    return value;
}

static struct h2_peer *server_of(struct peers *peers)
{
    struct h2_peer *server = h2_peer_new(peers, peers_server(peers), H2_SERVER);
    h2_peer_hear(server);
    return server;
}

static struct peers *keepalive_peers(void)
{
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP2;
    small_clusters[0].has_h2_keepalive = true;
    small_clusters[0].h2_keepalive_interval_ns = NS_SECOND;
    small_clusters[0].h2_keepalive_timeout_ns = NS_SECOND / 2;
    peers_renew(peers);
    return peers;
}

/* One second and up to fifteen hundredths of it, as Envoy's interval_jitter; then a half. */
#define PING_NS_MAX (1150 * NS_MS)
#define SILENCE_NS (500 * NS_MS)

static void test_a_server_that_answers_pings_is_kept(void **state)
{
    (void)state;
    struct peers *peers = keepalive_peers();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    struct h2_peer *server = server_of(peers);
    for (int i = 0; i < 20; i++) {
        size_t before_bytes = buf_size(&peers->items[server->peer].heard);
        peers_wait(peers, NS_SECOND - NS_MS);
        assert_int_equal(buf_size(&peers->items[server->peer].heard), before_bytes);
        peers_wait(peers, PING_NS_MAX - NS_SECOND + NS_MS);
        assert_int_equal(buf_size(&peers->items[server->peer].heard), before_bytes + 17);
        h2_peer_hear(server);
        if (i == 3)
            h2_peer_answer(server, 0, 200, "", NULL);
    }
    assert_false(peers->items[server->peer].is_closed);
    assert_int_equal(stat(peers, "http2.keepalive_timeout"), 0);
    peers_say(peers, client, GET_APP);
    assert_int_equal(peers_server_count(peers), 1);
    h2_peer_free(server);
    peers_free(peers);
}

/* As a real Envoy counts it. */
static void test_a_silent_server_is_left_and_its_requests_fail(void **state)
{
    (void)state;
    struct peers *peers = keepalive_peers();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    peers_wait(peers, PING_NS_MAX + SILENCE_NS);
    peers_expect_done(peers, 503, "UC",
                      "upstream_reset_before_response_started{connection_termination}");
    assert_true(peers->items[peers_server(peers)].is_closed);
    assert_false(peers->items[peers_server(peers)].is_reset);
    assert_int_equal(stat(peers, "http2.keepalive_timeout"), 1);
    assert_int_equal(stat(peers, "upstream_cx_destroy_local"), 1);
    assert_int_equal(stat(peers, "upstream_cx_destroy_local_with_active_rq"), 1);
    assert_int_equal(stat(peers, "upstream_rq_pending_failure_eject"), 1);
    peers_free(peers);
}

static void test_a_silent_server_is_left_without_a_request_too(void **state)
{
    (void)state;
    struct peers *peers = keepalive_peers();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    struct h2_peer *server = server_of(peers);
    h2_peer_answer(server, 0, 200, "", NULL);
    peers_wait(peers, PING_NS_MAX + SILENCE_NS);
    assert_true(peers->items[server->peer].is_closed);
    assert_int_equal(stat(peers, "http2.keepalive_timeout"), 1);
    assert_int_equal(stat(peers, "upstream_cx_destroy_local"), 1);
    assert_int_equal(stat(peers, "upstream_cx_destroy_with_active_rq"), 0);
    assert_int_equal(peers_last_done(peers)->status, 200);
    h2_peer_free(server);
    peers_free(peers);
}

/* Envoy's clock runs from the connection's beginning. */
static void test_who_does_not_connect_answers_no_ping_either(void **state)
{
    (void)state;
    struct peers *peers = keepalive_peers();
    small_clusters[0].connect_timeout_ns = 5 * NS_SECOND;
    peers->is_holding_connects = true;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    peers_wait(peers, PING_NS_MAX + SILENCE_NS);
    peers_expect_done(peers, 503, "UF",
                      "upstream_reset_before_response_started{local_connection_failure}");
    assert_int_equal(stat(peers, "http2.keepalive_timeout"), 1);
    assert_int_equal(stat(peers, "upstream_cx_connect_fail"), 1);
    assert_int_equal(stat(peers, "upstream_cx_connect_timeout"), 0);
    assert_int_equal(stat(peers, "upstream_cx_destroy_local"), 1);
    peers_free(peers);
}

static void test_nobody_is_asked_without_an_interval(void **state)
{
    (void)state;
    struct peers *peers = keepalive_peers();
    small_clusters[0].h2_keepalive_interval_ns = 0;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, GET_APP);
    peers_wait(peers, 10 * NS_SECOND);
    assert_false(peers->items[peers_server(peers)].is_closed);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_that_answers_pings_is_kept),
        cmocka_unit_test(test_a_silent_server_is_left_and_its_requests_fail),
        cmocka_unit_test(test_a_silent_server_is_left_without_a_request_too),
        cmocka_unit_test(test_who_does_not_connect_answers_no_ping_either),
        cmocka_unit_test(test_nobody_is_asked_without_an_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
