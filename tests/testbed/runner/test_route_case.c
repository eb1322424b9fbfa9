/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_route_case.c - istio-config-validator's cases: which
 * rule a request meets, and when what it says is what was said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbed/runner/route_case.h"

#define SERVICE(name, hosts, rules)                                                    \
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: " name \
    ", namespace: n}\nspec: {hosts: [" hosts "], http: [" rules "]}\n---\n"
#define TO(host) "route: [{destination: {host: " host "}}]"
#define CASE(want, request, rest) \
    "testCases: [{description: d, wantMatch: " want ", request: {" request "}, " rest "}]\n"
#define GET(uri) "authority: [a.b], method: [GET], uri: [" uri "]"

struct paper {
    struct arena arena;
    struct diag_list diags;
    struct suite suite;
    bool is_good;
};

static void paper_init(struct paper *paper, const char *services, const char *cases)
{
    struct documents manifests = {0}, documents = {0};
    *paper = (struct paper){0};
    arena_init(&paper->arena, 16 * 1024, 0);
    diag_list_init(&paper->diags, &paper->arena);
    tree_read(STR("vs.yaml"), str_of(services), &paper->arena, &manifests, &paper->diags);
    tree_read(STR("t.yaml"), str_of(cases), &paper->arena, &documents, &paper->diags);
    struct suite_options options = {.manifests = &manifests};
    assert_true(route_case_is_file(&documents));
    paper->is_good = route_case_suite(&documents, STR("t.yaml"), &options, &paper->arena,
                                      &paper->suite, &paper->diags);
}

static void paper_fini(struct paper *paper)
{
    suite_fini(&paper->suite);
    arena_fini(&paper->arena);
}

static const struct {
    const char *services, *cases;
    bool is_passing;
} ROWS[] = {
    {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), TO("x")), true},
    {SERVICE("v", "a.b", TO("x")), CASE("false", GET("/"), TO("x")), false},
    {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), TO("z")), false},
    {SERVICE("v", "a.b", TO("x")), CASE("false", GET("/"), TO("z")), true},
    /* Nothing is said of a route: there must be none. */
    {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), "rewrite: {uri: /}"), false},
    {SERVICE("v", "a.b", "{redirect: {uri: /}}"), CASE("true", GET("/"), "redirect: {uri: /}"),
     true},
    /* Hosts as written; the next VirtualService of the host, where one has no rule. */
    {SERVICE("v", "'*.b'", TO("x")), CASE("true", GET("/"), TO("x")), false},
    {SERVICE("v", "a.b", "{match: [{uri: {exact: /q}}], " TO("x") "}") SERVICE("w", "a.b", TO("z")),
     CASE("true", GET("/"), TO("z")), true},
    /* One item of match is enough, all of an item must hold. */
    {SERVICE(
         "v", "a.b",
         "{match: [{uri: {exact: /q}}, {uri: {prefix: /r}, method: {exact: GET}}], " TO("x") "}"),
     CASE("true", GET("/rr"), TO("x")), true},
    {SERVICE("v", "a.b", "{match: [{uri: {prefix: /r}, method: {exact: PUT}}], " TO("x") "}"),
     CASE("false", GET("/rr"), TO("x")), true},
    {SERVICE("v", "a.b", "{match: [{authority: {prefix: a.}}], " TO("x") "}"),
     CASE("true", GET("/"), TO("x")), true},
    {SERVICE("v", "a.b", "{match: [{uri: {regex: /r}}], " TO("x") "}"),
     CASE("false", GET("/rr"), TO("x")), true},
    {SERVICE("v", "a.b", "{match: [{uri: {regex: /r|q}}], " TO("x") "}"),
     CASE("true", GET("/rr"), TO("x")), true},
    {SERVICE("v", "a.b", "{match: [{headers: {h: {exact: 1a}}}], " TO("x") "}"),
     CASE("true", GET("/") ", headers: {h: 1a}", TO("x")), true},
    {SERVICE("v", "a.b", "{match: [{headers: {h: {}}}], " TO("x") "}"),
     CASE("true", GET("/"), TO("x")), false},
    /* Messages, not texts. */
    {SERVICE("v", "a.b", "{route: [{weight: 0, destination: {port: {number: 80}, host: x}}]}"),
     CASE("true", GET("/"), "route: [{destination: {host: x, port: {number: 80}}}]"), true},
    {SERVICE("v", "a.b", "{route: [{weight: 1, destination: {host: x}}]}"),
     CASE("true", GET("/"), TO("x")), false},
    {SERVICE("v", "a.b", "{" TO("x") ", fault: {delay: {fixedDelay: 1s}}}"),
     CASE("true", GET("/"), TO("x") ", fault: {delay: {fixed_delay: 1000ms}}"), true},
    {SERVICE("v", "a.b", "{" TO("x") ", headers: {request: {set: {a: 1s}}}}"),
     CASE("true", GET("/"), TO("x") ", headers: {request: {set: {a: 1000ms}}}"), false},
    {SERVICE("v", "a.b", "{route: [{destination: {host: x}}, {destination: {host: z}}]}"),
     CASE("true", GET("/"), TO("x")), false},
    /* Delegates: followed where a route is said. */
    {SERVICE("v", "a.b", "{delegate: {name: d}}") SERVICE("d", "", TO("x")),
     CASE("true", GET("/"), TO("x")), true},
    {SERVICE("v", "a.b", "{delegate: {name: d, namespace: m}}") SERVICE("d", "", TO("x")),
     CASE("true", GET("/"), TO("x")), false},
    {SERVICE("v", "a.b", "{delegate: {name: d}}"), CASE("true", GET("/"), "delegate: {name: d}"),
     true},
    {SERVICE("v", "a.b", "{delegate: {name: d}}"), CASE("true", GET("/"), "delegate: {name: e}"),
     false},
    {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), TO("x") ", delegate: {name: e}"), false},
};

static void test_cases_are_held_against_the_first_rule_that_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct paper paper;
        struct test_result result;
        struct run_options options = {.engine = RUN_SIM};
        paper_init(&paper, ROWS[i].services, ROWS[i].cases);
        if (!paper.is_good)
            fail_msg("row %zu cannot be read: %s", i, ROWS[i].cases);
        assert_int_equal(paper.suite.test_count, 1);
        test_result_of(&paper.suite, &paper.suite.tests[0], &options, &result);
        if ((result.status == TEST_PASSED) != ROWS[i].is_passing)
            fail_msg("row %zu: %s", i, ROWS[i].cases);
        assert_int_equal(result.request_count, 1);
        test_result_fini(&result);
        paper_fini(&paper);
    }
}

static void test_every_combination_is_a_request(void **state)
{
    (void)state;
    struct paper paper;
    struct test_result result;
    struct run_options options = {.engine = RUN_LIVE};
    paper_init(
        &paper, SERVICE("v", "a.b, c.d", TO("x")),
        CASE("true", "authority: [a.b, c.d, e.f], method: [GET, PUT], uri: [/, /x, /y]", TO("x")));
    test_result_of(&paper.suite, &paper.suite.tests[0], &options, &result);
    assert_int_equal(result.request_count, 18);
    assert_int_equal(result.status, TEST_FAILED);
    assert_int_equal(result.complaints.count, 6);
    assert_true(str_eq(result.complaints.items[0].request, STR("GET e.f/")));
    assert_true(str_eq(result.complaints.items[0].actual, STR("none (no rule matches)")));
    assert_int_equal(result.complaints.items[0].origin.line, 1);
    test_result_fini(&result);
    paper_fini(&paper);
}

static void test_what_is_wrong_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *services, *cases;
        enum diag_id want;
    } rows[] = {
        {SERVICE("v", "a.b", TO("x")), "testCases: []\n", DIAG_CASES_NONE},
        {"kind: Service\napiVersion: v1\n", CASE("true", GET("/"), TO("x")),
         DIAG_CASES_NO_SERVICES},
        {SERVICE("v", "a.b", "{match: [{uri: {regex: '('}}], " TO("x") "}"),
         CASE("true", GET("/"), TO("x")), DIAG_TEST_BAD_REGEX},
        {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), "rewrites: {uri: /}"),
         DIAG_UNKNOWN_FIELD},
        {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), "rewrite: {url: /}"),
         DIAG_UNKNOWN_FIELD},
        {SERVICE("v", "a.b", TO("x")), CASE("true", GET("/"), "headers: {request: {put: {}}}"),
         DIAG_UNKNOWN_FIELD},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct paper paper;
        bool is_named = false;
        paper_init(&paper, rows[i].services, rows[i].cases);
        assert_false(paper.is_good);
        for (uint32_t k = 0; k < paper.diags.count; k++)
            is_named |= paper.diags.items[k].id == rows[i].want;
        if (!is_named)
            fail_msg("row %zu", i);
        paper_fini(&paper);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_are_held_against_the_first_rule_that_matches),
        cmocka_unit_test(test_every_combination_is_a_request),
        cmocka_unit_test(test_what_is_wrong_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
