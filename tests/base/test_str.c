/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_str.c - slices, numbers in them, and typing mistakes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/str.h"

static void test_equality_minds_case_unless_told_otherwise(void **state)
{
    (void)state;
    static const struct {
        struct str a, b;
        bool is_same, is_same_ci;
    } rows[] = {
        {STR_INIT(""), {NULL, 0}, true, true},
        {STR_INIT("a"), STR_INIT("a"), true, true},
        {STR_INIT("Host"), STR_INIT("hOST"), false, true},
        {STR_INIT("a"), STR_INIT("ab"), false, false},
        {STR_INIT("["), STR_INIT("{"), false, false}, /* 32 apart, and no letters */
        {STR_INIT("\xc4"), STR_INIT("\xe4"), false, false},
        {STR_INIT("a\0b"), STR_INIT("a\0c"), false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(str_eq(rows[i].a, rows[i].b), rows[i].is_same);
        assert_int_equal(str_eq_ci(rows[i].a, rows[i].b), rows[i].is_same_ci);
    }
}

static void test_order_is_by_bytes_and_then_by_length(void **state)
{
    (void)state;
    static const struct str sorted[] = {
        STR_INIT(""),   STR_INIT("A"), STR_INIT("a"),    STR_INIT("a\0"),
        STR_INIT("ab"), STR_INIT("b"), STR_INIT("\xff"),
    };
    for (size_t i = 0; i < COUNT_OF(sorted); i++)
        for (size_t j = 0; j < COUNT_OF(sorted); j++) {
            int order = str_order(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void test_prefix_suffix_and_part(void **state)
{
    (void)state;
    static const struct {
        struct str s, part;
        bool is_prefix, is_suffix;
        size_t at;
    } rows[] = {
        {STR_INIT("abcab"), STR_INIT("ab"), true, true, 0},
        {STR_INIT("abcab"), STR_INIT("abcab"), true, true, 0},
        {STR_INIT("abcab"), STR_INIT("abcabc"), false, false, STR_NONE},
        {STR_INIT("abcab"), STR_INIT("ca"), false, false, 2},
        {STR_INIT("aaab"), STR_INIT("aab"), false, true, 1},
        {STR_INIT("abcab"), STR_INIT(""), true, true, 0},
        {{NULL, 0}, STR_INIT("a"), false, false, STR_NONE},
        {{NULL, 0}, {NULL, 0}, true, true, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(str_has_prefix(rows[i].s, rows[i].part), rows[i].is_prefix);
        assert_int_equal(str_has_suffix(rows[i].s, rows[i].part), rows[i].is_suffix);
        assert_int_equal(str_find_str(rows[i].s, rows[i].part), rows[i].at);
        assert_int_equal(str_contains(rows[i].s, rows[i].part), rows[i].at != STR_NONE);
    }
    assert_true(str_has_prefix_ci(STR("Bearer x"), STR("bEARER ")));
    assert_false(str_has_prefix_ci(STR("Bea"), STR("bearer")));
}

static void test_find_answers_first_and_last(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("a.b.c"), '.'), 1);
    assert_int_equal(str_find_last(STR("a.b.c"), '.'), 3);
    assert_int_equal(str_find(STR("abc"), '.'), STR_NONE);
    assert_int_equal(str_find_last(STR("abc"), '.'), STR_NONE);
    assert_int_equal(str_find(STR_EMPTY, '.'), STR_NONE);
    assert_int_equal(str_find_last(STR_EMPTY, '.'), STR_NONE);
}

static void test_slices_are_clamped(void **state)
{
    (void)state;
    static const struct {
        size_t from, to;
        struct str want;
    } rows[] = {
        {0, 3, STR_INIT("abc")}, {1, 2, STR_INIT("b")}, {1, SIZE_MAX, STR_INIT("bc")},
        {3, 3, STR_INIT("")},    {2, 1, STR_INIT("")},  {SIZE_MAX, SIZE_MAX, STR_INIT("")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(str_slice(STR("abc"), rows[i].from, rows[i].to), rows[i].want));
    assert_true(str_eq(str_from(STR("abc"), 1), STR("bc")));
    assert_null(str_from(STR_EMPTY, 1).ptr);
}

static void test_cut_visits_every_part_once(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        size_t part_count;
        struct str last;
    } rows[] = {
        {STR_INIT("a,b,c"), 3, STR_INIT("c")},
        {STR_INIT("a,"), 2, STR_INIT("")},
        {STR_INIT(""), 1, STR_INIT("")},
        {STR_INIT(",,"), 3, STR_INIT("")},
        {{NULL, 0}, 0, {NULL, 0}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str rest = rows[i].text;
        struct str part = STR_EMPTY;
        size_t part_count = 0;
        while (rest.ptr != NULL) {
            part = str_cut(&rest, ',');
            part_count++;
        }
        assert_int_equal(part_count, rows[i].part_count);
        assert_true(str_eq(part, rows[i].last));
    }
}

static void test_trim_takes_blanks_and_tabs_only(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_true(str_eq(str_trim(STR(" \t ")), STR("")));
    assert_true(str_eq(str_trim(STR("\na\n")), STR("\na\n")));
}

static void test_unsigned_numbers_are_whole_slices_within_range(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        uint64_t max;
        bool is_number;
        uint64_t value;
    } rows[] = {
        {STR_INIT("0"), 0, true, 0},
        {STR_INIT("00012"), 12, true, 12},
        {STR_INIT("255"), 255, true, 255},
        {STR_INIT("256"), 255, false, 0},
        {STR_INIT("18446744073709551615"), UINT64_MAX, true, UINT64_MAX},
        {STR_INIT("18446744073709551616"), UINT64_MAX, false, 0},
        {STR_INIT("99999999999999999999"), UINT64_MAX, false, 0},
        {STR_INIT(""), 9, false, 0},
        {STR_INIT("+1"), 9, false, 0},
        {STR_INIT("-1"), 9, false, 0},
        {STR_INIT(" 1"), 9, false, 0},
        {STR_INIT("1 "), 9, false, 0},
        {STR_INIT("0x1"), 9, false, 0},
        {STR_INIT("1\0"), 9, false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 77;
        assert_int_equal(str_to_u64(rows[i].text, rows[i].max, &value), rows[i].is_number);
        assert_true(value == (rows[i].is_number ? rows[i].value : 77));
    }
}

static void test_signed_numbers_reach_both_ends(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        int64_t min, max;
        bool is_number;
        int64_t value;
    } rows[] = {
        {STR_INIT("-9223372036854775808"), INT64_MIN, INT64_MAX, true, INT64_MIN},
        {STR_INIT("-9223372036854775809"), INT64_MIN, INT64_MAX, false, 0},
        {STR_INIT("9223372036854775807"), INT64_MIN, INT64_MAX, true, INT64_MAX},
        {STR_INIT("9223372036854775808"), INT64_MIN, INT64_MAX, false, 0},
        {STR_INIT("-0"), 0, 0, true, 0},
        {STR_INIT("+7"), 0, 7, true, 7},
        {STR_INIT("-1"), 0, 7, false, 0},
        {STR_INIT("8"), 0, 7, false, 0},
        {STR_INIT("-"), -9, 9, false, 0},
        {STR_INIT("--1"), -9, 9, false, 0},
        {STR_INIT("+-1"), -9, 9, false, 0},
        {STR_INIT(""), -9, 9, false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t value = 77;
        assert_int_equal(str_to_i64(rows[i].text, rows[i].min, rows[i].max, &value),
                         rows[i].is_number);
        assert_true(value == (rows[i].is_number ? rows[i].value : 77));
    }
}

static void test_edit_distance_counts_a_swap_once(void **state)
{
    (void)state;
    static const struct {
        struct str a, b;
        uint32_t max, want;
    } rows[] = {
        {STR_INIT("hosts"), STR_INIT("hosts"), 3, 0},
        {STR_INIT("hosts"), STR_INIT("host"), 3, 1},
        {STR_INIT("hosts"), STR_INIT("hsots"), 3, 1},
        {STR_INIT("route"), STR_INIT("ruote"), 0, 1},
        {STR_INIT("kitten"), STR_INIT("sitting"), 5, 3},
        {STR_INIT("kitten"), STR_INIT("sitting"), 2, 3},
        {STR_INIT(""), STR_INIT("abc"), 9, 3},
        {STR_INIT(""), STR_INIT(""), 0, 0},
        {STR_INIT("a"), STR_INIT("b"), UINT32_MAX, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(str_edit_distance(rows[i].a, rows[i].b, rows[i].max), rows[i].want);
        assert_int_equal(str_edit_distance(rows[i].b, rows[i].a, rows[i].max), rows[i].want);
    }
}

static void test_long_names_are_far_from_everything(void **state)
{
    (void)state;
    char long_name[65];
    for (size_t i = 0; i < sizeof(long_name); i++)
        long_name[i] = 'x';
    struct str longest = {long_name, 64};
    struct str too_long = {long_name, 65};
    assert_int_equal(str_edit_distance(longest, longest, 3), 0);
    assert_int_equal(str_edit_distance(too_long, too_long, 3), 4);
}

static void test_a_c_string_becomes_a_slice(void **state)
{
    (void)state;
    assert_true(str_eq(str_of("abc"), STR("abc")));
    assert_null(str_of(NULL).ptr);
    assert_int_equal(str_of(NULL).len, 0);
}

static void test_hexadecimal_digits_are_of_either_case(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdef", capitals[] = "0123456789ABCDEF";
    static const char others[] = "/:@G`g \x7f\xff";
    for (int i = 0; i < 16; i++) {
        assert_int_equal(str_hex_digit(digits[i]), i);
        assert_int_equal(str_hex_digit(capitals[i]), i);
    }
    for (size_t i = 0; i < sizeof(others); i++)
        assert_int_equal(str_hex_digit(others[i]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality_minds_case_unless_told_otherwise),
        cmocka_unit_test(test_order_is_by_bytes_and_then_by_length),
        cmocka_unit_test(test_prefix_suffix_and_part),
        cmocka_unit_test(test_find_answers_first_and_last),
        cmocka_unit_test(test_slices_are_clamped),
        cmocka_unit_test(test_cut_visits_every_part_once),
        cmocka_unit_test(test_trim_takes_blanks_and_tabs_only),
        cmocka_unit_test(test_unsigned_numbers_are_whole_slices_within_range),
        cmocka_unit_test(test_signed_numbers_reach_both_ends),
        cmocka_unit_test(test_hexadecimal_digits_are_of_either_case),
        cmocka_unit_test(test_edit_distance_counts_a_swap_once),
        cmocka_unit_test(test_long_names_are_far_from_everything),
        cmocka_unit_test(test_a_c_string_becomes_a_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
