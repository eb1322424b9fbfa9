/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_date.c - the date header's text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/wire/date.h"

/* RFC 9110 5.6.7; its example is the second row. */
static void test_date_is_written_as_rfc_1123_says(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *want;
    } rows[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
        {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    struct date date;
    date_init(&date);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str got = date_text(&date, rows[i].seconds);
        assert_int_equal(got.len, DATE_BYTES);
        assert_memory_equal(got.ptr, rows[i].want, DATE_BYTES);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date_is_written_as_rfc_1123_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
