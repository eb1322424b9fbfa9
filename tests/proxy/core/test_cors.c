/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_cors.c - ENVOY.md 16.1.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/cors.h"

static const struct string_matcher ORIGINS[] = {
    {.kind = STRING_EXACT, .value = STR_INIT("https://a")},
    {.kind = STRING_PREFIX, .value = STR_INIT("https://dev.")},
};
static const struct string_matcher ANY[] = {{.kind = STRING_EXACT, .value = STR_INIT("*")}};

static const struct cors_policy LISTED = {
    .origins = ORIGINS,
    .origin_count = COUNT_OF(ORIGINS),
    .methods = STR_INIT("GET,POST"),
    .headers = STR_INIT("x-a"),
    .exposed = STR_INIT("x-e"),
    .max_age = STR_INIT("60"),
    .is_allowing_credentials = true,
    .is_passing_unmatched = true,
};
static const struct cors_policy STRICT = {
    .origins = ORIGINS, .origin_count = COUNT_OF(ORIGINS), .methods = STR_INIT("GET")};
static const struct cors_policy OPEN = {.origins = ANY,
                                        .origin_count = COUNT_OF(ANY),
                                        .methods = STR_INIT("*"),
                                        .headers = STR_INIT("*"),
                                        .is_passing_unmatched = true};

static struct request_head *asked(struct arena *arena, const char *method, const char *origin,
                                  const char *requested)
{
    struct request_head *head = build_request(arena, method, "a", "/");
    if (origin != NULL)
        build_header(head, "origin", origin);
    if (requested != NULL)
        build_header(head, "access-control-request-method", requested);
    return head;
}

static void test_who_is_answered_and_who_passes(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const struct cors_policy *policy;
        const char *method, *origin, *requested;
        enum cors_verdict want;
        bool is_allowed;
    } rows[] = {
        {NULL, "OPTIONS", "https://a", "GET", CORS_NOT_ASKED, false},
        {&LISTED, "GET", NULL, NULL, CORS_NOT_ASKED, false},
        {&LISTED, "GET", "", NULL, CORS_NOT_ASKED, false},
        {&LISTED, "GET", "https://a", NULL, CORS_PASS, true},
        {&LISTED, "GET", "https://dev.x", NULL, CORS_PASS, true},
        {&LISTED, "GET", "https://a.evil", NULL, CORS_PASS, false},
        {&LISTED, "OPTIONS", "https://a", "GET", CORS_ANSWER, true},
        {&LISTED, "OPTIONS", "https://a", "DELETE", CORS_ANSWER, true}, /* not looked up */
        {&LISTED, "OPTIONS", "https://a", NULL, CORS_PASS, true},
        {&LISTED, "OPTIONS", "https://a", "", CORS_PASS, true},
        {&LISTED, "OPTIONS", "https://evil", "GET", CORS_PASS, false},
        {&STRICT, "OPTIONS", "https://evil", "GET", CORS_ANSWER, false},
        {&STRICT, "GET", "https://evil", NULL, CORS_PASS, false},
        {&OPEN, "GET", "anything", NULL, CORS_PASS, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct cors_answer got = cors_judge(
            rows[i].policy, asked(&arena, rows[i].method, rows[i].origin, rows[i].requested));
        if (got.verdict != rows[i].want || got.is_allowed != rows[i].is_allowed)
            fail_msg("row %zu", i);
        arena_fini(&arena);
    }
}

static void assert_headers(const struct response_head *head, const char *want)
{
    struct arena *arena = head->headers.arena;
    struct str got = STR_EMPTY;
    for (uint32_t i = 0; i < head->headers.count; i++)
        got = arena_format(arena, "%.*s%.*s: %.*s\n", STR_FMT(got),
                           STR_FMT(head->headers.items[i].name),
                           STR_FMT(head->headers.items[i].value));
    assert_str(got, want);
}

static void test_headers_of_answers_in_order(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const struct cors_policy *policy;
        const char *origin, *requested, *want;
    } rows[] = {
        {&LISTED, "https://a", "PUT",
         "access-control-allow-origin: https://a\naccess-control-allow-credentials: true\n"
         "access-control-allow-methods: GET,POST\naccess-control-allow-headers: x-a\n"
         "access-control-max-age: 60\naccess-control-expose-headers: x-e\n"},
        {&STRICT, "https://evil", "PUT", "access-control-allow-methods: GET\n"},
        {&OPEN, "x", "PUT",
         "access-control-allow-origin: x\naccess-control-allow-methods: PUT\n"
         "access-control-allow-headers: one,two\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct request_head *request = asked(&arena, "OPTIONS", rows[i].origin, rows[i].requested);
        build_header(request, "access-control-request-headers", "one,two");
        struct cors_answer answer = cors_judge(rows[i].policy, request);
        struct response_head response = {0};
        header_list_init(&response.headers, &arena);
        cors_preflight(rows[i].policy, request, &answer, &response);
        if (answer.is_allowed)
            cors_mark(rows[i].policy, answer.origin, &response);
        assert_int_equal(response.status, 200);
        assert_headers(&response, rows[i].want);
        arena_fini(&arena);
    }
}

static void test_what_the_application_says_is_overwritten_in_its_place(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct response_head response = {.status = 200};
    header_list_init(&response.headers, &arena);
    header_add(&response.headers, STR("access-control-allow-origin"), STR("*"));
    header_add(&response.headers, STR("x-b"), STR("1"));
    cors_mark(&OPEN, STR("https://me"), &response);
    assert_headers(&response, "access-control-allow-origin: https://me\nx-b: 1\n");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_answered_and_who_passes),
        cmocka_unit_test(test_headers_of_answers_in_order),
        cmocka_unit_test(test_what_the_application_says_is_overwritten_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
