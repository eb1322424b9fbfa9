/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_path.c - what of a path changes before routing, and
 * what never does (ENVOY.md 1.4; every row was asked of a real Envoy).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/http/path.h"

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

struct row {
    const char *path, *want; /* want NULL: invalid */
};

static void check_normalize(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct str got = STR_EMPTY;
        /* A copy of exactly this size: a sanitizer sees one byte too far. */
        struct str path = arena_str(&arena, str_of(rows[i].path));
        bool is_valid = path_normalize(path, &arena, &got);
        if (is_valid != (rows[i].want != NULL))
            fail_msg("%s: valid %d", rows[i].path, is_valid);
        if (is_valid && !str_eq(got, str_of(rows[i].want)))
            fail_msg("%s: %.*s, not %s", rows[i].path, STR_FMT(got), rows[i].want);
    }
}

static void test_dot_segments_are_resolved_and_never_leave_the_root(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", "/"},
        {"/a/b/../c", "/a/c"},
        {"/a/../b/c", "/b/c"},
        {"/../../a", "/a"},
        {"/a/b/../../../../c", "/c"},
        {"/a/./b", "/a/b"},
        {"/a/.", "/a/"},
        {"/a/..", "/"},
        {"/.", "/"},
        {"/..", "/"},
        {"/a/b/..", "/a/"},
        {"/...", "/..."},
        {"/a/.../b", "/a/.../b"},
        {"/.a/..b/c.", "/.a/..b/c."},
        {"/a//../b", "/a/b"},
        {"/a/x;p=1/../y", "/a/y"},
    };
    check_normalize(rows, COUNT_OF(rows));
}

static void test_escaped_dots_are_dots(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a/%2e%2e/b", "/b"},
        {"/a/b/%2E%2E/c", "/a/c"},
        {"/a/%2E/b", "/a/b"},
        {"/a/.%2e/b", "/b"},
        {"/a/%2e./b", "/b"},
        {"/a/%2e%2e", "/"},
        {"/a/%2e%2e%2e", "/a/..."},
        /* nothing completes a broken escape */
        {"/%2%3%31", "/%2%2531"},
        {"/%%34%31", "/%2541"},
        {"/%%341", "/%2541"},
        {"/%2%31x", "/%2521x"},
        {"/%%2e%2e", "/%.."},
    };
    check_normalize(rows, COUNT_OF(rows));
}

static void test_plain_dots_may_have_parameters(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a/x/..;p=1/b", "/a/b"},         {"/a/.;p=1/b", "/a/b"},
        {"/a/x;p=1/../b;q=2", "/a/b;q=2"}, {"/a/..%3Bx/b", "/a/..%3Bx/b"},
        {"/a/%2e%2E;x/b", "/a/..;x/b"},
    };
    check_normalize(rows, COUNT_OF(rows));
}

static void test_backslashes_are_slashes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a\\..\\b", "/b"}, {"/a/..\\c", "/c"}, {"/a\\b", "/a/b"}, {"/a?x\\y", "/a?x\\y"}};
    check_normalize(rows, COUNT_OF(rows));
}

static void test_needless_escapes_go_and_needed_ones_stay_as_written(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/%61/x", "/a/x"},
        {"/a/%7Euser/%41", "/a/~user/A"},
        {"/a/%21%27%28%29%2a", "/a/%21%27%28%29%2a"}, /* asked of a real Envoy 1.40.0 */
        {"/a/{|}`<>\"", "/a/%7B%7C%7D%60%3C%3E%22"},
        {"/a/[]^", "/a/[]%5E"},
        {"/a/%2Fb%2f", "/a/%2Fb%2f"},
        {"/a/%5Cb", "/a/%5Cb"},
        {"/a/%20x", "/a/%20x"},
        {"/%c0%af", "/%c0%af"},
        {"/a/%zz", "/a/%zz"},
        {"/a%", "/a%"},
        {"/a%4", "/a%4"},
        {"/a%2", "/a%2"},
        {"/%25%32", "/%252"},
        {"/a/%41?%41", "/a/A?%41"},
        {"/x%2Dy%5Fz", "/x-y_z"},
    };
    check_normalize(rows, COUNT_OF(rows));
}

static void test_what_does_not_belong_is_escaped_in_upper_case(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a\"b", "/a%22b"},
        {"/a|b", "/a%7Cb"},
        {"/a\xc3\xa4", "/a%C3%A4"},
    };
    check_normalize(rows, COUNT_OF(rows));
}

static void test_an_escaped_nul_is_invalid(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a%00b", NULL}, {"/xyz/.%00../abc", NULL}, {"/%00", NULL}, {"/a?b=%00", "/a?b=%00"}};
    check_normalize(rows, COUNT_OF(rows));
}

static void test_the_query_never_changes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a/x?y=../z//w%41", "/a/x?y=../z//w%41"},
        {"/a/../b?..", "/b?.."},
        {"/?", "/?"},
        {"/a?b?../c", "/a?b?../c"},
        {"/..?/../a", "/?/../a"},
    };
    check_normalize(rows, COUNT_OF(rows));
}

static void test_a_path_is_normal_after_once(void **state)
{
    (void)state;
    static const char *const rows[] = {"/a/%2e%2e/b", "/a\"b", "/a\\..\\b", "/%7E", "/a/./b/"};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str once, twice;
        assert_true(path_normalize(str_of(rows[i]), &arena, &once));
        assert_true(path_normalize(once, &arena, &twice));
        assert_true(str_eq(once, twice));
    }
}

static void test_runs_of_slashes_become_one_before_the_query(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a//b", "/a/b"},        {"//a/b", "/a/b"},
        {"/a/b//", "/a/b/"},      {"/////", "/"},
        {"/a?x=//y", "/a?x=//y"}, {"//a?x=//y//", "/a?x=//y//"},
        {"/a//?b", "/a/?b"},      {"/", "/"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(path_merge_slashes(str_of(rows[i].path), &arena), str_of(rows[i].want)));
}

static void test_escaped_slashes_are_undone_before_the_query(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a%2Fb", "/a/b"},       {"/a%5Cb%5c", "/a\\b\\"}, {"/a%2", "/a%2"},
        {"/a?x=%2F", "/a?x=%2F"}, {"/%252F", "/%252F"},     {"/a%2f%2f?%2f", "/a//?%2f"},
        {"/a%2", "/a%2"},         {"/%2", "/%2"},           {"/a%20b", "/a%20b"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(
            str_eq(path_unescape_slashes(str_of(rows[i].path), &arena), str_of(rows[i].want)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dot_segments_are_resolved_and_never_leave_the_root),
        cmocka_unit_test(test_escaped_dots_are_dots),
        cmocka_unit_test(test_plain_dots_may_have_parameters),
        cmocka_unit_test(test_backslashes_are_slashes),
        cmocka_unit_test(test_needless_escapes_go_and_needed_ones_stay_as_written),
        cmocka_unit_test(test_what_does_not_belong_is_escaped_in_upper_case),
        cmocka_unit_test(test_an_escaped_nul_is_invalid),
        cmocka_unit_test(test_the_query_never_changes),
        cmocka_unit_test(test_a_path_is_normal_after_once),
        cmocka_unit_test(test_runs_of_slashes_become_one_before_the_query),
        cmocka_unit_test(test_escaped_slashes_are_undone_before_the_query),
    };
    return cmocka_run_group_tests_name("path", tests, set_up, tear_down);
}
