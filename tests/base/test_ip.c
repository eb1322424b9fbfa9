/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_ip.c - addresses as text, and ranges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ip.h"

#include "base/check.h"

static void test_texts_are_addresses_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_address;
    } rows[] = {
        {"10.1.2.3", true},
        {"0.0.0.0", true},
        {"255.255.255.255", true},
        {"256.0.0.1", false},
        {"1.2.3", false},
        {"1.2.3.4.5", false},
        {"1.2.3.", false},
        {"", false},
        {"a.b.c.d", false},
        {"::", true},
        {"::1", true},
        {"fd00::", true},
        {"1:2:3:4:5:6:7:8", true},
        {"1:2:3:4:5:6:7", false},
        {"1:2:3:4:5:6:7:8:9", false},
        {"1::2::3", false},
        {"::ffff:1.2.3.4", true},
        {"1.2.3.4::", false},
        {"12345::", false},
        {"g::", false},
        {"fe80::1%eth0", false},
        {":1", false},
        {"1:", false},
        {"1:2:3:4:5:6:1.2.3.4", true},
        {"1:2:3:4::5:6:7:8", false},
    };
    struct ip out;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (ip_parse(str_of(rows[i].text), &out) != rows[i].is_address)
            fail_msg("%s", rows[i].text);
    }
}

static void test_a_range_is_its_first_bits(void **state)
{
    (void)state;
    static const struct {
        const char *address, *range;
        uint32_t bits;
        bool is_within;
    } rows[] = {
        {"10.1.2.3", "10.1.0.0", 16, true},
        {"10.2.2.3", "10.1.0.0", 16, false},
        {"10.2.2.3", "10.1.0.0", 14, true},
        {"1.2.3.4", "9.9.9.9", 0, true},
        {"1.2.3.4", "1.2.3.4", 32, true},
        {"1.2.3.5", "1.2.3.4", 32, false},
        {"1.2.3.5", "1.2.3.4", 31, true},
        {"fd00::1", "fd00::", 8, true},
        {"fe00::1", "fd00::", 8, false},
        {"fd00::1", "0.0.0.0", 0, false},
        {"2001:db8::1", "2001:db8::2", 127, false},
        {"2001:db8::3", "2001:db8::2", 127, true},
        {"2001:db8::3", "2001:db8::3", 200, true},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ip address, range;
        assert_true(ip_parse(str_of(rows[i].address), &address));
        assert_true(ip_parse(str_of(rows[i].range), &range));
        if (ip_is_within(&address, &range, rows[i].bits) != rows[i].is_within)
            fail_msg("%s in %s/%u", rows[i].address, rows[i].range, rows[i].bits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_are_addresses_or_not),
        cmocka_unit_test(test_a_range_is_its_first_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
