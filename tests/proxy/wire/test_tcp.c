/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_tcp.c - pairs of connections, and connections whose
 * first bytes decide what they are.
 */
#include "tests/proxy/wire/peers.h"

static struct peers *tcp_peers(const char *cluster)
{
    struct peers *peers = peers_new();
    peers_chains[0] = (struct filter_chain){.kind = CHAIN_TCP, .tcp = {.cluster = str_of(cluster)}};
    return peers;
}

static void test_bytes_go_both_ways_and_fins_are_passed_on(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    uint32_t client = peers_dial(peers);
    uint32_t server = peers_server(peers);
    peers_say(peers, server, "who?");
    peers_expect(peers, client, "who?");
    peers_say(peers, client, "me");
    peers_expect(peers, server, "me");
    peers_fin(peers, client);
    assert_true(peers->items[server].is_shut);
    assert_false(peers->items[client].is_closed);
    peers_say(peers, server, "bye");
    peers_expect(peers, client, "bye");
    peers_fin(peers, server);
    assert_true(peers->items[client].is_closed);
    assert_true(peers->items[server].is_closed);
    peers_expect_done(peers, 0, "-", "");
    const struct done *done = peers_last_done(peers);
    assert_string_equal(done->method, "");
    assert_string_equal(done->cluster, "one");
    assert_int_equal(done->bytes_received, 2);
    assert_int_equal(done->bytes_sent, 7);
    assert_int_equal(wire_exchange_count(peers->wire), 0);
    assert_int_equal(wire_connection_count(peers->wire), 0);
    peers_free(peers);
}

static void test_what_was_said_before_the_connection_stood_is_not_lost(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    peers->is_holding_connects = true;
    uint32_t client = peers_dial(peers);
    uint32_t server = peers_server(peers);
    peers_say(peers, client, "early");
    peers_fin(peers, client);
    peers->items[server].is_connecting = false;
    wire_connected(peers->wire, peers->items[server].conn, peers->now_ns);
    peers_run(peers);
    peers_expect(peers, server, "early");
    assert_true(peers->items[server].is_shut);
    peers_break(peers, server);
    assert_true(peers->items[client].is_closed);
    peers_free(peers);
}

/* ENVOY.md 15.2; a client whose bytes nobody read sees a reset. */
static void test_a_pair_that_cannot_be_made_ends_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *cluster, *flags;
        bool is_refusing, is_timeout, is_speaking;
    } rows[] = {
        {"nowhere", "NC", false, false, false}, {"empty", "UH", false, false, false},
        {"one", "UF,URX", true, false, false},  {"one", "UF,URX", false, true, false},
        {"one", "UF,URX", false, true, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = tcp_peers(rows[i].cluster);
        peers->is_refusing = rows[i].is_refusing;
        peers->is_holding_connects = rows[i].is_timeout;
        wire_wake(peers->wire, 0);
        struct wire_accept accept = {.listener = &peers->listener};
        uint32_t conn = wire_accepted(peers->wire, &accept, 0);
        uint32_t client = peers_add(peers, conn, false);
        peers_run(peers);
        if (rows[i].is_speaking)
            peers_say(peers, client, "hello\n");
        if (rows[i].is_timeout)
            peers_wait(peers, 2 * NS_SECOND);
        assert_true(peers->items[client].is_closed);
        assert_int_equal(peers->items[client].is_reset, rows[i].is_speaking);
        peers_expect_done(peers, 0, rows[i].flags, "");
        assert_int_equal(wire_exchange_count(peers->wire), 0);
        peers_free(peers);
    }
}

/* ENVOY.md 15.2, and a real Envoy: a reset is passed on, either way, also after a FIN;
 * only the server's is a flag. */
static void test_a_reset_is_passed_on(void **state)
{
    (void)state;
    for (int row = 0; row < 6; row++) {
        bool is_servers = row % 2 == 0;
        struct peers *peers = tcp_peers("one");
        uint32_t client = peers_dial(peers);
        uint32_t server = peers_server(peers);
        peers_say(peers, client, "hello\n");
        if (row / 2 == 1)
            peers_fin(peers, is_servers ? client : server);
        peers->is_slow = row / 2 == 2; /* what has not left is lost */
        peers_say(peers, is_servers ? server : client, "bye\n");
        peers_break(peers, is_servers ? server : client);
        assert_true(peers->items[is_servers ? client : server].is_reset);
        peers_expect_done(peers, 0, is_servers ? "UR" : "-", "");
        assert_int_equal(wire_exchange_count(peers->wire), 0);
        assert_int_equal(wire_connection_count(peers->wire), 0);
        peers_free(peers);
    }
}

static void test_an_idle_pair_is_closed_after_an_hour(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    uint32_t client = peers_dial(peers);
    peers_wait(peers, NS_HOUR - 1);
    peers_say(peers, client, "still here");
    peers_wait(peers, NS_HOUR - 1);
    assert_false(peers->items[client].is_closed);
    peers_wait(peers, 1);
    assert_true(peers->items[client].is_closed);
    assert_true(peers->items[peers_server(peers)].is_closed);
    peers_free(peers);
}

static void test_the_chain_may_say_how_long_a_pair_may_idle(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    peers_chains[0].tcp.idle_timeout_ns = 5 * NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_wait(peers, 5 * NS_SECOND - 1);
    assert_false(peers->items[client].is_closed);
    peers_wait(peers, 1);
    assert_true(peers->items[client].is_closed);
    peers_free(peers);
}

/* maxConnectionDuration, whatever is said on it. */
static void test_a_pair_has_its_time(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    peers_chains[0].tcp.max_connection_duration_ns = 5 * NS_SECOND;
    uint32_t client = peers_dial(peers);
    peers_wait(peers, 5 * NS_SECOND - 1);
    peers_say(peers, client, "still here");
    assert_false(peers->items[client].is_closed);
    peers_wait(peers, 1);
    assert_true(peers->items[client].is_closed);
    assert_true(peers->items[peers_server(peers)].is_closed);
    peers_expect_done(peers, 0, "DT", "");
    assert_int_equal(wire_exchange_count(peers->wire), 0);
    peers_free(peers);
}

static void test_a_slow_reader_stops_its_sender(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    peers->is_slow = true;
    uint32_t client = peers_dial(peers);
    uint32_t server = peers_server(peers);
    static char piece[LIMIT_READ_BYTES];
    size_t said_bytes = 0;
    while (!peers->items[server].is_paused) {
        peers_say_bytes(peers, server, (struct str){piece, sizeof(piece)});
        said_bytes += sizeof(piece);
    }
    assert_int_equal(said_bytes, LIMIT_CONNECTION_BUFFER_BYTES);
    wire_wrote(peers->wire, peers->items[client].conn, said_bytes / 2 - 1, peers->now_ns);
    peers_run(peers);
    assert_true(peers->items[server].is_paused);
    wire_wrote(peers->wire, peers->items[client].conn, 1, peers->now_ns);
    peers_run(peers);
    assert_false(peers->items[server].is_paused);
    peers_free(peers);
}

/* ENVOY.md 6: TCP, too. */
static void test_pairs_are_counted_by_the_connection_breaker(void **state)
{
    (void)state;
    struct peers *peers = tcp_peers("one");
    small_clusters[0].breakers.max_connections = 1;
    peers_renew(peers);
    uint32_t first = peers_dial(peers);
    uint32_t second = peers_dial(peers);
    assert_false(peers->items[first].is_closed);
    assert_true(peers->items[second].is_closed);
    peers_expect_done(peers, 0, "UO", "");
    peers_break(peers, first);
    uint32_t third = peers_dial(peers);
    assert_false(peers->items[third].is_closed);
    peers_break(peers, third);
    assert_int_equal(wire_exchange_count(peers->wire), 0);
    peers_free(peers);
}

/* ENVOY.md 5.4: the client's address, without its port. */
static void test_a_source_belongs_to_an_endpoint(void **state)
{
    (void)state;
    static struct endpoint endpoints[8];
    struct peers *peers = tcp_peers("one");
    for (uint32_t i = 0; i < COUNT_OF(endpoints); i++)
        endpoints[i] = (struct endpoint){.address = STR("10.0.0.1"), .port = 80 + i, .weight = 1};
    small_clusters[0].endpoints = endpoints;
    small_clusters[0].endpoint_count = COUNT_OF(endpoints);
    small_clusters[0].lb = LB_RING_HASH;
    peers_chains[0].tcp.is_hashing_source_ip = true;
    peers_renew(peers);
    uint32_t port = 0;
    for (uint32_t i = 0; i < 5; i++) {
        struct wire_accept accept = {
            .listener = &peers->listener,
            .peer = {.remote_address = STR("10.1.1.1"), .remote_port = 1000 + i}};
        (void)peers_add(peers, wire_accepted(peers->wire, &accept, peers->now_ns), false);
        peers_run(peers);
        const struct peer *server = &peers->items[peers_server(peers)];
        assert_true(port == 0 || port == server->port);
        port = server->port;
    }
    peers_free(peers);
}

/* ISTIO.md 5.2: HTTP/1.1 to the connection manager, the rest as bytes. */
static void test_the_first_bytes_choose_between_http_and_bytes(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    static const struct {
        const char *said;
        bool is_http;
    } rows[] = {
        {"GET /direct HTTP/1.1\r\nhost: a\r\n\r\n", true},
        {"GET /direct HTTP/1.0\r\n\r\n", false},
        {"hello\n", false},
        {"\x16\x03\x01\x02", false},
    };
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        struct peers *peers = tcp_peers("one");
        peers->is_bytewise = i % 2 == 1;
        peers_chains[1] = peers_chains[0];
        peers_chains[0] = (struct filter_chain){.kind = CHAIN_HTTP,
                                                .http = small_http,
                                                .application_protocols = names,
                                                .application_protocol_count = 2,
                                                .transport_protocol = STR("raw_buffer")};
        peers->listener.default_chain = &peers_chains[1];
        peers->listener.http_inspector.is_there = true;
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, rows[i / 2].said);
        if (rows[i / 2].is_http) {
            assert_true(str_has_prefix(peers_heard(peers, client), STR("HTTP/1.1 200 OK\r\n")));
        } else {
            peers_expect(peers, peers_server(peers), rows[i / 2].said);
        }
        peers_free(peers);
    }
}

/* The inspector only looked: what it saw was never read, and the kernel says so. */
static void test_bytes_that_no_chain_is_for_are_refused_with_a_reset(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("h2c")};
    struct peers *peers = tcp_peers("one");
    peers_chains[0].application_protocols = names;
    peers_chains[0].application_protocol_count = 1;
    peers->listener.http_inspector.is_there = true;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "GET / HTTP/1.1\r\n\r\n");
    assert_true(peers->items[client].is_closed);
    assert_true(peers->items[client].is_reset);
    peers_expect(peers, client, "");
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_go_both_ways_and_fins_are_passed_on),
        cmocka_unit_test(test_what_was_said_before_the_connection_stood_is_not_lost),
        cmocka_unit_test(test_a_pair_that_cannot_be_made_ends_with_its_reason),
        cmocka_unit_test(test_a_reset_is_passed_on),
        cmocka_unit_test(test_an_idle_pair_is_closed_after_an_hour),
        cmocka_unit_test(test_the_chain_may_say_how_long_a_pair_may_idle),
        cmocka_unit_test(test_a_pair_has_its_time),
        cmocka_unit_test(test_a_slow_reader_stops_its_sender),
        cmocka_unit_test(test_pairs_are_counted_by_the_connection_breaker),
        cmocka_unit_test(test_a_source_belongs_to_an_endpoint),
        cmocka_unit_test(test_the_first_bytes_choose_between_http_and_bytes),
        cmocka_unit_test(test_bytes_that_no_chain_is_for_are_refused_with_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
