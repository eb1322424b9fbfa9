/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_tree.c - files become trees, or complaints with a place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/json.h"
#include "config/yaml/tree.h"
#include "config/yaml/write.h"

struct fixture {
    struct arena arena;
    struct documents documents;
    struct diag_list diags;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 4096, 0);
    diag_list_init(&fixture.diags, &fixture.arena);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    return 0;
}

static void read_again(struct fixture *fixture, struct str text)
{
    fixture->documents = (struct documents){0};
    diag_list_init(&fixture->diags, &fixture->arena);
    tree_read(STR("f.yaml"), text, &fixture->arena, &fixture->documents, &fixture->diags);
}

/* All documents as JSON, " | " between them; then the complaints. */
static struct str told(struct fixture *fixture, struct str text)
{
    struct buf out;
    struct json json;
    buf_init(&out, 1 << 20);
    read_again(fixture, text);
    for (uint32_t i = 0; i < fixture->documents.count; i++) {
        if (i > 0)
            assert_int_equal(buf_append(&out, STR(" | ")), RC_OK);
        json_init(&json, &out, 0);
        node_write(fixture->documents.items[i], &json);
    }
    for (uint32_t i = 0; i < fixture->diags.count; i++) {
        assert_int_equal(buf_append(&out, STR("\n")), RC_OK);
        assert_int_equal(diag_print(&fixture->diags.items[i], false, &out), RC_OK);
    }
    struct str answer = arena_str(&fixture->arena, buf_str(&out));
    buf_fini(&out);
    return answer;
}

struct row {
    struct str text, want;
};

static void assert_rows(void **state, const struct row *rows, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        struct str got = told(*state, rows[i].text);
        if (!str_eq(got, rows[i].want))
            fail_msg("of %.*s\nwant %.*s\ngot  %.*s", STR_FMT(rows[i].text), STR_FMT(rows[i].want),
                     STR_FMT(got));
    }
}

static void test_documents_are_read_and_empty_ones_left_out(void **state)
{
    static const struct row rows[] = {
        {STR_INIT(""), STR_INIT("")},
        {STR_INIT("# only a comment\n"), STR_INIT("")},
        {STR_INIT("---\n---\n# x\n---\n~\n---\nnull\n"), STR_INIT("")},
        {STR_INIT("a: 1\n---\nb: 2\n--- # with a comment\nc: 3\n"),
         STR_INIT("{\"a\":1} | {\"b\":2} | {\"c\":3}")},
        {STR_INIT("--- {a: 1}\n--- b\n...\n--- c"), STR_INIT("{\"a\":1} | \"b\" | \"c\"")},
        {STR_INIT("a: 1\n...\nb: 2\n"),
         STR_INIT("{\"a\":1}\nf.yaml:3:1: error: did not find expected <document start>; begin a "
                  "new document with `---`\n")},
        {STR_INIT("%YAML 1.2\n---\na: 1\n"), STR_INIT("{\"a\":1}")},
        {STR_INIT("# c\n\n%YAML 1.1\n# d\n---\na: 1\n"), STR_INIT("{\"a\":1}")},
        {STR_INIT("\xef\xbb\xbf"
                  "a: 1\r\n---\r\nb: 2\r\n"),
         STR_INIT("{\"a\":1} | {\"b\":2}")},
        {STR_INIT("a: |\n  x\n  ---\n  y\n"), STR_INIT("{\"a\":\"x\\n---\\ny\\n\"}")},
        {STR_INIT("a: ----\n----: b\n"), STR_INIT("{\"a\":\"----\",\"----\":\"b\"}")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_block_and_quoted_scalars(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: |\n  x\n   y\n"), STR_INIT("{\"a\":\"x\\n y\\n\"}")},
        {STR_INIT("a: >-\n  x\n  y\n"), STR_INIT("{\"a\":\"x y\"}")},
        {STR_INIT("a: |-\n  1\n"), STR_INIT("{\"a\":\"1\"}")},
        {STR_INIT("a: 'it''s'\nb: \"\\x41\\u00e9\\U0001F600\"\n"),
         STR_INIT("{\"a\":\"it's\",\"b\":\"A\xc3\xa9\xf0\x9f\x98\x80\"}")},
        {STR_INIT("a: \"1\"\nb: 'yes'\nc: \"\"\n"),
         STR_INIT("{\"a\":\"1\",\"b\":\"yes\",\"c\":\"\"}")},
        {STR_INIT("a: x\n  y\n\n  z\n"), STR_INIT("{\"a\":\"x y\\nz\"}")},
        {STR_INIT("a: b#c # d\n"), STR_INIT("{\"a\":\"b#c\"}")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_json_is_yaml(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("{\"a\":1,\"b\":[true,null,-2.5e1,\"\"]}"),
         STR_INIT("{\"a\":1,\"b\":[true,null,-25,\"\"]}")},
        {STR_INIT("{\n\t\"a\":\t{\n\t\t\"b\": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t}\n}\n"),
         STR_INIT("{\"a\":{\"b\":[1,2]}}")},
        {STR_INIT("{\"a\": \"\\u00e9\\/\\ud83d\\ude00\\\\ud83d\\\\ude00\"}"),
         STR_INIT("{\"a\":\"\xc3\xa9/\xf0\x9f\x98\x80\\\\ud83d\\\\ude00\"}")},
        {STR_INIT("[{\"a\":\"b\"},{\"c\":\"y\"}]"), STR_INIT("[{\"a\":\"b\"},{\"c\":\"y\"}]")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_anchors_stand_for_their_values(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: &x 1\nb: *x\n"), STR_INIT("{\"a\":1,\"b\":1}")},
        {STR_INIT("a: &x [1]\nb: {c: *x}\n"), STR_INIT("{\"a\":[1],\"b\":{\"c\":[1]}}")},
        {STR_INIT("a: &x 1\nb: &x 2\nc: *x\n"), STR_INIT("{\"a\":1,\"b\":2,\"c\":2}")},
        {STR_INIT("&k a: 1\nb: *k\n"), STR_INIT("{\"a\":1,\"b\":\"a\"}")},
        {STR_INIT("- &k a\n- {*k : 1}\n"), STR_INIT("[\"a\",{\"a\":1}]")},
        {STR_INIT("a: *x\n"),
         STR_INIT("{\"a\":null}\nf.yaml:1:4: error: *x has no anchor; write &x before the value it "
                  "stands for\n")},
        {STR_INIT("a: &x 1\n---\nb: *x\n"),
         STR_INIT("{\"a\":1} | {\"b\":null}\nf.yaml:3:4: error: *x has no anchor; write &x before "
                  "the value it stands for\n")},
        {STR_INIT("a: &x [1, {b: *x}]\n"),
         STR_INIT("{\"a\":[1,{\"b\":null}]}\nf.yaml:1:15: error: *x stands inside the value it "
                  "stands for; that would never end\n")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_merge_keys_give_way_to_written_ones(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}\n"),
         STR_INIT("{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":3,\"c\":2}}")},
        {STR_INIT("{<<: [{a: 1}, {a: 2, b: 3}], c: 4}"), STR_INIT("{\"c\":4,\"a\":1,\"b\":3}")},
        {STR_INIT("{<<: {a: 1}, <<: {a: 2, b: 3}}"), STR_INIT("{\"a\":1,\"b\":3}")},
        {STR_INIT("{<<: {<<: {a: 1}, b: 2}}"), STR_INIT("{\"b\":2,\"a\":1}")},
        {STR_INIT("{\"<<\": {a: 1}}"), STR_INIT("{\"<<\":{\"a\":1}}")},
        {STR_INIT("[<<]"), STR_INIT("[\"<<\"]")},
        {STR_INIT("{b: 7, <<: {b: 1}}"),
         STR_INIT("{\"b\":7}\nf.yaml:1:12: warning: Kubernetes lets this \"<<\" overwrite \"b\", "
                  "written before it; here the written one stays. Put \"<<\" first, then both "
                  "agree\n")},
        {STR_INIT("{<<: 1}"), STR_INIT("{}\nf.yaml:1:6: error: \"<<\" takes a map or a list of "
                                       "maps, not a whole number\n")},
        {STR_INIT("{<<: [{a: 1}, x]}"),
         STR_INIT("{\"a\":1}\nf.yaml:1:15: error: \"<<\" takes a map or a list of maps, not a list "
                  "with a string in it\n")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_keys_are_text_and_unlike_each_other(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("8080: a\ntrue: b\n1.5: c\n"),
         STR_INIT("{\"8080\":\"a\",\"true\":\"b\",\"1.5\":\"c\"}")},
        {STR_INIT("y: a\n"), STR_INIT("{\"true\":\"a\"}\nf.yaml:1:1: warning: Kubernetes reads the "
                                      "unquoted key y as \"true\"; quote it to keep what you "
                                      "wrote\n")},
        {STR_INIT("a: 1\nb: 2\na: 3\n"),
         STR_INIT(
             "{\"a\":1,\"b\":2}\nf.yaml:3:1: error: \"a\" is here a second time, line 1 has it "
             "already; keep one\n")},
        {STR_INIT("1: a\n\"1\": b\n"),
         STR_INIT("{\"1\":\"a\"}\nf.yaml:2:1: error: \"1\" is here a second time, line 1 has it "
                  "already; keep one\n")},
        {STR_INIT("a: {[1]: 2, b: 3}\n"),
         STR_INIT("{\"a\":{\"b\":3}}\nf.yaml:1:5: error: a key must be plain text, not a list; "
                  "write `name: value`\n")},
        {STR_INIT("~: 1\n"), STR_INIT("{}\nf.yaml:1:1: error: a key must be plain text, not "
                                      "nothing; write `name: value`\n")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_duplicates_are_found_in_large_maps(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_format(&text, "key%d: %d\n", i, i), RC_OK);
    assert_int_equal(buf_format(&text, "key0: x\nkey11: x\nkey12: x\nkey2999: x\n"), RC_OK);
    read_again(fixture, buf_str(&text));
    assert_int_equal(fixture->diags.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(fixture->diags.items[i].origin.line, 3001 + i);
    assert_int_equal(fixture->documents.items[0]->count, 3000);
    assert_int_equal(node_get(fixture->documents.items[0], STR("key2999"))->integer, 2999);
    buf_fini(&text);
}

static void test_infinity_is_no_number(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: .inf\n"), STR_INIT("{\"a\":0}\nf.yaml:1:4: error: .inf is no number for "
                                         "Kubernetes, whose JSON has no infinity; write a number, "
                                         "or quote it\n")},
        {STR_INIT("a: '.nan'\n"), STR_INIT("{\"a\":\".nan\"}")},
        {STR_INIT("a: !!int x\n"),
         STR_INIT("{\"a\":\"x\"}\nf.yaml:1:4: error: \"x\" cannot be read "
                  "as !!int; take the tag away or mend the value\n")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_a_syntax_error_spoils_one_document(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: 1\n---\nb: [1\n---\nc: 3\n---\nd: e: f\n---\ng: 1\n"),
         STR_INIT("{\"a\":1} | {\"c\":3} | {\"g\":1}\n"
                  "f.yaml:4:1: error: did not find expected ',' or ']' while parsing a flow "
                  "sequence of line 3; put a comma between items and close the list with ]\n\n"
                  "f.yaml:7:5: error: mapping values are not allowed in this context; check the "
                  "indentation, or quote the text if the colon belongs to it\n")},
        {STR_INIT("a:\n\tb: 1\n"),
         STR_INIT("\nf.yaml:2:1: error: found character that cannot start any token while scanning "
                  "for the next token of line 2; indent with blanks, not with tabs\n")},
        {STR_INIT("\xc3\xa9: 1\n\xc3\xa9\xc3\xa9: @x\n"),
         STR_INIT("\nf.yaml:2:5: error: found character that cannot start any token while scanning "
                  "for the next token of line 2; put a text that begins with this character into "
                  "quotes\n")},
        {STR_INIT("a: \"\\d+\"\n"),
         STR_INIT("\nf.yaml:1:5: error: found unknown escape character while parsing a quoted "
                  "scalar of line 1; in double quotes write \\\\ for a backslash, or use single "
                  "quotes\n")},
        {STR_INIT("a: \"x\n---\nb: 1\n"),
         STR_INIT("{\"b\":1}\nf.yaml:2:1: error: found unexpected end of stream while scanning a "
                  "quoted scalar of line 1; close the quotation mark\n")},
        {STR_INIT("a: \xff\n---\nb: 1\n"),
         STR_INIT(
             "{\"b\":1}\nf.yaml:1:4: error: byte 0xff is not UTF-8; save the file as UTF-8\n")},
        {STR_INIT("a: 1\n---\nb: x\x01\n"),
         STR_INIT("{\"a\":1}\nf.yaml:3:5: error: control characters are not allowed; take it out, "
                  "or write it as an escape in double quotes\n")},
    };
    assert_rows(state, rows, COUNT_OF(rows));
}

static void test_every_node_knows_its_place(void **state)
{
    struct fixture *fixture = *state;
    read_again(fixture, STR("x: 1\n---\n# c\na:\n  - b: y\n    c: [1,\n      \xc3\xa9, z]\n"));
    const struct node *root = fixture->documents.items[1];
    const struct node *item = node_get(root, STR("a"))->items[0];
    const struct node *list = node_get(item, STR("c"));
    const struct {
        struct origin origin;
        uint32_t line, column;
    } rows[] = {
        {root->origin, 4, 1},
        {root->entries[0].key_origin, 4, 1},
        {item->origin, 5, 5},
        {item->entries[1].key_origin, 6, 5},
        {list->origin, 6, 8},
        {list->items[1]->origin, 7, 7},
        {list->items[2]->origin, 7, 10},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(str_eq(rows[i].origin.file, STR("f.yaml")));
        assert_int_equal(rows[i].origin.line, rows[i].line);
        assert_int_equal(rows[i].origin.column, rows[i].column);
    }
}

static struct str repeated(struct arena *arena, const char *open, const char *close, uint32_t times)
{
    struct str text = STR_EMPTY;
    for (uint32_t i = 0; i < times; i++)
        text = arena_concat(arena, arena_concat(arena, str_of(open), text), str_of(close));
    return text;
}

static void test_depth_has_a_limit(void **state)
{
    struct fixture *fixture = *state;
    read_again(fixture, repeated(&fixture->arena, "[", "]", YAML_DEPTH_MAX));
    assert_int_equal(fixture->diags.count, 0);
    assert_int_equal(fixture->documents.count, 1);
    struct str deep = repeated(&fixture->arena, "{a: ", "}", YAML_DEPTH_MAX + 1);
    read_again(fixture, arena_concat(&fixture->arena, deep, STR("\n---\nb: 1\n")));
    assert_int_equal(fixture->diags.count, 1);
    assert_int_equal(fixture->diags.items[0].id, DIAG_TOO_DEEP);
    assert_int_equal(fixture->documents.count, 1);
    /* An alias brings its own levels along. */
    struct str half = repeated(&fixture->arena, "[", "]", 60);
    read_again(fixture, arena_format(&fixture->arena, "a: &x %.*s\nb: %s*x%s\n", STR_FMT(half),
                                     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                                     "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
    assert_int_equal(fixture->diags.count, 0);
    read_again(fixture, arena_format(&fixture->arena, "a: &x %.*s\nb: %s*x%s\n", STR_FMT(half),
                                     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                                     "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"));
    assert_int_equal(fixture->diags.items[0].id, DIAG_TOO_DEEP);
}

static void test_a_billion_laughs_are_not_laughed(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_int_equal(buf_format(&text, "ok: 1\n---\na0: &a0 lol\n"), RC_OK);
    for (int i = 1; i < 30; i++)
        assert_int_equal(buf_format(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                                    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1),
                         RC_OK);
    assert_int_equal(buf_format(&text, "---\nb: 1\n"), RC_OK);
    read_again(fixture, buf_str(&text));
    assert_int_equal(fixture->diags.count, 1);
    assert_int_equal(fixture->diags.items[0].id, DIAG_TOO_MANY_NODES);
    assert_int_equal(fixture->documents.count, 1);
    assert_true(fixture->arena.used_bytes < 1 << 20);
    buf_fini(&text);
}

/* Merging copies entries, so it is the copies that count. */
static void test_merged_laughs_are_counted_too(void **state)
{
    struct fixture *fixture = *state;
    struct buf text;
    buf_init(&text, 4 << 20);
    assert_int_equal(buf_format(&text, "a: &a {"), RC_OK);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf_format(&text, "k%d: 1, ", i), RC_OK);
    assert_int_equal(buf_format(&text, "}\nb:\n"), RC_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_format(&text, "- <<: *a\n"), RC_OK);
    read_again(fixture, buf_str(&text));
    assert_int_equal(fixture->diags.count, 1);
    assert_int_equal(fixture->diags.items[0].id, DIAG_TOO_MANY_NODES);
    buf_fini(&text);
}

static void test_a_file_has_a_size_limit(void **state)
{
    struct fixture *fixture = *state;
    char *blanks = arena_alloc(&fixture->arena, YAML_FILE_BYTES_MAX + 1);
    memset(blanks, '\n', YAML_FILE_BYTES_MAX + 1);
    read_again(fixture, (struct str){blanks, YAML_FILE_BYTES_MAX + 1});
    assert_int_equal(fixture->diags.count, 1);
    assert_int_equal(fixture->diags.items[0].id, DIAG_FILE_TOO_LARGE);
    assert_int_equal(fixture->diags.items[0].origin.line, 0);
}

static void test_documents_of_several_files_follow_each_other(void **state)
{
    struct fixture *fixture = *state;
    read_again(fixture, STR("a: 1\n"));
    tree_read(STR("g.yaml"), STR("b: 1\n"), &fixture->arena, &fixture->documents, &fixture->diags);
    assert_int_equal(fixture->documents.count, 2);
    assert_true(str_eq(fixture->documents.items[1]->origin.file, STR("g.yaml")));
}

static void test_getting_from_what_is_no_map_is_nothing(void **state)
{
    struct fixture *fixture = *state;
    read_again(fixture, STR("a: [b]\n"));
    const struct node *root = fixture->documents.items[0];
    assert_null(node_get(NULL, STR("a")));
    assert_null(node_get(root, STR("b")));
    assert_null(node_get(node_get(root, STR("a")), STR("b")));
    assert_non_null(node_get(root, STR("a")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_documents_are_read_and_empty_ones_left_out),
        TEST(test_block_and_quoted_scalars),
        TEST(test_json_is_yaml),
        TEST(test_anchors_stand_for_their_values),
        TEST(test_merge_keys_give_way_to_written_ones),
        TEST(test_keys_are_text_and_unlike_each_other),
        TEST(test_duplicates_are_found_in_large_maps),
        TEST(test_infinity_is_no_number),
        TEST(test_a_syntax_error_spoils_one_document),
        TEST(test_every_node_knows_its_place),
        TEST(test_depth_has_a_limit),
        TEST(test_a_billion_laughs_are_not_laughed),
        TEST(test_merged_laughs_are_counted_too),
        TEST(test_a_file_has_a_size_limit),
        TEST(test_documents_of_several_files_follow_each_other),
        TEST(test_getting_from_what_is_no_map_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
