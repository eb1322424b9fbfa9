/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_retry_on.c - retry_on's words, ENVOY.md 3.3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/model/retry_on.h"

static void test_words_become_a_set(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t want;
    } rows[] = {
        {"", 0},
        {"5xx", RETRY_ON_BIT(5XX)},
        {"5xx,reset", RETRY_ON_BIT(5XX) | RETRY_ON_BIT(RESET)},
        {" 5xx ,\treset", RETRY_ON_BIT(5XX) | RETRY_ON_BIT(RESET)},
        {",retriable-status-codes", RETRY_ON_BIT(RETRIABLE_STATUS_CODES)},
        {"reset,reset", RETRY_ON_BIT(RESET)},
        {"503,5XX,reset-before,unavailable", RETRY_ON_BIT(UNAVAILABLE)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(retry_on_read(str_of(rows[i].text)), rows[i].want);
}

static void test_every_word_is_its_own(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < RETRY_ON_COUNT; i++)
        assert_int_equal(retry_on_read(retry_on_word((enum retry_on)i)), UINT32_C(1) << i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_become_a_set),
        cmocka_unit_test(test_every_word_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
