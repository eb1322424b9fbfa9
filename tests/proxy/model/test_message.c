/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_message.c - header lists keep Envoy's rules of joining
 * and of order (ENVOY.md 1.2, 2.8).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/model/message.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 4096, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* "name=value;name=value", in order. */
static struct str text_of(const struct header_list *list)
{
    struct str out = STR("");
    for (uint32_t i = 0; i < list->count; i++)
        out = arena_format(&arena, "%.*s%.*s=%.*s;", STR_FMT(out), STR_FMT(list->items[i].name),
                           STR_FMT(list->items[i].value));
    return out;
}

static void assert_text(const struct header_list *list, const char *want)
{
    struct str got = text_of(list);
    assert_string_equal(arena_str(&arena, got).ptr, want);
}

static struct header_list list_of(const char *const *names_and_values)
{
    struct header_list list;
    header_list_init(&list, &arena);
    for (; *names_and_values != NULL; names_and_values += 2)
        header_add(&list, str_of(names_and_values[0]), str_of(names_and_values[1]));
    return list;
}

static void test_second_lines_of_known_headers_are_joined_and_others_stay(void **state)
{
    (void)state;
    static const struct {
        const char *lines[7];
        const char *want;
    } rows[] = {
        {{"accept", "a", "accept", "b", NULL}, "accept=a,b;"},
        {{"user-agent", "me", "x-a", "1", "user-agent", "more", NULL}, "user-agent=me,more;x-a=1;"},
        {{"cookie", "a=1", "cookie", "b=2", NULL}, "cookie=a=1;cookie=b=2;"},
        {{"x-dup", "1", "x-dup", "2", NULL}, "x-dup=1;x-dup=2;"},
        {{"set-cookie", "a", "set-cookie", "b", NULL}, "set-cookie=a;set-cookie=b;"},
        {{"accept", "", "accept", "b", NULL}, "accept=b;"},
        {{"accept", "a", "accept", "", NULL}, "accept=a;"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct header_list list = list_of(rows[i].lines);
        assert_text(&list, rows[i].want);
    }
}

/* Which names are known depends on whose header map it is: each was asked of
 * Envoy 1.40. */
static void test_requests_and_responses_join_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_of_requests, is_of_responses;
    } rows[] = {
        {"via", true, true},
        {"content-type", true, true},
        {"cache-control", true, true},
        {"x-request-id", true, true},
        {"accept", true, false},
        {"user-agent", true, false},
        {"x-forwarded-host", true, false},
        {"access-control-request-method", true, false},
        {"x-envoy-is-timeout-retry", true, false},
        {"etag", false, true},
        {"age", false, true},
        {"vary", false, true},
        {"location", false, true},
        {"grpc-status", false, true},
        {"access-control-allow-origin", false, true},
        {"x-envoy-degraded", false, true},
        {"x-envoy-upstream-canary", false, true},
        {"set-cookie", false, false},
        {"www-authenticate", false, false},
        {"x-b3-traceid", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int is_response = 0; is_response < 2; is_response++) {
            struct header_list list, copy;
            header_list_init(&list, &arena);
            list.is_response = is_response == 1;
            header_list_copy(&copy, &list, &arena);
            header_add(&copy, str_of(rows[i].name), STR("1"));
            header_add(&copy, str_of(rows[i].name), STR("2"));
            bool is_joined = is_response == 1 ? rows[i].is_of_responses : rows[i].is_of_requests;
            assert_int_equal(copy.count, is_joined ? 1 : 2);
            assert_int_equal(header_is_inline(&copy, str_of(rows[i].name)), is_joined);
        }
    }
}

static void test_setting_keeps_the_first_place_and_drops_the_rest(void **state)
{
    (void)state;
    static const char *const lines[] = {"x-a", "1", "x-b", "2", "x-a", "3", NULL};
    struct header_list list = list_of(lines);
    header_set(&list, STR("x-a"), STR("new"));
    assert_text(&list, "x-a=new;x-b=2;");
    header_set(&list, STR("x-c"), STR("4"));
    assert_text(&list, "x-a=new;x-b=2;x-c=4;");
}

static void test_overwriting_moves_unknown_headers_to_the_end(void **state)
{
    (void)state;
    static const char *const lines[] = {"x-a", "1", "accept", "2", "x-b", "3", NULL};
    struct header_list list = list_of(lines);
    header_overwrite(&list, STR("x-a"), STR("new"));
    header_overwrite(&list, STR("accept"), STR("new"));
    assert_text(&list, "accept=new;x-b=3;x-a=new;");
}

static void test_removing_counts_every_line(void **state)
{
    (void)state;
    static const char *const lines[] = {"x-a", "1", "x-b", "2", "x-a", "3", NULL};
    struct header_list list = list_of(lines);
    assert_int_equal(header_remove(&list, STR("x-a")), 2);
    assert_int_equal(header_remove(&list, STR("x-a")), 0);
    assert_text(&list, "x-b=2;");
    assert_false(header_is_present(&list, STR("x-a")));
}

static void test_a_copy_does_not_share_bytes(void **state)
{
    (void)state;
    char value[] = "old";
    struct request_head head = {.method = STR("GET"), .path = {value, 3}, .has_authority = true};
    header_list_init(&head.headers, &arena);
    header_append_line(&head.headers, STR("x-a"), (struct str){value, 3});
    struct request_head copy;
    request_head_copy(&copy, &head, &arena);
    value[0] = 'X';
    struct str got = STR_EMPTY;
    assert_true(header_get(&copy.headers, STR("x-a"), &got));
    assert_true(str_eq(got, STR("old")));
    assert_true(str_eq(copy.path, STR("old")));
}

static void test_pseudo_headers_are_found_among_the_others(void **state)
{
    (void)state;
    struct request_head head = {.method = STR("GET"),
                                .path = STR("/a?b"),
                                .authority = STR("reviews:9080"),
                                .has_authority = true};
    header_list_init(&head.headers, &arena);
    header_add(&head.headers, STR("x-a"), STR("1"));
    static const struct {
        const char *name;
        const char *want; /* NULL: not there */
    } rows[] = {
        {":method", "GET"},
        {":path", "/a?b"},
        {":authority", "reviews:9080"},
        {"host", "reviews:9080"},
        {"x-a", "1"},
        {":scheme", NULL},
        {"x-b", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got;
        bool is_there = request_head_get(&head, str_of(rows[i].name), &got);
        assert_int_equal(is_there, rows[i].want != NULL);
        if (is_there)
            assert_true(str_eq(got, str_of(rows[i].want)));
    }
    head.has_authority = false;
    struct str got;
    assert_false(request_head_get(&head, STR("host"), &got));
}

static void test_reasons_are_envoys(void **state)
{
    (void)state;
    static const struct {
        uint32_t status;
        const char *want;
    } rows[] = {
        {200, "OK"},
        {404, "Not Found"},
        {418, "Unknown"},
        {504, "Gateway Timeout"},
        {431, "Request Header Fields Too Large"},
        {999, "Unknown"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(status_reason(rows[i].status), str_of(rows[i].want)));
}

static void test_grpc_is_told_by_its_content_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool want;
    } rows[] = {{"application/grpc", true},
                {"application/grpc+proto", true},
                {"application/grpc-web", false},
                {"application/json", false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct request_head head = {.method = STR("POST")};
        header_list_init(&head.headers, &arena);
        header_add(&head.headers, STR("content-type"), str_of(rows[i].type));
        assert_int_equal(request_head_is_grpc(&head), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_lines_of_known_headers_are_joined_and_others_stay),
        cmocka_unit_test(test_requests_and_responses_join_other_names),
        cmocka_unit_test(test_setting_keeps_the_first_place_and_drops_the_rest),
        cmocka_unit_test(test_overwriting_moves_unknown_headers_to_the_end),
        cmocka_unit_test(test_removing_counts_every_line),
        cmocka_unit_test(test_a_copy_does_not_share_bytes),
        cmocka_unit_test(test_pseudo_headers_are_found_among_the_others),
        cmocka_unit_test(test_reasons_are_envoys),
        cmocka_unit_test(test_grpc_is_told_by_its_content_type),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
