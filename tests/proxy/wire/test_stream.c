/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_stream.c - bodies that are larger than buffers, and
 * streams that become tunnels.
 */
#include "tests/proxy/wire/peers.h"

static void test_a_body_waits_for_its_connection(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers->is_holding_connects = true;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\n");
    uint32_t server = peers_server(peers);
    static char piece[LIMIT_READ_BYTES];
    size_t said_bytes = 0;
    while (!peers->items[client].is_paused && said_bytes < 4000000) {
        peers_say_bytes(peers, client, (struct str){piece, sizeof(piece)});
        said_bytes += sizeof(piece);
    }
    assert_true(said_bytes >= LIMIT_CONNECTION_BUFFER_BYTES);
    assert_true(said_bytes <= LIMIT_CONNECTION_BUFFER_BYTES + sizeof(piece));
    peers->items[server].is_connecting = false;
    wire_connected(peers->wire, peers->items[server].conn, peers->now_ns);
    peers_run(peers);
    assert_false(peers->items[client].is_paused);
    assert_true(buf_size(&peers->items[server].heard) > said_bytes);
    peers_free(peers);
}

/* How many of the waiting bytes leave in one turn of the test's network. */
#define LEAVING_BYTES (64u * 1024)

static void let_leave(struct peers *peers, uint32_t index)
{
    struct peer *peer = &peers->items[index];
    assert_true(peer->unsent_bytes <=
                LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES);
    size_t size = peer->unsent_bytes < LEAVING_BYTES ? peer->unsent_bytes : LEAVING_BYTES;
    if (size == 0)
        return;
    peer->unsent_bytes -= size;
    wire_wrote(peers->wire, peer->conn, size, peers->now_ns);
    peers_run(peers);
}

/* `said` bytes from one side while the other side takes them slowly. */
static uint32_t pour(struct peers *peers, uint32_t from, uint32_t to, size_t size)
{
    static char piece[LIMIT_READ_BYTES];
    uint32_t pause_count = 0;
    while (size > 0) {
        if (peers->items[from].is_paused) {
            pause_count++;
            while (peers->items[from].is_paused)
                let_leave(peers, to);
        }
        size_t piece_bytes = size < sizeof(piece) ? size : sizeof(piece);
        peers_say_bytes(peers, from, (struct str){piece, piece_bytes});
        size -= piece_bytes;
    }
    while (peers->items[to].unsent_bytes > 0)
        let_leave(peers, to);
    return pause_count;
}

#define BIG_BYTES (16u * 1024 * 1024)

static void test_a_large_body_goes_through_bounded_buffers(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    peers->is_slow = true;
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "POST /app HTTP/1.1\r\nhost: a\r\ncontent-length: 16777216\r\n\r\n");
    uint32_t server = peers_server(peers);
    assert_true(pour(peers, client, server, BIG_BYTES) >= 10);
    struct str heard = peers_heard(peers, server);
    size_t head_bytes = str_find_str(heard, STR("\r\n\r\n")) + 4;
    assert_int_equal(heard.len - head_bytes, BIG_BYTES);
    peers_say(peers, server, "HTTP/1.1 200 OK\r\ncontent-length: 16777216\r\n\r\n");
    assert_true(pour(peers, server, client, BIG_BYTES) >= 10);
    heard = peers_heard(peers, client);
    head_bytes = str_find_str(heard, STR("\r\n\r\n")) + 4;
    assert_int_equal(heard.len - head_bytes, BIG_BYTES);
    peers_expect_done(peers, 200, "-", "via_upstream");
    assert_int_equal(peers_last_done(peers)->bytes_received, BIG_BYTES);
    assert_int_equal(peers_last_done(peers)->bytes_sent, BIG_BYTES);
    assert_false(peers->items[client].is_paused);
    peers_free(peers);
}

static void converse(struct peers *peers)
{
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "PUT /app HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
    uint32_t server = peers_server(peers);
    struct str heard = peers_heard(peers, server);
    assert_true(str_contains(heard, STR("\r\nconnection: Upgrade\r\nupgrade: websocket\r\n")));
    assert_false(str_contains(heard, STR("content-length"))); /* what follows is no body */
    peers_say(peers, client, "early");
    peers_expect(peers, server, "");
    peers_say(peers, server,
              "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n"
              "upgrade: websocket\r\n\r\nwelcome");
    peers_expect(peers, server, "early");
    peers_expect(peers, client,
                 "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n"
                 "upgrade: websocket\r\ndate: " PEERS_DATE "\r\nserver: envoy\r\n\r\nwelcome");
    peers_say(peers, client, "ping");
    peers_expect(peers, server, "ping");
    peers_wait(peers, NS_MINUTE);
    peers_say(peers, server, "pong");
    peers_expect(peers, client, "pong");
    peers_fin(peers, client);
    assert_true(peers->items[server].is_closed);
    peers_expect_done(peers, 101, "DC", "downstream_remote_disconnect");
}

/* ENVOY.md 15.1; with bytes together and one by one. */
static void test_a_websocket_becomes_bytes_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct peers *peers = peers_new();
        peers->is_bytewise = i == 1;
        converse(peers);
        peers_free(peers);
    }
}

static void test_a_server_that_declines_a_websocket_is_passed_on_or_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *said, *want, *details;
        uint32_t status;
    } rows[] = {
        {"HTTP/1.1 403 Forbidden\r\ncontent-length: 7\r\n\r\nno chat",
         "\r\nconnection: close\r\n\r\nno chat", "via_upstream", 403},
        {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain",
         "\r\nserver: envoy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
         "websocket_handshake_unsuccessful", 200},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client,
                  "GET /app HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\n"
                  "upgrade: websocket\r\n\r\n");
        peers_say(peers, peers_server(peers), rows[i].said);
        assert_true(str_has_suffix(peers_heard(peers, client), str_of(rows[i].want)));
        peers_expect_done(peers, rows[i].status, "-", rows[i].details);
        peers_free(peers);
    }
}

static void test_another_upgrade_is_refused(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client,
              "GET /app HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: irc\r\n\r\n");
    peers_expect(peers, client,
                 "HTTP/1.1 403 Forbidden\r\ndate: " PEERS_DATE
                 "\r\nserver: envoy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    peers_expect_done(peers, 403, "-", "upgrade_failed");
    assert_int_equal(peers_server_count(peers), 0);
    peers_free(peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_waits_for_its_connection),
        cmocka_unit_test(test_a_large_body_goes_through_bounded_buffers),
        cmocka_unit_test(test_a_websocket_becomes_bytes_both_ways),
        cmocka_unit_test(test_another_upgrade_is_refused),
        cmocka_unit_test(test_a_server_that_declines_a_websocket_is_passed_on_or_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
