/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_hash.c - FNV-1a against its published values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

#include "base/check.h"

static void test_hashes_are_the_published_ones(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        uint32_t want32;
        uint64_t want64;
    } rows[] = {
        {STR_INIT(""), 0x811c9dc5u, UINT64_C(0xcbf29ce484222325)},
        {STR_INIT("a"), 0xe40c292cu, UINT64_C(0xaf63dc4c8601ec8c)},
        {STR_INIT("foobar"), 0xbf9cf968u, UINT64_C(0x85944171f73967e8)},
        {STR_INIT("\xff"), 0x7a0c6d3eu, UINT64_C(0xaf64724c8602eb6e)},
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hash_fnv32(rows[i].text), rows[i].want32);
        assert_true(hash_fnv64(rows[i].text) == rows[i].want64);
    }
    assert_true(hash_fnv64(rows[3].text) == rows[3].want64);
}

static void test_a_running_hash_is_the_hash_of_the_whole(void **state)
{
    (void)state;
    uint64_t running = hash_fnv64_add(hash_fnv64_add(HASH_FNV64_START, STR("foo")), STR("bar"));
    assert_true(running == hash_fnv64(STR("foobar")));
}

static void test_numbers_are_hashed_little_end_first(void **state)
{
    (void)state;
    assert_true(hash_fnv64_add_u64(HASH_FNV64_START, UINT64_C(0x0807060504030201)) ==
                hash_fnv64(STR("\1\2\3\4\5\6\7\10")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_are_the_published_ones),
        cmocka_unit_test(test_a_running_hash_is_the_hash_of_the_whole),
        cmocka_unit_test(test_numbers_are_hashed_little_end_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
