/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/yaml/test_view.c - fields by name, and what is said when they are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/view.h"

struct fixture {
    struct arena arena;
    struct diag_list diags;
    struct reading reading;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 4096, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_fini(&fixture->arena);
    return 0;
}

static struct view view_of_text(struct fixture *fixture, struct str text)
{
    struct documents documents = {0};
    diag_list_init(&fixture->diags, &fixture->arena);
    tree_read(STR("f"), text, &fixture->arena, &documents, &fixture->diags);
    assert_int_equal(fixture->diags.count, 0);
    assert_int_equal(documents.count, 1);
    fixture->reading = (struct reading){
        .arena = &fixture->arena,
        .diags = &fixture->diags,
        .unknown_field = UNKNOWN_ERROR,
        .object = STR("VirtualService default/reviews"),
    };
    return view_of(&fixture->reading, documents.items[0]);
}

static void assert_told(struct fixture *fixture, struct str want)
{
    struct buf out;
    buf_init(&out, 100000);
    for (uint32_t i = 0; i < fixture->diags.count; i++)
        assert_int_equal(diag_print(&fixture->diags.items[i], false, &out), RC_OK);
    if (!str_eq(buf_str(&out), want))
        fail_msg("want %.*s\ngot  %.*s", STR_FMT(want), STR_FMT(buf_str(&out)));
    assert_int_equal(fixture->reading.error_count, fixture->diags.error_count);
    buf_fini(&out);
}

static const struct field_row ROWS[] = {
    {"hosts", FIELD_USED},         {"timeout", FIELD_USED},
    {"mirrorPercent", FIELD_USED}, {"consecutive5xxErrors", FIELD_USED},
    {"status", FIELD_IGNORED},     {"corsPolicy", FIELD_NO_EFFECT},
    {"delegate", FIELD_NO_EFFECT},
};

static void test_known_fields_pass_silently(void **state)
{
    struct view root = view_of_text(*state, STR("hosts: [a]\nmirror_percent: 5\n"
                                                "consecutive_5xx_errors: 1\nstatus: {x: 1}\n"
                                                "corsPolicy:\ndelegate: ~\n"));
    view_check_fields(&root, ROWS, COUNT_OF(ROWS));
    assert_told(*state, STR(""));
    assert_int_equal(view_i64(&root, STR("mirrorPercent"), 0, 100, -1), 5);
    assert_int_equal(view_i64(&root, STR("consecutive5xxErrors"), 0, 100, -1), 1);
    struct view absent = view_field(&root, STR("nothing"));
    view_check_fields(&absent, ROWS, COUNT_OF(ROWS));
    assert_told(*state, STR(""));
}

static void test_unknown_fields_come_with_the_nearest_name(void **state)
{
    struct fixture *fixture = *state;
    struct view root = view_of_text(fixture, STR("host: a\ntiemout: 1s\nzzz: 1\nmirrorpercent: 5\n"
                                                 "Hosts: []\n"));
    view_check_fields(&root, ROWS, COUNT_OF(ROWS));
    assert_told(
        fixture,
        STR("f:1:1: error: unknown field \"host\" in VirtualService default/reviews; did "
            "you mean \"hosts\"? [host]\n"
            "f:2:1: error: unknown field \"tiemout\" in VirtualService default/reviews; did "
            "you mean \"timeout\"? [tiemout]\n"
            "f:3:1: error: unknown field \"zzz\" in VirtualService default/reviews [zzz]\n"
            "f:4:1: error: unknown field \"mirrorpercent\" in VirtualService "
            "default/reviews; did you mean \"mirrorPercent\"? [mirrorpercent]\n"
            "f:5:1: error: unknown field \"Hosts\" in VirtualService default/reviews; did "
            "you mean \"hosts\"? [Hosts]\n"));
}

static void test_unknown_fields_are_warnings_where_istiod_ignores_them(void **state)
{
    struct fixture *fixture = *state;
    struct view root = view_of_text(fixture, STR("host: a\n"));
    fixture->reading.unknown_field = UNKNOWN_WARN;
    fixture->reading.object = STR_EMPTY;
    view_check_fields(&root, ROWS, COUNT_OF(ROWS));
    assert_told(fixture,
                STR("f:1:1: warning: unknown field \"host\"; it is ignored, as istiod does; "
                    "did you mean \"hosts\"? [host]\n"));
}

static void test_fields_without_effect_are_said(void **state)
{
    struct view root =
        view_of_text(*state, STR("corsPolicy: {}\ndelegate: {name: x}\nmirrorPercent: 1\n"
                                 "mirror_percent: 2\n"));
    view_check_fields(&root, ROWS, COUNT_OF(ROWS));
    assert_told(*state,
                STR("f:1:13: warning: corsPolicy has no effect yet in VirtualService "
                    "default/reviews [corsPolicy]\n"
                    "f:2:11: warning: delegate has no effect yet in VirtualService "
                    "default/reviews [delegate]\n"
                    "f:4:1: error: \"mirror_percent\" and \"mirrorPercent\" are two spellings of "
                    "one field; keep one [mirror_percent]\n"));
}

static void test_paths_lead_from_the_root(void **state)
{
    struct view root = view_of_text(
        *state, STR("spec:\n  http:\n  - match:\n    - headers:\n        x.y/z: {exact: 1}\n"));
    struct view spec = view_map(&root, STR("spec"));
    struct view http = view_list(&spec, STR("http"));
    struct view route = view_item(&http, 0);
    struct view match = view_list(&route, STR("match"));
    struct view first = view_item(&match, 0);
    struct view headers = view_map(&first, STR("headers"));
    struct view header = view_entry(&headers, 0);
    assert_true(str_eq(view_path(&root), STR("")));
    assert_true(str_eq(view_path(&first), STR("spec.http[0].match[0]")));
    assert_true(str_eq(header.key, STR("x.y/z")));
    assert_true(str_eq(view_str(&header, STR("exact"), STR("none")), STR("none")));
    assert_told(*state, STR("f:5:24: error: this must be a string, not a whole number; quote it: "
                            "\"1\" [spec.http[0].match[0].headers[\"x.y/z\"].exact]\n"));
    struct view absent = view_field(&header, STR("nothing"));
    assert_int_equal(view_origin(&absent).line, 5);
    assert_int_equal(view_origin(&absent).column, 16);
    assert_true(
        str_eq(view_path(&absent), STR("spec.http[0].match[0].headers[\"x.y/z\"].nothing")));
}

static void test_absent_and_null_answer_the_default(void **state)
{
    struct view root = view_of_text(*state, STR("a: ~\nb:\n"));
    static const char *const names[] = {"x", NULL};
    static const struct str fields[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c")};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        struct str name = fields[i];
        struct view field = view_field(&root, name);
        assert_false(view_is_present(&field));
        assert_true(str_eq(view_str(&root, name, STR("d")), STR("d")));
        assert_true(view_bool(&root, name, true));
        assert_int_equal(view_i64(&root, name, 0, 1, 99), 99);
        assert_true(view_number(&root, name, 0.5) > 0.4);
        assert_true(view_duration_ns(&root, name, -1) == -1);
        assert_int_equal(view_choice(&root, name, names, -7), -7);
        struct view map = view_map(&root, name);
        struct view list = view_list(&root, name);
        assert_int_equal(view_count(&map), 0);
        assert_int_equal(view_count(&list), 0);
        struct view below = view_field(&map, STR("deeper"));
        assert_false(view_is_present(&below));
    }
    assert_told(*state, STR(""));
}

static void test_values_of_the_right_type_are_read(void **state)
{
    struct view root = view_of_text(
        *state, STR("s: abc\nt: 'yes'\nb: on\ni: 7\nj: '7'\nk: 1e3\nl: 2.0\nm: '1e1'\n"
                    "p: -9223372036854775808\no: '9223372036854775807'\nf: 0.25\ng: '0.25'\nh: 3\n"
                    "d: 1.5s\nz: 0s\nc: TWO\n"));
    static const char *const names[] = {"ONE", "TWO", NULL};
    assert_true(str_eq(view_str(&root, STR("s"), STR_EMPTY), STR("abc")));
    assert_true(str_eq(view_str(&root, STR("t"), STR_EMPTY), STR("yes")));
    assert_true(view_bool(&root, STR("b"), false));
    assert_int_equal(view_i64(&root, STR("i"), 7, 7, 0), 7);
    assert_int_equal(view_i64(&root, STR("j"), 0, 9, 0), 7);
    assert_int_equal(view_i64(&root, STR("k"), 0, 1000, 0), 1000);
    assert_int_equal(view_i64(&root, STR("l"), 0, 9, 0), 2);
    assert_int_equal(view_i64(&root, STR("m"), 0, 10, 0), 10);
    assert_true(view_i64(&root, STR("p"), INT64_MIN, 0, 0) == INT64_MIN);
    assert_true(view_i64(&root, STR("o"), 0, INT64_MAX, 0) == INT64_MAX);
    assert_true(view_number(&root, STR("f"), 0) * 4 > 0.99);
    assert_true(view_number(&root, STR("g"), 0) * 4 > 0.99);
    assert_true(view_number(&root, STR("h"), 0) > 2.9);
    assert_true(view_duration_ns(&root, STR("d"), 0) == 1500 * NS_MS);
    assert_true(view_duration_ns(&root, STR("z"), 7) == 0);
    assert_int_equal(view_choice(&root, STR("c"), names, -1), 1);
    assert_told(*state, STR(""));
}

static void test_values_of_a_wrong_type_are_named(void **state)
{
    struct view root = view_of_text(*state, STR("a: 5\nb: 'true'\nc: [x]\nd: {}\ne: yes\n"));
    (void)view_str(&root, STR("a"), STR_EMPTY);
    (void)view_str(&root, STR("e"), STR_EMPTY);
    (void)view_str(&root, STR("c"), STR_EMPTY);
    (void)view_bool(&root, STR("b"), false);
    (void)view_bool(&root, STR("a"), false);
    (void)view_i64(&root, STR("e"), 0, 9, 0);
    (void)view_i64(&root, STR("b"), 0, 9, 0);
    (void)view_number(&root, STR("d"), 0);
    (void)view_map(&root, STR("c"));
    (void)view_map(&root, STR("a"));
    (void)view_list(&root, STR("b"));
    struct view list = view_list(&root, STR("c"));
    view_check_fields(&list, ROWS, COUNT_OF(ROWS));
    assert_told(*state,
                STR("f:1:4: error: this must be a string, not a whole number; quote it: \"5\" [a]\n"
                    "f:5:4: error: this must be a string, not a boolean; quote it: \"yes\" [e]\n"
                    "f:3:4: error: this must be a string, not a list [c]\n"
                    "f:2:4: error: this must be true or false, not a string; write it without "
                    "quotes [b]\n"
                    "f:1:4: error: this must be true or false, not a whole number [a]\n"
                    "f:5:4: error: this must be a whole number, not a boolean [e]\n"
                    "f:2:4: error: this must be a whole number, not a string [b]\n"
                    "f:4:4: error: this must be a number, not a map [d]\n"
                    "f:3:4: error: this must be a map, not a list; take the `- ` away [c]\n"
                    "f:1:4: error: this must be a map, not a whole number [a]\n"
                    "f:2:4: error: this must be a list, not a string; write `- ` before each item "
                    "[b]\n"
                    "f:3:4: error: this must be a map, not a list [c]\n"));
}

static void test_numbers_outside_their_range_are_refused(void **state)
{
    struct view root = view_of_text(
        *state, STR("a: 0\nb: 65536\nc: 1.5\nd: 1e30\ne: '99999999999999999999'\nf: ' 1'\n"
                    "g: 'NaN'\nh: 'Infinity'\ni: '0x10'\n"));
    static const struct str fields[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c"), STR_INIT("d"),
                                        STR_INIT("e"), STR_INIT("f"), STR_INIT("i")};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        assert_int_equal(view_i64(&root, fields[i], 1, 65535, 77), 77);
    assert_true(view_number(&root, STR("g"), 7) > 6);
    assert_true(view_number(&root, STR("h"), 7) < 8);
    assert_told(*state,
                STR("f:1:4: error: 0 is out of range; this must be from 1 to 65535 [a]\n"
                    "f:2:4: error: 65536 is out of range; this must be from 1 to 65535 [b]\n"
                    "f:3:4: error: 1.5 is not a whole number; write it without a fraction [c]\n"
                    "f:4:4: error: 1e30 is out of range; this must be from 1 to 65535 [d]\n"
                    "f:5:4: error: 99999999999999999999 is out of range; this must be from 1 to "
                    "65535 [e]\n"
                    "f:6:4: error: this must be a whole number, not a string [f]\n"
                    "f:9:4: error: this must be a whole number, not a string [i]\n"
                    "f:7:4: error: this must be a number, not a string [g]\n"
                    "f:8:4: error: this must be a number, not a string [h]\n"));
}

static void test_durations_need_a_unit(void **state)
{
    struct view root = view_of_text(*state, STR("a: 10\nb: 1d\nc: -1s\nd: [1s]\ne: '5'\nf: yes\n"));
    static const struct str fields[] = {STR_INIT("a"), STR_INIT("b"), STR_INIT("c"),
                                        STR_INIT("d"), STR_INIT("e"), STR_INIT("f")};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        assert_true(view_duration_ns(&root, fields[i], 77) == 77);
    assert_told(
        *state,
        STR("f:1:4: error: \"10\" is no duration; write a number with a unit, such as 1.5s, "
            "500ms or 1h2m; did you mean 10s? [a]\n"
            "f:2:4: error: \"1d\" is no duration; write a number with a unit, such as 1.5s, "
            "500ms or 1h2m [b]\n"
            "f:3:4: error: the duration -1s is negative; it must be 0s or more [c]\n"
            "f:4:4: error: this must be a duration such as 1.5s, not a list [d]\n"
            "f:5:4: error: \"5\" is no duration; write a number with a unit, such as 1.5s, "
            "500ms or 1h2m; did you mean 5s? [e]\n"
            "f:6:4: error: \"yes\" is no duration; write a number with a unit, such as "
            "1.5s, 500ms or 1h2m [f]\n"));
}

static void test_choices_are_listed(void **state)
{
    struct view root = view_of_text(*state, STR("a: SIMPEL\nb: simple\nc: 1\nd: x\n"));
    static const char *const names[] = {"SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};
    static const char *const one[] = {"ONE", NULL};
    assert_int_equal(view_choice(&root, STR("a"), names, -1), -1);
    assert_int_equal(view_choice(&root, STR("b"), names, -1), -1);
    assert_int_equal(view_choice(&root, STR("c"), names, -1), -1);
    assert_int_equal(view_choice(&root, STR("d"), one, -1), -1);
    assert_told(*state,
                STR("f:1:4: error: \"SIMPEL\" is not possible here; this must be SIMPLE, MUTUAL or "
                    "ISTIO_MUTUAL; did you mean \"SIMPLE\"? [a]\n"
                    "f:2:4: error: \"simple\" is not possible here; this must be SIMPLE, MUTUAL or "
                    "ISTIO_MUTUAL; did you mean \"SIMPLE\"? [b]\n"
                    "f:3:4: error: this must be a string, not a whole number; quote it: \"1\" [c]\n"
                    "f:4:4: error: \"x\" is not possible here; this must be ONE [d]\n"));
}

static void test_lists_and_maps_are_walked_in_the_order_of_the_file(void **state)
{
    struct view root = view_of_text(*state, STR("l: [b, a, ~]\nm: {z: 1, a: 2}\n"));
    struct view list = view_list(&root, STR("l"));
    struct view map = view_map(&root, STR("m"));
    assert_int_equal(view_count(&list), 3);
    struct view item = view_item(&list, 0);
    assert_true(str_eq(view_own_str(&item, STR_EMPTY), STR("b")));
    item = view_item(&list, 2);
    assert_false(view_is_present(&item));
    assert_true(str_eq(view_own_str(&item, STR("d")), STR("d")));
    assert_int_equal(view_count(&map), 2);
    struct view entry = view_entry(&map, 0);
    assert_true(str_eq(entry.key, STR("z")));
    assert_int_equal(view_own_i64(&entry, 0, 9, 0), 1);
    assert_told(*state, STR(""));
}

static void test_complaints_of_others_stand_at_the_view(void **state)
{
    struct view root = view_of_text(*state, STR("a:\n  b: 1\n"));
    struct view a = view_map(&root, STR("a"));
    struct view b = view_field(&a, STR("b"));
    view_complain(&b, DIAG_OUT_OF_RANGE, STR("1"), STR("2"));
    view_complain(&b, DIAG_NO_EFFECT, STR("b"), STR_EMPTY);
    assert_told(*state, STR("f:2:6: error: 1 is out of range; this must be from 2 to  [a.b]\n"
                            "f:2:6: warning: b has no effect yet [a.b]\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_known_fields_pass_silently),
        TEST(test_unknown_fields_come_with_the_nearest_name),
        TEST(test_unknown_fields_are_warnings_where_istiod_ignores_them),
        TEST(test_fields_without_effect_are_said),
        TEST(test_paths_lead_from_the_root),
        TEST(test_absent_and_null_answer_the_default),
        TEST(test_values_of_the_right_type_are_read),
        TEST(test_values_of_a_wrong_type_are_named),
        TEST(test_numbers_outside_their_range_are_refused),
        TEST(test_durations_need_a_unit),
        TEST(test_choices_are_listed),
        TEST(test_lists_and_maps_are_walked_in_the_order_of_the_file),
        TEST(test_complaints_of_others_stand_at_the_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
