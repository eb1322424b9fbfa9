/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_forward.c - what routes do to heads: ENVOY.md 2.8, 2.9,
 * 3.1, 3.2, 17.2.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/forward.h"

struct forwarded {
    struct arena arena;
    struct record record;
    struct request_head *head;
};

static void forward(struct forwarded *f, const struct route *route,
                    const struct weighted_cluster *weighted, int64_t timeout_ns)
{
    static const struct http_connection_manager http = {.is_tracing_egress = true};
    static const struct virtual_host host = {.has_attempt_count = true};
    struct forward_question asked = {.http = &http,
                                     .virtual_host = &host,
                                     .route = route,
                                     .weighted = weighted,
                                     .timeout_ns = timeout_ns,
                                     .attempt_count = 1};
    f->record.version = HTTP_1_1;
    struct formatter_facts facts = {.request = f->head, .record = &f->record};
    forward_request(&asked, &facts, f->head, NULL);
}

static void begin(struct forwarded *f, const char *path)
{
    *f = (struct forwarded){0};
    arena_init(&f->arena, 4096, 0);
    f->head = build_request(&f->arena, "GET", "reviews", path);
}

static void assert_headers(const struct forwarded *f, const char *want)
{
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct str got = STR_EMPTY;
    for (uint32_t i = 0; i < f->head->headers.count; i++)
        got = arena_format(&arena, "%.*s%.*s: %.*s\n", STR_FMT(got),
                           STR_FMT(f->head->headers.items[i].name),
                           STR_FMT(f->head->headers.items[i].value));
    assert_str(got, want);
    arena_fini(&arena);
}

static void test_own_headers_come_before_mutations_and_rewrites(void **state)
{
    UNUSED_STATE(state);
    static const struct header_mutation add[] = {
        {.name = STR_INIT("x-new"), .value = STR_INIT("v"), .action = OVERWRITE_OR_ADD}};
    struct route route = build_route("r", "c");
    route.decorator = STR("op");
    route.request_headers = (struct header_mutations){.add = add, .add_count = 1};
    route.match.path = build_prefix("/api");
    route.forward.has_prefix_rewrite = true;
    route.forward.prefix_rewrite = STR("/v2");
    route.forward.host_rewrite = STR("other");
    struct forwarded f;
    begin(&f, "/api/x?y");
    build_header(f.head, "x-envoy-max-retries", "9");
    forward(&f, &route, NULL, 500 * NS_MS);
    assert_str(f.head->path, "/v2/x?y");
    assert_str(f.head->authority, "other");
    assert_headers(&f, "x-envoy-decorator-operation: op\nx-envoy-expected-rq-timeout-ms: 500\n"
                       "x-envoy-attempt-count: 1\nx-new: v\nx-envoy-original-host: reviews\n"
                       "x-envoy-original-path: /api/x?y\n");
    arena_fini(&f.arena);
}

/* ENVOY.md 2.8: removals, values, overwrites, additions; weighted level first. */
static void test_mutations_go_level_by_level(void **state)
{
    UNUSED_STATE(state);
    static const struct header_mutation outer[] = {
        {.name = STR_INIT("x-add"), .value = STR_INIT("route")},
        {.name = STR_INIT("x-set"), .value = STR_INIT("route"), .action = OVERWRITE_OR_ADD}};
    static const struct header_mutation inner[] = {
        {.name = STR_INIT("x-add"), .value = STR_INIT("dest")},
        {.name = STR_INIT("x-set"), .value = STR_INIT("dest"), .action = OVERWRITE_OR_ADD}};
    static const struct str remove[] = {STR_INIT("x-gone")};
    struct route route = build_route("r", "c");
    route.request_headers = (struct header_mutations){.add = outer,
                                                      .add_count = COUNT_OF(outer),
                                                      .remove = remove,
                                                      .remove_count = COUNT_OF(remove)};
    struct weighted_cluster weighted = {
        .request_headers = {.add = inner, .add_count = COUNT_OF(inner)}};
    struct forwarded f;
    begin(&f, "/");
    build_header(f.head, "x-add", "client");
    build_header(f.head, "x-gone", "1");
    forward(&f, &route, &weighted, 0);
    assert_headers(&f, "x-add: client\nx-envoy-attempt-count: 1\nx-add: dest\nx-set: route\n"
                       "x-add: route\n");
    arena_fini(&f.arena);
}

static void test_values_are_rendered(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *format, *want;
    } rows[] = {
        {"plain", "plain"},
        {"100%%", "100%"},
        {"%REQ(:PATH)%", "/p?q"},
        {"%REQ(:AUTHORITY)%", "reviews"},
        {"%REQ(nope)%", ""},
        {"%REQ(nope?x-a)%", "1"},
        {"a%PROTOCOL%b", "aHTTP/1.1b"},
        {"%REQ(:PATH):2%", "/p"},
        {"%RESPONSE_FLAGS%", "-"},
        {"%UNKNOWN%", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct forwarded f;
        begin(&f, "/p?q");
        build_header(f.head, "x-a", "1");
        f.record.version = HTTP_1_1;
        struct formatter_facts facts = {.request = f.head, .record = &f.record};
        assert_str(formatter_render(str_of(rows[i].format), &facts, &f.arena), rows[i].want);
        arena_fini(&f.arena);
    }
}

static void test_rewrites_replace_what_was_matched(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum path_match_kind kind;
        const char *value, *path, *rewrite, *want;
    } rows[] = {
        {PATH_PREFIX, "/api", "/api/v1", "/", "//v1"},
        {PATH_PREFIX, "/api/", "/api/v1?x", "/", "/v1?x"},
        {PATH_PREFIX, "/api", "/api", "/", "/"},
        {PATH_EXACT, "/a", "/a?x", "/b", "/b?x"},
        {PATH_REGEX, "/a.*", "/abc?x", "/b", "/b?x"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route route = build_route("r", "c");
        route.match.path =
            (struct path_matcher){.kind = rows[i].kind, .value = str_of(rows[i].value)};
        route.forward.has_prefix_rewrite = true;
        route.forward.prefix_rewrite = str_of(rows[i].rewrite);
        struct forwarded f;
        begin(&f, rows[i].path);
        forward(&f, &route, NULL, 0);
        assert_str(f.head->path, rows[i].want);
        arena_fini(&f.arena);
    }
}

static void test_timeouts_of_plain_and_grpc_requests(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        bool is_grpc, has_max;
        int64_t timeout_ms, max_ms;
        const char *asked;
        int64_t want_ms;
    } rows[] = {
        {false, false, 500, 0, NULL, 500},   {false, true, 500, 100, "1S", 500},
        {true, false, 500, 0, "1S", 500},    {true, true, 15000, 0, NULL, 0},
        {true, true, 15000, 0, "2S", 2000},  {true, true, 0, 1000, "2S", 1000},
        {true, true, 0, 1000, "10m", 10},    {true, true, 0, 1000, NULL, 1000},
        {true, true, 0, 1000, "junk", 1000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct forwarded f;
        begin(&f, "/");
        if (rows[i].asked != NULL)
            build_header(f.head, "grpc-timeout", rows[i].asked);
        struct forward_action action = {.has_timeout = true,
                                        .timeout_ns = rows[i].timeout_ms * NS_MS,
                                        .has_max_grpc_timeout = rows[i].has_max,
                                        .max_grpc_timeout_ns = rows[i].max_ms * NS_MS};
        assert_int_equal(forward_timeout_ns(&action, f.head, rows[i].is_grpc),
                         rows[i].want_ms * NS_MS);
        /* The life of the stream has its own clock, and no other: also when it is 0. */
        action.has_max_stream_duration = true;
        action.max_stream_duration_ns = (int64_t)i * NS_SECOND;
        assert_int_equal(forward_timeout_ns(&action, f.head, rows[i].is_grpc), 0);
        arena_fini(&f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_headers_come_before_mutations_and_rewrites),
        cmocka_unit_test(test_mutations_go_level_by_level),
        cmocka_unit_test(test_values_are_rendered),
        cmocka_unit_test(test_rewrites_replace_what_was_matched),
        cmocka_unit_test(test_timeouts_of_plain_and_grpc_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
