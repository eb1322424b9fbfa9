/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_xxhash.c - xxHash64 against the reference implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/xxhash.h"

#include "base/check.h"

/* Each way through it: nothing, bytes, fours, eights, stripes of 32. */
static void test_hashes_are_the_reference_ones(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        uint64_t want, want_seed_1;
    } rows[] = {
        {STR_INIT(""), UINT64_C(0xef46db3751d8e999), UINT64_C(0xd5afba1336a3be4b)},
        {STR_INIT("a"), UINT64_C(0xd24ec4f1a98c6e5b), UINT64_C(0xdec2bc81c3cd46c6)},
        {STR_INIT("abc"), UINT64_C(0x44bc2cf5ad770999), UINT64_C(0xbea9ca8199328908)},
        {STR_INIT("abcd"), UINT64_C(0xde0327b0d25d92cc), UINT64_C(0xf5dcbd6dee3c9553)},
        {STR_INIT("127.0.0.1"), UINT64_C(0xc08b1587df65b7a7), UINT64_C(0x48e37914bfe6fd4c)},
        {STR_INIT("10.0.0.1:80_0"), UINT64_C(0x75041381e7371a08), UINT64_C(0x886565a2d161b779)},
        {STR_INIT("abcdefghijklmnopqrstuvwxyz01234"), UINT64_C(0x16058c7b947da137),
         UINT64_C(0x5f792a02fe4065f5)},
        {STR_INIT("abcdefghijklmnopqrstuvwxyz012345"), UINT64_C(0xbf2cd639b4143b80),
         UINT64_C(0x1476a5fc111cb8f4)},
        {STR_INIT("The quick brown fox jumps over the lazy dog, and again and again."),
         UINT64_C(0x91376b48e8171e27), UINT64_C(0x667ac066e3e94e83)},
        {STR_INIT("\xff\xfe"), UINT64_C(0x1d54d198e3108e1f), UINT64_C(0x5b24c5798fd7304d)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(xxhash64(rows[i].text, 0) == rows[i].want);
        assert_true(xxhash64(rows[i].text, 1) == rows[i].want_seed_1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes_are_the_reference_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
