/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_priority.c - ENVOY.md 5.1 and 5.2.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/priority.h"

#define PRIORITIES_MAX 3

struct row {
    const char *rule;
    uint32_t count, panic_percent;
    struct priority_count counts[PRIORITIES_MAX];
    uint32_t percents[PRIORITIES_MAX];
    bool is_panicking[PRIORITIES_MAX];
};

static struct priority_count of(uint32_t healthy, uint32_t all)
{
    return (struct priority_count){.healthy = healthy, .counted = all, .all = all};
}

static void check(const struct row *row)
{
    struct priority_share shares[PRIORITIES_MAX] = {0};
    priority_shares(row->counts, row->count, row->panic_percent, shares);
    for (uint32_t i = 0; i < row->count; i++) {
        if (shares[i].percent != row->percents[i] || shares[i].is_panicking != row->is_panicking[i])
            fail_msg("%s: priority %u gets %u%%%s, want %u%%%s", row->rule, i, shares[i].percent,
                     shares[i].is_panicking ? " in panic" : "", row->percents[i],
                     row->is_panicking[i] ? " in panic" : "");
    }
}

static void test_shares_follow_availability(void **state)
{
    UNUSED_STATE(state);
    const struct row rows[] = {
        {"one priority takes all", 1, 50, {of(2, 2)}, {100}, {false}},
        {"half of the first leaves 30 to the next", 2, 50, {of(1, 2), of(2, 2)}, {70, 30}, {0}},
        {"72 % are enough for all", 2, 50, {of(18, 25), of(1, 1)}, {100, 0}, {0}},
        {"71 % are not", 2, 50, {of(71, 100), of(1, 1)}, {99, 1}, {0}},
        {"an empty priority is skipped", 2, 50, {of(0, 0), of(3, 3)}, {0, 100}, {0}},
        {"the third gets what two leave", 3, 50, {of(1, 4), of(1, 4), of(2, 2)}, {35, 35, 30}, {0}},
        {"too little everywhere is stretched", 2, 0, {of(1, 4), of(1, 4)}, {50, 50}, {0}},
        {"rounding goes to the first", 3, 0, {of(1, 5), of(1, 5), of(1, 5)}, {34, 33, 33}, {0}},
        {"or to the first that takes any", 3, 0, {of(0, 5), of(1, 5), of(1, 7)}, {0, 59, 41}, {0}},
        {"nobody is healthy, nobody panics", 2, 0, {of(0, 2), of(0, 2)}, {0, 0}, {0}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

static void test_panic_is_for_priorities_with_too_few(void **state)
{
    UNUSED_STATE(state);
    const struct row rows[] = {
        {"half is not below half", 1, 50, {of(1, 2)}, {100}, {false}},
        {"less than half", 1, 50, {of(1, 3)}, {100}, {true}},
        {"all ejected", 1, 50, {of(0, 4)}, {100}, {true}},
        {"no panic while the rest can take all", 2, 50, {of(0, 2), of(2, 2)}, {0, 100}, {0}},
        {"one panics, the other does not", 2, 50, {of(0, 4), of(1, 2)}, {0, 100}, {true, false}},
        {"all panic: by number of endpoints", 2, 50, {of(0, 2), of(1, 3)}, {40, 60}, {true, true}},
        {"the rest to the first that has any",
         3,
         50,
         {of(0, 0), of(0, 1), of(0, 2)},
         {0, 34, 66},
         {true, true, true}},
        {"another threshold", 1, 20, {of(1, 4)}, {100}, {false}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check(&rows[i]);
}

static void test_draining_endpoints_leave_the_total(void **state)
{
    UNUSED_STATE(state);
    const struct row row = {"of two that count, one",
                            2,
                            50,
                            {{.healthy = 1, .counted = 2, .all = 10}, of(1, 1)},
                            {70, 30},
                            {0}};
    check(&row);
}

static void test_a_random_value_falls_into_a_share(void **state)
{
    UNUSED_STATE(state);
    static const struct priority_share shares[] = {{70, false}, {0, false}, {30, false}};
    static const struct {
        uint64_t random;
        uint32_t want;
    } rows[] = {{0, 0}, {69, 0}, {70, 2}, {99, 2}, {100, 0}, {UINT64_MAX, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(priority_choose(shares, COUNT_OF(shares), rows[i].random), rows[i].want);
    static const struct priority_share nobody[] = {{0, false}};
    assert_int_equal(priority_choose(nobody, 1, 5), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_follow_availability),
        cmocka_unit_test(test_panic_is_for_priorities_with_too_few),
        cmocka_unit_test(test_draining_endpoints_leave_the_total),
        cmocka_unit_test(test_a_random_value_falls_into_a_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
