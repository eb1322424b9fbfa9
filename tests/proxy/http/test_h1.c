/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_h1.c - ENVOY.md 1.2 and 8.2: messages from bytes, whole
 * and a byte at a time; what is ambiguous is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/h1.h"
#include "proxy/model/limits.h"

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
/* One row's request: a head with `fields` between host and the body. */
struct row {
    const char *name, *fields, *body, *want;
};

static void assert_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[1024];
        snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nhost: a\r\n%s\r\n%s", rows[i].fields,
                 rows[i].body);
        assert_read(H1_REQUESTS, "", text, false, rows[i].want);
    }
}

/* Where Envoy 1.40 draws the line: each row was asked of it. */
#define HOST "\r\nhost: a\r\n\r\n"
static const struct {
    const char *text, *want;
} FIRST_LINES[] = {
    {"GET  / HTTP/1.1" HOST, "[GET a /]."},
    {"GET /  HTTP/1.1" HOST, "[GET a /]."},
    {"GET\t/ HTTP/1.1" HOST, "[GET a /]."},
    {"GET / HTTP/1.1 " HOST, "[GET a /]."},
    {"GET / HTTP/1.1\nhost: a\n\n", "[GET a /]."},
    {"GET / HTTP/1.1\r\r\nhost: a\r\n\r\n", "[GET a /]."},
    {"\r\n\n\r\n\nGET / HTTP/1.1" HOST, "[GET a /]."},
    {"\r\r\nGET / HTTP/1.1" HOST, "[GET a /]."},
    {"MSEARCH / HTTP/1.1" HOST, "[MSEARCH a /]."},
    {"QUERY / HTTP/1.1" HOST, "[QUERY a /]."},
    {"GET /\"<>^`{|}\\ HTTP/1.1" HOST, "[GET a /\"<>^`{|}\\]."},
    {"GET /a#b HTTP/1.1" HOST, "[GET a /a#b]."},
    {"OPTIONS *x HTTP/1.1" HOST, "[OPTIONS a *x]."},
    {"GET http://u@b/x HTTP/1.1" HOST, "[GET b /x]."},
    {"GET HTTP://B.C/x HTTP/1.1" HOST, "[GET B.C /x]."},
    {"GET http://b?q=/x HTTP/1.1" HOST, "[GET b ?q=/x]."},
    {"GET http://[::1]:80/x HTTP/1.1" HOST, "[GET [::1]:80 /x]."},
    {"GET http://b:080/x HTTP/1.1" HOST, "[GET b:080 /x]."},
    {"CONNECT a:80 HTTP/1.1\r\nhost: b\r\n\r\n", "[CONNECT a:80 ]"},
    {"CONNECT a:80 HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\r\n", "[CONNECT a:80 ]"},
    {"CONNECT a:80 HTTP/1.1\r\nconnection: :path\r\n\r\n", "[CONNECT a:80 ]"}, /* as an upgrade */
    {" GET / HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"\n GET / HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET /a b HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET / http/1.1" HOST, "!400 http1.codec_error"},
    {"GET / HTTP/1.10" HOST, "!400 http1.codec_error"},
    {"GET / HTTP/11" HOST, "!400 http1.codec_error"},
    {"GET / HTTP/1.2" HOST, "!426 low_version"},
    {"GET / HTTP/0.9" HOST, "!426 low_version"},
    {"GET /\r\n\r\n", "!426 low_version"},
    {"GET / \r\n\r\n", "!426 low_version"},
    {"GET\r\n", "!400 http1.codec_error"},
    {"GET / HTTP/1.1\rhost: a\r\n\r\n", "!400 http1.codec_error"},
    {"GET /\x0c HTTP/1.1" HOST, "!400 http1.invalid_characters"},
    {"PUT /a\r\n", "!426 low_version"},
    {"GET /\r\nno colon\r\n\r\n", "!426 low_version"},
    {"GET /\nGET / HTTP/1.1" HOST, "!426 low_version"},
    {"GET ws://a/\r\n", "!400 http1.invalid_scheme"},
    {"GET * HTTP/1.0" HOST, "!400 http1.invalid_url"},
    {"GET http://a@b@c/ HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"xyz", ""},
    {"xyz / HTTP/1.1\r\n", "!400 http1.codec_error"},
    {"GET /\xe9 HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET ?a HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET * HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://b:99999/x HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://b:/x HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://b:x/x HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http:///x HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://b_c/ HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://b%41/ HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://[zz]/x HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"GET http://a@@b/ HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET http:/x HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET http://b#f HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET 1tp://b/x HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"GET ws://b/x HTTP/1.1" HOST, "!400 http1.invalid_scheme"},
    {"CONNECT / HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"CONNECT a HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"CONNECT a:80/x HTTP/1.1" HOST, "!400 http1.invalid_url"},
    {"CONNECT a:80 HTTP/1.1\r\ncontent-length: 1\r\n\r\nx", "!400 http1.body_disallowed"},
    {"CONNECT a:80 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
     "!501 http1.invalid_transfer_encoding"},
    {"CONNECT /a HTTP/1.1\r\ncontent-length: 1\r\n\r\nx", "!400 http1.body_disallowed"},
    {"CONNECT a:80 HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
     "!400 http1.body_disallowed"},
    {"CONNECT a:80 HTTP/1.1\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n",
     "!501 http1.invalid_transfer_encoding"},
    {"M-SEARCH / HTTP/1.1" HOST, "!400 http1.codec_error"},
    {"get / HTTP/1.1" HOST, "!400 http1.codec_error"},
};
#undef HOST

static void test_first_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(FIRST_LINES); i++)
        assert_read(H1_REQUESTS, "", FIRST_LINES[i].text, false, FIRST_LINES[i].want);
}

/* Envoy's parser looks at a head's characters before its first line, unless
 * the line came before the rest. */
static void test_what_is_wrong_first_depends_on_what_has_come(void **state)
{
    (void)state;
    /* In one read, which is more than Envoy's parser is given at once. */
    static char long_head[LIMIT_READ_BYTES + 64];
    size_t size = (size_t)snprintf(long_head, sizeof(long_head), "GET /\x01/a HTTP/1.1\r\nx: ");
    memset(long_head + size, 'x', LIMIT_READ_BYTES);
    memcpy(long_head + size + LIMIT_READ_BYTES, "\r\n\r\n", 5);
    const struct {
        const char *pieces[2], *want;
    } rows[] = {
        {{"GE T /a\x01way HTTP/1.1\r\nhost: a\r\n\r\n", ""}, "!400 http1.invalid_characters"},
        {{"GE T /a\x01way HTTP/1.1\r\nhost", ": a\r\n\r\n"}, "!400 http1.codec_error"},
        {{"GET /\x7f HTTP/1.1\r\nhost: a\r\n\r\n", ""}, "!400 http1.invalid_characters"},
        {{"GET /\x7f HTTP/1.1\r\n", "host: a\r\n\r\n"}, "!400 http1.codec_error"},
        {{"GET a HTTP/1.1\r\nx: \x01\r\n\r\n", ""}, "!400 http1.invalid_characters"},
        {{"PURGE  HTTP/1.1 \r\nx: \x01\r\n\r\n", ""}, "!400 http1.codec_error"},
        {{long_head, ""}, "!400 http1.codec_error"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct reading reading = {0};
        arena_init(&reading.arena, 4096, 0);
        reading.parser = h1_parser_new(
            H1_REQUESTS, (struct h1_settings){.head_bytes_max = 60 * 1024, .header_count_max = 10});
        h1_begin(reading.parser, &reading.arena, STR_EMPTY);
        for (size_t k = 0; k < COUNT_OF(rows[i].pieces); k++)
            feed(&reading, str_of(rows[i].pieces[k]), "");
        if (!str_eq(reading.told, str_of(rows[i].want)))
            fail_msg("row %zu: told %.*s", i, STR_FMT(reading.told));
        h1_parser_free(reading.parser);
        arena_fini(&reading.arena);
    }
}

#define OK "[POST a /]"

static void test_fields_are_forgiven_or_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a folded line", "x: one\r\n two\r\n", "", OK "."},
        {"blanks alone", "x:\r\n \r\n", "", OK "."},
        {"a CR inside", "a: b\rc\r\n", "", OK "."},
        {"two CR at the end", "a: b\r\r\n", "", OK "."},
        {"a bare LF", "a: b\nc: d\n", "", OK "."},
        {"bytes above ASCII", "a: \xe9\xff\r\n", "", OK "."},
        {"a tab inside", "a: b\tc\r\n", "", OK "."},
        {"an empty second host", "host:\r\n", "", OK "."},
        {"a blank before the colon", "a : b\r\n", "", "!400 http1.codec_error"},
        {"host folded", " b\r\n", "", "!400 http.invalid_authority"},
        {"no name", ": b\r\n", "", "!400 http1.codec_error"},
        {"no colon", "nocolon\r\n", "", "!400 http1.codec_error"},
        {"a colon on the next line", "a\r\n: b\r\n", "", "!400 http1.codec_error"},
        {"no token", "a(b: c\r\n", "", "!400 http1.codec_error"},
        {"a name above ASCII", "a\xe9: c\r\n", "", "!400 http1.codec_error"},
        {"a tab in the name", "a\tb: c\r\n", "", "!400 http1.codec_error"},
        {"a control character", "a: b\x01\r\n", "", "!400 http1.invalid_characters"},
        {"a vertical tab", "a: b\x0b\r\n", "", "!400 http1.invalid_characters"},
        {"a delete", "a: b\x7f\r\n", "", "!400 http1.invalid_characters"},
        {"nine nominated", "connection: b,c,d,e,f,g,h,i,j\r\n", "", OK "."},
        {"empty tokens", "connection: ,,,,,,,,,,\r\n", "", OK "."},
        {"ten nominated", "connection: b,c,d,e,f,g,h,i,j,k\r\n", "",
         "!400 http1.connection_header_rejected"},
        {"a forbidden one", "connection: x-forwarded-for\r\n", "",
         "!400 http1.connection_header_rejected"},
        {"host nominated", "connection: host\r\n", "", "[POST a /]."},
    };
    assert_rows(rows, COUNT_OF(rows));
    /* Nothing may be continued before the first field. */
    assert_read(H1_REQUESTS, "", "GET / HTTP/1.1\r\n a: b\r\n\r\n", false,
                "!400 http1.codec_error");
}

static void test_values_lose_what_folding_left(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct h1_parser *parser = h1_parser_new(
        H1_REQUESTS, (struct h1_settings){.head_bytes_max = 4096, .header_count_max = 100});
    h1_begin(parser, &arena, STR_EMPTY);
    struct str input = STR("GET / HTTP/1.1\r\nhost: a\r\nX-A: one\r\n\ttwo\r\n  three  \r\n"
                           "b:\t v \t\r\nc: d\re\r\nconnection: X-Gone, host\r\nx-gone: 1\r\n\r\n");
    struct h1_event event;
    assert_int_equal(h1_next(parser, &input, &event), H1_STARTED);
    assert_int_equal(h1_next(parser, &input, &event), H1_HEAD);
    const struct header_list *headers = &event.request->headers;
    assert_int_equal(headers->count, 4);
    assert_true(str_eq(headers->items[0].name, STR("x-a")));
    assert_true(str_eq(headers->items[0].value, STR("one\ttwo  three")));
    assert_true(str_eq(headers->items[1].value, STR("v")));
    assert_true(str_eq(headers->items[2].value, STR("de")));
    assert_false(event.request->has_authority); /* nominated: gone, and refused later */
    h1_parser_free(parser);
    arena_fini(&arena);
}

/* A message that could be framed in two ways is framed in none. */
static void test_lengths_and_encodings(void **state)
{
    (void)state;
#define CHUNKED "transfer-encoding: chunked\r\n"
#define LAST "0\r\n\r\n"
    static const struct row rows[] = {
        {"blanks around", "content-length:  3  \r\n", "abc", OK "abc."},
        {"zeros in front", "content-length: 003\r\n", "abc", OK "abc."},
        {"folded", "content-length: \r\n 3\r\n", "abc", OK "abc."},
        {"zero", "content-length: 0\r\n", "", OK "."},
        {"the greatest", "content-length: 18446744073709551615\r\n", "abc", OK "abc"},
        {"one more", "content-length: 18446744073709551616\r\n", "", "!400 http1.codec_error"},
        {"a plus", "content-length: +3\r\n", "abc", "!400 http1.codec_error"},
        {"a minus", "content-length: -3\r\n", "abc", "!400 http1.codec_error"},
        {"a list", "content-length: 3,3\r\n", "abc", "!400 http1.codec_error"},
        {"two numbers", "content-length: 3 3\r\n", "abc", "!400 http1.codec_error"},
        {"a CR inside", "content-length: 3\r3\r\n", "abc", "!400 http1.codec_error"},
        {"hexadecimal", "content-length: 0x3\r\n", "abc", "!400 http1.codec_error"},
        {"no number", "content-length: x\r\n", "abc", "!400 http1.codec_error"},
        {"nothing", "content-length: \r\n", "abc", "!400 http1.codec_error"},
        {"the same twice", "content-length: 3\r\nContent-Length: 3\r\n", "abc",
         "!400 http1.codec_error"},
        {"another", "content-length: 3\r\ncontent-length: 4\r\n", "abc", "!400 http1.codec_error"},
        {"a second, empty", "content-length: 3\r\ncontent-length:\r\n", "abc",
         "!400 http1.codec_error"},
        {"CL.TE", "content-length: 3\r\n" CHUNKED, LAST,
         "!400 http1.content_length_and_chunked_not_allowed"},
        {"TE.CL", CHUNKED "content-length: 0\r\n", LAST,
         "!400 http1.content_length_and_chunked_not_allowed"},
        {"a length and no encoding", "transfer-encoding:\r\ncontent-length: 3\r\n", "abc",
         "!400 http1.content_length_and_chunked_not_allowed"},
        {"an encoding nominated away",
         "connection: transfer-encoding\r\n" CHUNKED "content-length: 3\r\n", LAST,
         "!400 http1.content_length_and_chunked_not_allowed"},
        {"capitals", "Transfer-Encoding: CHUNKED\r\n", LAST, OK "."},
        {"a tab before", "transfer-encoding:\tchunked \r\n", LAST, OK "."},
        {"twice", CHUNKED CHUNKED, LAST, "!501 http1.invalid_transfer_encoding"},
        {"and identity", CHUNKED "transfer-encoding: identity\r\n", LAST,
         "!501 http1.invalid_transfer_encoding"},
        {"identity", "transfer-encoding: identity\r\n", "", "!501 http1.invalid_transfer_encoding"},
        {"none", "transfer-encoding:\r\n", "", "!501 http1.invalid_transfer_encoding"},
        {"gzip first", "transfer-encoding: gzip, chunked\r\n", LAST,
         "!501 http1.invalid_transfer_encoding"},
        {"chunked first", "transfer-encoding: chunked, identity\r\n", LAST,
         "!501 http1.invalid_transfer_encoding"},
        {"almost", "transfer-encoding: xchunked\r\n", LAST, "!501 http1.invalid_transfer_encoding"},
        {"quoted", "transfer-encoding: \"chunked\"\r\n", LAST,
         "!501 http1.invalid_transfer_encoding"},
        {"a parameter", "transfer-encoding: chunked;q=1\r\n", LAST,
         "!501 http1.invalid_transfer_encoding"},
        {"folded in two", "transfer-encoding: chu\r\n nked\r\n", LAST,
         "!501 http1.invalid_transfer_encoding"},
        {"a blank before the colon", "transfer-encoding : chunked\r\n", LAST,
         "!400 http1.codec_error"},
        {"a vertical tab",
         "transfer-encoding: \x0b"
         "chunked\r\n",
         LAST, "!400 http1.invalid_characters"},
        {"another name", "transfer_encoding: chunked\r\n", "", OK "."},
        {"in a folded line", "x: y\r\n transfer-encoding: chunked\r\n", "", OK "."},
    };
    assert_rows(rows, COUNT_OF(rows));
}

static void test_chunks(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", CHUNKED, "3\r\nabc\r\n" LAST, OK "abc."},
        {"a bare LF after the data", CHUNKED, "3\r\nabc\n" LAST, OK "abc."},
        {"bytes too many", CHUNKED, "3\r\nabcXYZ\r\n" LAST, OK "abc."},
        {"two CR after the data", CHUNKED, "3\r\nabc\r\r\n" LAST, OK "abc."},
        {"an extension", CHUNKED, "3;a=b\r\nabc\r\n" LAST, OK "abc."},
        {"blanks", CHUNKED, "3 \t;x\r\nabc\r\n" LAST, OK "abc."},
        {"words behind a blank", CHUNKED, "3 x\r\nabc\r\n" LAST, OK "abc."},
        {"zeros", CHUNKED, "0000000000000000000000003\r\nabc\r\n000\r\n\r\n", OK "abc."},
        {"capitals", CHUNKED, "A\r\n0123456789\r\n" LAST, OK "0123456789."},
        {"a trailer", CHUNKED, "3\r\nabc\r\n0\r\nt: v\r\n\r\n", OK "abc."},
        {"a length as a trailer", CHUNKED, "0\r\ncontent-length: 5\r\n\r\n", OK "."},
        {"the last one extended", CHUNKED, "0;x=y\r\n\r\n", OK "."},
        {"a bare LF at the end", CHUNKED, "0\r\n\n", OK "."},
        {"the greatest", CHUNKED, "ffffffffffffffff\r\nabc", OK "abc"},
        {"one digit more", CHUNKED, "10000000000000000\r\n", OK "!400 http1.codec_error"},
        {"a bare LF after the size", CHUNKED, "3\nabc\r\n" LAST, OK "!400 http1.codec_error"},
        {"a bare LF after zero", CHUNKED, "0\n\r\n", OK "!400 http1.codec_error"},
        {"a bare CR", CHUNKED, "3\rabc\r\n" LAST, OK "!400 http1.codec_error"},
        {"a CR in the extension", CHUNKED, "3;a=\"b\rc\"\r\nabc", OK "!400 http1.codec_error"},
        {"a bare LF after the extension", CHUNKED, "3;a=b\nabc", OK "!400 http1.codec_error"},
        {"no number", CHUNKED, "3x\r\nabc", OK "!400 http1.codec_error"},
        {"a prefix", CHUNKED, "0x3\r\nabc", OK "!400 http1.codec_error"},
        {"a blank before", CHUNKED, " 3\r\nabc", OK "!400 http1.codec_error"},
        {"nothing", CHUNKED, "\r\n", OK "!400 http1.codec_error"},
        {"an extension alone", CHUNKED, ";x\r\nabc", OK "!400 http1.codec_error"},
        {"a minus", CHUNKED, "-3\r\nabc", OK "!400 http1.codec_error"},
        {"a plus", CHUNKED, "+3\r\nabc", OK "!400 http1.codec_error"},
        {"no CRLF and a number", CHUNKED, "3\r\nabc0\r\n\r\n", OK "abc!400 http1.codec_error"},
        {"a bad trailer", CHUNKED, "0\r\nbad\r\n\r\n", OK "!400 http1.codec_error"},
        {"a bad trailer's name", CHUNKED, "0\r\nb n: x\r\n\r\n", OK "!400 http1.codec_error"},
        {"a trailer continued", CHUNKED, "0\r\n x: y\r\n\r\n", OK "!400 http1.codec_error"},
        {"a trailer's control character", CHUNKED, "0\r\nt: \x01\r\n\r\n",
         OK "!400 http1.invalid_characters"},
    };
    assert_rows(rows, COUNT_OF(rows));
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
        {"GET", "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", false, "[200]ok."},
        {"GET", "HTTP/1.1  200 OK\ncontent-length: 2\n\nok", false, "[200]ok."},
        {"GET", "HTTP/1.1 +200 OK\r\ncontent-length: 2\r\n\r\nok", false, "[200]ok."},
        {"GET", "HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok", false, "[2000]ok."},
        {"GET", "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", false,
         "[200]ok."},
        {"GET", "HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok", false, "[200 last]ok."},
        {"GET", "HTTP/1.1 304 x\r\ntransfer-encoding: chunked\r\n\r\n", false, "[304]."},
        {"GET", "HTTP/1.1 204 x\r\ncontent-length: 0\r\n\r\n", false, "[204]."},
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
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1 200 OK\r\n\r\n",
        "HTTP/1.1 10000 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: \x01\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 204 No\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 100 C\r\ncontent-length: 2\r\n\r\n",
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
        /* A name beyond ASCII is refused in its turn, what is malformed before all. */
        {"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\n\xe4: 6\r\n\r\n",
         "!431 http1.too_many_headers"},
        {"GET / HTTP/1.1\r\nexpect: 1\r\nb: 2\r\nc: 3\r\nhost: 4\r\ne: 5\r\n\xe4: 6\r\n\r\n",
         "!431 http1.too_many_headers"},
        {"GET / HTTP/1.1\r\nhost: 1\r\nb: 2\r\nhost: 3\r\nhost: 4\r\ne: 5\r\n\xe4: 6\r\n\r\n",
         "!400 http1.codec_error"},
        {"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\n\xe4: 3\r\nd: 4\r\ne: 5\r\n\r\n",
         "!400 http1.codec_error"},
        {"GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: 5\r\n\xe4(: 6\r\n\r\n",
         "!400 http1.codec_error"},
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
        cmocka_unit_test(test_first_lines),
        cmocka_unit_test(test_what_is_wrong_first_depends_on_what_has_come),
        cmocka_unit_test(test_fields_are_forgiven_or_refused),
        cmocka_unit_test(test_values_lose_what_folding_left),
        cmocka_unit_test(test_lengths_and_encodings),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_responses_end_where_they_say),
        cmocka_unit_test(test_a_response_that_breaks_off_is_an_error),
        cmocka_unit_test(test_too_many_and_too_long_headers_are_431),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
