/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_standin.c - what stand-ins answer, to the byte, and
 * what they write down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/testbed/world/scene.h"

#define POST "POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static struct header one_header[] = {{STR_INIT("X-Zed"), STR_INIT("z")}};
static struct header two_headers[] = {{STR_INIT("B"), STR_INIT("1")},
                                      {STR_INIT("a"), STR_INIT("")}};

struct row {
    const char *request;
    struct answer answer;
    const char *want;
    enum end end;
    int64_t ended_ns;
};

static struct header link_headers[] = {{STR_INIT("link"), STR_INIT("</a.css>")},
                                       {STR_INIT("Link"), STR_INIT("</b.css>")}};

static const struct row rows[] = {
    {GET, {.status = 200}, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", OPEN, 0},
    {GET, {.status = 418}, "HTTP/1.1 418 Unknown\r\ncontent-length: 0\r\n\r\n", OPEN, 0},
    {GET,
     {.status = 503, .reason = STR_INIT("Sorry"), .headers = two_headers, .header_count = 2},
     "HTTP/1.1 503 Sorry\r\nB: 1\r\na: \r\ncontent-length: 0\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.status = 200, .body = STR_INIT("hello")},
     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
     OPEN,
     0},
    {GET,
     {.status = 200, .has_body_size = true, .body_size = 4},
     "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nxxxx",
     OPEN,
     0},
    {GET,
     {.status = 200, .body = STR_INIT("hello"), .framing = FRAMING_CHUNKED},
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.status = 200, .framing = FRAMING_CHUNKED},
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.status = 200, .body = STR_INIT("b"), .trailers = one_header, .trailer_count = 1},
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nX-Zed: z\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.status = 200, .body = STR_INIT("b"), .framing = FRAMING_CLOSE},
     "HTTP/1.1 200 OK\r\n\r\nb",
     CLOSED,
     0},
    {GET,
     {.status = 200, .is_closing = true},
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
     CLOSED,
     0},
    {GET, {.status = 204, .body = STR_INIT("b")}, "HTTP/1.1 204 No Content\r\n\r\n", OPEN, 0},
    {GET, {.status = 304, .body = STR_INIT("b")}, "HTTP/1.1 304 Not Modified\r\n\r\n", OPEN, 0},
    {"GET / HTTP/1.0\r\n\r\n", {.status = 204}, "HTTP/1.1 204 No Content\r\n\r\n", CLOSED, 0},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
     {.status = 204},
     "HTTP/1.1 204 No Content\r\n\r\n",
     OPEN,
     0},
    {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
     {.status = 204},
     "HTTP/1.1 204 No Content\r\n\r\n",
     CLOSED,
     0},
    {"HEAD / HTTP/1.1\r\n\r\n",
     {.status = 200, .body = STR_INIT("hello")},
     "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.status = 200, .latency = LATENCY_INIT(2 * NS_SECOND), .is_closing = true},
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
     CLOSED,
     2 * NS_SECOND},
    {GET,
     {.status = 200,
      .body = STR_INIT("abcd"),
      .body_latency_ns = NS_SECOND,
      .framing = FRAMING_CLOSE},
     "HTTP/1.1 200 OK\r\n\r\nabcd",
     CLOSED,
     NS_SECOND},
    {GET,
     {.status = 200, .interim = {100, 103}, .interim_count = 2},
     "HTTP/1.1 100 Interim\r\n\r\nHTTP/1.1 103 Interim\r\n\r\n"
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.status = 200,
      .interim = {103},
      .interim_count = 1,
      .interim_headers = link_headers,
      .interim_header_count = 2},
     "HTTP/1.1 103 Interim\r\nlink: </a.css>\r\nLink: </b.css>\r\n\r\n"
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
     OPEN,
     0},
    {"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\nb",
     {.status = 200},
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
     OPEN,
     0},
    {POST,
     {.status = 200, .is_echo = true},
     "HTTP/1.1 200 OK\r\ncontent-length: 110\r\n\r\n"
     "{\"pod\": \"a/0\", \"line\": \"POST /a HTTP/1.1\", \"headers\": [[\"host\", \"a\"], "
     "[\"content-length\", \"3\"]], \"body\": \"abc\"}",
     OPEN,
     0},
    {"GET /\"\\\x01\xe9 HTTP/1.1\r\n\r\n",
     {.status = 200, .is_echo = true, .framing = FRAMING_CLOSE},
     "HTTP/1.1 200 OK\r\n\r\n"
     "{\"pod\": \"a/0\", \"line\": \"GET /\\\"\\\\\\u0001\\u00e9 HTTP/1.1\", \"headers\": [], "
     "\"body\": \"\"}",
     CLOSED,
     0},
    {"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\nhello",
     {.status = 200, .is_websocket = true},
     "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nhello",
     OPEN,
     0},
    {GET,
     {.status = 200, .is_websocket = true},
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
     OPEN,
     0},
    {GET,
     {.has_raw = true, .raw = STR_INIT("HTTP/1.1 200\r\n\r\n")},
     "HTTP/1.1 200\r\n\r\n",
     OPEN,
     0},
    {GET, {.has_raw = true, .raw = STR_INIT("abc"), .then = RAW_CLOSE}, "abc", CLOSED, 0},
    {GET,
     {.has_raw = true, .raw = STR_INIT("abc"), .then = RAW_RESET},
     "abc",
     RESET,
     STANDIN_RAW_RESET_NS},
    {GET, {.act = ACT_CLOSE_BEFORE_HEADERS}, "", CLOSED, 0},
    {GET, {.act = ACT_CLOSE_BEFORE_HEADERS, .latency = LATENCY_INIT(NS_MS)}, "", CLOSED, NS_MS},
    {GET, {.act = ACT_RESET_BEFORE_HEADERS}, "", RESET, 0},
    {GET, {.act = ACT_CLOSE_IN_HEADERS}, "HTTP/1.1 200 OK\r\ncontent-le", CLOSED, 0},
    {GET,
     {.act = ACT_CLOSE_MID_BODY},
     "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" X50,
     CLOSED,
     STANDIN_CUT_NS},
    {GET,
     {.act = ACT_RESET_MID_BODY},
     "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" X50,
     RESET,
     STANDIN_CUT_NS},
    {GET, {.act = ACT_GARBAGE}, "garbage\r\n\r\n", CLOSED, 0},
    {GET, {.act = ACT_NEVER}, "", OPEN, 0},
    {"", {.act = ACT_ACCEPT_CLOSE}, "", CLOSED, 0},
    {"", {.act = ACT_ACCEPT_RESET}, "", RESET, 0},
    {"\x16\x03\x01",
     {.status = 200},
     "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
     CLOSED,
     0},
    {"nonsense\r\n\r\n", {.status = 200}, "", CLOSED, 0},
    {"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", {.status = 200}, "", CLOSED, 0},
};

static void test_answers_are_those_of_the_test_to_the_byte(void **state)
{
    (void)state;
    static const size_t pieces[] = {1 << 20, 1, 7};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t j = 0; j < COUNT_OF(pieces); j++) {
            struct scene scene;
            scene_init(&scene, (struct behaviour){.answer = rows[i].answer});
            play(&scene);
            send(&scene, str_of(rows[i].request), pieces[j]);
            assert_out(&scene, str_of(rows[i].want));
            assert_int_equal(scene.end, rows[i].end);
            assert_int_equal(scene.ended_ns, rows[i].ended_ns);
            scene_fini(&scene);
        }
    }
}

static void test_a_half_body_waits_for_the_other_half(void **state)
{
    (void)state;
    static const struct {
        struct answer answer;
        const char *before;
        const char *after;
    } halves[] = {
        {{.status = 200, .body = STR_INIT("abcde"), .body_latency_ns = NS_SECOND},
         "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
         "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde"},
        {{.status = 200,
          .body = STR_INIT("abcd"),
          .framing = FRAMING_CHUNKED,
          .body_latency_ns = NS_SECOND},
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(halves); i++) {
        struct scene scene;
        scene_init(&scene, (struct behaviour){.answer = halves[i].answer});
        standin_read(&scene.standin, STR(GET), 0);
        take(&scene);
        assert_out(&scene, str_of(halves[i].before));
        standin_wake(&scene.standin, NS_SECOND - 1);
        take(&scene);
        assert_out(&scene, str_of(halves[i].before));
        assert_int_equal(standin_wake_ns(&scene.standin), NS_SECOND);
        play(&scene);
        assert_out(&scene, str_of(halves[i].after));
        scene_fini(&scene);
    }
}

static void test_interim_answers_do_not_wait_for_the_latency(void **state)
{
    (void)state;
    struct scene scene;
    struct answer answer = {
        .status = 200, .latency = LATENCY_INIT(NS_SECOND), .interim = {103}, .interim_count = 1};
    scene_init(&scene, (struct behaviour){.answer = answer});
    standin_read(&scene.standin, STR(GET), 0);
    take(&scene);
    assert_out(&scene, STR("HTTP/1.1 103 Interim\r\n\r\n"));
    play(&scene);
    assert_out(&scene, STR("HTTP/1.1 103 Interim\r\n\r\n"
                           "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    scene_fini(&scene);
}

static void test_a_large_body_is_pulled_and_whole(void **state)
{
    (void)state;
    struct scene scene;
    struct answer answer = {.status = 200,
                            .has_body_size = true,
                            .body_size = 1000003,
                            .framing = FRAMING_CHUNKED,
                            .body_latency_ns = NS_MS};
    scene_init(&scene, (struct behaviour){.answer = answer});
    send(&scene, STR(GET), 100);
    struct str head = STR("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nf4243\r\n");
    struct str tail = STR("\r\n0\r\n\r\n");
    struct str got = buf_str(&scene.out);
    assert_int_equal(got.len, head.len + 1000003 + tail.len);
    assert_true(str_has_prefix(got, head));
    assert_true(str_has_suffix(got, tail));
    assert_int_equal(str_find(str_from(got, head.len), '\r'), 1000003);
    assert_int_equal(scene.now_ns, NS_MS);
    scene_fini(&scene);
}

static void test_requests_on_one_connection_follow_the_script(void **state)
{
    (void)state;
    struct answer script[] = {{.status = 503}, {.status = 404}, {.status = 200}};
    struct scene scene;
    scene_init(&scene, (struct behaviour){.answer = {.status = 200},
                                          .script = script,
                                          .script_count = COUNT_OF(script)});
    /* Sent all at once: they are answered one after the other. */
    send(&scene, STR(GET POST GET GET), 1 << 20);
    assert_out(&scene, STR("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
                           "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
                           "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
                           "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    assert_int_equal(scene.end, OPEN);
    assert_int_equal(scene.log.count, 4);
    scene_fini(&scene);
}

static void test_a_sighting_keeps_order_and_case_of_what_was_sent(void **state)
{
    (void)state;
    static const size_t pieces[] = {1 << 20, 1};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        struct scene scene;
        scene_init(&scene, behaviour_default());
        send(&scene,
             STR("POST /x?y=1 HTTP/1.1\r\nHOST: a\r\nX-B:  two \r\nx-b: one\r\nempty:\r\n"
                 "Transfer-Encoding: Chunked\r\n\r\n3;q=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n"),
             pieces[i]);
        assert_int_equal(scene.log.count, 1);
        const struct sighting *seen = &scene.log.items[0];
        assert_true(str_eq(seen->method, STR("POST")));
        assert_true(str_eq(seen->uri, STR("/x?y=1")));
        assert_true(str_eq(seen->version, STR("HTTP/1.1")));
        assert_int_equal(seen->header_count, 5);
        assert_true(str_eq(seen->headers[0].name, STR("HOST")));
        assert_true(str_eq(seen->headers[1].value, STR("two")));
        assert_true(str_eq(seen->headers[2].name, STR("x-b")));
        assert_int_equal(seen->headers[3].value.len, 0);
        assert_true(str_eq(seen->body, STR("abcde")));
        assert_int_equal(seen->body_size, 5);
        assert_int_equal(seen->trailer_count, 1);
        assert_true(str_eq(seen->trailers[0].name, STR("T")));
        assert_int_equal(seen->connection, 1);
        scene_fini(&scene);
    }
}

static void test_a_request_cut_short_is_answered_all_the_same(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, behaviour_default());
    send(&scene, STR("POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc"), 100);
    assert_out(&scene, STR_EMPTY);
    standin_eof(&scene.standin, 0);
    play(&scene);
    assert_out(&scene, STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    assert_int_equal(scene.end, CLOSED);
    assert_int_equal(scene.log.items[0].body_size, 3);
    scene_fini(&scene);
}

static void test_the_end_of_input_closes(void **state)
{
    (void)state;
    static const struct {
        struct answer answer;
        const char *sent;
    } ends[] = {
        {{.status = 200}, ""},
        {{.status = 200}, "GET / HT"},
        {{.status = 200}, GET},
        {{.act = ACT_NEVER}, GET},
        {{.status = 200, .is_websocket = true}, "GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct scene scene;
        scene_init(&scene, (struct behaviour){.answer = ends[i].answer});
        send(&scene, str_of(ends[i].sent), 100);
        assert_int_equal(scene.end, OPEN);
        standin_eof(&scene.standin, 0);
        play(&scene);
        assert_int_equal(scene.end, CLOSED);
        assert_true(standin_is_over(&scene.standin));
        scene_fini(&scene);
    }
}

static void test_an_answer_outlives_the_look_at_it(void **state)
{
    (void)state;
    struct scene scene;
    struct answer answer = {.status = 200, .is_echo = true, .latency = LATENCY_INIT(NS_SECOND)};
    scene_init(&scene, (struct behaviour){.answer = answer});
    standin_read(&scene.standin, STR(GET), 0);
    take(&scene);
    sighting_log_close(&scene.log);
    arena_reset(&scene.arena);
    play(&scene);
    assert_true(str_contains(buf_str(&scene.out), STR("\"line\": \"GET /a HTTP/1.1\"")));
    standin_read(&scene.standin, STR(GET), NS_SECOND);
    play(&scene);
    standin_broken(&scene.standin);
    assert_true(standin_is_over(&scene.standin));
    assert_int_equal(standin_wake_ns(&scene.standin), NS_NEVER);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_those_of_the_test_to_the_byte),
        cmocka_unit_test(test_a_half_body_waits_for_the_other_half),
        cmocka_unit_test(test_interim_answers_do_not_wait_for_the_latency),
        cmocka_unit_test(test_a_large_body_is_pulled_and_whole),
        cmocka_unit_test(test_requests_on_one_connection_follow_the_script),
        cmocka_unit_test(test_a_sighting_keeps_order_and_case_of_what_was_sent),
        cmocka_unit_test(test_a_request_cut_short_is_answered_all_the_same),
        cmocka_unit_test(test_the_end_of_input_closes),
        cmocka_unit_test(test_an_answer_outlives_the_look_at_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
