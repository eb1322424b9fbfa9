/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/base/test_json_read.c - reading JSON, and refusing what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"

#include "base/check.h"

static void test_every_kind_of_value_is_read(void **state)
{
    (void)state;
    struct arena arena;
    struct json_value value;
    size_t where;
    arena_init(&arena, 1024, 0);
    assert_int_equal(json_read(STR(" {\"a\": [1, -2.5e1, \"x\", true, false, null, {}, []],\r\n"
                                   "\t\"b\":{\"c\":\"\"}} \n"),
                               &arena, &value, &where),
                     RC_OK);
    assert_int_equal(value.kind, JSON_OBJECT);
    assert_int_equal(value.count, 2);
    const struct json_value *list = json_get(&value, STR("a"));
    static const enum json_kind kinds[] = {JSON_NUMBER, JSON_NUMBER, JSON_STRING, JSON_BOOL,
                                           JSON_BOOL,   JSON_NULL,   JSON_OBJECT, JSON_ARRAY};
    assert_int_equal(list->count, COUNT_OF(kinds));
    for (uint32_t i = 0; i < list->count; i++)
        assert_int_equal(list->items[i].kind, kinds[i]);
    assert_true(str_eq(list->items[1].text, STR("-2.5e1")));
    assert_true(list->items[1].number < -24.9 && list->items[1].number > -25.1);
    assert_true(str_eq(list->items[3].text, STR("true")));
    const struct json_value *inner = json_get(json_get(&value, STR("b")), STR("c"));
    assert_int_equal(inner->kind, JSON_STRING);
    assert_int_equal(inner->text.len, 0);
    assert_null(json_get(&value, STR("d")));
    assert_null(json_get(list, STR("a")));
    assert_null(json_get(NULL, STR("a")));
    arena_fini(&arena);
}

static void test_escapes_become_utf8(void **state)
{
    (void)state;
    static const struct {
        struct str text, want;
    } rows[] = {
        {STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR_INIT("\"\\/\b\f\n\r\t")},
        {STR_INIT("\"\\u0041\\u00e9\\u20AC\""), STR_INIT("A\xc3\xa9\xe2\x82\xac")},
        {STR_INIT("\"\\ud83d\\uDE00\""), STR_INIT("\xf0\x9f\x98\x80")},
        {STR_INIT("\"\\u0000\""), STR_INIT("\0")},
        {STR_INIT("\"\\\\u0041\""), STR_INIT("\\u0041")},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json_value value;
        size_t where;
        assert_int_equal(json_read(rows[i].text, &arena, &value, &where), RC_OK);
        assert_true(str_eq(value.text, rows[i].want));
    }
    arena_fini(&arena);
}

static void test_the_last_of_equal_keys_is_found(void **state)
{
    (void)state;
    struct arena arena;
    struct json_value value;
    size_t where;
    arena_init(&arena, 1024, 0);
    assert_int_equal(json_read(STR("{\"a\":1,\"a\":2}"), &arena, &value, &where), RC_OK);
    assert_true(str_eq(json_get(&value, STR("a"))->text, STR("2")));
    arena_fini(&arena);
}

static void test_what_is_no_json_is_refused_where_it_goes_wrong(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        size_t where;
    } rows[] = {
        {STR_INIT(""), 0},
        {STR_INIT("  "), 2},
        {STR_INIT("[1,]"), 3},
        {STR_INIT("[1 2]"), 3},
        {STR_INIT("[1"), 2},
        {STR_INIT("{\"a\"}"), 4},
        {STR_INIT("{\"a\":}"), 5},
        {STR_INIT("{\"a\":1,}"), 7},
        {STR_INIT("{a:1}"), 1},
        {STR_INIT("{1:1}"), 1},
        {STR_INIT("[}"), 1},
        {STR_INIT("1 1"), 2},
        {STR_INIT("01"), 1},
        {STR_INIT("+1"), 0},
        {STR_INIT(".5"), 0},
        {STR_INIT("1."), 2},
        {STR_INIT("1e"), 2},
        {STR_INIT("-"), 1},
        {STR_INIT("NaN"), 0},
        {STR_INIT("nul"), 0},
        {STR_INIT("True"), 0},
        {STR_INIT("\"a"), 1},
        {STR_INIT("\"a\nb\""), 2},
        {STR_INIT("\"\\x\""), 2},
        {STR_INIT("\"\\u12g4\""), 5},
        {STR_INIT("\"\\ud83d\""), 7},
        {STR_INIT("\"\\ude00\""), 7},
        {STR_INIT("\"\xff\""), 1},
        {STR_INIT("'a'"), 0},
        {STR_INIT("[1] // x"), 4},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json_value value;
        size_t where = 777;
        assert_int_equal(json_read(rows[i].text, &arena, &value, &where), RC_BAD);
        assert_int_equal(where, rows[i].where);
    }
    arena_fini(&arena);
}

static void test_depth_has_a_limit(void **state)
{
    (void)state;
    char text[2 * (JSON_DEPTH_MAX + 1)];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        struct arena arena;
        struct json_value value;
        size_t where;
        arena_init(&arena, 1024, 0);
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(json_read((struct str){text, 2 * depth}, &arena, &value, &where),
                         depth <= JSON_DEPTH_MAX ? RC_OK : RC_BAD);
        arena_fini(&arena);
    }
}

/* What protobuf's reader takes and the strict one does not, and the other way. A real Envoy
 * took, or refused, each as the payload of a token. */
static void test_json_as_protobuf_reads_it(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        bool is_taken, is_strictly;
    } rows[] = {
        {STR_INIT("{\"a\":[1,{\"b\":null}]}"), true, true},
        {STR_INIT("{'a':'b'}"), true, false},
        {STR_INIT("{'a\"':\"b'\"}"), true, false},
        {STR_INIT("{a:1,_b2:2}"), true, false},
        {STR_INIT("{2a:1}"), false, false},
        {STR_INIT("{a$:1}"), false, false},
        {STR_INIT("{a-b:1}"), false, false},
        {STR_INIT("{true:1}"), false, false},
        {STR_INIT("{:1}"), false, false},
        {STR_INIT("[a]"), false, false},
        {STR_INIT("{\"a\":1,}"), true, false},
        {STR_INIT("[1 , ]"), true, false},
        {STR_INIT("[,]"), false, false},
        {STR_INIT("{,}"), false, false},
        {STR_INIT("[1,,]"), false, false},
        {STR_INIT("\"a\nb\x01\""), true, false},
        {STR_INIT("\"\\'\""), true, false},
        {STR_INIT("\"\\U0041\""), true, false},
        {STR_INIT("\"\\q\""), false, false},
        {STR_INIT("\"\xff\""), false, false},
        {STR_INIT("\"\\ud800\""), false, false},
        {STR_INIT("{\"a\":1,\"a\":2}"), false, true},
        {STR_INIT("{\"a\":1,\"\\u0061\":2}"), false, true},
        {STR_INIT("[{\"c\":1,\"b\":2,\"a\":3,\"d\":4,\"b\":5}]"), false, true},
        {STR_INIT("[{\"c\":1,\"b\":2,\"a\":3,\"d\":4,\"e\":5}]"), true, true},
        {STR_INIT("1e400"), false, true},
        {STR_INIT("-1e400"), false, true},
        {STR_INIT("1e-400"), true, true},
        {STR_INIT("01"), false, false},
        {STR_INIT("1."), false, false},
        {STR_INIT("NaN"), false, false},
        {STR_INIT("TRUE"), false, false},
        {STR_INIT("'a"), false, false},
    };
    struct arena arena;
    arena_init(&arena, 1024, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct json_value value;
        size_t where;
        bool is_taken = json_read_protobuf(rows[i].text, &arena, &value, &where) == RC_OK;
        bool is_strictly = json_read(rows[i].text, &arena, &value, &where) == RC_OK;
        if (is_taken != rows[i].is_taken || is_strictly != rows[i].is_strictly)
            fail_msg("%.*s", STR_FMT(rows[i].text));
    }
    char text[202];
    memset(text, '[', 101);
    memset(text + 101, ']', 101);
    struct json_value value;
    size_t where;
    assert_int_equal(json_read_protobuf((struct str){text, 202}, &arena, &value, &where), RC_BAD);
    assert_int_equal(json_read_protobuf((struct str){text + 1, 200}, &arena, &value, &where),
                     RC_OK);
    arena_fini(&arena);
}

/* Names are compared in the order of their bytes: many take little longer than few. */
static void test_twice_among_many(void **state)
{
    (void)state;
    struct arena arena;
    struct buf text;
    struct json_value value;
    size_t where;
    arena_init(&arena, 1024, 0);
    for (uint32_t twice = 0; twice < 2; twice++) {
        buf_init(&text, 1u << 20);
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t number = i == 4321 && twice != 0 ? 7 : i * 7919 % 5003;
            assert_int_equal(
                buf_append(&text, arena_format(&arena, "%s\"%u\":0", i == 0 ? "{" : ",", number)),
                RC_OK);
        }
        assert_int_equal(buf_append(&text, STR("}")), RC_OK);
        assert_int_equal(json_read_protobuf(buf_str(&text), &arena, &value, &where),
                         twice != 0 ? RC_BAD : RC_OK);
        buf_fini(&text);
    }
    arena_fini(&arena);
}

static void test_what_was_written_is_read_back(void **state)
{
    (void)state;
    struct arena arena;
    struct buf out;
    struct json json;
    struct json_value value;
    size_t where;
    arena_init(&arena, 1024, 0);
    buf_init(&out, 10000);
    json_init(&json, &out, 4);
    json_begin_array(&json);
    for (int i = 0; i < 100; i++) {
        json_begin_object(&json);
        json_key_i64(&json, STR("i\n\x01\""), i);
        json_end_object(&json);
    }
    json_end_array(&json);
    assert_int_equal(json_read(buf_str(&out), &arena, &value, &where), RC_OK);
    assert_int_equal(value.count, 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal((int)json_get(&value.items[i], STR("i\n\x01\""))->number, i);
    buf_fini(&out);
    arena_fini(&arena);
}

static void test_surrogates_are_read_as_pairs_only(void **state)
{
    (void)state;
    uint32_t code = 0;
    assert_int_equal(json_surrogates(STR("\\ud83d\\ude00x"), &code), 12);
    assert_int_equal(code, 0x1f600);
    assert_int_equal(json_surrogates(STR("\\u00e9\\u00e9"), &code), 0);
    assert_int_equal(json_surrogates(STR("\\ud83d"), &code), 0);
    assert_int_equal(json_surrogates(STR("x\\ud83d\\ude00"), &code), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_value_is_read),
        cmocka_unit_test(test_escapes_become_utf8),
        cmocka_unit_test(test_the_last_of_equal_keys_is_found),
        cmocka_unit_test(test_what_is_no_json_is_refused_where_it_goes_wrong),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_json_as_protobuf_reads_it),
        cmocka_unit_test(test_twice_among_many),
        cmocka_unit_test(test_what_was_written_is_read_back),
        cmocka_unit_test(test_surrogates_are_read_as_pairs_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
