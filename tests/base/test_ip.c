/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_ip.c - addresses are read, compared by prefix and written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/ip.h"

static void test_an_address_has_one_text(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* want NULL: no address */
    } rows[] = {
        {"10.0.0.1", "10.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"256.0.0.1", NULL},
        {"10.0.0", NULL},
        {"", NULL},
        {"::", "::"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"1234:1f1:0123:123:f816:3eff:feb8:2287", "1234:1f1:123:123:f816:3eff:feb8:2287"},
        {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"2001:db8::1%eth0", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa", NULL},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip ip;
        assert_int_equal(ip_parse(str_of(rows[i].text), &ip), rows[i].want != NULL);
        if (rows[i].want != NULL)
            assert_string_equal(arena_str(&arena, ip_text(&ip, &arena)).ptr, rows[i].want);
    }
    struct ip cut;
    assert_false(ip_parse((struct str){"10.0.0.1\0", 9}, &cut));
    arena_fini(&arena);
}

static void test_only_the_bits_of_the_prefix_count(void **state)
{
    (void)state;
    static const struct {
        const char *ip, *prefix;
        uint32_t bit_count;
        bool want;
    } rows[] = {
        {"10.1.2.3", "10.9.9.9", 8, true},
        {"10.1.2.3", "10.9.9.9", 16, false},
        {"10.1.2.3", "10.1.2.3", 32, true},
        {"10.1.2.3", "10.1.2.2", 32, false},
        {"10.1.2.3", "10.1.2.2", 31, true},
        {"10.1.2.3", "10.1.2.0", 30, true},
        {"10.1.2.3", "99.1.2.3", 0, true},
        {"1234:1f1::1", "1234:1f1:9::", 32, true},
        {"1234:1f1::1", "1234:1f0::1", 32, false},
        {"1234:1f1::1", "1234:1f0::1", 31, true},
        {"::1", "::1", 128, true},
        {"::1", "::2", 128, false},
        {"::", "0.0.0.0", 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip ip, prefix;
        assert_true(ip_parse(str_of(rows[i].ip), &ip));
        assert_true(ip_parse(str_of(rows[i].prefix), &prefix));
        assert_int_equal(ip_has_prefix(&ip, &prefix, rows[i].bit_count), rows[i].want);
    }
}

static void test_who_is_one_machine_for_all(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        bool want;
    } rows[] = {
        {"10.0.0.1", true},     {"1.1.1.1", true},     {"127.0.0.1", false},
        {"127.128.3.4", false}, {"0.0.0.0", false},    {"169.254.1.1", false},
        {"224.0.0.1", false},   {"239.1.1.1", false},  {"255.255.255.255", false},
        {"240.240.0.1", true},  {"2001:db8::1", true}, {"fd00::1", true},
        {"::", false},          {"::1", false},        {"fe80::1", false},
        {"ff02::1", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip ip;
        assert_true(ip_parse(str_of(rows[i].ip), &ip));
        assert_int_equal(ip_is_global_unicast(&ip), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_has_one_text),
        cmocka_unit_test(test_only_the_bits_of_the_prefix_count),
        cmocka_unit_test(test_who_is_one_machine_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
