/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_write.c - trees as YAML: what sigs.k8s.io/yaml makes of the
 * same JSON, byte for byte, and that it reads back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/yaml/write.h"

static const struct {
    const char *json, *yaml;
} ROWS[] = {
    {"[]", "[]\n"},
    {"{\"b\": 1, \"a\": {}}", "a: {}\nb: 1\n"},
    {"{\"a\": [1, [2, 3], {\"y\": null, \"x\": true}]}",
     "a:\n- 1\n- - 2\n  - 3\n- x: true\n  \"y\": null\n"},
    {"[{\"a\": {\"b\": [\"c\"]}}]", "- a:\n    b:\n    - c\n"},
    {"[\"\", \"80\", \"-1.5\", \"1e3\", \"0x1f\", \"2020-01-02\", \"true\", \"No\", \"null\", "
     "\"~\", \"<<\", \"1:30\", \"1_000\", \"08\", \"+.inf\", \"2001-12-14T21:59:43.10Z\"]",
     "- \"\"\n- \"80\"\n- \"-1.5\"\n- \"1e3\"\n- \"0x1f\"\n- \"2020-01-02\"\n- \"true\"\n- "
     "\"No\"\n- \"null\"\n- \"~\"\n- <<\n- \"1:30\"\n- \"1_000\"\n- \"08\"\n- \"+.inf\"\n- "
     "\"2001-12-14T21:59:43.10Z\"\n"},
    {"[\"10.0.0.1\", \"15s\", \"outbound|80||a\", \"a:80\", \"http://x/\", \"-a\", \"1.2.3\", "
     "\"12:99\", \"2020-01-02-03\", \"0x\", \"+1x\"]",
     "- 10.0.0.1\n- 15s\n- outbound|80||a\n- a:80\n- http://x/\n- -a\n- 1.2.3\n- 12:99\n- "
     "2020-01-02-03\n- 0x\n- +1x\n"},
    {"[\"*\", \"@type\", \"a: b\", \"a #b\", \"[x]\", \"it's\", \"'q'\", \"- a\", \"---\", "
     "\"...\", \"a:\", \":a\", \"?a\", \"? a\", \"%x\", \"a,b\", \"=\", \"~a\", \"`\"]",
     "- '*'\n- '@type'\n- 'a: b'\n- 'a #b'\n- '[x]'\n- it's\n- '''q'''\n- '- a'\n- '---'\n- "
     "'...'\n- 'a:'\n- :a\n- ?a\n- '? a'\n- '%x'\n- a,b\n- =\n- ~a\n- '`'\n"},
    {"[\"a\\nb\", \"a\\n\", \"a\\n\\n\", \"\\n\", \"\\n\\n\", \" a\\nb\", \"a \\nb\", \"a\\nb \", "
     "\"a\\n\\n  b\", \"\\t\", \"a\\tb\", \"a\\rb\"]",
     "- |-\n  a\n  b\n- |\n  a\n- |+\n  a\n\n- |2+\n\n- |2+\n\n\n- |2-\n   a\n  b\n- \"a \\nb\"\n- "
     "\"a\\nb \"\n- |-\n  a\n\n    b\n- \"\\t\"\n- \"a\\tb\"\n- \"a\\rb\"\n"},
    {"{\"k\": \"a\\nb\", \"l\": {\"m\": [\"x\\n y\\n\"]}}",
     "k: |-\n  a\n  b\nl:\n  m:\n  - |\n    x\n     y\n"},
    {"[\" lead\", \"trail \", \" \", \"\\u00e9\", \"\\ud83d\\ude00\", \"\\u0001\", \"a\\\"b\", "
     "\"a\\\\b\", \"\\u00a0x\", \"\\ufeff\"]",
     "- ' lead'\n- 'trail '\n- ' '\n- \303\251\n- \"\\U0001F600\"\n- \"\\x01\"\n- a\"b\n- a\\b\n- "
     "\302\240x\n- \"\\uFEFF\"\n"},
    {"{\"a10\": 1, \"a2\": 2, \"a\": 3, \"B\": 4, \"_\": 5, \"1\": 6, \"true\": 7, \"a.b\": 8, "
     "\"a-b\": 9, \"a01\": 1, \"a1\": 1, \"a001\": 1}",
     "_: 5\n\"1\": 6\nB: 4\na: 3\na-b: 9\na.b: 8\na1: 1\na01: 1\na001: 1\na2: 2\na10: 1\n\"true\": "
     "7\n"},
    {"[\"word word word word word word word word word word word word word word word word word word "
     "word word word word word word word word word word word word end\", \"'word 'word 'word 'word "
     "'word 'word 'word 'word 'word 'word 'word 'word 'word 'word 'word 'word 'word 'word 'word "
     "'word '\", \"w\\tword word word word word word word word word word word word word word word "
     "word word word word word word word word word word word word word word word end\", {\"k\": "
     "[\"word  word  word  word  word  word  word  word  word  word  word  word  word  word  word  "
     "word  word  word  word  word  end\"], \"key\": "
     "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
     "y z "
     "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq "
     "end\"}]",
     "- word word word word word word word word word word word word word word word word\n  word "
     "word word word word word word word word word word word word word end\n- '''word ''word "
     "''word ''word ''word ''word ''word ''word ''word ''word ''word ''word\n  ''word ''word "
     "''word ''word ''word ''word ''word ''word '''\n- \"w\\tword word word word word word word "
     "word word word word word word word word word\n  word word word word word word word word word "
     "word word word word word end\"\n- k:\n  - word  word  word  word  word  word  word  word  "
     "word  word  word  word  word  word  word  word  word  word  word  word  end\n  key: "
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n "
     "   y z "
     "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\n "
     "   end\n"},
    {"{\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
     "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\": {\"a\": 1, \"b\": 2}, "
     "\"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
     "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\": [\"x\", \"y\"], "
     "\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\": \"v\", \"a\\nb\": 1}",
     "? |-\n  a\n  b\n: 1\n? "
     "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
     "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n: a: 1\n  b: 2\n? "
     "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
     "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\n: - x\n  - \"y\"\n? "
     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
     "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\n: v\n"},
    {"\"x\"", "x\n"},
    {"1.5", "1.5\n"},
    {"[[[]], [{}], [[1, {\"a\": [[2]]}]]]", "- - []\n- - {}\n- - - 1\n    - a:\n      - - 2\n"},
};

static struct node *json_node(const char *text, struct arena *arena)
{
    struct json_value value;
    size_t where = 0;

    assert_int_equal(json_read(str_of(text), arena, &value, &where), RC_OK);
    return node_of_json(&value, arena);
}

static struct str yaml_of(const struct node *node, enum node_order order, struct arena *arena)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    assert_int_equal(node_write_yaml(node, order, arena, &out), RC_OK);
    struct str text = arena_str(arena, buf_str(&out));
    buf_fini(&out);
    return text;
}

static void test_json_is_written_as_yaml(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct arena arena;
        arena_init(&arena, 1024, 0);
        assert_string_equal(yaml_of(json_node(ROWS[i].json, &arena), NODE_BY_KEY, &arena).ptr,
                            ROWS[i].yaml);
        arena_fini(&arena);
    }
}

/* What is written reads back, and is written the same. */
static void test_yaml_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct arena arena;
        struct documents documents = {0};
        struct diag_list diags;
        arena_init(&arena, 1024, 0);
        diag_list_init(&diags, &arena);
        tree_read(STR("f"), str_of(ROWS[i].yaml), &arena, &documents, &diags);
        assert_int_equal(diags.count, 0);
        assert_int_equal(documents.count, 1);
        assert_string_equal(yaml_of(documents.items[0], NODE_AS_WRITTEN, &arena).ptr, ROWS[i].yaml);
        arena_fini(&arena);
    }
}

static void test_a_full_buffer_is_said(void **state)
{
    (void)state;
    struct arena arena;
    struct buf out;
    arena_init(&arena, 1024, 0);
    buf_init(&out, 4);
    struct node *node = json_node("[\"long enough\"]", &arena);
    assert_int_equal(node_write_yaml(node, NODE_BY_KEY, &arena, &out), RC_FULL);
    buf_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_written_as_yaml),
        cmocka_unit_test(test_yaml_reads_back),
        cmocka_unit_test(test_a_full_buffer_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
