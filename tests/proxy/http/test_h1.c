/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_h1.c - ENVOY.md 1.2 and 8.2: messages from bytes, whole
 * and a byte at a time; what is ambiguous is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/h1.h"

/* Everything that was read, as one line of text. */
struct reading {
    struct arena arena;
    struct h1_parser *parser;
    struct str told;
    bool is_over;
};

static void tell(struct reading *reading, const struct h1_event *event)
{
    struct arena *arena = &reading->arena;
    struct str told = reading->told;
    if (event->kind == H1_HEAD && event->request != NULL)
        told = arena_format(arena, "%.*s[%.*s %.*s %.*s]", STR_FMT(told),
                            STR_FMT(event->request->method), STR_FMT(event->request->authority),
                            STR_FMT(event->request->path));
    else if (event->kind == H1_HEAD)
        told = arena_format(arena, "%.*s[%u%s]", STR_FMT(told), event->response->status,
                            event->is_keep_alive ? "" : " last");
    else if (event->kind == H1_DATA)
        told = arena_format(arena, "%.*s%.*s", STR_FMT(told), STR_FMT(event->data));
    else if (event->kind == H1_END)
        told = arena_format(arena, "%.*s.", STR_FMT(told));
    else if (event->kind == H1_ERROR)
        told = arena_format(arena, "%.*s!%u %.*s", STR_FMT(told), event->status,
                            STR_FMT(event->details));
    reading->told = told;
    reading->is_over = event->kind == H1_ERROR;
}

static void feed(struct reading *reading, struct str input, const char *method)
{
    while (!reading->is_over) {
        struct h1_event event;
        enum h1_event_kind kind = h1_next(reading->parser, &input, &event);
        if (kind == H1_MORE)
            return;
        tell(reading, &event);
        if (kind == H1_END)
            h1_begin(reading->parser, &reading->arena, str_of(method));
    }
}

static void assert_read(enum h1_side side, const char *method, const char *text, bool has_eof,
                        const char *want)
{
    size_t size = strlen(text);
    for (size_t step = 1; step <= size; step = step == 1 ? 7 : step == 7 ? size : size + 1) {
        struct reading reading = {0};
        arena_init(&reading.arena, 4096, 0);
        reading.parser = h1_parser_new(
            side, (struct h1_settings){.head_bytes_max = 60 * 1024, .header_count_max = 100});
        h1_begin(reading.parser, &reading.arena, str_of(method));
        for (size_t at = 0; at < size; at += step)
            feed(&reading, str_slice(str_of(text), at, at + step), method);
        struct h1_event event;
        if (has_eof && !reading.is_over && h1_eof(reading.parser, &event) != H1_MORE)
            tell(&reading, &event);
        if (!str_eq(reading.told, str_of(want)))
            fail_msg("step %zu of %s\n told %.*s\n want %s", step, text, STR_FMT(reading.told),
                     want);
        h1_parser_free(reading.parser);
        arena_fini(&reading.arena);
    }
}

static void test_requests_are_read_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", "[GET x /a?b]."},
        {"\r\nGET / HTTP/1.1\r\nhost:x\r\n\r\n", "[GET x /]."},
        {"GET http://y:80/p HTTP/1.1\r\nhost: x\r\n\r\n", "[GET y:80 /p]."},
        {"GET https://y?q HTTP/1.1\r\nhost: x\r\n\r\n", "[GET y /?q]."},
        {"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", "[OPTIONS x *]."},
        {"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", "[GET a,b /]."},
        {"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.1\r\nhost: "
         "y\r\n\r\n",
         "[POST x /]abc.[GET y /]."},
        {"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2;e=1\r\nab\r\n1\r\nc"
         "\r\n0\r\nt: v\r\n\r\n",
         "[POST x /]abc."},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_read(H1_REQUESTS, "", rows[i].text, false, rows[i].want);
}

/* A message that could be framed in two ways is framed in none. */
static void test_what_is_ambiguous_or_broken_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
         "!400 http1.content_length_and_chunked_not_allowed"},
        {"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
         "!400 http1.codec_error"},
        {"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
         "!400 http1.codec_error"},
        {"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", "!400 http1.codec_error"},
        {"GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
         "!501 http1.invalid_transfer_encoding"},
        {"GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
         "!501 http1.invalid_transfer_encoding"},
        {"GET / HTTP/1.0\r\nhost: x\r\n\r\n", "!426 low_version"},
        {"get / HTTP/1.1\r\nhost: x\r\n\r\n", "!400 http1.codec_error"},
        {"GET nothing HTTP/1.1\r\nhost: x\r\n\r\n", "!400 http1.codec_error"},
        {"GET ftp://x/ HTTP/1.1\r\nhost: x\r\n\r\n", "!400 http1.invalid_scheme"},
        {"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", "!400 http.invalid_authority"},
        {"GET / HTTP/1.1\r\nhost: x\r\nconnection: x-forwarded-for\r\n\r\n",
         "!400 http1.connection_header_rejected"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_read(H1_REQUESTS, "", rows[i].text, false, rows[i].want);
}

static void test_responses_end_where_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *method, *text;
        bool has_eof;
        const char *want;
    } rows[] = {
        {"GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", false, "[200]hi."},
        {"HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", false, "[200]."},
        {"GET", "HTTP/1.1 204 x\r\n\r\nHTTP/1.1 304 x\r\ncontent-length: 9\r\n\r\n", false,
         "[204].[304]."},
        {"GET", "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n", false,
         "[100].[200]."},
        {"GET", "HTTP/1.1 200 x\r\n\r\nuntil", true, "[200 last]until."},
        {"GET", "HTTP/1.0 200 x\r\ncontent-length: 0\r\n\r\n", false, "[200 last]."},
        {"GET", "HTTP/1.1 200 x\r\nconnection: close\r\ncontent-length: 1\r\n\r\na", false,
         "[200 last]a."},
        {"GET", "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", false,
         "[200]a."},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_read(H1_RESPONSES, rows[i].method, rows[i].text, rows[i].has_eof, rows[i].want);
}

static void test_a_response_that_breaks_off_is_an_error(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
        "garbage\r\n\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct reading reading = {0};
        arena_init(&reading.arena, 4096, 0);
        reading.parser = h1_parser_new(
            H1_RESPONSES, (struct h1_settings){.head_bytes_max = 1024, .header_count_max = 10});
        h1_begin(reading.parser, &reading.arena, STR("GET"));
        feed(&reading, str_of(rows[i]), "GET");
        struct h1_event event;
        assert_true(reading.is_over || h1_eof(reading.parser, &event) == H1_ERROR);
        h1_parser_free(reading.parser);
        arena_fini(&reading.arena);
    }
}

static void test_too_many_and_too_long_headers_are_431(void **state)
{
    (void)state;
    struct reading reading = {0};
    arena_init(&reading.arena, 4096, 0);
    struct h1_settings settings = {.head_bytes_max = 200, .header_count_max = 3};
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n", "!431 http1.too_many_headers"},
        {"GET / HTTP/1.1\r\na: "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
         "!431 http1.headers_too_large"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        reading.parser = h1_parser_new(H1_REQUESTS, settings);
        reading.is_over = false;
        reading.told = STR_EMPTY;
        h1_begin(reading.parser, &reading.arena, STR_EMPTY);
        feed(&reading, str_of(rows[i].text), "");
        assert_true(str_eq(reading.told, str_of(rows[i].want)));
        h1_parser_free(reading.parser);
    }
    arena_fini(&reading.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_read_in_order),
        cmocka_unit_test(test_what_is_ambiguous_or_broken_is_refused),
        cmocka_unit_test(test_responses_end_where_they_say),
        cmocka_unit_test(test_a_response_that_breaks_off_is_an_error),
        cmocka_unit_test(test_too_many_and_too_long_headers_are_431),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
