/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_pipeline.c - ENVOY.md 1.3 to 1.7.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/pipeline.h"

struct piece {
    struct arena arena;
    struct request_head head;
    struct rng uuid;
    struct pipeline_answer answer;
};

static void begin(struct piece *piece, const char *path)
{
    *piece = (struct piece){.uuid = rng_seeded(1, STR("uuid"))};
    arena_init(&piece->arena, 4096, 0);
    header_list_init(&piece->head.headers, &piece->arena);
    piece->head.method = STR("GET");
    piece->head.path = str_of(path);
    piece->head.authority = STR("reviews");
    piece->head.has_authority = true;
    piece->head.version = HTTP_1_1;
}

static void run(struct piece *piece, bool is_edge)
{
    struct http_connection_manager http = {.is_using_remote_address = is_edge,
                                           .is_normalizing_path = true};
    struct peer_facts peer = {.remote_address = STR("127.9.0.9"), .remote_port = 1};
    piece->answer =
        pipeline_request(&http, &peer, false, &piece->head, &piece->uuid, &piece->arena);
}

static void add(struct piece *piece, const char *name, const char *value)
{
    header_add(&piece->head.headers, str_of(name), str_of(value));
}

static struct str get(struct piece *piece, const char *name)
{
    struct str value = STR("(absent)");
    (void)header_get(&piece->head.headers, str_of(name), &value);
    return value;
}

static void assert_header(struct piece *piece, const char *name, const char *want)
{
    struct str got = get(piece, name);
    if (!str_eq(got, str_of(want)))
        fail_msg("%s is %.*s, not %s", name, STR_FMT(got), want);
}

static void test_bad_heads_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool has_authority;
        uint32_t status;
        const char *details;
    } rows[] = {
        {"/", false, 400, "missing_host_header"},
        {"", true, 404, "missing_path_rejected"},
        {"*", true, 404, "absolute_path_rejected"},
        {"/a#b", true, 400, "path_normalization_failed"},
        {"/a%00", true, 400, "path_normalization_failed"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct piece piece;
        begin(&piece, rows[i].path);
        piece.head.has_authority = rows[i].has_authority;
        run(&piece, false);
        assert_true(piece.answer.is_refused);
        assert_int_equal(piece.answer.status, rows[i].status);
        assert_true(str_eq(piece.answer.details, str_of(rows[i].details)));
        arena_fini(&piece.arena);
    }
}

static void test_a_sidecar_keeps_what_its_caller_says(void **state)
{
    (void)state;
    struct piece piece;
    begin(&piece, "/a/../b");
    add(&piece, "x-request-id", "mine");
    add(&piece, "x-forwarded-for", "1.1.1.1");
    add(&piece, "x-forwarded-proto", "https");
    add(&piece, "x-envoy-original-path", "/o");
    run(&piece, false);
    assert_false(piece.answer.is_refused);
    assert_true(str_eq(piece.head.path, STR("/b")));
    assert_true(str_eq(piece.head.scheme, STR("https")));
    assert_header(&piece, "x-request-id", "mine");
    assert_header(&piece, "x-forwarded-for", "1.1.1.1");
    assert_header(&piece, "x-envoy-original-path", "/o");
    assert_header(&piece, "x-envoy-external-address", "(absent)");
    arena_fini(&piece.arena);
}

static void test_an_edge_says_it_itself(void **state)
{
    (void)state;
    struct piece piece;
    begin(&piece, "/");
    add(&piece, "x-request-id", "mine");
    add(&piece, "x-forwarded-for", "1.1.1.1");
    add(&piece, "x-forwarded-proto", "https");
    add(&piece, "x-envoy-original-path", "/o");
    run(&piece, true);
    assert_header(&piece, "x-forwarded-for", "1.1.1.1,127.9.0.9");
    assert_header(&piece, "x-forwarded-proto", "http");
    assert_header(&piece, "x-envoy-external-address", "127.9.0.9");
    assert_header(&piece, "x-envoy-original-path", "(absent)");
    struct str id = get(&piece, "x-request-id");
    assert_int_equal(id.len, 36);
    assert_int_equal(id.ptr[14], '4');
    arena_fini(&piece.arena);
}

static void test_what_is_for_one_hop_or_for_envoy_goes(void **state)
{
    (void)state;
    static const char *const gone[] = {"connection",
                                       "keep-alive",
                                       "proxy-connection",
                                       "transfer-encoding",
                                       "x-envoy-internal",
                                       "x-envoy-retry-on",
                                       "x-envoy-upstream-rq-timeout-ms",
                                       "x-envoy-expected-rq-timeout-ms",
                                       "x-forwarded-client-cert"};
    struct piece piece;
    begin(&piece, "/");
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        add(&piece, gone[i], "1");
    add(&piece, "te", "gzip, trailers");
    run(&piece, false);
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        assert_header(&piece, gone[i], "(absent)");
    assert_header(&piece, "te", "trailers");
    arena_fini(&piece.arena);
}

static void test_referer(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_kept;
    } rows[] = {
        {"/x", true},
        {"x", true},
        {"?x", true},
        {"", true},
        {"a/b:c", true},
        {"//x/y", true},
        {"/%zz", true},
        {"/a?b:c", true},
        {"/a/b://c", true},
        {"http://h", true},
        {"http://h/a@b", true},
        {"http://h:80/x?a=b", true},
        {"HTTP://h/", true},
        {"ftp://h/", true},
        {"http://[::1]/", true},
        {"http://a..b/", true},
        {"http://h/|", true},
        {"a:b", false},
        {"?a:b", false},
        {"http:/p", false},
        {"http:", false},
        {"mailto:x", false},
        {"about:blank", false},
        {"http://u:p@h/", false},
        {"http://h:x/", false},
        {"http://h_x/", false},
        {"http://h;x/", false},
        {"http:///p", false},
        {"http://1.2.3.4:70000/", false},
        {"://h/", false},
        {"1http://h/", false},
        {"/a#b", false},
        {"http://h?x#f", false},
        {"a b", false},
        {"http://h/a b", false},
        {"/\xe9", false},
        {"http://h/\xe9", false},
        {"/|", false},
        {"/\"", false},
        {"/<", false},
        {"/\\", false},
        {"/[", false},
        {"/a?b|c", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct piece piece;
        begin(&piece, "/");
        add(&piece, "referer", rows[i].value);
        run(&piece, false);
        assert_header(&piece, "referer", rows[i].is_kept ? rows[i].value : "(absent)");
        arena_fini(&piece.arena);
    }
}

static void test_te_is_trailers_or_nothing(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"trailers", "trailers"}, {"gzip, trailers", "trailers"}, {"trailers, deflate", "trailers"},
        {"TRAILERS", "(absent)"}, {"trailers;q=1", "(absent)"},   {"gzip", "(absent)"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct piece piece;
        begin(&piece, "/");
        add(&piece, "te", rows[i][0]);
        run(&piece, false);
        assert_header(&piece, "te", rows[i][1]);
        arena_fini(&piece.arena);
    }
}

static void test_responses_get_date_and_server(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct response_head head = {.status = 200};
    header_list_init(&head.headers, &arena);
    header_add(&head.headers, STR("server"), STR("gunicorn"));
    header_add(&head.headers, STR("connection"), STR("close"));
    header_add(&head.headers, STR("transfer-encoding"), STR("chunked"));
    struct http_connection_manager http = {.server_name = STR("envoy")};
    pipeline_response(&http, STR("now"), false, &head);
    assert_int_equal(head.headers.count, 2);
    assert_true(str_eq(head.headers.items[0].value, STR("envoy")));
    assert_true(str_eq(head.headers.items[1].name, STR("date")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_heads_are_refused),
        cmocka_unit_test(test_a_sidecar_keeps_what_its_caller_says),
        cmocka_unit_test(test_an_edge_says_it_itself),
        cmocka_unit_test(test_what_is_for_one_hop_or_for_envoy_goes),
        cmocka_unit_test(test_referer),
        cmocka_unit_test(test_te_is_trailers_or_nothing),
        cmocka_unit_test(test_responses_get_date_and_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
