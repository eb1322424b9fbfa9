/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_question.c - URLs and headers as curl takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/question.h"

static void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        print_message("got \"%.*s\", not \"%s\"\n", STR_FMT(got), want);
    assert_true(str_eq(got, str_of(want)));
}

static void test_a_url_has_host_port_and_path(void **state)
{
    (void)state;
    static const struct {
        const char *url, *authority;
        uint32_t port;
        const char *uri;
    } rows[] = {
        {"http://reviews:9080/a/b?x=1", "reviews:9080", 9080, "/a/b?x=1"},
        {"http://reviews", "reviews", 0, "/"},
        {"http://reviews/", "reviews", 0, "/"},
        {"HTTP://Reviews/", "Reviews", 0, "/"},
        {"reviews:9080/a", "reviews:9080", 9080, "/a"},
        {"reviews", "reviews", 0, "/"},
        {"http://a?x=http://b", "a", 0, "/?x=http://b"},
        {"a/x://y", "a", 0, "/x://y"},
        {"http://a/b#c", "a", 0, "/b"},
        {"http://[::1]:80/", "[::1]:80", 80, "/"},
        {"http://[::1]/", "[::1]", 0, "/"},
        {"http://a//b/../c", "a", 0, "//b/../c"},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct question question = {.url = str_of(rows[i].url)};
        struct call call;
        struct str why;
        assert_true(question_call(&question, &arena, &call, &why));
        assert_true(call.has_authority);
        assert_str(call.authority, rows[i].authority);
        assert_int_equal(call.port, rows[i].port);
        assert_str(call.uri, rows[i].uri);
        assert_str(call.method, "GET");
    }
    arena_fini(&arena);
}

static void test_https_is_whom_it_calls(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool is_tls;
        const char *host;
    } rows[] = {
        {"https://a.b/c:d", true, "a.b"},
        {"HTTPS://a:8443?x", true, "a"},
        {"https://[::1]:443/", true, "[::1]:443"},
        {"http://https://", false, ""},
        {"https", false, ""},
        {"https://", true, ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct question question = {.url = str_of(rows[i].url)};
        assert_int_equal(question_is_tls(&question), rows[i].is_tls);
        if (rows[i].is_tls)
            assert_str(question_host(&question), rows[i].host);
    }
}

static void test_method_headers_and_body(void **state)
{
    (void)state;
    struct str lines[] = {STR("End-User: jason"), STR("x-empty;"), STR("x-none:"),
                          STR("Host: other:80")};
    struct question question = {.url = STR("http://a/"),
                                .lines = lines,
                                .line_count = COUNT_OF(lines),
                                .has_body = true,
                                .body = STR("hi")};
    struct arena arena;
    struct call call;
    struct str why;
    arena_init(&arena, 4096, 0);

    assert_true(question_call(&question, &arena, &call, &why));
    assert_str(call.method, "POST");
    assert_str(call.authority, "other:80");
    assert_int_equal(call.header_count, 3);
    assert_str(call.headers[0].name, "End-User");
    assert_str(call.headers[0].value, "jason");
    assert_str(call.headers[1].name, "x-empty");
    assert_str(call.headers[1].value, "");
    assert_str(call.headers[2].value, "");
    assert_str(call.body, "hi");

    question.method = STR("PATCH");
    assert_true(question_call(&question, &arena, &call, &why));
    assert_str(call.method, "PATCH");
    arena_fini(&arena);
}

static void test_what_is_no_question_is_told_why(void **state)
{
    (void)state;
    static const struct {
        const char *url, *method, *line, *why;
    } rows[] = {
        {"", "", "", "names no host"},           {"http:///x", "", "", "names no host"},
        {"ftp://a/", "", "", "no scheme"},       {"http://a:0/", "", "", "65535"},
        {"http://a:65536/", "", "", "65535"},    {"http://a:/", "", "", "65535"},
        {"http://a:x/", "", "", "65535"},        {"http://a/b c", "", "", "%20"},
        {"http://a/", "G T", "", "no method"},   {"http://a/", "", "end-user", "NAME: VALUE"},
        {"http://a/", "", ": x", "NAME: VALUE"}, {"http://a/", "", "a b: x", "NAME: VALUE"},
        {"http://a/", "", ";", "NAME: VALUE"},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str line = str_of(rows[i].line);
        struct question question = {.url = str_of(rows[i].url),
                                    .method = str_of(rows[i].method),
                                    .lines = &line,
                                    .line_count = line.len > 0 ? 1 : 0};
        struct call call;
        struct str why = STR_EMPTY;
        assert_false(question_call(&question, &arena, &call, &why));
        if (!str_contains(why, str_of(rows[i].why)))
            print_message("%s: %.*s\n", rows[i].url, STR_FMT(why));
        assert_true(str_contains(why, str_of(rows[i].why)));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_url_has_host_port_and_path),
        cmocka_unit_test(test_https_is_whom_it_calls),
        cmocka_unit_test(test_method_headers_and_body),
        cmocka_unit_test(test_what_is_no_question_is_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
