/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_utf8.c - RFC 3629.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

#include "base/check.h"

static void test_code_points_go_out_and_come_back(void **state)
{
    (void)state;
    static const struct {
        uint32_t code;
        struct str bytes;
    } rows[] = {
        {0x00, STR_INIT("\0")},
        {0x7f, STR_INIT("\x7f")},
        {0x80, STR_INIT("\xc2\x80")},
        {0x7ff, STR_INIT("\xdf\xbf")},
        {0x800, STR_INIT("\xe0\xa0\x80")},
        {0xd7ff, STR_INIT("\xed\x9f\xbf")},
        {0xe000, STR_INIT("\xee\x80\x80")},
        {0xffff, STR_INIT("\xef\xbf\xbf")},
        {0x10000, STR_INIT("\xf0\x90\x80\x80")},
        {0x10ffff, STR_INIT("\xf4\x8f\xbf\xbf")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[UTF8_BYTES_MAX];
        struct str encoded = {out, utf8_encode(rows[i].code, out)};
        uint32_t code = 0;
        assert_true(str_eq(encoded, rows[i].bytes));
        assert_int_equal(utf8_decode(rows[i].bytes, &code), rows[i].bytes.len);
        assert_int_equal(code, rows[i].code);
    }
}

static void test_what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const struct str rows[] = {
        STR_INIT(""),
        STR_INIT("\x80"),             /* goes on without a beginning */
        STR_INIT("\xc0\x80"),         /* overlong */
        STR_INIT("\xc1\xbf"),         /* overlong */
        STR_INIT("\xe0\x9f\xbf"),     /* overlong */
        STR_INIT("\xf0\x8f\xbf\xbf"), /* overlong */
        STR_INIT("\xed\xa0\x80"),     /* a surrogate */
        STR_INIT("\xed\xbf\xbf"),     /* a surrogate */
        STR_INIT("\xf4\x90\x80\x80"), /* above the last */
        STR_INIT("\xf8\x88\x80\x80\x80"),
        STR_INIT("\xff"),
        STR_INIT("\xc3"), /* cut short */
        STR_INIT("\xe2\x82"),
        STR_INIT("\xe2\x28\xa1"),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t code = 77;
        assert_int_equal(utf8_decode(rows[i], &code), 0);
        assert_int_equal(code, 77);
    }
}

static void test_the_first_bad_byte_is_found(void **state)
{
    (void)state;
    assert_int_equal(utf8_valid_bytes(STR("h\xc3\xa9llo")), 6);
    assert_int_equal(utf8_valid_bytes(STR("h\xc3\xa9\xfflo")), 3);
    assert_int_equal(utf8_valid_bytes(STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_points_go_out_and_come_back),
        cmocka_unit_test(test_what_is_not_utf8_is_refused),
        cmocka_unit_test(test_the_first_bad_byte_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
