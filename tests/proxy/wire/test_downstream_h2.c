/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_downstream_h2.c - clients that speak HTTP/2 to a listener. What
 * comes of each mistake was asked of a real Envoy.
 */
#include "tests/proxy/wire/h2_peer.h"

typedef void scene(struct peers *peers, struct h2_peer *client);

static struct h2_peer *client_of(struct peers *peers)
{
    struct h2_peer *client = h2_peer_new(peers, peers_dial(peers), H2_CLIENT);
    /* A preface in pieces is none where nobody waits for it (ENVOY.md 0). */
    bool is_bytewise = peers->is_bytewise;
    peers->is_bytewise = false;
    h2_peer_say(client);
    peers->is_bytewise = is_bytewise;
    return client;
}

static void play(scene *play_scene, enum upstream_protocol protocol)
{
    for (int i = 0; i < 2; i++) {
        struct peers *peers = peers_new();
        small_clusters[0].protocol = protocol;
        peers_renew(peers);
        peers->is_bytewise = i == 1;
        struct h2_peer *client = client_of(peers);
        play_scene(peers, client);
        h2_peer_free(client);
        peers_free(peers);
    }
}

static void direct(struct peers *peers, struct h2_peer *client)
{
    for (int i = 0; i < 3; i++) {
        (void)h2_peer_ask(client, "GET", "/direct", true);
        h2_peer_hear(client);
        h2_peer_expect(client, "200 end closed0 ");
        peers_expect_done(peers, 200, "-", "direct_response");
    }
    assert_int_equal(client->data_bytes, 15);
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_http2_total"), 1);
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_http2_active"), 1);
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_http1_total"), 0);
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_http2_total"), 3);
}

static void test_a_proxy_answers_by_itself(void **state)
{
    (void)state;
    play(direct, UPSTREAM_HTTP1);
}

static void to_one(struct peers *peers, struct h2_peer *client)
{
    struct h2_stream *stream = h2_peer_ask(client, "POST", "/app", false);
    h2_send_data(client->h2, stream, STR("{}"));
    h2_send_end(client->h2, stream, NULL);
    h2_peer_say(client);
    uint32_t server = peers_server(peers);
    struct str heard = peers_heard(peers, server);
    assert_true(str_has_prefix(heard, STR("POST /app HTTP/1.1\r\nhost: a\r\n")));
    assert_true(str_contains(heard, STR("\r\ntransfer-encoding: chunked\r\n")));
    assert_true(str_has_suffix(heard, STR("0\r\n\r\n")));
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    peers_expect_done(peers, 200, "-", "via_upstream");
    assert_int_equal(peers_last_done(peers)->bytes_received, 2);
    assert_int_equal(peers_last_done(peers)->bytes_sent, 2);
}

static void test_a_server_of_http1_does_not_know(void **state)
{
    (void)state;
    play(to_one, UPSTREAM_HTTP1);
}

static void to_two(struct peers *peers, struct h2_peer *client)
{
    (void)h2_peer_ask(client, "GET", "/app", true);
    (void)h2_peer_ask(client, "GET", "/app/2", true);
    struct h2_peer *server = h2_peer_new(peers, peers_server(peers), H2_SERVER);
    h2_peer_hear(server);
    h2_peer_expect(server, "GET /app end GET /app/2 end ");
    h2_peer_answer(server, 1, 200, "two", "0");
    h2_peer_answer(server, 0, 404, "", NULL);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 trailers 0 closed0 404 end closed0 ");
    assert_int_equal(client->data_bytes, 3);
    assert_int_equal(peers_server_count(peers), 1);
    h2_peer_free(server);
}

static void test_streams_and_trailers_go_through(void **state)
{
    (void)state;
    play(to_two, UPSTREAM_HTTP2);
    play(to_two, UPSTREAM_AS_DOWNSTREAM);
}

static void leave(struct peers *peers, struct h2_peer *client)
{
    struct h2_stream *stream = h2_peer_ask(client, "GET", "/app", true);
    h2_stream_set_owner(stream, NULL);
    h2_reset(client->h2, stream, 8);
    h2_peer_say(client);
    peers_expect_done(peers, 0, "DR", "http2.remote_reset");
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_rx_reset"), 1);
    (void)h2_peer_ask(client, "GET", "/app", true);
    peers_fin(peers, client->peer);
    peers_expect_done(peers, 0, "DC", "downstream_remote_disconnect");
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_destroy_remote_active_rq"), 1);
}

static void test_clients_that_leave(void **state)
{
    (void)state;
    play(leave, UPSTREAM_HTTP1);
}

static void cut(struct peers *peers, struct h2_peer *client)
{
    (void)h2_peer_ask(client, "GET", "/app", true);
    uint32_t server = peers_server(peers);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok");
    peers_fin(peers, server);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 closed2 ");
    (void)h2_peer_ask(client, "GET", "/direct", true);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
}

static void test_a_torn_answer_resets_its_stream_alone(void **state)
{
    (void)state;
    play(cut, UPSTREAM_HTTP1);
}

static void early(struct peers *peers, struct h2_peer *client)
{
    (void)h2_peer_ask(client, "POST", "/direct", false);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    (void)h2_peer_ask(client, "GET", "/direct", true);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_response_before_rq_complete"), 1);
}

static void test_an_early_answer_stops_the_request(void **state)
{
    (void)state;
    play(early, UPSTREAM_HTTP1);
}

/* Frames behind a client's preface and SETTINGS. */
static void test_clients_that_break_the_rules(void **state)
{
    (void)state;
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define FRAME(size, type, flags, payload) "\0\0" size type flags "\0\0\0\1" payload
#define GET "\x82\x86\x84\x41\1a"
    static const struct {
        struct str says;
        const char *flags, *details;
        bool is_closed;
    } rows[] = {
        {STR_INIT(PREFACE FRAME("\3", "\1", "\5", "\x82\x86\x84")), "DPE",
         "http2.violation.of.messaging.rule", true},
        {STR_INIT(PREFACE FRAME("\31", "\1", "\5", GET "\0\12connection\5close")), "DPE",
         "http2.invalid.header.field", true},
        {STR_INIT(PREFACE FRAME("\16", "\1", "\5", GET "\0\4X-Up\1x")), "DPE",
         "http2.invalid.header.field", true},
        {STR_INIT(PREFACE FRAME("\6", "\1", "\4", GET) "\0\0\1\11\0\0\0\0\3x"), "", "", true},
        {STR_INIT(PREFACE "garbage garbage garbage garbage"), "", "", true},
    };
#undef PREFACE
#undef FRAME
#undef GET
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        small_clusters[0].protocol = UPSTREAM_HTTP1;
        peers_renew(peers);
        uint32_t client = peers_dial(peers);
        peers_say_bytes(peers, client, rows[i].says);
        if (rows[i].details[0] != '\0')
            peers_expect_done(peers, 0, rows[i].flags, rows[i].details);
        assert_int_equal(peers_stat(peers, "http", "downstream_cx_protocol_error"), 1);
        peers_wait(peers, 2 * NS_SECOND);
        assert_int_equal(peers->items[client].is_closed, rows[i].is_closed);
        peers_free(peers);
    }
}

static void test_too_many_headers_reset_the_stream(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    struct h2_peer *client = client_of(peers);
    struct request_head head = {
        .method = STR("GET"), .path = STR("/direct"), .authority = STR("a"), .scheme = STR("http")};
    header_list_init(&head.headers, &client->arena);
    for (int i = 0; i < 101; i++)
        header_append_line(&head.headers, STR("x-many"), STR("v"));
    (void)h2_send_request(client->h2, &head, true, client);
    h2_peer_say(client);
    h2_peer_hear(client);
    h2_peer_expect(client, "closed2 ");
    peers_expect_done(peers, 0, "DR", "http2.too_many_headers");
    (void)h2_peer_ask(client, "GET", "/direct", true);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    h2_peer_free(client);
    peers_free(peers);
}

static void idle(struct peers *peers, struct h2_peer *client)
{
    (void)h2_peer_ask(client, "GET", "/direct", true);
    h2_peer_hear(client);
    peers_wait(peers, NS_HOUR);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 goaway0 ");
    assert_false(peers->items[client->peer].is_closed);
    peers_wait(peers, 10 * NS_SECOND);
    /* The last one, of seventeen bytes; nghttp2's client does not look at it any more. */
    assert_int_equal(buf_size(&peers->items[client->peer].heard), 17);
    assert_true(peers->items[client->peer].is_closed);
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_idle_timeout"), 1);
}

static void test_an_idle_connection_is_told_to_go(void **state)
{
    (void)state;
    play(idle, UPSTREAM_HTTP1);
}

/* Two streams of two configurations on one connection; it is not told to go. */
static void replace(struct peers *peers, struct h2_peer *client)
{
    struct filter_chain heir_chain = {.kind = CHAIN_HTTP, .http = small_http};
    struct listener heir_listener = peers->listener;
    heir_chain.http.server_name = STR("heir");
    heir_listener.chains = &heir_chain;
    (void)h2_peer_ask(client, "GET", "/app", true);
    uint32_t server = peers_server(peers);
    struct snapshot *heir = peers_heir(peers->snapshot, small_clusters);
    peers_replace(peers, heir);
    snapshot_drop(heir);
    uint32_t conn = wire_next_at_rest(peers->wire);
    assert_int_equal(conn, peers->items[client->peer].conn);
    assert_true(wire_hand_over(peers->wire, conn, &heir_listener, peers->now_ns));
    peers_run(peers);
    assert_int_equal(wire_next_at_rest(peers->wire), WIRE_NONE);
    assert_int_equal(wire_engine_count(peers->wire), 2);
    (void)h2_peer_ask(client, "GET", "/direct", true);
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    peers_wait(peers, 0);
    assert_int_equal(wire_engine_count(peers->wire), 1);
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_http2_active"), 1);
    assert_int_equal(peers_stat(peers, "http", "downstream_cx_http2_total"), 1);
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_total"), 2);
    assert_int_equal(peers_stat(peers, "http", "downstream_rq_active"), 0);
    /* Its listener goes with the test. */
    peers_break(peers, client->peer);
}

static void test_a_connection_goes_on_with_a_new_configuration(void **state)
{
    (void)state;
    play(replace, UPSTREAM_HTTP1);
}

static void drain(struct peers *peers, struct h2_peer *client)
{
    (void)h2_peer_ask(client, "GET", "/app", true);
    wire_drain(peers->wire, peers->now_ns);
    peers_run(peers);
    h2_peer_hear(client);
    h2_peer_expect(client, "goaway0 ");
    peers_say(peers, peers_server(peers), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    h2_peer_hear(client);
    h2_peer_expect(client, "200 end closed0 ");
    peers_wait(peers, 2 * NS_SECOND);
    assert_true(peers->items[client->peer].is_closed);
}

static void test_draining_ends_what_is_under_way(void **state)
{
    (void)state;
    play(drain, UPSTREAM_HTTP1);
}

/* A client that does not read holds the server back, of that stream alone. */
static void test_a_slow_client_holds_the_server_back(void **state)
{
    (void)state;
    static char block[LIMIT_READ_BYTES];
    memset(block, 'x', sizeof(block));
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP1;
    peers_renew(peers);
    struct h2_peer *client = client_of(peers);
    client->is_keeping = true;
    (void)h2_peer_ask(client, "GET", "/app", true);
    h2_peer_hear(client);
    uint32_t server = peers_server(peers);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 33554432\r\n\r\n");
    uint64_t sent = 0;
    while (!peers->items[server].is_paused && sent < 33554432) {
        peers_say_bytes(peers, server, (struct str){block, sizeof(block)});
        sent += sizeof(block);
        h2_peer_hear(client);
    }
    assert_true(sent < LIMIT_H2_STREAM_WINDOW_BYTES + 3 * LIMIT_CONNECTION_BUFFER_BYTES);
    (void)h2_peer_ask(client, "GET", "/direct", true);
    h2_peer_hear(client);
    assert_true(str_has_suffix(str_of(client->notes), STR("200 end closed0 ")));
    assert_true(peers->items[server].is_paused);
    h2_peer_free(client);
    peers_free(peers);
}

/* A server that takes nothing holds the client back, behind its window. */
static void test_a_slow_server_holds_the_client_back(void **state)
{
    (void)state;
    static char block[64 * 1024];
    struct peers *peers = peers_new();
    small_clusters[0].protocol = UPSTREAM_HTTP1;
    peers_renew(peers);
    peers->is_holding_connects = true;
    struct h2_peer *client = client_of(peers);
    h2_peer_hear(client);
    struct h2_stream *stream = h2_peer_ask(client, "POST", "/app", false);
    uint64_t whole = LIMIT_H2_STREAM_WINDOW_BYTES + 3 * LIMIT_CONNECTION_BUFFER_BYTES;
    for (uint64_t sent = 0; sent < whole; sent += sizeof(block))
        h2_send_data(client->h2, stream, (struct str){block, sizeof(block)});
    h2_send_end(client->h2, stream, NULL);
    for (int i = 0; i < 64; i++) {
        h2_peer_say(client);
        h2_peer_hear(client);
    }
    assert_true(h2_stream_waiting_bytes(stream) >= LIMIT_CONNECTION_BUFFER_BYTES);
    uint32_t server = peers_server(peers);
    peers->items[server].is_connecting = false;
    wire_connected(peers->wire, peers->items[server].conn, peers->now_ns);
    peers_run(peers);
    for (int i = 0; i < 64; i++) {
        h2_peer_hear(client);
        h2_peer_say(client);
    }
    assert_int_equal(h2_stream_waiting_bytes(stream), 0);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    peers_expect_done(peers, 200, "-", "via_upstream");
    assert_int_equal(peers_last_done(peers)->bytes_received, whole);
    h2_peer_free(client);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_proxy_answers_by_itself),
        cmocka_unit_test(test_a_server_of_http1_does_not_know),
        cmocka_unit_test(test_streams_and_trailers_go_through),
        cmocka_unit_test(test_clients_that_leave),
        cmocka_unit_test(test_a_torn_answer_resets_its_stream_alone),
        cmocka_unit_test(test_an_early_answer_stops_the_request),
        cmocka_unit_test(test_clients_that_break_the_rules),
        cmocka_unit_test(test_too_many_headers_reset_the_stream),
        cmocka_unit_test(test_an_idle_connection_is_told_to_go),
        cmocka_unit_test(test_a_connection_goes_on_with_a_new_configuration),
        cmocka_unit_test(test_draining_ends_what_is_under_way),
        cmocka_unit_test(test_a_slow_client_holds_the_server_back),
        cmocka_unit_test(test_a_slow_server_holds_the_client_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
