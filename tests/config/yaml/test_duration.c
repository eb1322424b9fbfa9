/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_duration.c - Go's durations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml/duration.h"

#include "base/check.h"
#include "base/ns.h"
#include "base/rng.h"

/* The values are those of Go's time.ParseDuration. */
static void test_what_go_takes_is_taken(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        int64_t ns;
    } rows[] = {
        {STR_INIT("0"), 0},
        {STR_INIT("0s"), 0},
        {STR_INIT("-0"), 0},
        {STR_INIT("5s"), 5 * NS_SECOND},
        {STR_INIT("+5s"), 5 * NS_SECOND},
        {STR_INIT("-5s"), -5 * NS_SECOND},
        {STR_INIT("1.5s"), 1500 * NS_MS},
        {STR_INIT("5.s"), 5 * NS_SECOND},
        {STR_INIT(".5s"), 500 * NS_MS},
        {STR_INIT("5.0s"), 5 * NS_SECOND},
        {STR_INIT("1.004s"), 1004 * NS_MS},
        {STR_INIT("0.000000001s"), 1},
        {STR_INIT("0.0000000019s"), 1},
        {STR_INIT("10ns"), 10},
        {STR_INIT("11us"), 11 * NS_US},
        {STR_INIT("12\xc2\xb5s"), 12 * NS_US},
        {STR_INIT("12\xce\xbcs"), 12 * NS_US},
        {STR_INIT("13ms"), 13 * NS_MS},
        {STR_INIT("15m"), 15 * NS_MINUTE},
        {STR_INIT("16h"), 16 * NS_HOUR},
        {STR_INIT("3h30m"), 210 * NS_MINUTE},
        {STR_INIT("1m0.5s"), 60500 * NS_MS},
        {STR_INIT("4m1s1m"), 301 * NS_SECOND},
        {STR_INIT("39h9m14.425s"), 39 * NS_HOUR + 9 * NS_MINUTE + 14425 * NS_MS},
        {STR_INIT("52763797000ns"), INT64_C(52763797000)},
        {STR_INIT("0.3333333333333333333h"), 20 * NS_MINUTE},
        {STR_INIT("9007199254740993ns"), INT64_C(9007199254740993)},
        {STR_INIT("9223372036854775807ns"), INT64_MAX},
        {STR_INIT("-9223372036854775808ns"), INT64_MIN},
        {STR_INIT("0.9223372036854775807h"), INT64_C(3320413933267)},
        {STR_INIT("0.100000000000000000000h"), 6 * NS_MINUTE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = 77;
        assert_true(duration_parse(rows[i].text, &ns));
        assert_true(ns == rows[i].ns);
    }
}

static void test_what_go_refuses_is_refused(void **state)
{
    (void)state;
    static const struct str rows[] = {
        STR_INIT(""),
        STR_INIT("3"),
        STR_INIT("-"),
        STR_INIT("s"),
        STR_INIT("."),
        STR_INIT("-."),
        STR_INIT(".s"),
        STR_INIT("+.s"),
        STR_INIT("1d"),
        STR_INIT("1 s"),
        STR_INIT(" 1s"),
        STR_INIT("1s "),
        STR_INIT("1S"),
        STR_INIT("1e3s"),
        STR_INIT("--1s"),
        STR_INIT("1s-1s"),
        STR_INIT("1sec"),
        STR_INIT("1s1"),
        STR_INIT("00"),
        STR_INIT("0x1s"),
        STR_INIT("\xb5s"),
        STR_INIT("1:30"),
        STR_INIT("inf"),
        STR_INIT("9223372036854775808ns"),
        STR_INIT("3000000h"),
        STR_INIT("-9223372036854775809ns"),
        STR_INIT("9223372036854ms775us808ns"),
        STR_INIT("99999999999999999999s"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ns = 77;
        assert_false(duration_parse(rows[i], &ns));
        assert_true(ns == 77);
    }
}

static void test_spelling_is_in_the_largest_unit_it_fills(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        struct str text;
    } rows[] = {
        {0, STR_INIT("0s")},
        {1, STR_INIT("1ns")},
        {999, STR_INIT("999ns")},
        {1500, STR_INIT("1.5us")},
        {25 * NS_MS, STR_INIT("25ms")},
        {500 * NS_MS, STR_INIT("500ms")},
        {NS_SECOND - 1, STR_INIT("999.999999ms")},
        {NS_SECOND, STR_INIT("1s")},
        {1500 * NS_MS, STR_INIT("1.5s")},
        {1050 * NS_MS, STR_INIT("1.05s")},
        {NS_SECOND + 1, STR_INIT("1.000000001s")},
        {15 * NS_SECOND, STR_INIT("15s")},
        {90 * NS_SECOND, STR_INIT("90s")},
        {NS_HOUR, STR_INIT("1h")},
        {NS_HOUR + NS_MINUTE, STR_INIT("3660s")},
        {-1500 * NS_MS, STR_INIT("-1.5s")},
        {INT64_MAX, STR_INIT("9223372036.854775807s")},
        {INT64_MIN, STR_INIT("-9223372036.854775808s")},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(duration_text(rows[i].ns, &arena), rows[i].text));
    arena_fini(&arena);
}

static void test_what_was_spelled_is_read_back(void **state)
{
    (void)state;
    struct arena arena;
    struct rng rng = rng_seeded(6, STR("duration"));
    arena_init(&arena, 1024, 0);
    for (int i = 0; i < 5000; i++) {
        int64_t want_ns = (int64_t)(rng_next(&rng) >> (11 + rng_below(&rng, 50)));
        int64_t ns = -1;
        assert_true(duration_parse(duration_text(want_ns, &arena), &ns));
        assert_true(ns == want_ns);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_go_takes_is_taken),
        cmocka_unit_test(test_what_go_refuses_is_refused),
        cmocka_unit_test(test_spelling_is_in_the_largest_unit_it_fills),
        cmocka_unit_test(test_what_was_spelled_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
