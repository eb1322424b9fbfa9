/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_jwt_claim.c - claims as headers: what a real Envoy 1.40 made of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/core/jwt_claim.h"

#include "base/base64.h"
#include "base/check.h"

static struct str text_of(const char *json, struct arena *arena)
{
    struct json_value value;
    size_t where;

    assert_int_equal(json_read_protobuf(str_of(json), arena, &value, &where), RC_OK);
    return jwt_claim_text(&value, arena);
}

static void test_simple_values(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"null", ""},
        {"true", "true"},
        {"false", "false"},
        {"\"\"", ""},
        {"\"a b\"", "a b"},
        {"42", "42"},
        {"0", "0"},
        {"-0", "0"},
        {"-7", "-7.000000"},
        {"1.5", "1.500000"},
        {"1e-7", "0.000000"},
        {"1000000000000000", "1000000000000000"},
        {"9007199254740993", "9007199254740992"},
        {"18446744073709549568", "18446744073709549568"},
        {"18446744073709551615", "18446744073709551616.000000"},
        {"1e21", "1000000000000000000000.000000"},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = text_of(rows[i].json, &arena);
        if (!str_eq(got, str_of(rows[i].want)))
            fail_msg("%s: %.*s", rows[i].json, STR_FMT(got));
    }
    arena_fini(&arena);
}

/* In base64. */
static void test_lists_and_objects(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"[]", "[]"},
        {"{}", "{}"},
        {"[ 'a', 1, 2.5, true, null ]", "[\"a\",1,2.5,true,null]"},
        {"[-7,1e100,1234567890123,0.30000000000000004,1e-7,-0]",
         "[-7,1e+100,1234567890123,0.30000000000000004,1e-07,-0]"},
        {"{\"b\":{\"a\":[{\"c\":'d'}]}}", "{\"b\":{\"a\":[{\"c\":\"d\"}]}}"},
        {"[\"\\n\\r\\t\\b\\f\\\"\\\\/<>&\"]", "[\"\\n\\r\\t\\b\\f\\\"\\\\/\\u003c\\u003e&\"]"},
        {"[\"\\u0001\\u007f\\u00ad\\u200b\\u2028\\ufeff\\ud834\\udd73\"]",
         "[\"\\u0001\\u007f\\u00ad\\u200b\\u2028\\ufeff\\ud834\\udd73\"]"},
        {"[\"\\u00fc\\ud83d\\ude00\\u0000\"]", "[\"\xc3\xbc\xf0\x9f\x98\x80\\u0000\"]"},
    };
    struct arena arena;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = text_of(rows[i].json, &arena), plain;
        assert_true(base64_decode(got, &arena, &plain));
        if (!str_eq(plain, str_of(rows[i].want)))
            fail_msg("%s: %.*s", rows[i].json, STR_FMT(plain));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_values),
        cmocka_unit_test(test_lists_and_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
