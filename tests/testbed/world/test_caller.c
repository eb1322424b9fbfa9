/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_caller.c - what callers send, to the byte, and what
 * they make of what comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/world/caller.h"

#include "base/check.h"

struct scene {
    struct arena arena;
    struct caller caller;
    struct outcome outcome;
    struct buf out;
};

static void take(struct scene *scene)
{
    struct str bytes;
    while (caller_next(&scene->caller, &bytes)) {
        assert_true(bytes.len > 0);
        assert_int_equal(buf_append(&scene->out, bytes), RC_OK);
    }
}

static void scene_init(struct scene *scene, const struct call *call)
{
    *scene = (struct scene){0};
    arena_init(&scene->arena, 4096, 0);
    caller_init(&scene->caller);
    buf_init(&scene->out, 1 << 24);
    caller_begin(&scene->caller, call, &scene->outcome, &scene->arena, 0);
    take(scene);
    assert_int_equal(buf_size(&scene->out), 0);
    caller_connected(&scene->caller, 0);
    take(scene);
}

static void scene_fini(struct scene *scene)
{
    caller_fini(&scene->caller);
    buf_fini(&scene->out);
    arena_fini(&scene->arena);
}

static void receive(struct scene *scene, struct str bytes, size_t piece_bytes, int64_t now_ns)
{
    for (size_t at = 0; at < bytes.len; at += piece_bytes) {
        caller_read(&scene->caller, str_slice(bytes, at, at + piece_bytes), now_ns);
        take(scene);
    }
}

static struct header headers[] = {{STR_INIT("X-A"), STR_INIT("1")},
                                  {STR_INIT("x-a"), STR_INIT("2")}};
static struct header length[] = {{STR_INIT("Content-Length"), STR_INIT("7")}};
static struct header expect[] = {{STR_INIT("Expect"), STR_INIT("100-continue")}};

static void test_nothing_is_added_but_host_and_length(void **state)
{
    (void)state;
    static const struct {
        struct call call;
        const char *want;
    } rows[] = {
        {{.has_authority = true, .authority = STR_INIT("a"), .uri = STR_INIT("/x")},
         "GET /x HTTP/1.1\r\nhost: a\r\n\r\n"},
        {{.method = STR_INIT("OPTIONS"), .uri = STR_INIT("*"), .is_http10 = true},
         "OPTIONS * HTTP/1.0\r\n\r\n"},
        {{.has_authority = true, .uri = STR_INIT("/"), .headers = headers, .header_count = 2},
         "GET / HTTP/1.1\r\nhost: \r\nX-A: 1\r\nx-a: 2\r\n\r\n"},
        {{.method = STR_INIT("POST"), .uri = STR_INIT("/"), .body = STR_INIT("abc")},
         "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"},
        {{.uri = STR_INIT("/"), .body = STR_INIT("abc"), .headers = length, .header_count = 1},
         "GET / HTTP/1.1\r\nContent-Length: 7\r\n\r\nabc"},
        {{.uri = STR_INIT("/"), .has_body_size = true, .body_size = 3},
         "GET / HTTP/1.1\r\ncontent-length: 3\r\n\r\nxxx"},
        {{.uri = STR_INIT("/"), .body = STR_INIT("abc"), .is_chunked = true},
         "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
        {{.uri = STR_INIT("/"), .is_chunked = true},
         "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"},
        {{.uri = STR_INIT("/"), .body = STR_INIT("b"), .trailers = headers, .trailer_count = 1},
         "GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\nX-A: 1\r\n\r\n"},
        {{.has_raw = true, .raw = STR_INIT("any\nthing")}, "any\nthing"},
        {{.has_authority = true,
          .authority = STR_INIT("a:81"),
          .scheme = STR_INIT("https"),
          .uri = STR_INIT("/x?y")},
         "GET https://a:81/x?y HTTP/1.1\r\nhost: a:81\r\n\r\n"},
        {{.uri = STR_INIT("/"), .body = STR_INIT("b"), .headers = expect, .header_count = 1},
         "GET / HTTP/1.1\r\nExpect: 100-continue\r\ncontent-length: 1\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene, &rows[i].call);
        struct str got = buf_str(&scene.out);
        if (!str_eq(got, str_of(rows[i].want)))
            print_message("row %zu: %.*s\n", i, STR_FMT(got));
        assert_true(str_eq(got, str_of(rows[i].want)));
        scene_fini(&scene);
    }
}

enum after { STAYS, ENDS, BREAKS };

static const struct response_row {
    const char *method;
    const char *received;
    enum after after;
    enum call_error error;
    uint32_t status; /* 0: no response */
    const char *body;
    bool is_kept;
} response_rows[] = {
    {"GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", STAYS, CALL_OK, 200, "ok", true},
    {"GET", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", STAYS, CALL_OK, 200, "ok", false},
    {"GET", "HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 0\r\n\r\n", STAYS, CALL_OK,
     200, "", false},
    {"HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", STAYS, CALL_OK, 200, "", true},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", STAYS, CALL_OK, 204, "", true},
    {"GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", STAYS, CALL_OK, 304, "",
     true},
    {"GET", "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", STAYS, CALL_OK, 200, "", true},
    {"GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1;x\r\n!\r\n0\r\n\r\n",
     STAYS, CALL_OK, 200, "ok!", true},
    {"GET", "HTTP/1.1 200 OK\r\n\r\nuntil close", ENDS, CALL_OK, 200, "until close", false},
    {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", STAYS,
     CALL_OK, 200, "", true},
    {"GET", "", ENDS, CALL_CONNECTION_CLOSED, 0, "", false},
    {"GET", "", BREAKS, CALL_CONNECTION_RESET, 0, "", false},
    {"GET", "HTTP/1.1 2", ENDS, CALL_INCOMPLETE_RESPONSE, 0, "", false},
    {"GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", ENDS, CALL_INCOMPLETE_RESPONSE, 200,
     "ok", false},
    {"GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", BREAKS, CALL_CONNECTION_RESET, 200,
     "", false},
    {"GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok", ENDS,
     CALL_INCOMPLETE_RESPONSE, 200, "ok", false},
    {"GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", STAYS,
     CALL_INCOMPLETE_RESPONSE, 200, "", false},
    {"GET", "garbage\r\n\r\n", STAYS, CALL_INVALID_RESPONSE, 0, "", false},
    {"GET", "HTTP/1.1 abc OK\r\n\r\n", STAYS, CALL_INVALID_RESPONSE, 0, "", false},
    {"GET", "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", STAYS, CALL_INVALID_RESPONSE, 200,
     "", false},
    {"GET", "\x16\x03", STAYS, CALL_INCOMPLETE_RESPONSE, 0, "", false},
};

static void test_responses_are_read_as_sockets_give_them(void **state)
{
    (void)state;
    static const size_t pieces[] = {1 << 20, 1, 5};
    for (size_t i = 0; i < COUNT_OF(response_rows) * COUNT_OF(pieces); i++) {
        size_t row = i / COUNT_OF(pieces);
        struct call call = {.method = str_of(response_rows[row].method), .uri = STR("/")};
        struct scene scene;
        scene_init(&scene, &call);
        receive(&scene, str_of(response_rows[row].received), pieces[i % COUNT_OF(pieces)], NS_MS);
        if (response_rows[row].after == ENDS)
            caller_eof(&scene.caller, 2 * NS_MS);
        if (response_rows[row].after == BREAKS)
            caller_broken(&scene.caller, 2 * NS_MS);
        assert_true(caller_is_done(&scene.caller));
        assert_int_equal(scene.outcome.error, response_rows[row].error);
        assert_int_equal(scene.outcome.has_response, response_rows[row].status != 0);
        assert_int_equal(scene.outcome.status, response_rows[row].status);
        assert_true(str_eq(scene.outcome.body, str_of(response_rows[row].body)));
        assert_int_equal(caller_may_keep(&scene.caller), response_rows[row].is_kept);
        assert_int_equal(scene.outcome.duration_ns,
                         response_rows[row].after == STAYS ? NS_MS : 2 * NS_MS);
        assert_int_equal(caller_wake_ns(&scene.caller), NS_NEVER);
        scene_fini(&scene);
    }
}

static void test_heads_and_trailers_are_kept_as_sent(void **state)
{
    (void)state;
    struct call call = {.uri = STR("/")};
    struct scene scene;
    scene_init(&scene, &call);
    receive(&scene,
            STR("HTTP/1.1 103 Early\r\na: b\r\n\r\n"
                "HTTP/1.1 200 Very  well\r\nDate: x\r\nx-B:  1 \r\nTransfer-Encoding: chunked\r\n"
                "\r\n0\r\nT-a: 1\r\nt-b:2\r\n\r\n"),
            1, 0);
    const struct outcome *outcome = &scene.outcome;
    assert_true(str_eq(outcome->version, STR("HTTP/1.1")));
    assert_true(str_eq(outcome->reason, STR("Very  well")));
    assert_int_equal(outcome->header_count, 3);
    assert_true(str_eq(outcome->headers[0].name, STR("Date")));
    assert_true(str_eq(outcome->headers[1].value, STR("1")));
    assert_int_equal(outcome->trailer_count, 2);
    assert_true(str_eq(outcome->trailers[1].value, STR("2")));
    assert_int_equal(outcome->interim_count, 1);
    assert_int_equal(outcome->interim[0], 103);
    scene_fini(&scene);
}

static void test_the_body_is_held_back_until_100(void **state)
{
    (void)state;
    struct call call = {.method = STR("PUT"),
                        .uri = STR("/"),
                        .headers = expect,
                        .header_count = 1,
                        .body = STR("abc"),
                        .is_chunked = true};
    struct scene scene;
    scene_init(&scene, &call);
    struct str head = STR("PUT / HTTP/1.1\r\nExpect: 100-continue\r\n"
                          "transfer-encoding: chunked\r\n\r\n");
    assert_true(str_eq(buf_str(&scene.out), head));
    receive(&scene, STR("HTTP/1.1 103 Wait\r\n\r\n"), 100, 0);
    assert_int_equal(buf_size(&scene.out), head.len);
    receive(&scene, STR("HTTP/1.1 100 Continue\r\n\r\n"), 100, 0);
    assert_true(str_eq(str_from(buf_str(&scene.out), head.len), STR("3\r\nabc\r\n0\r\n\r\n")));
    receive(&scene, STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), 100, 0);
    assert_true(caller_may_keep(&scene.caller));
    scene_fini(&scene);
}

static void test_after_101_each_word_awaits_its_answer(void **state)
{
    (void)state;
    struct str say[] = {STR_INIT("hello"), STR_INIT("world")};
    struct call call = {.uri = STR("/"), .say = say, .say_count = 2};
    struct scene scene;
    scene_init(&scene, &call);
    buf_clear(&scene.out);
    receive(&scene, STR("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 100, 0);
    assert_true(str_eq(buf_str(&scene.out), STR("hello")));
    receive(&scene, STR("HELLO"), 100, 0);
    assert_true(str_eq(buf_str(&scene.out), STR("helloworld")));
    assert_int_equal(caller_wake_ns(&scene.caller), CALLER_SAY_PATIENCE_NS);
    receive(&scene, STR("WORLD"), 100, NS_MS);
    assert_true(caller_is_done(&scene.caller));
    assert_false(caller_may_keep(&scene.caller));
    assert_true(str_eq(scene.outcome.body, STR("HELLOWORLD")));
    assert_int_equal(scene.outcome.error, CALL_OK);
    scene_fini(&scene);
}

static void test_patience_ends(void **state)
{
    (void)state;
    static const struct {
        struct call call;
        enum call_error error;
        int64_t at_ns;
    } rows[] = {
        {{.uri = STR_INIT("/")}, CALL_NO_RESPONSE, CALLER_PATIENCE_NS},
        {{.uri = STR_INIT("/"), .has_cancel = true, .cancel_after_ns = 300 * NS_MS},
         CALL_CANCELLED,
         300 * NS_MS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene scene;
        scene_init(&scene, &rows[i].call);
        assert_int_equal(caller_wake_ns(&scene.caller), rows[i].at_ns);
        caller_wake(&scene.caller, rows[i].at_ns - 1);
        assert_false(caller_is_done(&scene.caller));
        caller_wake(&scene.caller, rows[i].at_ns);
        assert_true(caller_is_done(&scene.caller));
        assert_int_equal(scene.outcome.error, rows[i].error);
        assert_int_equal(scene.outcome.duration_ns, rows[i].at_ns);
        scene_fini(&scene);
    }
}

static void test_a_refused_connection_is_an_outcome(void **state)
{
    (void)state;
    struct call call = {.uri = STR("/")};
    struct scene scene = {0};
    arena_init(&scene.arena, 4096, 0);
    caller_init(&scene.caller);
    caller_begin(&scene.caller, &call, &scene.outcome, &scene.arena, 5);
    caller_refused(&scene.caller, 8);
    assert_int_equal(scene.outcome.error, CALL_CONNECTION_REFUSED);
    assert_int_equal(scene.outcome.duration_ns, 3);
    scene_fini(&scene);
}

static void test_a_kept_connection_serves_the_next_call(void **state)
{
    (void)state;
    struct call call = {.uri = STR("/")};
    struct scene scene;
    scene_init(&scene, &call);
    struct str response = STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        receive(&scene, response, 100, i);
        assert_true(caller_may_keep(&scene.caller));
        buf_clear(&scene.out);
        caller_begin(&scene.caller, &call, &scene.outcome, &scene.arena, i);
        caller_connected(&scene.caller, i);
        take(&scene);
        assert_true(str_eq(buf_str(&scene.out), STR("GET / HTTP/1.1\r\n\r\n")));
    }
    /* Two answers to one request: the second one is taken for the next one's. */
    receive(&scene, response, 100, 5);
    receive(&scene, STR("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"), 100, 5);
    caller_begin(&scene.caller, &call, &scene.outcome, &scene.arena, 6);
    caller_connected(&scene.caller, 6);
    assert_true(caller_is_done(&scene.caller));
    assert_int_equal(scene.outcome.status, 404);
    caller_eof(&scene.caller, 7);
    assert_false(caller_may_keep(&scene.caller));
    assert_int_equal(scene.outcome.error, CALL_OK);
    scene_fini(&scene);
}

static void test_a_long_body_is_counted_and_its_beginning_kept(void **state)
{
    (void)state;
    struct call call = {.uri = STR("/"), .has_body_size = true, .body_size = 300000};
    struct scene scene;
    scene_init(&scene, &call);
    assert_int_equal(buf_size(&scene.out), 300000 + 42);
    receive(&scene, STR("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n"), 100, 0);
    for (int i = 0; i < 30000; i++)
        receive(&scene, STR("0123456789"), 10, 0);
    assert_true(caller_is_done(&scene.caller));
    assert_int_equal(scene.outcome.body_size, 300000);
    assert_int_equal(scene.outcome.body.len, CALL_BODY_KEPT_MAX);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_added_but_host_and_length),
        cmocka_unit_test(test_responses_are_read_as_sockets_give_them),
        cmocka_unit_test(test_heads_and_trailers_are_kept_as_sent),
        cmocka_unit_test(test_the_body_is_held_back_until_100),
        cmocka_unit_test(test_after_101_each_word_awaits_its_answer),
        cmocka_unit_test(test_patience_ends),
        cmocka_unit_test(test_a_refused_connection_is_an_outcome),
        cmocka_unit_test(test_a_kept_connection_serves_the_next_call),
        cmocka_unit_test(test_a_long_body_is_counted_and_its_beginning_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
