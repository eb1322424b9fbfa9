/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_plain.c - what is read quickly is read as libyaml reads it,
 * and what is not plain is left to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/config/yaml/twice.h"

static void assert_verdict(const char *text, enum twice_verdict wanted)
{
    enum twice_verdict got = twice_read(str_of(text));
    if (got != wanted)
        fail_msg("verdict %d instead of %d for:\n%s", (int)got, (int)wanted, text);
}

static void test_what_people_write_is_read_alike(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",
        "\n\n  \n# only a comment\n",
        "---\n",
        "--- # nothing\n\n",
        "a: 1\n",
        "---\na: 1",
        "  a: 1\n  b:   x y  # comment\n",
        "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n",
        "a:\nb: ~\nc: # nothing\n\nd:\n",
        "a:\n- 1\n- 2\nb:\n  - 3\n",
        "a:\n- b: 1\n  c:\n  - 2\n- d:\n- e\n",
        "- a\n-\n- # nothing\n- b: 1\n  c: 2\n",
        "- - 1\n  - 2\n- - - 3\n    -\n",
        "-\n  a: 1\n-\n  - 2\n",
        "a: [1, two, \"three\", 'four']\nb: {c: d, e: [f, {g: h}]}\n",
        "a: [\n  1, # one\n  2\n]\nb: {\n}\nc: []\nd: {}\n",
        "{\"a\":1,\"b\":[true,null,\"x\\ny\\\"\"],\n \"c\": {\"d\":-1.5e3}}\n",
        "[a, b,\n c]\n# end\n",
        "[[1, 2,], [3]]\n",
        "a: 'it''s'\nb: ''\nc: \"\"\nd: '''x'''\ne: '\\n'\n",
        "\"a b\": 1\n'c: d': 2\ne f: 3\nb : 4\n",
        "a: b:c\nd: http://e:80/f#g\nh: -i\nj: x - y\nk: a, [b], {c}\n",
        "true: 1\n1: 2\n1.50: 3\n\"1\": 4\n",
        "a: 0x10\nb: 010\nc: 1e3\nd: yes\ne: 1:30\nf: .5\ng: <<\n",
        "a: 1\na: 2\n", /* said alike */
        "a: {b: 1, b: 2}\n<<: {a: 3, c: 4}\n",
        "a:   \n     b: 1\n\n\n     # between\n     c: 2\nd: 3\n",
        "a: b\n   # indented, and a comment\nc: d\n",
        "- [a]\n- {b: c}\n- 'd'\n- \"e\" # f\n",
    };
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_verdict(TEXTS[i], TWICE_SAME);
}

static void test_what_is_not_plain_is_left_to_libyaml(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "text\n",         "a: |\n  b\n",
        "a: >-\n  b\n",   "a: &b c\n",
        "a: *b\n",        "a: !!str 1\n",
        "? a\n: b\n",     "a: b\n  c\n",
        "a:\n  b\n",      "a: \"b\n  c\"\n",
        "a: 'b\n  c'\n",  "a: \"\\u00e9\"\n",
        "a: \xc3\xa9\n",  "a:\t1\n",
        "a: 1\r\n",       "%YAML 1.1\n---\na: 1\n",
        "a: 1\n...\n",    "...",
        "--- a\n",        "a: .inf\n",
        "{a, b: c}\n",    "{a: }\n",
        "[a: b]\n",       "[a b\n c]\n",
        "{\"a\"\n: b}\n", "[? a]\n",
    };
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_verdict(TEXTS[i], TWICE_NOT_TAKEN);
}

static void test_what_is_wrong_is_left_to_libyaml(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "a: b: c\n",
        "a: - b\n",
        "a: 1\n  b: 2\n",
        "a:\n    b: 1\n  c: 2\n",
        "- a\nb: 1\n",
        "a: 1\n- b\n",
        "a:\n  - b\n  c: 1\n",
        "a: [b\n",
        "a: [b}\n",
        "a: {b: c]\n",
        "a: [b, , c]\n",
        "a: \"b\n",
        "a: 'b\n",
        "a: \"b\" c\n",
        "a: [b] c\n",
        "a: @b\n",
        "a: `b\n",
        "a: \"\\q\"\n",
        "a: [\n---\n]\n",
        "[a] b\n",
        "{a: 1}\nb: 2\n",
        "a: 1\n  # deeper\n  b\n",
    };
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++)
        assert_verdict(TEXTS[i], TWICE_NOT_TAKEN);
}

static void test_limits_are_told_by_libyaml(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct str deep = STR_EMPTY, key = STR_EMPTY;
    for (int i = 0; i < YAML_DEPTH_MAX + 1; i++)
        deep = arena_concat(&arena, deep, STR("- "));
    assert_int_equal(twice_read(deep), TWICE_NOT_TAKEN);
    assert_int_equal(twice_read(str_from(deep, 2)), TWICE_SAME);
    deep = STR_EMPTY;
    for (int i = 0; i < YAML_DEPTH_MAX + 1; i++)
        deep = arena_concat(&arena, deep, STR("["));
    assert_int_equal(twice_read(deep), TWICE_NOT_TAKEN);
    for (int i = 0; i < 103; i++)
        key = arena_concat(&arena, key, STR("0123456789"));
    assert_int_equal(twice_read(arena_concat(&arena, key, STR(": 1\n"))), TWICE_NOT_TAKEN);
    assert_int_equal(twice_read(arena_concat(&arena, str_from(key, 30), STR(": 1\n"))), TWICE_SAME);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_people_write_is_read_alike),
        cmocka_unit_test(test_what_is_not_plain_is_left_to_libyaml),
        cmocka_unit_test(test_what_is_wrong_is_left_to_libyaml),
        cmocka_unit_test(test_limits_are_told_by_libyaml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
