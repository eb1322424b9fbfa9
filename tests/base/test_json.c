/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_json.c - writing JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/json.h"

#include "base/check.h"
#include "base/rng.h"

static void write_sample(struct json *json)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("a\"b"));
    json_key(json, STR("list"));
    json_begin_array(json);
    json_i64(json, -1);
    json_u64(json, UINT64_MAX);
    json_begin_array(json);
    json_end_array(json);
    json_null(json);
    json_end_array(json);
    json_key(json, STR("empty"));
    json_begin_object(json);
    json_end_object(json);
    json_key_bool(json, STR("yes"), true);
    json_key_i64(json, STR("n"), INT64_MIN);
    json_end_object(json);
}

static void test_one_line_without_blanks(void **state)
{
    (void)state;
    struct buf out;
    struct json json;
    buf_init(&out, 1000);
    json_init(&json, &out, 0);
    write_sample(&json);
    assert_true(
        str_eq(buf_str(&out), STR("{\"name\":\"a\\\"b\",\"list\":[-1,18446744073709551615,[],null],"
                                  "\"empty\":{},\"yes\":true,\"n\":-9223372036854775808}")));
    assert_false(json_is_full(&json));
    buf_fini(&out);
}

static void test_indented_over_several_lines(void **state)
{
    (void)state;
    struct buf out;
    struct json json;
    buf_init(&out, 1000);
    json_init(&json, &out, 2);
    write_sample(&json);
    assert_true(str_eq(buf_str(&out), STR("{\n"
                                          "  \"name\": \"a\\\"b\",\n"
                                          "  \"list\": [\n"
                                          "    -1,\n"
                                          "    18446744073709551615,\n"
                                          "    [],\n"
                                          "    null\n"
                                          "  ],\n"
                                          "  \"empty\": {},\n"
                                          "  \"yes\": true,\n"
                                          "  \"n\": -9223372036854775808\n"
                                          "}")));
    buf_fini(&out);
}

static void test_strings_leave_escaped_and_as_utf8(void **state)
{
    (void)state;
    static const struct {
        struct str text, want;
    } rows[] = {
        {STR_INIT(""), STR_INIT("\"\"")},
        {{NULL, 0}, STR_INIT("\"\"")},
        {STR_INIT("a/b"), STR_INIT("\"a/b\"")},
        {STR_INIT("\"\\"), STR_INIT("\"\\\"\\\\\"")},
        {STR_INIT("\b\f\n\r\t"), STR_INIT("\"\\b\\f\\n\\r\\t\"")},
        {STR_INIT("\0\x1f"), STR_INIT("\"\\u0000\\u001f\"")},
        {STR_INIT("\x7f"), STR_INIT("\"\x7f\"")},
        {STR_INIT("\xc3\xa9\xf0\x9f\x98\x80"), STR_INIT("\"\xc3\xa9\xf0\x9f\x98\x80\"")},
        {STR_INIT("a\xff\xc3(b"), STR_INIT("\"a\xef\xbf\xbd\xef\xbf\xbd(b\"")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        struct json json;
        buf_init(&out, 1000);
        json_init(&json, &out, 0);
        json_str(&json, rows[i].text);
        assert_true(str_eq(buf_str(&out), rows[i].want));
        buf_fini(&out);
    }
}

static struct str written_double(double value, struct arena *arena)
{
    struct buf out;
    struct json json;
    buf_init(&out, 100);
    json_init(&json, &out, 0);
    json_double(&json, value);
    struct str text = arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void test_numbers_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    const struct {
        double value;
        struct str want;
    } rows[] = {
        {0, STR("0")},
        {-0.0, STR("0")},
        {1, STR("1")},
        {-25, STR("-25")},
        {0.1, STR("0.1")},
        {0.1 + 0.2, STR("0.30000000000000004")},
        {1.0 / 3, STR("0.3333333333333333")},
        {99.99, STR("99.99")},
        {123456789012345.0, STR("123456789012345")},
        {1e21, STR("1e+21")},
        {1e-7, STR("1e-7")},
        {1.5e-9, STR("1.5e-9")},
        {1e300, STR("1e+300")},
        {5e-324, STR("5e-324")},
        {NAN, STR("\"NaN\"")},
        {INFINITY, STR("\"Infinity\"")},
        {-INFINITY, STR("\"-Infinity\"")},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(written_double(rows[i].value, &arena), rows[i].want));
    arena_fini(&arena);
}

static void test_any_number_reads_back_the_same(void **state)
{
    (void)state;
    struct rng rng = rng_seeded(4, STR("double"));
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (int i = 0; i < 5000; i++) {
        double value = ldexp(rng_unit(&rng), (int)rng_below(&rng, 600) - 300);
        struct str text = written_double(value, &arena);
        assert_memory_equal(&(double){strtod(text.ptr, NULL)}, &value, sizeof(value));
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void test_a_full_buffer_gets_no_half_words(void **state)
{
    (void)state;
    struct buf out;
    struct json json;
    buf_init(&out, 1000);
    json_init(&json, &out, 0);
    write_sample(&json);
    size_t whole_bytes = buf_size(&out);
    buf_fini(&out);
    for (size_t max_bytes = 0; max_bytes <= whole_bytes; max_bytes++) {
        buf_init(&out, max_bytes);
        json_init(&json, &out, 0);
        write_sample(&json);
        assert_true(buf_size(&out) <= max_bytes);
        assert_int_equal(json_is_full(&json), max_bytes < whole_bytes);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line_without_blanks),
        cmocka_unit_test(test_indented_over_several_lines),
        cmocka_unit_test(test_strings_leave_escaped_and_as_utf8),
        cmocka_unit_test(test_numbers_are_as_short_as_they_can_be),
        cmocka_unit_test(test_any_number_reads_back_the_same),
        cmocka_unit_test(test_a_full_buffer_gets_no_half_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
