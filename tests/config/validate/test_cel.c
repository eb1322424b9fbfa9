/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/validate/test_cel.c - what is an expression, and what is none.
 */
#include "base/check.h"
#include "config/validate/cel.h"
#include "tests/config/validate/judging.h"

static void test_expressions_are_told_from_other_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_fine;
    } rows[] = {
        {"response.code >= 400", true},
        {"a ? b : c", true},
        {"a ? b ? c : d : e", true},
        {"request.headers['x'] == \"y\" && !has(a.b)", true},
        {"x in [1, 2, ]", true},
        {"{'a': 1, 'b': f(2)}['a'] + -1", true},
        {"[].size() == 0 || f()", true},
        {"", false},
        {"response.code >=", false},
        {"a b", false},
        {"(a", false},
        {"a)", false},
        {"a ? b", false},
        {"'no end", false},
        {"f(a,)", false},
        {"a ? (b : c)", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (cel_check(str_of(rows[i].text)).is_fine != rows[i].is_fine)
            fail_msg("%s", rows[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions_are_told_from_other_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
