/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_regex.c - RE2 as the house sees it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/regex.h"

#include "base/check.h"

struct fixture {
    struct arena arena;
    struct regex_set set;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 1024, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    regex_set_free(&fixture->set);
    regex_set_free(&fixture->set);
    arena_fini(&fixture->arena);
    return 0;
}

static const struct regex *compiled(struct fixture *fixture, struct str pattern)
{
    struct str why;
    const struct regex *regex = regex_new(&fixture->set, pattern, &fixture->arena, &why);
    assert_non_null(regex);
    return regex;
}

static void test_whole_and_part_differ(void **state)
{
    static const struct {
        struct str pattern, text;
        bool is_whole, is_part;
    } rows[] = {
        {STR_INIT("a+"), STR_INIT("aaa"), true, true},
        {STR_INIT("a+"), STR_INIT("baaab"), false, true},
        {STR_INIT("a|ab"), STR_INIT("ab"), true, true},
        {STR_INIT(""), STR_INIT(""), true, true},
        {STR_INIT(""), STR_INIT("x"), false, true},
        {STR_INIT("."), STR_INIT("\n"), false, false},
        {STR_INIT("(?s)."), STR_INIT("\n"), true, true},
        {STR_INIT("(?i)reviews"), STR_INIT("REVIEWS"), true, true},
        {STR_INIT("."), STR_INIT("\xc3\xa9"), true, true}, /* one code point */
        {STR_INIT("a.c"), {NULL, 0}, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct regex *regex = compiled(*state, rows[i].pattern);
        assert_int_equal(regex_matches_whole(regex, rows[i].text), rows[i].is_whole);
        assert_int_equal(regex_matches_part(regex, rows[i].text), rows[i].is_part);
    }
}

static void test_what_re2_refuses_comes_with_its_reason(void **state)
{
    struct fixture *fixture = *state;
    static const struct str rows[] = {
        STR_INIT("("),      STR_INIT("a**"),   STR_INIT("(?=a)"),
        STR_INIT("(a)\\1"), STR_INIT("[b-a]"), STR_INIT("\xff"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str why = STR_EMPTY;
        assert_null(regex_new(&fixture->set, rows[i], &fixture->arena, &why));
        assert_true(why.len > 0);
    }
    assert_null(fixture->set.first);
}

static void test_every_match_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        struct str pattern, text, replacement, want;
    } rows[] = {
        {STR_INIT("^/service/([^/]+)(/.*)$"), STR_INIT("/service/foo/v1/api"),
         STR_INIT("\\2/instance/\\1"), STR_INIT("/v1/api/instance/foo")},
        {STR_INIT("one"), STR_INIT("/xxx/one/yyy/one/zzz"), STR_INIT("two"),
         STR_INIT("/xxx/two/yyy/two/zzz")},
        {STR_INIT("^(.*?)one(.*)$"), STR_INIT("/xxx/one/yyy/one/zzz"), STR_INIT("\\1two\\2"),
         STR_INIT("/xxx/two/yyy/one/zzz")},
        {STR_INIT("x"), STR_INIT("abc"), STR_INIT("y"), STR_INIT("abc")},
        {STR_INIT("b"), STR_INIT("abc"), STR_INIT(""), STR_INIT("ac")},
        {STR_INIT("b"), STR_INIT("abc"), STR_INIT("[\\0]"), STR_INIT("a[b]c")},
        {STR_INIT("^"), {NULL, 0}, STR_INIT("x"), STR_INIT("x")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = regex_replace_all(compiled(fixture, rows[i].pattern), rows[i].text,
                                           rows[i].replacement, &fixture->arena);
        assert_true(str_eq(got, rows[i].want));
    }
}

static void test_a_quoted_text_means_itself(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        struct str text, want;
    } rows[] = {
        {STR_INIT("spiffe://a-b/ns/c.d"), STR_INIT("spiffe://a-b/ns/c\\.d")},
        {STR_INIT("\\.+*?()|[]{}^$"), STR_INIT("\\\\\\.\\+\\*\\?\\(\\)\\|\\[\\]\\{\\}\\^\\$")},
        {STR_INIT(""), STR_INIT("")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = regex_quoted(rows[i].text, &fixture->arena);
        assert_true(str_eq(got, rows[i].want));
        assert_true(regex_matches_whole(compiled(fixture, got), rows[i].text));
    }
}

/* Backtracking would take longer than the sun has. */
static void test_time_is_linear_in_the_text(void **state)
{
    char text[3000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = 'a';
    const struct regex *regex = compiled(*state, STR("(a*)*(a*)*(a|aa)+b"));
    assert_false(regex_matches_whole(regex, (struct str){text, sizeof(text)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_and_part_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_re2_refuses_comes_with_its_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_every_match_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_quoted_text_means_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_time_is_linear_in_the_text, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
