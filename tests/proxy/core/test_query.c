/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_query.c - parameters as Envoy 1.40.0 reads and writes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/core/query.h"

#include "base/check.h"

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value; /* of "t"; NULL: there is none */
    } rows[] = {
        {"/q", NULL},        {"/q?t", ""},        {"/q?t=", ""},     {"/q?t=a.b", "a.b"},
        {"/q?a=t&t=1", "1"}, {"/q?t=2&t=1", "2"}, {"/q?%74=a", "a"}, {"/q?t=a%2Eb", "a.b"},
        {"/q?t=a+b", "a+b"}, {"/q?t=a=b", "a=b"}, {"/q?T=a", NULL},  {"/q?t=%4", "%4"},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str value;
        bool is_there = query_get(str_of(rows[i].path), STR("t"), &arena, &value);
        assert_int_equal(is_there, rows[i].value != NULL);
        if (is_there)
            assert_true(str_eq(value, str_of(rows[i].value)));
    }
    arena_fini(&arena);
}

static void test_what_is_left_without_one(void **state)
{
    (void)state;
    static const struct {
        const char *path, *want; /* without "t" */
    } rows[] = {
        {"/q?t=1", "/q"},
        {"/q?a=b&t=1&c=d", "/q?a=b&c=d"},
        {"/q?t=1&t=2&A=1", "/q?A=1"},
        {"/q?z=%41&t=1&flag&b=%26&k%41=1&k=2&k=1&c=a%2Bb&=e&d=",
         "/q?=e&b=&&c=a+b&d=&flag=&k=2&k=1&kA=1&z=A"},
        {"/q?t=1&p=%zz&q=%4&%41&&x", "/q?=&A=&p=%zz&q=%4&x="},
        {"/q?t=1&p=a=b&q==", "/q?p=a=b&q=="},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str left = query_without(str_of(rows[i].path), STR("t"), &arena);
        if (!str_eq(left, str_of(rows[i].want)))
            fail_msg("%s: %.*s", rows[i].path, STR_FMT(left));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_left_without_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
