/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/profile/test_profile.c - the profiles differ where they should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ns.h"
#include "config/profile/profile.h"

static void test_only_latest_has_no_timeout_and_only_1_0_no_retries(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t timeout_ns;
        bool has_retry;
        enum lb_policy lb;
        uint32_t max_retries;
    } rows[] = {
        {"pocketmesh", 15 * NS_SECOND, true, LB_LEAST_REQUEST, BREAKER_UNLIMITED},
        {"istio-latest", 0, true, LB_LEAST_REQUEST, BREAKER_UNLIMITED},
        {"istio-1.0", 15 * NS_SECOND, false, LB_ROUND_ROBIN, 3},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct profile *profile = profile_find(str_of(rows[i].name));
        assert_non_null(profile);
        assert_int_equal(profile->route_timeout_ns, rows[i].timeout_ns);
        assert_int_equal(profile->has_default_retry, rows[i].has_retry);
        assert_int_equal(profile->lb, rows[i].lb);
        assert_int_equal(profile->breakers.max_retries, rows[i].max_retries);
    }
}

static void test_profiles_are_found_by_name_and_listed(void **state)
{
    (void)state;
    uint32_t count;
    assert_null(profile_find(STR("istio-9")));
    assert_true(str_eq(profile_default()->name, STR("pocketmesh")));
    assert_non_null(profile_at(0, &count));
    assert_non_null(profile_at(count - 1, &count));
    assert_null(profile_at(count, &count));
}

/* Nothing of the table is left out, and 1.0 was another mesh. */
static void test_each_profile_has_a_word_for_each_setting(void **state)
{
    (void)state;
    struct arena arena;
    struct profile_setting latest, old;
    uint32_t count = 0, difference_count = 0;
    arena_init(&arena, 4096, 0);
    while (profile_setting(profile_find(STR("istio-latest")), count, &arena, &latest)) {
        assert_true(profile_setting(profile_find(STR("istio-1.0")), count, &arena, &old));
        assert_true(str_eq(latest.name, old.name));
        assert_true(latest.words.len > 0 && old.words.len > 0);
        difference_count += !str_eq(latest.words, old.words);
        count++;
    }
    assert_true(count > 10);
    assert_int_equal(difference_count, count);
    assert_true(profile_setting(profile_default(), 0, &arena, &latest));
    assert_true(str_eq(latest.words, STR("15 s, to clusters of the mesh")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_latest_has_no_timeout_and_only_1_0_no_retries),
        cmocka_unit_test(test_each_profile_has_a_word_for_each_setting),
        cmocka_unit_test(test_profiles_are_found_by_name_and_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
