/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/http/test_h1_text.c - every character, in every place of a block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proxy/http/h1_text.h"

enum { TEXT_BYTES = 37 };

static bool is_control(int c)
{
    return (c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f;
}

static void test_a_control_character_is_seen_wherever_it_stands(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < TEXT_BYTES; at++) {
            char text[TEXT_BYTES];
            memset(text, at % 2 != 0 ? '\r' : 0x80 - ' ', sizeof(text));
            text[at] = (char)c;
            for (size_t size = at + 1; size <= TEXT_BYTES; size++)
                assert_int_equal(h1_text_is_clean((struct str){text, size}), !is_control(c));
        }
    }
    assert_true(h1_text_is_clean(STR_EMPTY));
}

static void test_a_token_is_made_of_the_characters_of_rfc_9110(void **state)
{
    (void)state;
    const char *wanted = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int c = 0; c < 256; c++) {
        char text[] = {'x', (char)c, 'y'};
        bool is_wanted = c != 0 && strchr(wanted, c) != NULL;
        assert_int_equal(h1_text_is_token((struct str){text, sizeof(text)}), is_wanted);
    }
    assert_false(h1_text_is_token(STR_EMPTY));
}

static void test_unfolding_takes_out_cr_and_lf_only(void **state)
{
    (void)state;
    char folded[] = "a\r\n b\rc", plain[] = "a b\tc";
    struct str text = h1_text_unfold(folded, strlen(folded));
    assert_true(str_eq(text, STR("a bc")));
    assert_true(str_eq(h1_text_unfold(plain, strlen(plain)), STR("a b\tc")));
    assert_int_equal(h1_text_unfold(plain, 0).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_control_character_is_seen_wherever_it_stands),
        cmocka_unit_test(test_a_token_is_made_of_the_characters_of_rfc_9110),
        cmocka_unit_test(test_unfolding_takes_out_cr_and_lf_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
