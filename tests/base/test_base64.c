/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_base64.c - base64 is read; the vectors of RFC 4648 10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"

#include "base/check.h"

static void test_bytes_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYmFy", "foobar"},
        {"Zm9v\nYmFy\r\n", "foobar"},
        {"Zm9vYg", "foob"},
        {"Pz8/Pj4+", "?\?\?>>>"},
        {"Pz8_Pj4-", "?\?\?>>>"},
        {"Zm9v YmFy", NULL},
        {"Zm9*", NULL},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str out = STR("");
        assert_int_equal(base64_decode(str_of(rows[i].text), &arena, &out), rows[i].want != NULL);
        if (rows[i].want != NULL)
            assert_true(str_eq(out, str_of(rows[i].want)));
    }
    arena_fini(&arena);
}

static void test_what_is_encoded(void **state)
{
    (void)state;
    static const struct {
        const char *text, *letters;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe", "//4="},
    };
    struct arena arena;
    arena_init(&arena, 256, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_true(str_eq(base64_encode(str_of(rows[i].text), &arena), str_of(rows[i].letters)));
    arena_fini(&arena);
}

static void test_what_is_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *letters, *text; /* NULL: it is none */
    } rows[] = {
        {"", ""},
        {"Zg", "f"},
        {"Zg==", "f"},
        {"Zg=", NULL},
        {"Zm8", "fo"},
        {"Zm9vYmFy", "foobar"},
        {"__4", "\xff\xfe"},
        {"//4=", NULL},
        {"Z", NULL},
        {"Zm9vY", NULL},
        {"Zm 9v\t", "foo"},
        {"=", NULL},
        {"Zm9v====", NULL},
    };
    struct arena arena;
    arena_init(&arena, 256, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str out;
        bool is_right = base64url_decode(str_of(rows[i].letters), &arena, &out);
        assert_int_equal(is_right, rows[i].text != NULL);
        if (is_right)
            assert_true(str_eq(out, str_of(rows[i].text)));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_back),
        cmocka_unit_test(test_what_is_encoded),
        cmocka_unit_test(test_what_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
