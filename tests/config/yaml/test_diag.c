/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_diag.c - complaints: kept, sorted, printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml/diag.h"

static struct origin at(struct str file, uint32_t line, uint32_t column)
{
    return (struct origin){.file = file, .line = line, .column = column};
}

static void assert_printed(const struct diag *diag, bool has_colour, struct str want)
{
    struct buf out;
    buf_init(&out, 10000);
    assert_int_equal(diag_print(diag, has_colour, &out), RC_OK);
    if (!str_eq(buf_str(&out), want))
        fail_msg("got %.*s", STR_FMT(buf_str(&out)));
    buf_fini(&out);
}

static void test_a_line_says_place_severity_text_and_path(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    (void)diag_add(&list, DIAG_NEGATIVE_DURATION, at(STR("a.yaml"), 3, 7), STR("spec.timeout"),
                   STR("-1s"), STR_EMPTY, STR_EMPTY);
    assert_printed(&list.items[0], false,
                   STR("a.yaml:3:7: error: the duration -1s is negative; it must be 0s or more "
                       "[spec.timeout]\n"));
    assert_printed(&list.items[0], true,
                   STR("a.yaml:3:7: \x1b[1;31merror:\x1b[0m the duration -1s is negative; it must "
                       "be 0s or more [spec.timeout]\n"));
    assert_true(str_eq(diag_text(&list.items[0], &arena),
                       STR("the duration -1s is negative; it must be 0s or more")));
    arena_fini(&arena);
}

static void test_unknown_places_are_left_out(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    (void)diag_add(&list, DIAG_NEGATIVE_DURATION, at(STR("a.yaml"), 0, 0), STR_EMPTY, STR("-1s"),
                   STR_EMPTY, STR_EMPTY);
    (void)diag_add(&list, DIAG_NO_EFFECT, at(STR_EMPTY, 0, 0), STR_EMPTY, STR("x"), STR_EMPTY,
                   STR_EMPTY);
    assert_printed(&list.items[0], false,
                   STR("a.yaml: error: the duration -1s is negative; it must be 0s or more\n"));
    assert_printed(&list.items[1], false, STR("warning: x has no effect yet\n"));
    arena_fini(&arena);
}

static void test_words_of_the_user_cannot_move_the_cursor(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    (void)diag_add(&list, DIAG_NEGATIVE_DURATION, at(STR("a\n.yaml"), 1, 2), STR("p\x1b[2J"),
                   STR("-\xff\xc2\x9b{1}\xc3\xa9"), STR("no"), STR_EMPTY);
    assert_printed(&list.items[0], false,
                   STR("a\\x0a.yaml:1:2: error: the duration -\\xff\\xc2\\x9b{1}\xc3\xa9 is "
                       "negative; it must be 0s or more [p\\x1b[2J]\n"));
    arena_fini(&arena);
}

static void test_long_arguments_are_cut_between_characters(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    char text[502];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xa9';
    for (size_t length = 499; length <= sizeof(text); length++) {
        /* The two bytes of a character begin at odd places when the first byte is 'x'. */
        text[0] = 'x';
        text[1] = 'x';
        struct str arg = {text, length};
        (void)diag_add(&list, DIAG_NO_EFFECT, at(STR_EMPTY, 0, 0), STR_EMPTY, arg, STR_EMPTY,
                       STR_EMPTY);
        struct str kept = list.items[list.count - 1].args[0];
        if (length <= 500)
            assert_true(str_eq(kept, arg));
        else
            assert_true(str_eq(kept, arena_concat(&arena, str_slice(arg, 0, 500), STR("..."))));
    }
    struct str odd = {text + 1, 501};
    (void)diag_add(&list, DIAG_NO_EFFECT, at(STR_EMPTY, 0, 0), STR_EMPTY, odd, STR_EMPTY,
                   STR_EMPTY);
    assert_int_equal(list.items[list.count - 1].args[0].len, 499 + 3);
    arena_fini(&arena);
}

static void test_sorting_is_by_first_appearance_of_files_and_stable(void **state)
{
    (void)state;
    static const struct {
        struct str file;
        uint32_t line, column;
        char name[2];
    } added[] = {
        {STR_INIT("z"), 9, 1, "f"}, {STR_INIT("a"), 2, 2, "i"}, {STR_INIT("z"), 1, 5, "c"},
        {STR_INIT("a"), 2, 1, "g"}, {STR_INIT("z"), 1, 1, "b"}, {STR_INIT("a"), 2, 1, "h"},
        {STR_INIT("z"), 0, 0, "a"}, {STR_INIT("z"), 1, 5, "d"}, {STR_INIT("z"), 2, 1, "e"},
    };
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    diag_list_sort(&list);
    for (size_t i = 0; i < COUNT_OF(added); i++)
        (void)diag_add(&list, DIAG_NO_EFFECT, at(added[i].file, added[i].line, added[i].column),
                       STR_EMPTY, str_of(added[i].name), STR_EMPTY, STR_EMPTY);
    diag_list_sort(&list);
    for (uint32_t i = 0; i < list.count; i++)
        assert_int_equal(list.items[i].args[0].ptr[0], "abcdefghi"[i]);
    arena_fini(&arena);
}

static void test_strict_makes_errors_of_warnings(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    assert_int_equal(diag_add(&list, DIAG_NO_EFFECT, at(STR("a"), 1, 1), STR_EMPTY, STR("x"),
                              STR_EMPTY, STR_EMPTY),
                     DIAG_WARNING);
    assert_int_equal(
        diag_add(&list, DIAG_SYNTAX, at(STR("a"), 1, 1), STR_EMPTY, STR("x"), STR_EMPTY, STR_EMPTY),
        DIAG_ERROR);
    assert_int_equal(list.error_count, 1);
    assert_int_equal(list.warning_count, 1);
    diag_list_raise_warnings(&list);
    assert_int_equal(list.error_count, 2);
    assert_int_equal(list.warning_count, 0);
    assert_int_equal(list.items[0].severity, DIAG_ERROR);
    arena_fini(&arena);
}

static void test_too_many_are_counted_and_not_kept(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    arena_init(&arena, 1 << 20, 0);
    diag_list_init(&list, &arena);
    for (uint32_t i = 0; i < DIAG_COUNT_MAX + 3; i++)
        (void)diag_add(&list, DIAG_SYNTAX, at(STR("a"), i, 1), STR_EMPTY, STR("x"), STR_EMPTY,
                       STR_EMPTY);
    assert_int_equal(list.count, DIAG_COUNT_MAX);
    assert_int_equal(list.dropped_count, 3);
    assert_int_equal(list.error_count, DIAG_COUNT_MAX + 3);
    arena_fini(&arena);
}

static void test_a_full_buffer_is_said(void **state)
{
    (void)state;
    struct arena arena;
    struct diag_list list;
    struct buf out;
    arena_init(&arena, 1024, 0);
    diag_list_init(&list, &arena);
    (void)diag_add(&list, DIAG_NO_EFFECT, at(STR("a"), 1, 1), STR("p"), STR("x"), STR_EMPTY,
                   STR_EMPTY);
    struct str whole = STR("a:1:1: warning: x has no effect yet [p]\n");
    for (size_t max_bytes = 0; max_bytes <= whole.len; max_bytes++) {
        buf_init(&out, max_bytes);
        assert_int_equal(diag_print(&list.items[0], false, &out),
                         max_bytes < whole.len ? RC_FULL : RC_OK);
        buf_fini(&out);
    }
    arena_fini(&arena);
}

/* Placeholders are used from the first on, or a reader's argument is lost; but
 * {2} at the start is what a kind puts before its texts (diag_validate.def). */
static void test_the_catalogue_skips_no_argument(void **state)
{
    (void)state;
    static const struct str texts[] = {
#define X(id, severity, text) STR_INIT(text),
#include "config/yaml/diag.def"
#undef X
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str text = str_from(texts[i], str_has_prefix(texts[i], STR("{2}")) ? 3 : 0);
        bool has[] = {str_contains(text, STR("{0}")), str_contains(text, STR("{1}")),
                      str_contains(text, STR("{2}"))};
        assert_true(has[0] || !has[1]);
        assert_true(has[1] || !has[2]);
        assert_false(str_contains(texts[i], STR("{3}")));
        assert_true(texts[i].len > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_says_place_severity_text_and_path),
        cmocka_unit_test(test_unknown_places_are_left_out),
        cmocka_unit_test(test_words_of_the_user_cannot_move_the_cursor),
        cmocka_unit_test(test_long_arguments_are_cut_between_characters),
        cmocka_unit_test(test_sorting_is_by_first_appearance_of_files_and_stable),
        cmocka_unit_test(test_strict_makes_errors_of_warnings),
        cmocka_unit_test(test_too_many_are_counted_and_not_kept),
        cmocka_unit_test(test_a_full_buffer_is_said),
        cmocka_unit_test(test_the_catalogue_skips_no_argument),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
