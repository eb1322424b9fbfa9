/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_retire.c - connections that go on with another wire.
 *
 * Two wires, each with its peers; the heir's answers are signed "server: heir".
 */
#include "tests/proxy/wire/peers.h"

#define GET_DIRECT "GET /direct HTTP/1.1\r\nhost: a\r\n\r\n"
#define GET_APP "GET /app HTTP/1.1\r\nhost: a\r\n\r\n"
#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
#define UPGRADE "GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"

struct reign {
    struct peers *old, *heir;
    struct filter_chain heir_chains[2];
};

static struct reign *reign_new(void)
{
    struct reign *reign = calloc(1, sizeof(*reign));
    assert_non_null(reign);
    reign->old = peers_new();
    reign->heir = peers_new();
    reign->heir_chains[0] = peers_chains[0];
    reign->heir_chains[0].http.server_name = STR("heir");
    reign->heir->listener.chains = reign->heir_chains;
    return reign;
}

static void reign_free(struct reign *reign)
{
    peers_free(reign->old);
    peers_free(reign->heir);
    free(reign);
}

/* The client's connection goes on with the heir, if it may. */
static uint32_t hand_over(struct reign *reign, uint32_t client)
{
    struct peers *old = reign->old, *heir = reign->heir;
    struct peer *peer = &old->items[client];
    assert_int_equal(wire_next_at_rest(old->wire), peer->conn);
    heir->now_ns = old->now_ns;
    struct wire_heir to = {.wire = heir->wire, .listener = &heir->listener};
    uint32_t conn = wire_hand_over(old->wire, peer->conn, &to, old->now_ns);
    if (conn == WIRE_NONE)
        return PEERS_NONE;
    uint32_t number = peers_add(heir, conn, false);
    heir->items[number].is_paused = peer->is_paused;
    heir->items[number].unsent_bytes = peer->unsent_bytes;
    peer->is_gone = true;
    peers_run(heir);
    return number;
}

static void retire(struct reign *reign)
{
    wire_retire(reign->old->wire, reign->old->now_ns);
    peers_run(reign->old);
}

static bool has_heard(struct peers *peers, uint32_t index, const char *text)
{
    return str_find_str(buf_str(&peers->items[index].heard), str_of(text)) != STR_NONE;
}

static uint64_t stat_of(struct peers *peers, const char *cluster, const char *name)
{
    uint64_t value;
    assert_true(engine_stat(wire_engine(peers->wire), str_of(cluster), str_of(name), &value));
    return value;
}

static void test_an_idle_connection_goes_on_with_the_heir_and_is_not_counted_again(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_DIRECT);
    retire(reign);
    uint32_t moved = hand_over(reign, client);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    assert_true(wire_is_over(reign->old->wire));
    peers_say(reign->heir, moved, GET_DIRECT);
    assert_true(has_heard(reign->heir, moved, "server: heir"));
    assert_int_equal(stat_of(reign->heir, "http", "downstream_cx_total"), 0);
    assert_int_equal(stat_of(reign->heir, "http", "downstream_rq_total"), 1);
    engine_inherit(wire_engine(reign->heir->wire), wire_engine(reign->old->wire));
    assert_int_equal(stat_of(reign->heir, "http", "downstream_cx_total"), 1);
    assert_int_equal(stat_of(reign->heir, "http", "downstream_rq_total"), 2);
    reign_free(reign);
}

/* The stream began with its first byte: it keeps what it began with. */
static void test_a_head_that_is_half_read_is_served_where_it_began(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, "GET /dir");
    retire(reign);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    peers_say(reign->old, client, "ect HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_true(has_heard(reign->old, client, "server: envoy"));
    uint32_t moved = hand_over(reign, client);
    assert_int_not_equal(moved, PEERS_NONE);
    reign_free(reign);
}

/* Whole or byte by byte: what follows the request under way is the heir's. */
static void test_pipelined_requests_behind_the_one_under_way_move(void **state)
{
    (void)state;
    for (int is_bytewise = 0; is_bytewise < 2; is_bytewise++) {
        struct reign *reign = reign_new();
        reign->old->is_bytewise = is_bytewise == 1;
        uint32_t client = peers_dial(reign->old);
        peers_say(reign->old, client, GET_APP GET_APP "GET /dir");
        retire(reign);
        peers_say(reign->old, peers_server(reign->old), OK_FROM_SERVER);
        assert_true(has_heard(reign->old, client, "\r\n\r\nok"));
        assert_false(has_heard(reign->old, client, "hello"));
        uint32_t moved = hand_over(reign, client);
        peers_say(reign->heir, peers_server(reign->heir), OK_FROM_SERVER);
        assert_int_equal(reign->heir->done_count, 1);
        peers_say(reign->heir, moved, "ect HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_int_equal(reign->heir->done_count, 2);
        assert_false(has_heard(reign->heir, moved, "server: envoy"));
        reign_free(reign);
    }
}

/* A local reply is complete in the same turn: the next request of the same
 * read is the heir's none the less. */
static void test_of_two_requests_in_one_read_the_second_moves(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, "G");
    retire(reign);
    peers_say(reign->old, client, "ET /direct HTTP/1.1\r\nhost: a\r\n\r\n" GET_DIRECT);
    assert_int_equal(reign->old->done_count, 1);
    hand_over(reign, client);
    assert_int_equal(reign->heir->done_count, 1);
    reign_free(reign);
}

static void test_a_response_under_way_ends_and_its_pool_closes(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_APP);
    uint32_t server = peers_server(reign->old);
    peers_say(reign->old, server, "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhal");
    retire(reign);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    assert_false(reign->old->items[server].is_closed);
    peers_say(reign->old, server, "ves");
    assert_true(has_heard(reign->old, client, "halves"));
    assert_false(has_heard(reign->old, client, "connection: close"));
    assert_true(reign->old->items[server].is_closed);
    assert_int_not_equal(hand_over(reign, client), PEERS_NONE);
    assert_true(wire_is_over(reign->old->wire));
    reign_free(reign);
}

static void test_idle_upstream_connections_close_at_once(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_APP);
    uint32_t server = peers_server(reign->old);
    peers_say(reign->old, server, OK_FROM_SERVER);
    assert_false(reign->old->items[server].is_closed);
    retire(reign);
    assert_true(reign->old->items[server].is_closed);
    assert_int_equal(stat_of(reign->old, "one", "upstream_cx_destroy_local"), 1);
    reign_free(reign);
}

/* Its client left while it was being opened: nobody needs it any more. */
static void test_an_upstream_connection_that_comes_too_late_closes(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    reign->old->is_holding_connects = true;
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_APP);
    uint32_t server = peers_server(reign->old);
    peers_fin(reign->old, client);
    retire(reign);
    assert_false(wire_is_over(reign->old->wire));
    wire_connected(reign->old->wire, reign->old->items[server].conn, reign->old->now_ns);
    reign->old->items[server].is_connecting = false;
    peers_run(reign->old);
    assert_true(reign->old->items[server].is_closed);
    assert_true(wire_is_over(reign->old->wire));
    reign_free(reign);
}

static void test_a_tunnel_stays_until_it_ends(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, UPGRADE);
    uint32_t server = peers_server(reign->old);
    peers_say(reign->old, server,
              "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
              "upgrade: websocket\r\n\r\n");
    retire(reign);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    peers_heard(reign->old, server);
    peers_say(reign->old, client, "ping");
    peers_expect(reign->old, server, "ping");
    peers_heard(reign->old, client);
    peers_say(reign->old, server, "pong");
    peers_expect(reign->old, client, "pong");
    assert_false(wire_is_over(reign->old->wire));
    peers_fin(reign->old, client);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    assert_true(wire_is_over(reign->old->wire));
    reign_free(reign);
}

/* Bytes that the kernel has not taken go with their connection: wire_wrote is
 * told to the heir, who reads on when there is room. */
static void test_unsent_bytes_move_along(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    reign->old->is_slow = true;
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_DIRECT);
    size_t unsent_bytes = reign->old->items[client].unsent_bytes;
    assert_true(unsent_bytes > 0);
    retire(reign);
    uint32_t moved = hand_over(reign, client);
    wire_wrote(reign->heir->wire, reign->heir->items[moved].conn, unsent_bytes,
               reign->heir->now_ns);
    peers_run(reign->heir);
    peers_say(reign->heir, moved, GET_DIRECT);
    assert_int_equal(reign->heir->done_count, 1);
    reign_free(reign);
}

/* Its reading was paused, because more had come behind a request than may
 * wait. */
static void test_a_paused_connection_is_read_again(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_APP);
    peers_say(reign->old, client, "GET /direct HTTP/1.1\r\nhost: a\r\nx: ");
    while (!reign->old->items[client].is_paused)
        peers_say(reign->old, client, "many words many words many words many words");
    peers_say(reign->old, client, "\r\n\r\n");
    retire(reign);
    peers_say(reign->old, peers_server(reign->old), OK_FROM_SERVER);
    uint32_t moved = hand_over(reign, client);
    assert_false(reign->heir->items[moved].is_paused);
    assert_int_equal(reign->old->done_count, 1);
    assert_int_equal(reign->heir->done_count, 1);
    reign_free(reign);
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
        struct reign *reign = reign_new();
        peers_chains[0].http.idle_timeout_ns = rows[i].old_ns;
        reign->heir_chains[0].http.idle_timeout_ns = rows[i].heir_ns;
        uint32_t client = peers_dial(reign->old);
        peers_say(reign->old, client, GET_DIRECT);
        peers_wait(reign->old, rows[i].before_ns);
        retire(reign);
        uint32_t moved = hand_over(reign, client);
        /* Envoy's drain_timeout of 5 s follows, and a second for the client to
         * close first. */
        peers_wait(reign->heir, rows[i].after_ns + 6 * NS_SECOND - NS_MS);
        assert_false(reign->heir->items[moved].is_closed);
        peers_wait(reign->heir, NS_MS);
        assert_true(reign->heir->items[moved].is_closed);
        reign_free(reign);
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
        struct reign *reign = reign_new();
        peers_chains[0].http.max_connection_duration_ns = rows[i].old_ns;
        reign->heir_chains[0].http.max_connection_duration_ns = rows[i].heir_ns;
        uint32_t client = peers_dial(reign->old);
        peers_say(reign->old, client, GET_DIRECT);
        peers_wait(reign->old, 6 * NS_SECOND);
        retire(reign);
        uint32_t moved = hand_over(reign, client);
        peers_wait(reign->heir, 4 * NS_SECOND);
        peers_say(reign->heir, moved, GET_DIRECT);
        assert_int_equal(has_heard(reign->heir, moved, "connection: close"), rows[i].is_old);
        peers_chains[0].http.max_connection_duration_ns = 0;
        reign_free(reign);
    }
}

/* Where chains are told apart by the first bytes, those of a connection that is
 * not told yet move, and the heir chooses. */
static void test_bytes_that_are_being_inspected_move(void **state)
{
    (void)state;
    static const struct str protocols[] = {STR_INIT("http/1.1")};
    struct reign *reign = reign_new();
    peers_chains[0].application_protocols = protocols;
    peers_chains[0].application_protocol_count = 1;
    reign->heir_chains[0].application_protocols = protocols;
    reign->heir_chains[0].application_protocol_count = 1;
    reign->old->listener.http_inspector.is_there = true;
    reign->heir->listener.http_inspector.is_there = true;
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, "GET /dir");
    retire(reign);
    uint32_t moved = hand_over(reign, client);
    peers_say(reign->heir, moved, "ect HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_true(has_heard(reign->heir, moved, "server: heir"));
    assert_int_equal(stat_of(reign->heir, "http", "downstream_cx_total"), 1);
    reign_free(reign);
}

/* Who cannot move is served once more where it is, if it has asked already. */
static void test_a_connection_that_cannot_move_is_drained(void **state)
{
    (void)state;
    for (int has_asked = 0; has_asked < 2; has_asked++) {
        struct reign *reign = reign_new();
        reign->heir_chains[0] = (struct filter_chain){.kind = CHAIN_TCP};
        uint32_t client = peers_dial(reign->old);
        peers_say(reign->old, client, has_asked == 1 ? GET_APP GET_DIRECT : GET_APP);
        retire(reign);
        peers_say(reign->old, peers_server(reign->old), OK_FROM_SERVER);
        assert_int_equal(hand_over(reign, client), PEERS_NONE);
        wire_drain_conn(reign->old->wire, reign->old->items[client].conn, reign->old->now_ns);
        peers_run(reign->old);
        assert_int_equal(reign->old->done_count, 1 + has_asked);
        assert_int_equal(has_heard(reign->old, client, "connection: close"), has_asked == 1);
        peers_wait(reign->old, NS_SECOND); /* an answer from within the head closes late */
        assert_true(reign->old->items[client].is_closed);
        assert_true(wire_is_over(reign->old->wire));
        reign_free(reign);
    }
}

static void test_an_heir_that_is_full_takes_nobody(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    wire_free(reign->heir->wire);
    reign->heir->wire =
        wire_new(reign->heir->snapshot, 1, (struct wire_options){.connections_max = 1});
    peers_dial(reign->heir);
    retire(reign);
    assert_int_equal(hand_over(reign, client), PEERS_NONE);
    wire_drain_conn(reign->old->wire, reign->old->items[client].conn, reign->old->now_ns);
    peers_run(reign->old);
    assert_true(reign->old->items[client].is_closed);
    reign_free(reign);
}

/* One that was to close after the answer does so, and does not move. */
static void test_the_last_request_of_a_connection_closes_it(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, "GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    retire(reign);
    peers_say(reign->old, peers_server(reign->old), OK_FROM_SERVER);
    assert_true(reign->old->items[client].is_closed);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    assert_true(wire_is_over(reign->old->wire));
    reign_free(reign);
}

static void test_a_client_that_breaks_before_it_moved_is_forgotten(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    wire_retire(reign->old->wire, reign->old->now_ns);
    assert_int_equal(wire_next_at_rest(reign->old->wire), reign->old->items[client].conn);
    wire_broken(reign->old->wire, reign->old->items[client].conn, reign->old->now_ns);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    peers_gone(reign->old, &reign->old->items[client]);
    assert_true(wire_is_over(reign->old->wire));
    reign_free(reign);
}

/* Draining goes before retiring: nobody moves any more. */
static void test_a_retiring_wire_that_drains_hands_nobody_over(void **state)
{
    (void)state;
    struct reign *reign = reign_new();
    uint32_t client = peers_dial(reign->old);
    peers_say(reign->old, client, GET_APP);
    retire(reign);
    wire_drain(reign->old->wire, reign->old->now_ns);
    peers_say(reign->old, peers_server(reign->old), OK_FROM_SERVER);
    assert_true(has_heard(reign->old, client, "connection: close"));
    assert_true(reign->old->items[client].is_closed);
    assert_int_equal(wire_next_at_rest(reign->old->wire), WIRE_NONE);
    reign_free(reign);
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
        cmocka_unit_test(test_an_heir_that_is_full_takes_nobody),
        cmocka_unit_test(test_the_last_request_of_a_connection_closes_it),
        cmocka_unit_test(test_a_client_that_breaks_before_it_moved_is_forgotten),
        cmocka_unit_test(test_a_retiring_wire_that_drains_hands_nobody_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
