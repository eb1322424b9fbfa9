/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_matcher.c - ENVOY.md 2.2 to 2.4.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/matcher.h"

static void test_strings_match_by_kind(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum string_match_kind kind;
        bool is_ignoring_case;
        const char *value, *text;
        bool want;
    } rows[] = {
        {STRING_EXACT, false, "a", "a", true},     {STRING_EXACT, false, "a", "A", false},
        {STRING_EXACT, true, "a", "A", true},      {STRING_EXACT, false, "", "", true},
        {STRING_PREFIX, false, "ab", "abc", true}, {STRING_PREFIX, false, "ab", "a", false},
        {STRING_PREFIX, true, "AB", "abc", true},  {STRING_SUFFIX, false, "bc", "abc", true},
        {STRING_SUFFIX, false, "bc", "c", false},  {STRING_CONTAINS, false, "b", "abc", true},
        {STRING_CONTAINS, true, "B", "abc", true}, {STRING_CONTAINS, false, "B", "abc", false},
        {STRING_PRESENT, false, "", "", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct string_matcher matcher = {.kind = rows[i].kind,
                                         .value = str_of(rows[i].value),
                                         .is_ignoring_case = rows[i].is_ignoring_case};
        assert_int_equal(matcher_string(&matcher, str_of(rows[i].text)), rows[i].want);
    }
}

static void test_a_regex_matches_the_whole_text(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct regex_set set = {0};
    struct str why;
    struct string_matcher matcher = {.kind = STRING_REGEX};
    matcher.regex = regex_new(&set, STR("a.c"), &arena, &why);
    assert_true(matcher_string(&matcher, STR("abc")));
    assert_false(matcher_string(&matcher, STR("xabc")));
    assert_false(matcher_string(&matcher, STR("abcx")));
    regex_set_free(&set);
    arena_fini(&arena);
}

/* ENVOY.md 2.3: each line on its own; missing headers; inverted matchers. */
static void test_headers_match_line_by_line(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *lines[2];
        enum string_match_kind kind;
        const char *value;
        bool is_inverted, is_missing_empty, want;
    } rows[] = {
        {{"one", "two"}, STRING_EXACT, "two", false, false, true},
        {{"one", "two"}, STRING_EXACT, "one,two", false, false, false},
        {{"one", NULL}, STRING_EXACT, "one", true, false, false},
        {{"one", "two"}, STRING_EXACT, "two", true, false, false},
        {{"one", NULL}, STRING_EXACT, "two", true, false, true},
        {{NULL, NULL}, STRING_EXACT, "one", false, false, false},
        {{NULL, NULL}, STRING_EXACT, "one", true, false, false},
        {{NULL, NULL}, STRING_EXACT, "one", true, true, true},
        {{NULL, NULL}, STRING_EXACT, "", false, true, true},
        {{NULL, NULL}, STRING_PRESENT, "", false, false, false},
        {{NULL, NULL}, STRING_PRESENT, "", true, false, true},
        {{"", NULL}, STRING_PRESENT, "", false, false, true},
        {{"", NULL}, STRING_PRESENT, "", true, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct request_head *head = build_request(&arena, "GET", "a", "/");
        for (size_t line = 0; line < 2; line++)
            if (rows[i].lines[line] != NULL)
                build_header(head, "x-a", rows[i].lines[line]);
        struct header_matcher matcher = {.name = STR("x-a"),
                                         .match = {rows[i].kind, str_of(rows[i].value), 0, NULL},
                                         .is_inverted = rows[i].is_inverted,
                                         .is_missing_treated_as_empty = rows[i].is_missing_empty};
        struct matcher_met met;
        if (matcher_header(&matcher, head, &met) != rows[i].want)
            fail_msg("row %zu", i);
        arena_fini(&arena);
    }
}

static void test_pseudo_headers_can_be_matched(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *name, *value;
    } rows[] = {{":method", "PUT"}, {":authority", "h:1"}, {":path", "/p?q"}, {":scheme", "http"}};
    struct arena arena;
    arena_init(&arena, 1024, 0);
    struct request_head *head = build_request(&arena, "PUT", "h:1", "/p?q");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct header_matcher matcher = {.name = str_of(rows[i].name),
                                         .match = {.value = str_of(rows[i].value)}};
        struct matcher_met met;
        assert_true(matcher_header(&matcher, head, &met));
    }
    arena_fini(&arena);
}

/* ENVOY.md 2.4: only the first value, raw. */
static void test_queries_match_their_first_value(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *query;
        enum string_match_kind kind;
        const char *value;
        bool want;
    } rows[] = {
        {"a=1", STRING_EXACT, "1", true},     {"a=1&a=2", STRING_EXACT, "2", false},
        {"b=1&a=1", STRING_EXACT, "1", true}, {"a", STRING_PRESENT, "", true},
        {"a", STRING_EXACT, "", true},        {"", STRING_PRESENT, "", false},
        {"aa=1", STRING_PRESENT, "", false},  {"a=%31", STRING_EXACT, "1", false},
        {"a=b=c", STRING_EXACT, "b=c", true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct query_matcher matcher = {.name = STR("a"),
                                        .match = {rows[i].kind, str_of(rows[i].value), 0, NULL}};
        struct matcher_met met;
        if (matcher_query(&matcher, str_of(rows[i].query), &met) != rows[i].want)
            fail_msg("row %zu", i);
    }
}

static void test_paths_match_by_kind(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum path_match_kind kind;
        bool is_ignoring_case;
        const char *value, *path;
        bool want;
    } rows[] = {
        {PATH_PREFIX, false, "/api", "/apix", true},
        {PATH_PREFIX, false, "/api", "/API", false},
        {PATH_PREFIX, true, "/api", "/API/x", true},
        {PATH_EXACT, false, "/a", "/a", true},
        {PATH_EXACT, false, "/a", "/a/", false},
        {PATH_EXACT, true, "/a", "/A", true},
        {PATH_SEPARATED_PREFIX, false, "/api", "/api", true},
        {PATH_SEPARATED_PREFIX, false, "/api", "/api/v1", true},
        {PATH_SEPARATED_PREFIX, false, "/api", "/apix", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct path_matcher matcher = {.kind = rows[i].kind,
                                       .value = str_of(rows[i].value),
                                       .is_ignoring_case = rows[i].is_ignoring_case};
        if (matcher_path(&matcher, str_of(rows[i].path)) != rows[i].want)
            fail_msg("row %zu", i);
    }
}

static void test_query_and_fragment_are_no_part_of_the_path(void **state)
{
    UNUSED_STATE(state);
    assert_str(matcher_bare_path(STR("/a?b#c")), "/a");
    assert_str(matcher_bare_path(STR("/a#c?b")), "/a");
    assert_str(matcher_query_text(STR("/a?b=1#c")), "b=1");
    assert_int_equal(matcher_query_text(STR("/a")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_match_by_kind),
        cmocka_unit_test(test_a_regex_matches_the_whole_text),
        cmocka_unit_test(test_headers_match_line_by_line),
        cmocka_unit_test(test_pseudo_headers_can_be_matched),
        cmocka_unit_test(test_queries_match_their_first_value),
        cmocka_unit_test(test_paths_match_by_kind),
        cmocka_unit_test(test_query_and_fragment_are_no_part_of_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
