/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/cli/test_words.c - the command line's words: options with their values,
 * and what is said of wrong ones (on standard error, which is not looked at
 * here; tests/e2e/cli does).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "cli/words.h"

#define WORDS_MAX 8

struct own {
    struct str value;
    uint32_t flag_count;
};

static void take_value(void *user, struct str value)
{
    ((struct own *)user)->value = value;
}

static void take_flag(void *user, struct str value)
{
    (void)value;
    ((struct own *)user)->flag_count++;
}

static const struct words_option OPTIONS[] = {{"--own", .take = take_value},
                                              {"--flag", .flag = take_flag}};

static bool words_of(struct words *words, struct own *own, const char *const *line)
{
    static char text[WORDS_MAX + 1][64];
    char *argv[WORDS_MAX + 2];
    int argc = 0;
    argv[argc++] = text[WORDS_MAX];
    for (int i = 0; line[i] != NULL; i++) {
        snprintf(text[i], sizeof(text[i]), "%s", line[i]);
        argv[argc++] = text[i];
    }
    argv[argc] = NULL;
    *own = (struct own){0};
    words_init(words, "test");
    return words_read(words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), own);
}

static void test_options_and_plain_words_may_be_mixed(void **state)
{
    (void)state;
    static const char *const line[] = {"a", "-f", "m.yaml", "--own=x=y", "-q", "b", "--flag", NULL};
    struct words words;
    struct own own;
    assert_true(words_of(&words, &own, line));
    assert_int_equal(words.plain_count, 2);
    assert_true(str_eq(words.plain[1], STR("b")));
    assert_int_equal(words.manifest_count, 1);
    assert_true(str_eq(words.manifests[0], STR("m.yaml")));
    assert_true(str_eq(own.value, STR("x=y")));
    assert_int_equal(own.flag_count, 1);
    assert_true(words.is_quiet);
    words_fini(&words);
}

static void test_common_options_are_read(void **state)
{
    (void)state;
    static const char *const line[] = {"--profile",     "istio-1.0", "--seed", "7",
                                       "--engine=live", "-o",        "json",   NULL};
    struct words words;
    struct own own;
    assert_true(words_of(&words, &own, line));
    assert_true(str_eq(words.profile->name, STR("istio-1.0")));
    assert_true(words.has_seed && words.seed == 7);
    assert_true(words.is_live);
    assert_true(str_eq(words.output, STR("json")));
    assert_true(str_eq(words.rerun, STR(" --profile istio-1.0")));
    words_fini(&words);
}

static void test_a_dash_alone_is_standard_input(void **state)
{
    (void)state;
    static const char *const line[] = {"-f", "-", "-", NULL};
    struct words words;
    struct own own;
    assert_true(words_of(&words, &own, line));
    assert_true(str_eq(words.manifests[0], STR("-")));
    assert_true(str_eq(words.plain[0], STR("-")));
    words_fini(&words);
}

static void test_wrong_words_are_refused(void **state)
{
    (void)state;
    static const char *const lines[][3] = {
        {"--owm", "x", NULL},
        {"-Z", NULL},
        {"--own", NULL},
        {"--seed", "many", NULL},
        {"--seed", "-1", NULL},
        {"--profile", "istio-7", NULL},
        {"--engine", "steam", NULL},
        {"--color", "red", NULL},
        {"-f", NULL},
        {"--flag=yes", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct words words;
        struct own own;
        if (words_of(&words, &own, lines[i]))
            print_message("%s was taken\n", lines[i][0]);
        assert_true(words.is_wrong);
        words_fini(&words);
    }
}

static void test_colour_can_be_said(void **state)
{
    (void)state;
    static const char *const always[] = {"--color", "always", NULL};
    static const char *const never[] = {"--color", "never", NULL};
    struct words words;
    struct own own;
    assert_true(words_of(&words, &own, always));
    assert_true(words_has_colour(&words, stdout));
    words_fini(&words);
    assert_true(words_of(&words, &own, never));
    assert_false(words_has_colour(&words, stdout));
    words_fini(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_and_plain_words_may_be_mixed),
        cmocka_unit_test(test_common_options_are_read),
        cmocka_unit_test(test_a_dash_alone_is_standard_input),
        cmocka_unit_test(test_wrong_words_are_refused),
        cmocka_unit_test(test_colour_can_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
