/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_usher.c - what a program says to an HTTP proxy becomes
 * what it would have said to the place itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/usher.h"
#include "proxy/model/limits.h"

/* Everything that the usher wished, as one line of text. */
struct hall {
    struct arena arena;
    struct usher usher;
    struct str told;
    enum usher_action_kind last;
    bool is_refusing;
};

static void hall_open(struct hall *hall)
{
    *hall = (struct hall){.last = USHER_FINISH};
    arena_init(&hall->arena, 65536, 0);
    usher_init(&hall->usher);
    usher_begin(&hall->usher);
}

static void hall_close(struct hall *hall)
{
    usher_fini(&hall->usher);
    arena_fini(&hall->arena);
}

static void tell(struct hall *hall, const char *mark, struct str text)
{
    struct str before = arena_concat(&hall->arena, hall->told, str_of(mark));
    hall->told = arena_concat(&hall->arena, before, text);
}

/* Bytes that follow bytes of the same kind are not marked again. */
static void carry_out(struct hall *hall, const struct usher_action *action)
{
    bool is_more = hall->last == action->kind;
    switch (action->kind) {
    case USHER_ASK:
        tell(hall, "?", arena_format(&hall->arena, "%.*s:%u", STR_FMT(action->host), action->port));
        if (hall->is_refusing)
            usher_refuse(&hall->usher, 502, STR("nobody"));
        else
            usher_admit(&hall->usher);
        break;
    case USHER_PASS:
        tell(hall, is_more ? "" : ">", action->bytes);
        break;
    case USHER_SAY:
        tell(hall, is_more ? "" : "<", action->bytes);
        break;
    case USHER_FINISH:
        tell(hall, "!", STR_EMPTY);
        break;
    }
    hall->last = action->kind;
}

static void turn(struct hall *hall)
{
    struct usher_action action;
    while (usher_next(&hall->usher, &action))
        carry_out(hall, &action);
}

static void client_says(struct hall *hall, const char *text, size_t step)
{
    struct str bytes = str_of(text);
    for (size_t at = 0; at < bytes.len; at += step) {
        usher_read(&hall->usher, str_slice(bytes, at, at + step));
        turn(hall);
        usher_keep(&hall->usher);
    }
}

static void place_says(struct hall *hall, const char *text, size_t step)
{
    struct str bytes = str_of(text);
    for (size_t at = 0; at < bytes.len; at += step)
        usher_note_said(&hall->usher, str_slice(bytes, at, at + step));
    turn(hall);
}

static void assert_told(struct hall *hall, const char *want)
{
    hall->told = arena_str(&hall->arena, hall->told);
    assert_string_equal(hall->told.len > 0 ? hall->told.ptr : "", want);
    hall->told = STR_EMPTY;
    hall->last = USHER_FINISH;
}

#define REFUSED(status, size, text)                                                            \
    "<HTTP/1.1 " status "\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: " size \
    "\r\nconnection: close\r\n\r\n" text "\n!"

static const struct {
    const char *name, *says, *want;
} said_rows[] = {
    {"an absolute form becomes a path",
     "GET http://reviews:9080/x?y=1 HTTP/1.1\r\nHost: reviews:9080\r\n\r\n",
     "?reviews:9080>GET /x?y=1 HTTP/1.1\r\nHost: reviews:9080\r\n\r\n"},
    {"without a port it is 80", "GET http://reviews/ HTTP/1.1\r\nHost: reviews\r\n\r\n",
     "?reviews:80>GET / HTTP/1.1\r\nHost: reviews\r\n\r\n"},
    {"without a path it is the root", "GET http://reviews?a HTTP/1.1\r\nHost: reviews\r\n\r\n",
     "?reviews:80>GET /?a HTTP/1.1\r\nHost: reviews\r\n\r\n"},
    {"OPTIONS without a path asks for the server",
     "OPTIONS http://reviews HTTP/1.1\r\nHost: reviews\r\n\r\n",
     "?reviews:80>OPTIONS * HTTP/1.1\r\nHost: reviews\r\n\r\n"},
    {"Host stays as it was written",
     "GET http://reviews:9080/ HTTP/1.1\r\nhOsT: shop.example\r\n\r\n",
     "?reviews:9080>GET / HTTP/1.1\r\nhOsT: shop.example\r\n\r\n"},
    {"a missing Host is the authority", "GET http://u:p@reviews:9080/ HTTP/1.1\r\nA: b\r\n\r\n",
     "?reviews:9080>GET / HTTP/1.1\r\nHost: reviews:9080\r\nA: b\r\n\r\n"},
    {"what is said to proxies goes no further",
     "GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Connection: "
     "Keep-Alive\r\nproxy-authorization: x\r\nB: c\r\n\r\n",
     "?a:80>GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"},
    {"a path goes by its Host", "GET /x HTTP/1.1\r\nHost: reviews:9080\r\n\r\n",
     "?reviews:9080>GET /x HTTP/1.1\r\nHost: reviews:9080\r\n\r\n"},
    {"an address of version 6", "GET http://[::1]:90/ HTTP/1.1\r\nHost: [::1]:90\r\n\r\n",
     "?::1:90>GET / HTTP/1.1\r\nHost: [::1]:90\r\n\r\n"},
    {"a body by its length, and not more",
     "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET ",
     "?a:80>POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"},
    {"a body in chunks, as it came",
     "POST http://a/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
     "chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nGET ",
     "?a:80>POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
     "chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
    {"what the proxy will refuse, it refuses itself",
     "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
     "chunked\r\n\r\nxyz",
     "?a:80>POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
     "chunked\r\n\r\nxyz"},
    {"blank lines before a request are nothing",
     "\r\n\r\nGET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
     "?a:80>GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"lines may end in LF alone", "GET http://a/ HTTP/1.1\nHost: a\n\n",
     "?a:80>GET / HTTP/1.1\r\nHost: a\n\n"},
    {"CONNECT opens a tunnel, and every byte is the place's",
     "CONNECT mongo:27017 HTTP/1.1\r\nHost: mongo:27017\r\n\r\n\x01\x02 any",
     "?mongo:27017<HTTP/1.1 200 Connection established\r\n\r\n>\x01\x02 any"},
    {"CONNECT without a port", "CONNECT mongo HTTP/1.1\r\n\r\n",
     REFUSED("400 Bad Request", "24", "CONNECT needs HOST:PORT")},
    {"https is not asked for in the clear", "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
     REFUSED("400 Bad Request", "80",
             "a proxy is asked for http:// URLs; for TLS use CONNECT (curl does so by itself)")},
    {"nobody says where to go", "GET / HTTP/1.1\r\nA: b\r\n\r\n",
     REFUSED("400 Bad Request", "54", "neither the target nor a Host header says where to go")},
    {"a port that is none", "GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n",
     REFUSED("400 Bad Request", "38", "this is no HOST or HOST:PORT to go to")},
    {"HTTP/2 is not spoken", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     REFUSED("400 Bad Request", "69",
             "this is the address of an HTTP proxy; what came is no HTTP/1 request")},
    {"nor is TLS", "\x16\x03\x01",
     REFUSED("400 Bad Request", "60",
             "this is the address of an HTTP proxy; HTTP/1 is spoken here")},
};

static void test_what_a_client_says_and_what_the_place_hears(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(said_rows); i++) {
        for (size_t step = 1; step <= 4096; step *= 16) {
            struct hall hall;
            hall_open(&hall);
            client_says(&hall, said_rows[i].says, step);
            print_message("%s, %zu at a time\n", said_rows[i].name, step);
            assert_told(&hall, said_rows[i].want);
            hall_close(&hall);
        }
    }
}

#define OK_ANSWER "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

/* RFC 9112 9.3: a proxy's client may ask for one host after the other. */
static void test_requests_of_one_connection_each_have_their_place(void **state)
{
    (void)state;
    for (size_t step = 1; step <= 4096; step *= 16) {
        struct hall hall;
        hall_open(&hall);
        client_says(&hall, "GET http://a/1 HTTP/1.1\r\nHost: a\r\n\r\n", step);
        assert_told(&hall, "?a:80>GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(usher_wants_input(&hall.usher)); /* to see the client leave */
        place_says(&hall, "HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER, step);
        assert_true(usher_wants_input(&hall.usher));
        client_says(&hall, "GET http://A:80/2 HTTP/1.1\r\nHost: A\r\n\r\n", step);
        assert_told(&hall, ">GET /2 HTTP/1.1\r\nHost: A\r\n\r\n");
        place_says(&hall, OK_ANSWER, step);
        client_says(&hall, "HEAD http://b/ HTTP/1.1\r\nHost: b\r\n\r\n", step);
        assert_told(&hall, "?b:80>HEAD / HTTP/1.1\r\nHost: b\r\n\r\n");
        place_says(&hall, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", step);
        client_says(&hall, "GET http://b:81/ HTTP/1.1\r\nHost: b:81\r\n\r\n", step);
        assert_told(&hall, "?b:81>GET / HTTP/1.1\r\nHost: b:81\r\n\r\n");
        hall_close(&hall);
    }
}

static void test_a_request_that_was_sent_ahead_waits_for_the_answer(void **state)
{
    (void)state;
    struct hall hall;
    hall_open(&hall);
    client_says(&hall,
                "GET http://a/1 HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET http://b/2 HTTP/1.1\r\nHost: b\r\n\r\n",
                4096);
    assert_told(&hall, "?a:80>GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
    place_says(&hall, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", 1);
    assert_told(&hall, "");
    place_says(&hall, "k", 1);
    assert_told(&hall, "?b:80>GET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
    hall_close(&hall);
}

/* Somebody has to stop who sends more and more of them. */
static void test_what_is_sent_ahead_has_a_bound(void **state)
{
    (void)state;
    static const char AHEAD[] = "GET http://b/2 HTTP/1.1\r\nHost: b\r\n\r\n";
    struct hall hall;
    size_t ahead_bytes = 0;
    hall_open(&hall);
    client_says(&hall, "GET http://a/1 HTTP/1.1\r\nHost: a\r\n\r\n", 4096);
    while (usher_wants_input(&hall.usher)) {
        client_says(&hall, AHEAD, 4096);
        ahead_bytes += sizeof(AHEAD) - 1;
        assert_true(ahead_bytes < 2u * LIMIT_REQUEST_HEAD_BYTES);
    }
    place_says(&hall, OK_ANSWER, 1);
    hall_close(&hall);
}

static void test_after_an_upgrade_every_byte_is_the_places(void **state)
{
    (void)state;
    struct hall hall;
    hall_open(&hall);
    client_says(&hall,
                "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                "Upgrade: websocket\r\n\r\n",
                7);
    assert_told(&hall, "?a:80>GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                       "Upgrade: websocket\r\n\r\n");
    place_says(&hall,
               "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
               "Upgrade: websocket\r\n\r\n",
               5);
    assert_true(usher_wants_input(&hall.usher));
    client_says(&hall, "GET is no request here\r\n\r\n", 4);
    assert_told(&hall, ">GET is no request here\r\n\r\n");
    hall_close(&hall);
}

/* An idle connection of the proxy may go, its client's stays: that is how a new
 * configuration comes into force without a request lost. */
static void test_a_place_may_leave_between_requests_only(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says, *answer;
        bool is_kept;
    } rows[] = {
        {"between two", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", OK_ANSWER, true},
        {"before the answer", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "", false},
        {"in the answer", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
         "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", false},
        {"in the request", "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
         OK_ANSWER, false},
        {"the server said that it is the last", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
         "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", false},
        {"the client said so", "GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
         OK_ANSWER, false},
        {"HTTP/1.0 says so", "GET http://a/ HTTP/1.0\r\nHost: a\r\n\r\n", OK_ANSWER, false},
        {"a tunnel", "CONNECT a:80 HTTP/1.1\r\n\r\n", "x", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hall hall;
        hall_open(&hall);
        client_says(&hall, rows[i].says, 4096);
        place_says(&hall, rows[i].answer, 4096);
        print_message("%s\n", rows[i].name);
        assert_int_equal(usher_note_left(&hall.usher), rows[i].is_kept);
        hall.told = STR_EMPTY;
        if (rows[i].is_kept) {
            client_says(&hall, "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 4096);
            assert_told(&hall, "?a:80>GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        hall_close(&hall);
    }
}

static void test_a_place_that_nobody_knows_is_explained_and_the_connection_ends(void **state)
{
    (void)state;
    struct hall hall;
    hall_open(&hall);
    hall.is_refusing = true;
    client_says(&hall, "POST http://nope/ HTTP/1.1\r\nHost: nope\r\nContent-Length: 5\r\n\r\nab",
                9);
    assert_told(&hall, "?nope:80" REFUSED("502 Bad Gateway", "7", "nobody"));
    assert_true(usher_wants_input(&hall.usher));
    client_says(&hall, "cde", 4096);
    assert_told(&hall, "");
    hall_close(&hall);
}

static void test_a_head_without_end_is_refused(void **state)
{
    (void)state;
    static char line[4096];
    struct hall hall;
    hall_open(&hall);
    memset(line, 'x', sizeof(line) - 1);
    client_says(&hall, "GET http://a/ HTTP/1.1\r\nA: ", 4096);
    for (int i = 0; i < 17; i++)
        client_says(&hall, line, 4096);
    assert_told(&hall, REFUSED("431 Request Header Fields Too Large", "31",
                               "the request's head is too long"));
    hall_close(&hall);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_client_says_and_what_the_place_hears),
        cmocka_unit_test(test_requests_of_one_connection_each_have_their_place),
        cmocka_unit_test(test_a_request_that_was_sent_ahead_waits_for_the_answer),
        cmocka_unit_test(test_what_is_sent_ahead_has_a_bound),
        cmocka_unit_test(test_after_an_upgrade_every_byte_is_the_places),
        cmocka_unit_test(test_a_place_may_leave_between_requests_only),
        cmocka_unit_test(test_a_place_that_nobody_knows_is_explained_and_the_connection_ends),
        cmocka_unit_test(test_a_head_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
