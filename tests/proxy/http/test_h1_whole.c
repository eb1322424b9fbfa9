/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_h1_whole.c - which bytes are one plain message, what is told of
 * it, and that what is sent whole is as long as its bytes.
 */
#include "proxy/http/h1_whole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/rng.h"

static void test_what_is_plain(void **state)
{
    static const struct {
        enum h1_side side;
        const char *bytes;
        bool is_plain;
    } rows[] = {
        {H1_REQUESTS, "GET / HTTP/1.1\r\nhost: a\r\n\r\n", true},
        {H1_REQUESTS, "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi", true},
        {H1_REQUESTS, "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nhi", false},
        {H1_REQUESTS, "GET / HTTP/1.1\r\nhost: a\r\n\r\nmore", false},
        {H1_REQUESTS, "GET / HTTP/1.1\r\nhost: a\r\n", false},
        {H1_REQUESTS, "GET / HTTP/1.0\r\nhost: a\r\n\r\n", false},
        {H1_REQUESTS, "GET http://a/ HTTP/1.1\r\nhost: a\r\n\r\n", false},
        {H1_REQUESTS, "CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n", false},
        {H1_REQUESTS, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
         false},
        {H1_REQUESTS,
         "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
         false},
        {H1_REQUESTS, "\r\nGET", false},
        {H1_REQUESTS, "", false},
        {H1_RESPONSES, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", true},
        {H1_RESPONSES, "HTTP/1.1 204 No Content\r\n\r\n", true},
        {H1_RESPONSES, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", true},
        {H1_RESPONSES, "HTTP/1.1 200 OK\r\n\r\nhi", false},
        {H1_RESPONSES, "HTTP/1.1 103 Early Hints\r\n\r\n", false},
        {H1_RESPONSES, "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", false},
        {H1_RESPONSES, "garbage\r\n\r\n", false},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct h1_read whole;
        print_message("%s\n", rows[i].bytes);
        assert_int_equal(h1_read_whole(&whole, rows[i].side, str_of(rows[i].bytes), &arena),
                         rows[i].is_plain);
    }
    arena_fini(&arena);
}

static void test_heads_are_ones_own(void **state)
{
    struct arena arena;
    struct h1_read whole;
    struct str value = STR_EMPTY;
    (void)state;
    arena_init(&arena, 4096, 0);
    struct str bytes = STR("POST /x HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nConnection: close\r\n"
                           "content-length: 2\r\n\r\nhi");
    assert_true(h1_read_whole(&whole, H1_REQUESTS, bytes, &arena));
    assert_true(whole.is_close_nominated);
    assert_false(whole.is_keep_alive);
    assert_false(whole.is_end);
    assert_true(str_eq(whole.body, STR("hi")));
    struct request_head *head = h1_read_request(&whole, &arena, 1);
    assert_true(str_eq(head->authority, STR("a")));
    header_set(&head->headers, STR("x-one"), STR("2"));
    header_set(&head->headers, STR("x-two"), STR("2"));
    header_set(&head->headers, STR("x-three"), STR("3"));
    assert_true(header_get(&whole.request->headers, STR("x-one"), &value));
    assert_true(str_eq(value, STR("1")));
    assert_false(header_is_present(&whole.request->headers, STR("x-two")));
    arena_fini(&arena);
}

/* Lines of any length, and those that framing looks at. */
static void make_list(struct header_list *list, struct rng *rng, struct arena *arena)
{
    static const char *const NAMES[] = {"x-a", "content-length", "transfer-encoding", "x-bcdefgh",
                                        "connection"};
    static const char *const VALUES[] = {"", "0", "2", "chunked", "a longer value, of some words"};
    header_list_init(list, arena);
    for (uint64_t i = 0, count = rng_below(rng, 5); i < count; i++)
        header_append_line(list, str_of(NAMES[rng_below(rng, COUNT_OF(NAMES))]),
                           str_of(VALUES[rng_below(rng, COUNT_OF(VALUES))]));
}

static void assert_sized(const struct h1_sent *sent, size_t head_bytes, const struct h1_out *framed)
{
    struct buf out;
    struct h1_out framing = sent->framing;
    buf_init(&out, 1 << 20);
    enum rc rc = sent->request != NULL
                     ? h1_write_request(&out, sent->request, sent->has_body, &framing)
                     : h1_write_response(&out, sent->response, sent->has_body, sent->is_closing,
                                         false, &framing);
    assert_int_equal(rc, RC_OK);
    assert_int_equal(buf_size(&out), head_bytes);
    assert_int_equal(framing.framing, framed->framing);
    buf_clear(&out);
    assert_int_equal(h1_sent_write(sent, &out), RC_OK);
    if (framed->framing == BODY_LENGTH)
        assert_int_equal(buf_size(&out), head_bytes + sent->body.len);
    buf_fini(&out);
}

static void test_sizes_are_those_of_bytes(void **state)
{
    static const uint32_t STATUSES[] = {7, 42, 200, 204, 304, 404, 599, 1000, 9999};
    static const char *const METHODS[] = {"GET", "POST", "HEAD", "DELETE", "CONNECT"};
    struct arena arena;
    struct rng rng = rng_seeded(1, STR("sizes"));
    (void)state;
    arena_init(&arena, 4096, 0);
    for (uint32_t i = 0; i < 3000; i++) {
        struct request_head request = {.method = str_of(METHODS[rng_below(&rng, 5)]),
                                       .path = rng_below(&rng, 9) > 0 ? STR("/a?b") : STR_EMPTY,
                                       .authority = STR("host:80"),
                                       .has_authority = rng_below(&rng, 9) > 0};
        struct response_head response = {.status = STATUSES[rng_below(&rng, 9)],
                                         .reason = rng_below(&rng, 2) > 0 ? STR("Fine") : STR("")};
        struct h1_out framed = {.is_head_answer = rng_below(&rng, 5) == 0};
        make_list(&request.headers, &rng, &arena);
        make_list(&response.headers, &rng, &arena);
        struct h1_sent sent = {.has_body = rng_below(&rng, 2) > 0,
                               .is_closing = rng_below(&rng, 2) > 0,
                               .body = STR("hi")};
        sent.request = &request;
        assert_sized(&sent, h1_frame_request(&request, sent.has_body, &framed), &framed);
        sent.request = NULL;
        sent.response = &response;
        sent.framing = framed;
        size_t size = h1_frame_response(&response, sent.has_body, sent.is_closing, &framed);
        assert_sized(&sent, size, &framed);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_plain),
        cmocka_unit_test(test_heads_are_ones_own),
        cmocka_unit_test(test_sizes_are_those_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
