/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_scalar.c - unquoted words, as Kubernetes reads them.
 *
 * Every row was measured with sigs.k8s.io/yaml 1.6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml/scalar.h"

#include "base/check.h"

static struct node resolved(const char *text, struct arena *arena)
{
    struct node node = {.text = str_of(text)};
    scalar_resolve(&node, arena);
    return node;
}

static void test_words_are_booleans_and_null_in_three_spellings_only(void **state)
{
    (void)state;
    static const char *const truths[] = {"y",  "Y",  "yes",  "Yes",  "YES", "on",
                                         "On", "ON", "true", "True", "TRUE"};
    static const char *const lies[] = {"n",   "N",   "no",    "No",    "NO",   "off",
                                       "Off", "OFF", "false", "False", "FALSE"};
    static const char *const nothings[] = {"", "~", "null", "Null", "NULL"};
    static const char *const texts[] = {"yEs", "oN",   "tRue", "nULL", "none", "t",
                                        "f",   "yess", "=",    "nil",  "True "};
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(truths); i++) {
        assert_int_equal(resolved(truths[i], &arena).kind, NODE_BOOL);
        assert_true(resolved(truths[i], &arena).boolean);
    }
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        assert_int_equal(resolved(lies[i], &arena).kind, NODE_BOOL);
        assert_false(resolved(lies[i], &arena).boolean);
    }
    for (size_t i = 0; i < COUNT_OF(nothings); i++)
        assert_int_equal(resolved(nothings[i], &arena).kind, NODE_NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(resolved(texts[i], &arena).kind, NODE_STRING);
    arena_fini(&arena);
}

static void test_whole_numbers_have_four_bases_and_underscores(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"+1", 1},
        {"-1", -1},
        {"007", 7},
        {"010", 8},
        {"0777", 511},
        {"0o17", 15},
        {"0O17", 15},
        {"-0o7", -7},
        {"0x1F", 31},
        {"0X1f", 31},
        {"-0x10", -16},
        {"+0x10", 16},
        {"0b101", 5},
        {"-0b11", -3},
        {"1_000", 1000},
        {"1__0", 10},
        {"1_", 1},
        {"0x_1", 1},
        {"-_1", -1},
        {"0_1", 1},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct node node = resolved(rows[i].text, &arena);
        assert_int_equal(node.kind, NODE_INT);
        assert_true(node.integer == rows[i].value);
        assert_true(node.number >= (double)rows[i].value && node.number <= (double)rows[i].value);
    }
    arena_fini(&arena);
}

static void test_decimal_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        {"1e3", 1000},
        {"1E3", 1000},
        {"1e+3", 1000},
        {"1.0", 1},
        {"1.", 1},
        {".5", 0.5},
        {"-.5", -0.5},
        {"+.5", 0.5},
        {"1_0.5", 10.5},
        {"1.5_0", 1.5},
        {"1.e3", 1000},
        {"12e03", 12000},
        {"08", 8},
        {"09.5", 9.5},
        {"08_1", 81},
        {"1e3_", 1000},
        {"0.1e1_0", 1e9},
        {"1e-7", 1e-7},
        {"9223372036854775808", 0x1p63},
        {"18446744073709551616", 0x1p64},
        {"-9223372036854775809", -0x1p63},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct node node = resolved(rows[i].text, &arena);
        assert_int_equal(node.kind, NODE_FLOAT);
        assert_true(node.number >= rows[i].value && node.number <= rows[i].value);
    }
    arena_fini(&arena);
}

static void test_what_only_looks_like_a_number_is_text(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "_1",  "1.5e",    "1e",   ".e3",   "1:30",  "190:20:30", "2001-01-01", "1e400",
        "0b2", "0xg",     "0b",   "0x",    "+",     "-",         ".",          "..",
        "1d",  "0x1p3",   "1p3",  "1.2.3", "1,000", "1 2",       "NaN",        "Infinity",
        "inf", "0x1.8p1", ".5_0", "--1",   "+-1",   "1s",        "10%",        "-e1",
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(resolved(rows[i], &arena).kind, NODE_STRING);
    arena_fini(&arena);
}

static void test_tags_decide(void **state)
{
    (void)state;
    static const struct {
        struct str tag;
        const char *text;
        bool is_good;
        enum node_kind kind;
    } rows[] = {
        {STR_INIT(SCALAR_TAG_PREFIX "str"), "1", true, NODE_STRING},
        {STR_INIT(SCALAR_TAG_PREFIX "int"), "1", true, NODE_INT},
        {STR_INIT(SCALAR_TAG_PREFIX "int"), "x", false, NODE_STRING},
        {STR_INIT(SCALAR_TAG_PREFIX "int"), "1.5", false, NODE_FLOAT},
        {STR_INIT(SCALAR_TAG_PREFIX "float"), "1", true, NODE_INT},
        {STR_INIT(SCALAR_TAG_PREFIX "float"), "1.5", true, NODE_FLOAT},
        {STR_INIT(SCALAR_TAG_PREFIX "bool"), "yes", true, NODE_BOOL},
        {STR_INIT(SCALAR_TAG_PREFIX "bool"), "1", false, NODE_INT},
        {STR_INIT(SCALAR_TAG_PREFIX "null"), "", true, NODE_NULL},
        {STR_INIT(SCALAR_TAG_PREFIX "binary"), "aGk=", false, NODE_STRING},
        {STR_INIT("!mine"), "1", true, NODE_STRING},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct node node = {.text = str_of(rows[i].text)};
        assert_int_equal(scalar_resolve_as(&node, rows[i].tag, &arena), rows[i].is_good);
        assert_int_equal(node.kind, rows[i].kind);
    }
    arena_fini(&arena);
}

static void test_keys_are_said_as_json_says_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a", "a"},     {"y", "true"},  {"off", "false"}, {"8080", "8080"},
        {"0x10", "16"}, {"1.5", "1.5"}, {"1e3", "1000"},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct node node = resolved(rows[i].text, &arena);
        assert_true(str_eq(scalar_key(&node, &arena), str_of(rows[i].want)));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_booleans_and_null_in_three_spellings_only),
        cmocka_unit_test(test_whole_numbers_have_four_bases_and_underscores),
        cmocka_unit_test(test_decimal_numbers),
        cmocka_unit_test(test_what_only_looks_like_a_number_is_text),
        cmocka_unit_test(test_tags_decide),
        cmocka_unit_test(test_keys_are_said_as_json_says_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
