/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_flag.c - each flag that the core gives has words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/core/reason.h"
#include "testbed/inspect/flag.h"

static void test_flags_that_we_give_have_a_meaning(void **state)
{
    (void)state;
    static const char *const flags[] = {"DC", "DPE", "DI", "URX"};
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        assert_true(flag_meaning(str_of(flags[i])).len > 0);
    assert_int_equal(flag_meaning(STR("XX")).len, 0);
}

static void test_flags_of_reasons_and_failures_have_a_meaning(void **state)
{
    (void)state;
#define X(id, flag, status, details, body, english) STR_INIT(flag),
    static const struct str reasons[] = {
#include "proxy/core/reason.def"
    };
#undef X
#define X(id, words, flag, status) STR_INIT(flag),
    static const struct str failures[] = {
#include "proxy/core/failure.def"
    };
#undef X
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        assert_true(reasons[i].len == 0 || flag_meaning(reasons[i]).len > 0);
    for (size_t i = 0; i < COUNT_OF(failures); i++)
        assert_true(flag_meaning(failures[i]).len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_that_we_give_have_a_meaning),
        cmocka_unit_test(test_flags_of_reasons_and_failures_have_a_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
