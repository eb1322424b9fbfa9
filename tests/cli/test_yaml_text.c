/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/cli/test_yaml_text.c - JSON as YAML: what is quoted, how it is nested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/yaml_text.h"

static const struct {
    const char *json, *yaml;
} ROWS[] = {
    {"[]", "[]\n"},
    {"{\"b\": 1, \"a\": {}}", "a: {}\nb: 1\n"},
    {"{\"a\": [1, [2, 3], {\"y\": null, \"x\": true}]}",
     "a:\n- 1\n- - 2\n  - 3\n- x: true\n  \"y\": null\n"},
    {"[{\"a\": {\"b\": [\"c\"]}}]", "- a:\n    b:\n    - c\n"},
    {"[\"\", \"80\", \"-1.5\", \"1e3\", \"0x1f\", \"2020-01-02\", \"true\", \"No\", \"null\"]",
     "- \"\"\n- \"80\"\n- \"-1.5\"\n- \"1e3\"\n- \"0x1f\"\n- \"2020-01-02\"\n- \"true\"\n"
     "- \"No\"\n- \"null\"\n"},
    {"[\"10.0.0.1\", \"15s\", \"outbound|80||a\", \"a:80\", \"http://x/\", \"-a\"]",
     "- 10.0.0.1\n- 15s\n- outbound|80||a\n- a:80\n- http://x/\n- -a\n"},
    {"[\"*\", \"@type\", \"a: b\", \"a #b\", \"[x]\", \"it's\", \"'q'\", \"- a\"]",
     "- '*'\n- '@type'\n- 'a: b'\n- 'a #b'\n- '[x]'\n- it's\n- '''q'''\n- '- a'\n"},
    {"[\"a\\nb\", \"\\t\"]", "- \"a\\nb\"\n- \"\\t\"\n"},
};

static void test_json_is_written_as_yaml(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct arena arena;
        struct buf out;
        struct json_value value;
        size_t where = 0;
        arena_init(&arena, 1024, 0);
        buf_init(&out, 4096);
        assert_int_equal(json_read(str_of(ROWS[i].json), &arena, &value, &where), RC_OK);
        assert_int_equal(yaml_text_append(&value, &arena, &out), RC_OK);
        assert_string_equal(arena_str(&arena, buf_str(&out)).ptr, ROWS[i].yaml);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void test_a_full_buffer_is_said(void **state)
{
    (void)state;
    struct arena arena;
    struct buf out;
    struct json_value value;
    size_t where = 0;
    arena_init(&arena, 1024, 0);
    buf_init(&out, 4);
    assert_int_equal(json_read(STR("[\"long enough\"]"), &arena, &value, &where), RC_OK);
    assert_int_equal(yaml_text_append(&value, &arena, &out), RC_FULL);
    buf_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_written_as_yaml),
        cmocka_unit_test(test_a_full_buffer_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
