/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_host_list.c - what two lists of host names have in
 * common, and who is meant in a namespace (ISTIO.md 1.5, 2.18).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/resource/host_list.h"

static struct text_list list_of(const char *words, struct arena *arena)
{
    struct str rest = str_of(words);
    struct text_list out = {0};

    while (rest.len > 0)
        text_list_add(&out, str_cut(&rest, ' '), arena);
    return out;
}

static void assert_list(const struct text_list *got, const char *want, struct arena *arena)
{
    struct str out = STR("");

    for (uint32_t i = 0; i < got->count; i++)
        out = arena_format(arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? " " : "",
                           STR_FMT(got->items[i]));
    assert_string_equal(arena_str(arena, out).ptr, want);
}

static void test_the_more_specific_of_a_pair_is_common(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *want;
    } rows[] = {
        {"a.com b.com", "b.com", "b.com"},
        {"*.com", "b.com a.com", "b.com a.com"},
        {"a.com *.net", "*.com b.net", "a.com b.net"},
        {"* a.com", "a.com", "a.com"},
        {"a.com", "b.com", ""},
        {"", "b.com", ""},
        {"a.com", "A.com", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct text_list a = list_of(rows[i].a, &arena), b = list_of(rows[i].b, &arena);
        struct text_list got = host_list_common(&a, &b, &arena);
        assert_list(&got, rows[i].want, &arena);
        arena_fini(&arena);
    }
}

static void test_a_namespace_has_its_own_and_everybodys(void **state)
{
    (void)state;
    static const struct {
        const char *hosts, *namespace, *want;
    } rows[] = {
        {"x/a.com y/b.com", "x", "a.com"},
        {"x/a.com */b.com c.com", "x", "a.com b.com c.com"},
        {"x/a.com */b.com c.com", "z", "b.com c.com"},
        {"x/a.com", "z", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct text_list hosts = list_of(rows[i].hosts, &arena);
        struct text_list got = host_list_for_namespace(&hosts, str_of(rows[i].namespace), &arena);
        assert_list(&got, rows[i].want, &arena);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_more_specific_of_a_pair_is_common),
        cmocka_unit_test(test_a_namespace_has_its_own_and_everybodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
