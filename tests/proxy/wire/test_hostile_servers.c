/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_hostile_servers.c - what servers say to break it: answers
 * that are none, without end, or more than were asked for.
 */
#include "tests/proxy/wire/peers.h"

#define LAST "0\r\n\r\n"
#define OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

/* What a server says wrong ends its connection and is answered for. */
static void test_hostile_answers_are_not_passed_on(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "XTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 99999999999999999999 OK\r\n\r\n",
        "HTTP/1.1 -200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx y: z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: \x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\n x: y\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" LAST,
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n" LAST,
        "HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 100 C\r\ntransfer-encoding: chunked\r\n\r\n" LAST,
        "HTTP/1.1 103 C\r\ncontent-length: 5\r\n\r\nhello",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
        peers_say(peers, peers_server(peers), rows[i]);
        peers_expect_done(peers, 502, "UPE",
                          "upstream_reset_before_response_started{protocol_error}");
        assert_true(peers->items[peers_server(peers)].is_closed);
        assert_false(peers->items[client].is_closed);
        peers_free(peers);
    }
}

static void test_answers_without_end_are_cut_off(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *more;
    } rows[] = {
        {"HTTP/1.1 200 ", "OKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOKOK"},
        {"HTTP/1.1 200 OK\r\n",
         "x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"},
        {"HTTP/1.1 200 OK\r\nx: ",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        peers_say(peers, peers_dial(peers), "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
        uint32_t server = peers_server(peers);
        peers_say(peers, server, rows[i].begin);
        for (uint32_t said = 0; said < LIMIT_RESPONSE_HEAD_BYTES + LIMIT_READ_BYTES;
             said += (uint32_t)strlen(rows[i].more))
            peers_say(peers, server, rows[i].more);
        peers_expect_done(peers, 502, "UPE",
                          "upstream_reset_before_response_started{protocol_error}");
        assert_true(peers->items[server].is_closed);
        peers_free(peers);
    }
}

/* Interim responses by the thousand: the first travels, none is kept. */
static void test_interim_responses_without_end_need_no_room(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint32_t client = peers_dial(peers);
    peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
    uint32_t server = peers_server(peers);
    struct buf hint;
    buf_init(&hint, 1u << 20);
    assert_int_equal(buf_append(&hint, STR("HTTP/1.1 103 E\r\nlink: ")), RC_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_append(&hint, STR("aaaaaaaaaa")), RC_OK);
    assert_int_equal(buf_append(&hint, STR("\r\n\r\n")), RC_OK);
    for (int i = 0; i < 2000; i++)
        peers_say_bytes(peers, server, buf_str(&hint));
    peers_say(peers, server, OK_FROM_SERVER);
    struct str heard = peers_heard(peers, client);
    assert_true(heard.len < 2 * buf_size(&hint));
    assert_true(str_has_suffix(heard, STR("\r\n\r\nok")));
    peers_expect_done(peers, 200, "-", "via_upstream");
    buf_fini(&hint);
    peers_free(peers);
}

/* One answer for one request, whatever a server adds. */
static void test_a_second_answer_reaches_nobody(void **state)
{
    (void)state;
    static const char *const rows[] = {
        OK_FROM_SERVER "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        OK_FROM_SERVER "x",
        "HTTP/1.1 304 x\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 204 x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n" LAST "evil",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peers *peers = peers_new();
        uint32_t client = peers_dial(peers);
        peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
        peers_say(peers, peers_server(peers), rows[i]);
        assert_false(str_contains(peers_heard(peers, client), STR("evil")));
        assert_true(peers->items[peers_server(peers)].is_closed);
        peers_say(peers, client, "GET /app HTTP/1.1\r\nhost: a\r\n\r\n");
        peers_say(peers, peers_server(peers), OK_FROM_SERVER);
        assert_true(str_has_suffix(peers_heard(peers, client), STR("\r\n\r\nok")));
        peers_free(peers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_answers_are_not_passed_on),
        cmocka_unit_test(test_answers_without_end_are_cut_off),
        cmocka_unit_test(test_interim_responses_without_end_need_no_room),
        cmocka_unit_test(test_a_second_answer_reaches_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
