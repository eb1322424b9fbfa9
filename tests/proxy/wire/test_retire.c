/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_retire.c - connections that go on with another configuration, whose
 * answers are signed "server: heir".
 */
#include "tests/proxy/wire/peers.h"

#define GET_DIRECT "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"
#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
#define UPGRADE "GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"

struct change {
    struct peers *peers;
    struct snapshot *heir;
    struct cluster heir_clusters[2];
    struct filter_chain heir_chains[2];
    struct listener heir_listener;
    uint32_t done_count; /* when the client was handed over */
};

static struct change *change_new(void)
{
    struct change *change = calloc(1, sizeof(*change));
    assert_non_null(change);
    change->peers = peers_new();
    change->heir_chains[0] = peers_chains[0];
    change->heir_chains[0].http.server_name = STR("heir");
    change->heir_listener = change->peers->listener;
    change->heir_listener.chains = change->heir_chains;
    memcpy(change->heir_clusters, small_clusters, sizeof(small_clusters));
    change->heir = peers_heir(change->peers->snapshot, change->heir_clusters);
    return change;
}

static void change_free(struct change *change)
{
    peers_free(change->peers);
    snapshot_drop(change->heir);
    free(change);
}

/* Its upstream connections do not go on. */
static void change_cluster(struct change *change)
{
    change->heir_clusters[0].connect_timeout_ns++;
}

/* The client's connection goes on with the heir, if it may. */
static bool hand_over(struct change *change, uint32_t client)
{
    struct peers *peers = change->peers;
    struct peer *peer = &peers->items[client];
    assert_int_equal(wire_next_at_rest(peers->wire), peer->conn);
    buf_clear(&peer->heard);
    change->done_count = peers->done_count;
    if (!wire_hand_over(peers->wire, peer->conn, &change->heir_listener, peers->now_ns))
        return false;
    peers_run(peers);
    return true;
}

static uint32_t heir_done_count(const struct change *change)
{
    return change->peers->done_count - change->done_count;
}

static void replace(struct change *change)
{
    peers_replace(change->peers, change->heir);
}

/* Nothing is left of the configuration of before. */
static bool is_over(struct change *change)
{
    peers_wait(change->peers, 0);
    return wire_engine_count(change->peers->wire) == 1;
}

static bool has_heard(struct peers *peers, uint32_t index, const char *text)
{
    return str_find_str(buf_str(&peers->items[index].heard), str_of(text)) != STR_NONE;
}

static uint64_t stat_of(struct peers *peers, const char *cluster, const char *name)
{
    uint64_t sum = 0, value;
    for (uint32_t i = 0; i < wire_engine_count(peers->wire); i++) {
        assert_true(
            engine_stat(wire_engine_at(peers->wire, i), str_of(cluster), str_of(name), &value));
        sum += value;
    }
    return sum;
}

static void test_an_idle_connection_goes_on_with_the_heir_and_is_not_counted_again(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_DIRECT);
    replace(change);
    assert_true(hand_over(change, client));
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    assert_true(is_over(change));
    peers_say(change->peers, client, GET_DIRECT);
    assert_true(has_heard(change->peers, client, "server: heir"));
    assert_int_equal(stat_of(change->peers, "http", "downstream_cx_total"), 1);
    assert_int_equal(stat_of(change->peers, "http", "downstream_rq_total"), 2);
    change_free(change);
}

/* The stream began with its first byte: it keeps what it began with. */
static void test_a_head_that_is_half_read_is_served_where_it_began(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, "GET /dir");
    replace(change);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    peers_say(change->peers, client, "ect HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_true(has_heard(change->peers, client, "server: envoy"));
    assert_true(hand_over(change, client));
    change_free(change);
}

/* Whole or byte by byte: what follows the request under way is the heir's. */
static void test_pipelined_requests_behind_the_one_under_way_move(void **state)
{
    (void)state;
    for (int is_bytewise = 0; is_bytewise < 2; is_bytewise++) {
        struct change *change = change_new();
        change->peers->is_bytewise = is_bytewise == 1;
        uint32_t client = peers_dial(change->peers);
        peers_say(change->peers, client, GET_APP GET_APP "GET /dir");
        replace(change);
        peers_say(change->peers, peers_server(change->peers), OK_FROM_SERVER);
        assert_true(has_heard(change->peers, client, "\r\n\r\nok"));
        assert_false(has_heard(change->peers, client, "hello"));
        assert_true(hand_over(change, client));
        peers_wait(change->peers, 0);
        peers_say(change->peers, peers_server(change->peers), OK_FROM_SERVER);
        assert_int_equal(heir_done_count(change), 1);
        peers_say(change->peers, client, "ect HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_int_equal(heir_done_count(change), 2);
        assert_false(has_heard(change->peers, client, "server: envoy"));
        change_free(change);
    }
}

/* A local reply is complete in the same turn: the next request of the same
 * read is the heir's none the less. */
static void test_of_two_requests_in_one_read_the_second_moves(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, "G");
    replace(change);
    peers_say(change->peers, client, "ET /direct HTTP/1.1\r\nhost: a\r\n\r\n" GET_DIRECT);
    assert_int_equal(change->peers->done_count, 1);
    assert_true(hand_over(change, client));
    assert_int_equal(heir_done_count(change), 1);
    change_free(change);
}

static void test_a_response_under_way_ends_and_its_pool_closes(void **state)
{
    (void)state;
    struct change *change = change_new();
    change_cluster(change);
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_APP);
    uint32_t server = peers_server(change->peers);
    peers_say(change->peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhal");
    replace(change);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    assert_false(change->peers->items[server].is_closed);
    peers_say(change->peers, server, "ves");
    assert_true(has_heard(change->peers, client, "halves"));
    assert_false(has_heard(change->peers, client, "connection: close"));
    assert_true(change->peers->items[server].is_closed);
    assert_true(hand_over(change, client));
    assert_true(is_over(change));
    change_free(change);
}

static void test_idle_upstream_connections_close_at_once(void **state)
{
    (void)state;
    struct change *change = change_new();
    change_cluster(change);
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_APP);
    uint32_t server = peers_server(change->peers);
    peers_say(change->peers, server, OK_FROM_SERVER);
    assert_false(change->peers->items[server].is_closed);
    replace(change);
    assert_true(change->peers->items[server].is_closed);
    assert_int_equal(stat_of(change->peers, "one", "upstream_cx_destroy_local"), 1);
    change_free(change);
}

/* Its client left while it was being opened: nobody needs it any more. */
static void test_an_upstream_connection_that_comes_too_late_closes(void **state)
{
    (void)state;
    struct change *change = change_new();
    change_cluster(change);
    change->peers->is_holding_connects = true;
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_APP);
    uint32_t server = peers_server(change->peers);
    peers_fin(change->peers, client);
    replace(change);
    assert_false(is_over(change));
    wire_connected(change->peers->wire, change->peers->items[server].conn, change->peers->now_ns);
    change->peers->items[server].is_connecting = false;
    peers_run(change->peers);
    assert_true(change->peers->items[server].is_closed);
    assert_true(is_over(change));
    change_free(change);
}

static void test_a_tunnel_stays_until_it_ends(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, UPGRADE);
    uint32_t server = peers_server(change->peers);
    peers_say(change->peers, server,
              "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
              "upgrade: websocket\r\n\r\n");
    replace(change);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    peers_heard(change->peers, server);
    peers_say(change->peers, client, "ping");
    peers_expect(change->peers, server, "ping");
    peers_heard(change->peers, client);
    peers_say(change->peers, server, "pong");
    peers_expect(change->peers, client, "pong");
    assert_false(is_over(change));
    peers_fin(change->peers, client);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    assert_true(is_over(change));
    change_free(change);
}

/* Bytes that the kernel has not taken go with their connection: wire_wrote is
 * told to the heir, who reads on when there is room. */
static void test_unsent_bytes_move_along(void **state)
{
    (void)state;
    struct change *change = change_new();
    change->peers->is_slow = true;
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_DIRECT);
    size_t unsent_bytes = change->peers->items[client].unsent_bytes;
    assert_true(unsent_bytes > 0);
    replace(change);
    assert_true(hand_over(change, client));
    wire_wrote(change->peers->wire, change->peers->items[client].conn, unsent_bytes,
               change->peers->now_ns);
    peers_run(change->peers);
    peers_say(change->peers, client, GET_DIRECT);
    assert_int_equal(heir_done_count(change), 1);
    change_free(change);
}

/* Its reading was paused, because more had come behind a request than may
 * wait. */
static void test_a_paused_connection_is_read_again(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_APP);
    peers_say(change->peers, client, "GET /direct HTTP/1.1\r\nhost: a\r\nx: ");
    while (!change->peers->items[client].is_paused)
        peers_say(change->peers, client, "many words many words many words many words");
    peers_say(change->peers, client, "\r\n\r\n");
    replace(change);
    peers_say(change->peers, peers_server(change->peers), OK_FROM_SERVER);
    assert_true(hand_over(change, client));
    assert_false(change->peers->items[client].is_paused);
    assert_int_equal(change->done_count, 1);
    assert_int_equal(heir_done_count(change), 1);
    change_free(change);
}

/* ENVOY.md 1.9: the idle time runs from the last request's end, whoever has the
 * connection. */
static void test_the_idle_time_goes_on(void **state)
{
    (void)state;
    static const struct {
        int64_t old_ns, heir_ns, before_ns, after_ns;
    } rows[] = {
        {10 * NS_SECOND, 10 * NS_SECOND, 6 * NS_SECOND, 4 * NS_SECOND},
        {10 * NS_SECOND, 20 * NS_SECOND, 6 * NS_SECOND, 14 * NS_SECOND},
        {20 * NS_SECOND, 10 * NS_SECOND, 6 * NS_SECOND, 4 * NS_SECOND},
        {0, 10 * NS_SECOND, 6 * NS_SECOND, 4 * NS_SECOND},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct change *change = change_new();
        peers_chains[0].http.idle_timeout_ns = rows[i].old_ns;
        change->heir_chains[0].http.idle_timeout_ns = rows[i].heir_ns;
        uint32_t client = peers_dial(change->peers);
        peers_say(change->peers, client, GET_DIRECT);
        peers_wait(change->peers, rows[i].before_ns);
        replace(change);
        assert_true(hand_over(change, client));
        /* Envoy's drain_timeout of 5 s follows, and a second for the client to
         * close first. */
        peers_wait(change->peers, rows[i].after_ns + 6 * NS_SECOND - NS_MS);
        assert_false(change->peers->items[client].is_closed);
        peers_wait(change->peers, NS_MS);
        assert_true(change->peers->items[client].is_closed);
        change_free(change);
    }
}

/* So does its age; who is old is told so with the next answer. */
static void test_the_age_goes_on(void **state)
{
    (void)state;
    static const struct {
        int64_t old_ns, heir_ns;
        bool is_old;
    } rows[] = {
        {10 * NS_SECOND, 10 * NS_SECOND, true},
        {10 * NS_SECOND, 20 * NS_SECOND, false},
        {20 * NS_SECOND, 10 * NS_SECOND, true},
        {10 * NS_SECOND, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct change *change = change_new();
        peers_chains[0].http.max_connection_duration_ns = rows[i].old_ns;
        change->heir_chains[0].http.max_connection_duration_ns = rows[i].heir_ns;
        uint32_t client = peers_dial(change->peers);
        peers_say(change->peers, client, GET_DIRECT);
        peers_wait(change->peers, 6 * NS_SECOND);
        replace(change);
        assert_true(hand_over(change, client));
        peers_wait(change->peers, 4 * NS_SECOND);
        peers_say(change->peers, client, GET_DIRECT);
        assert_int_equal(has_heard(change->peers, client, "connection: close"), rows[i].is_old);
        peers_chains[0].http.max_connection_duration_ns = 0;
        change_free(change);
    }
}

/* Where chains are told apart by the first bytes, those of a connection that is
 * not told yet move, and the heir chooses. */
static void test_bytes_that_are_being_inspected_move(void **state)
{
    (void)state;
    static const struct str protocols[] = {STR_INIT("http/1.1")};
    struct change *change = change_new();
    peers_chains[0].application_protocols = protocols;
    peers_chains[0].application_protocol_count = 1;
    change->heir_chains[0].application_protocols = protocols;
    change->heir_chains[0].application_protocol_count = 1;
    change->peers->listener.http_inspector.is_there = true;
    change->heir_listener.http_inspector.is_there = true;
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, "GET /dir");
    replace(change);
    assert_true(hand_over(change, client));
    peers_say(change->peers, client, "ect HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_true(has_heard(change->peers, client, "server: heir"));
    assert_int_equal(stat_of(change->peers, "http", "downstream_cx_total"), 1);
    change_free(change);
}

/* Who cannot move is served once more where it is, if it has asked already. */
static void test_a_connection_that_cannot_move_is_drained(void **state)
{
    (void)state;
    for (int has_asked = 0; has_asked < 2; has_asked++) {
        struct change *change = change_new();
        change->heir_chains[0] = (struct filter_chain){.kind = CHAIN_TCP};
        uint32_t client = peers_dial(change->peers);
        peers_say(change->peers, client, has_asked == 1 ? GET_APP GET_DIRECT : GET_APP);
        replace(change);
        peers_say(change->peers, peers_server(change->peers), OK_FROM_SERVER);
        assert_false(hand_over(change, client));
        wire_drain_conn(change->peers->wire, change->peers->items[client].conn,
                        change->peers->now_ns);
        peers_run(change->peers);
        assert_int_equal(change->peers->done_count, 1 + has_asked);
        assert_int_equal(has_heard(change->peers, client, "connection: close"), has_asked == 1);
        peers_wait(change->peers, NS_SECOND); /* an answer from within the head closes late */
        assert_true(change->peers->items[client].is_closed);
        assert_true(is_over(change));
        change_free(change);
    }
}

/* One that was to close after the answer does so, and does not move. */
static void test_the_last_request_of_a_connection_closes_it(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, "GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    replace(change);
    peers_say(change->peers, peers_server(change->peers), OK_FROM_SERVER);
    assert_true(change->peers->items[client].is_closed);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    assert_true(is_over(change));
    change_free(change);
}

static void test_a_client_that_breaks_before_it_moved_is_forgotten(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    replace(change);
    assert_int_equal(wire_next_at_rest(change->peers->wire), change->peers->items[client].conn);
    wire_broken(change->peers->wire, change->peers->items[client].conn, change->peers->now_ns);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    peers_gone(change->peers, &change->peers->items[client]);
    assert_true(is_over(change));
    change_free(change);
}

/* Draining goes before a new configuration: nobody moves any more. */
static void test_a_wire_that_drains_hands_nobody_over(void **state)
{
    (void)state;
    struct change *change = change_new();
    uint32_t client = peers_dial(change->peers);
    peers_say(change->peers, client, GET_APP);
    replace(change);
    wire_drain(change->peers->wire, change->peers->now_ns);
    peers_say(change->peers, peers_server(change->peers), OK_FROM_SERVER);
    assert_true(has_heard(change->peers, client, "connection: close"));
    assert_true(change->peers->items[client].is_closed);
    assert_int_equal(wire_next_at_rest(change->peers->wire), WIRE_NONE);
    change_free(change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_idle_connection_goes_on_with_the_heir_and_is_not_counted_again),
        cmocka_unit_test(test_a_head_that_is_half_read_is_served_where_it_began),
        cmocka_unit_test(test_pipelined_requests_behind_the_one_under_way_move),
        cmocka_unit_test(test_of_two_requests_in_one_read_the_second_moves),
        cmocka_unit_test(test_a_response_under_way_ends_and_its_pool_closes),
        cmocka_unit_test(test_idle_upstream_connections_close_at_once),
        cmocka_unit_test(test_an_upstream_connection_that_comes_too_late_closes),
        cmocka_unit_test(test_a_tunnel_stays_until_it_ends),
        cmocka_unit_test(test_unsent_bytes_move_along),
        cmocka_unit_test(test_a_paused_connection_is_read_again),
        cmocka_unit_test(test_the_idle_time_goes_on),
        cmocka_unit_test(test_the_age_goes_on),
        cmocka_unit_test(test_bytes_that_are_being_inspected_move),
        cmocka_unit_test(test_a_connection_that_cannot_move_is_drained),
        cmocka_unit_test(test_the_last_request_of_a_connection_closes_it),
        cmocka_unit_test(test_a_client_that_breaks_before_it_moved_is_forgotten),
        cmocka_unit_test(test_a_wire_that_drains_hands_nobody_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
