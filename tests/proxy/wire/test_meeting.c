/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_meeting.c - filter chains by server name and ALPN, and where
 * TLS begins.
 */
#include "tests/proxy/wire/peers.h"

#include "proxy/core/engine_stats.h"

/* ALPN istio, http/1.1 and, in its place, a name of 9 letters. */
#define HELLO(name)                                                    \
    "\x16\x03\x01\x00\x5b\x01\x00\x00\x57\x03\x03"                     \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\x00\x00\x02\x13\x01\x01\x00\x00\x2c"                             \
    "\x00\x00\x00\x0e\x00\x0c\x00\x00\x09" name                        \
    "\x00\x10\x00\x16\x00\x14\x05istio\x08http/1.1\x04test"

static const struct str HELLO_SHOP = STR_INIT(HELLO("Shop.test"));
static const struct str HELLO_BLOG = STR_INIT(HELLO("blog.test"));

static struct downstream_tls shop_tls, blog_tls;
static const struct str SHOP[] = {STR_INIT("shop.test")};
static const struct str BLOG[] = {STR_INIT("*.other"), STR_INIT("blog.test")};

/* A gateway's port with two servers. */
static struct peers *gateway(void)
{
    struct peers *peers = peers_new();
    peers_chains[0].is_tls = true;
    peers_chains[0].tls = &shop_tls;
    peers_chains[0].server_names = SHOP;
    peers_chains[0].server_name_count = COUNT_OF(SHOP);
    peers_chains[0].http.cert_details = CERT_APPEND_FORWARD;
    peers_chains[1] = peers_chains[0];
    peers_chains[1].tls = &blog_tls;
    peers_chains[1].server_names = BLOG;
    peers_chains[1].server_name_count = COUNT_OF(BLOG);
    peers->listener.chain_count = 2;
    peers->listener.tls_inspector.is_there = true;
    return peers;
}

static void test_the_server_name_chooses_who_ends_tls(void **state)
{
    (void)state;
    for (int is_bytewise = 0; is_bytewise < 2; is_bytewise++) {
        struct peers *peers = gateway();
        peers->is_bytewise = is_bytewise != 0;
        uint32_t shop = peers_dial(peers);
        peers_say_bytes(peers, shop, HELLO_SHOP);
        assert_ptr_equal(peers->items[shop].tls, &shop_tls);
        assert_true(str_eq(peers_heard(peers, shop), HELLO_SHOP));
        uint32_t blog = peers_dial(peers);
        peers_say_bytes(peers, blog, HELLO_BLOG);
        assert_ptr_equal(peers->items[blog].tls, &blog_tls);
        peers_free(peers);
    }
}

static void test_what_is_plain_behind_tls_is_served(void **state)
{
    (void)state;
    static const struct str URIS[] = {STR_INIT("spiffe://d/ns/a/sa/b")};
    static const struct certificate peer = {.uris = URIS, .uri_count = 1, .hash = STR_INIT("00")};
    struct peers *peers = gateway();
    uint32_t client = peers_dial(peers);
    peers_say_bytes(peers, client, HELLO_SHOP);
    (void)peers_heard(peers, client);
    struct wire_handshake handshake = {.peer = &peer};
    wire_note_handshake(peers->wire, peers->items[client].conn, &handshake);
    wire_secured(peers->wire, peers->items[client].conn, STR_EMPTY, peers->now_ns);
    peers_run(peers);
    peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
    struct str heard = peers_heard(peers, peers_server(peers));
    assert_true(str_contains(heard, STR("x-forwarded-proto: https\r\n")));
    assert_true(str_contains(heard, STR("x-forwarded-client-cert: Hash=00;Subject=\"\";"
                                        "URI=spiffe://d/ns/a/sa/b\r\n")));
    peers_free(peers);
}

static void test_a_handshake_that_fails_is_the_end_of_it(void **state)
{
    (void)state;
    struct peers *peers = gateway();
    uint32_t client = peers_dial(peers);
    peers_say_bytes(peers, client, HELLO_SHOP);
    peers_break(peers, client);
    assert_int_equal(wire_connection_count(peers->wire), 0);
    assert_int_equal(peers->done_count, 0);
    peers_free(peers);
}

static void test_nobody_by_that_name_is_a_reset(void **state)
{
    (void)state;
    static const struct str bytes[] = {STR_INIT(HELLO("wiki.test")),
                                       STR_INIT("GET / HTTP/1.1\r\n\r\n"),
                                       STR_INIT("\x16\x03\x01\x00\x04\x02\x00\x00\x00")};
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        struct peers *peers = gateway();
        uint32_t client = peers_dial(peers);
        peers_say_bytes(peers, client, bytes[i]);
        assert_true(peers->items[client].is_reset);
        assert_null(peers->items[client].tls);
        peers_free(peers);
    }
}

/* Who leaves before anybody knows what it is: its bytes were never read. */
static void test_who_leaves_amid_its_greeting_is_reset(void **state)
{
    (void)state;
    static const struct str bytes[] = {STR_INIT(""), STR_INIT("G"), STR_INIT("\x16\x03\x01\x02")};
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        struct peers *peers = gateway();
        uint32_t client = peers_dial(peers);
        if (bytes[i].len > 0)
            peers_say_bytes(peers, client, bytes[i]);
        assert_false(peers->items[client].is_reset);
        peers_fin(peers, client);
        assert_int_equal(peers->items[client].is_reset, bytes[i].len > 0);
        assert_int_equal(wire_connection_count(peers->wire), 0);
        peers_free(peers);
    }
}

/* A connection in the handshake stays with the configuration that it met, and moves
 * when it is over. */
static void test_a_handshake_ends_where_it_began(void **state)
{
    (void)state;
    struct peers *peers = gateway();
    uint32_t client = peers_dial(peers);
    peers_say_bytes(peers, client, HELLO_SHOP);
    struct snapshot *heir = peers_heir(peers->snapshot, small_clusters);
    peers_replace(peers, heir);
    snapshot_drop(heir);
    assert_int_equal(wire_next_at_rest(peers->wire), WIRE_NONE);
    wire_secured(peers->wire, peers->items[client].conn, STR_EMPTY, peers->now_ns);
    peers_run(peers);
    assert_int_equal(wire_next_at_rest(peers->wire), peers->items[client].conn);
    peers_free(peers);
}

static uint64_t counter(struct peers *peers, enum listener_stat stat)
{
    return engine_listener_stats(wire_engine(peers->wire), &peers->listener)->counters[stat];
}

/* listener_filters_timeout: Envoy's 15 s where nothing is said. */
static void test_who_says_too_little_is_closed(void **state)
{
    (void)state;
    struct peers *peers = gateway();
    uint32_t silent = peers_dial(peers);
    uint32_t slow = peers_dial(peers);
    peers_say_bytes(peers, slow, str_slice(HELLO_SHOP, 0, 20));
    assert_int_equal(counter(peers, STAT_LISTENER_downstream_pre_cx_active), 2);
    peers_wait(peers, 15 * NS_SECOND - 1);
    assert_false(peers->items[silent].is_closed || peers->items[slow].is_closed);
    peers_wait(peers, 1);
    assert_true(peers->items[silent].is_closed);
    assert_true(peers->items[slow].is_reset); /* nobody has read it */
    assert_int_equal(counter(peers, STAT_LISTENER_downstream_pre_cx_timeout), 2);
    assert_int_equal(counter(peers, STAT_LISTENER_downstream_pre_cx_active), 0);
    peers_free(peers);
}

/* With a time of its own (protocolDetectionTimeout) it goes on without what was not
 * said; 0: for ever. */
static void test_a_listener_with_a_time_goes_on(void **state)
{
    (void)state;
    for (int64_t timeout_ns = 0; timeout_ns < 2 * NS_SECOND; timeout_ns += NS_SECOND) {
        struct peers *peers = gateway();
        peers->listener.has_detection_timeout = true;
        peers->listener.detection_timeout_ns = timeout_ns;
        peers->listener.chain_count = 1;
        peers_chains[0].is_tls = false;
        peers_chains[0].tls = NULL;
        peers_chains[0].server_name_count = 0;
        uint32_t client = peers_dial(peers);
        peers_wait(peers, NS_HOUR / 2);
        assert_false(peers->items[client].is_closed);
        assert_int_equal(counter(peers, STAT_LISTENER_downstream_pre_cx_timeout), timeout_ns > 0);
        assert_int_equal(counter(peers, STAT_LISTENER_downstream_pre_cx_active), timeout_ns == 0);
        peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_true(
            str_has_prefix(peers_heard(peers, peers_server(peers)), STR("GET /app HTTP/1.1")));
        peers_free(peers);
    }
}

static void test_a_handshake_has_its_time(void **state)
{
    (void)state;
    struct peers *peers = gateway();
    peers_chains[0].transport_connect_timeout_ns = 2 * NS_SECOND;
    uint32_t slow = peers_dial(peers), quick = peers_dial(peers);
    peers_say_bytes(peers, slow, HELLO_SHOP);
    peers_say_bytes(peers, quick, HELLO_SHOP);
    peers_wait(peers, NS_SECOND);
    wire_secured(peers->wire, peers->items[quick].conn, STR_EMPTY, peers->now_ns);
    peers_run(peers);
    peers_wait(peers, NS_SECOND);
    assert_true(peers->items[slow].is_closed);
    assert_false(peers->items[quick].is_closed);
    assert_int_equal(counter(peers, STAT_LISTENER_downstream_cx_transport_socket_connect_timeout),
                     1);
    assert_int_equal(peers->done_count, 0);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_server_name_chooses_who_ends_tls),
        cmocka_unit_test(test_what_is_plain_behind_tls_is_served),
        cmocka_unit_test(test_a_handshake_that_fails_is_the_end_of_it),
        cmocka_unit_test(test_nobody_by_that_name_is_a_reset),
        cmocka_unit_test(test_who_leaves_amid_its_greeting_is_reset),
        cmocka_unit_test(test_a_handshake_ends_where_it_began),
        cmocka_unit_test(test_who_says_too_little_is_closed),
        cmocka_unit_test(test_a_listener_with_a_time_goes_on),
        cmocka_unit_test(test_a_handshake_has_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
