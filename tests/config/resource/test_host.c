/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_host.c - host names are completed, compared and
 * ordered as Istio does (ISTIO.md 1.4, 1.5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/resource/host.h"

static void test_only_names_without_a_dot_are_completed(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *want;
    } rows[] = {
        {"reviews", "reviews.prod.svc.cluster.local"},
        {"reviews.prod", "reviews.prod"},
        {"*", "*"},
        {"*foo", "*foo.prod.svc.cluster.local"},
        {"10.0.0.1", "10.0.0.1"},
        {"::1", "::1"},
        {"", ""},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = host_resolve(str_of(rows[i].host), STR("prod"), &arena);
        assert_true(str_eq(got, str_of(rows[i].want)));
    }
    arena_fini(&arena);
}

static void test_a_wildcard_is_a_plain_suffix(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool matches, a_is_within_b;
    } rows[] = {
        {"a.foo.com", "*.foo.com", true, true},   {"a.b.foo.com", "*.foo.com", true, true},
        {"foo.com", "*.foo.com", false, false},   {"barfoo.com", "*foo.com", true, true},
        {"foo.com", "*foo.com", true, true},      {"anything", "*", true, true},
        {"*.b.foo.com", "*.foo.com", true, true}, {"*.foo.com", "*.b.foo.com", true, false},
        {"*.foo.com", "a.foo.com", true, false},  {"a.com", "a.com", true, true},
        {"a.com", "b.com", false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(host_matches(str_of(rows[i].a), str_of(rows[i].b)), rows[i].matches);
        assert_int_equal(host_matches(str_of(rows[i].b), str_of(rows[i].a)), rows[i].matches);
        assert_int_equal(host_is_within(str_of(rows[i].a), str_of(rows[i].b)),
                         rows[i].a_is_within_b);
    }
}

static void test_the_more_specific_host_comes_first(void **state)
{
    (void)state;
    static const char *const sorted[] = {"aa.foo.com", "a.foo.com", "b.foo.com", "*.bar.foo.com",
                                         "*.foo.com",  "*.com",     "*"};
    for (size_t i = 0; i + 1 < COUNT_OF(sorted); i++) {
        assert_true(host_order(str_of(sorted[i]), str_of(sorted[i + 1])) < 0);
        assert_true(host_order(str_of(sorted[i + 1]), str_of(sorted[i])) > 0);
    }
    assert_int_equal(host_order(STR("a"), STR("a")), 0);
}

static void test_addresses_are_told_from_names(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "10.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1"};
    static const char *const names[] = {"10.0.0", "256.0.0.1", "10.0.0.01", "a.b.c.d", "1:2:3",
                                        ":::",    "12345::",   "10.0.0.1.", ""};
    for (size_t i = 0; i < COUNT_OF(addresses); i++)
        assert_true(host_is_ip(str_of(addresses[i])));
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_false(host_is_ip(str_of(names[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_names_without_a_dot_are_completed),
        cmocka_unit_test(test_a_wildcard_is_a_plain_suffix),
        cmocka_unit_test(test_the_more_specific_host_comes_first),
        cmocka_unit_test(test_addresses_are_told_from_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
