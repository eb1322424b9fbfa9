/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_edf.c - ENVOY.md 5.3: deadlines, ties, earlier picks.
 * The recorded rows are what a real Envoy 1.40 began with in some of its starts.
 */
#include "tests/proxy/core/build.h"
#include "proxy/core/edf.h"

#define ITEMS_MAX 5
#define PICKS_MAX 16

static struct str order_of(const double *weights, uint32_t count, uint64_t seed, uint32_t picks,
                           char *text)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct edf edf;
    edf_init(&edf, count, &arena);
    edf_start(&edf, weights, count, seed);
    for (uint32_t i = 0; i < picks; i++) {
        uint32_t item = edf_take(&edf);
        edf_return(&edf, weights[item]);
        text[i] = (char)('a' + item);
    }
    arena_fini(&arena);
    return (struct str){text, picks};
}

/* Of 1 in 4: after which pick it has to wait for the fifth; 0: never in 4000. */
static uint32_t first_late(const double *weights, uint32_t light, uint64_t seed)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct edf edf;
    edf_init(&edf, 2, &arena);
    edf_start(&edf, weights, 2, seed);
    uint32_t late = 0, since = UINT32_MAX;
    for (uint32_t i = 0; i < 4000 && late == 0; i++) {
        uint32_t item = edf_take(&edf);
        edf_return(&edf, weights[item]);
        if (item != light)
            continue;
        if (since != UINT32_MAX && i - since != 4)
            late = since;
        since = i;
    }
    arena_fini(&arena);
    return late;
}

static void test_turns_are_taken_by_deadline(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *rule;
        double weights[ITEMS_MAX];
        uint32_t count;
        uint64_t seed;
        const char *want;
    } rows[] = {
        {"equal weights: in order", {1, 1, 1}, 3, 0, "abcabc"},
        {"half the weight, half the turns", {2, 1}, 2, 0, "abaaba"},
        {"at one time: who had a turn first", {1, 2}, 2, 0, "babbab"},
        {"1 to 3, in doubles as Envoy's", {1, 3}, 2, 0, "bbabbbab"},
        {"fractions", {1, 0.25}, 2, 0, "aaabaaaaba"},
        {"one pick came before", {2, 1}, 2, 1, "baabaa"},
        {"a whole cycle came before", {2, 1}, 2, 3, "abaaba"},
        {"many came before, mod 429496729", {2, 1}, 2, UINT64_C(429496729) + 4, "baabaa"},
        {"recorded", {4, 1, 2, 1, 4}, 5, 12000000 + 3, "aeaebdcaeaecaea"},
        {"recorded", {4, 1, 2, 1, 4}, 5, 12000000 + 10, "aeaecaeaebdcaea"},
        {"recorded", {4, 1, 2, 1, 4}, 5, 12000000 + 5, "aebdcaeaecaeaeb"},
        {"recorded", {4, 1, 2, 1, 4}, 5, 12000000 + 0, "aecaeaebdcaeaec"},
        {"recorded", {4, 1, 2, 1, 4}, 5, 12000000 + 7, "bdcaeaecaeaebdc"},
        {"recorded", {4, 1, 2, 1, 4}, 5, 12000000 + 8, "dcaeaecaeaebdca"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[PICKS_MAX];
        struct str got = order_of(rows[i].weights, rows[i].count, rows[i].seed,
                                  (uint32_t)str_of(rows[i].want).len, text);
        if (!str_eq(got, str_of(rows[i].want)))
            fail_msg("%s: got %.*s, want %s", rows[i].rule, STR_FMT(got), rows[i].want);
    }
}

/* Roundings make somebody wait a turn longer, at most once, and as late as a real
 * Envoy's do: it began 1 to 3 and 75 to 25 four hundred times. */
static void test_a_start_is_exact_for_long(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *rule;
        double weights[2];
        uint32_t light, first_min, first_max;
    } rows[] = {
        {"1 to 3: not before 1190 picks", {1, 3}, 0, 1190, 2400},
        {"75 to 25: not before 45 picks", {75, 25}, 1, 45, 100},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t late_count = 0;
        for (uint64_t seed = 1; seed <= 200; seed++) {
            uint32_t late =
                first_late(rows[i].weights, rows[i].light, seed * UINT64_C(0x9e3779b97f4a7c15));
            if (late == 0)
                continue;
            late_count++;
            if (late < rows[i].first_min || late > rows[i].first_max)
                fail_msg("%s: seed %d is late at %u", rows[i].rule, (int)seed, late);
        }
        assert_in_range(late_count, 100, 160);
    }
}

/* The weight that counts is the one at the return. */
static void test_a_weight_may_change(void **state)
{
    UNUSED_STATE(state);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct edf edf;
    edf_init(&edf, 2, &arena);
    edf_start(&edf, (const double[]){1, 1}, 2, 0);
    assert_int_equal(edf_take(&edf), 0);
    edf_return(&edf, 0.1);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(edf_take(&edf), 1);
        edf_return(&edf, 1);
    }
    assert_int_equal(edf_take(&edf), 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_are_taken_by_deadline),
        cmocka_unit_test(test_a_start_is_exact_for_long),
        cmocka_unit_test(test_a_weight_may_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
