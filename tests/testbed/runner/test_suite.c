/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_suite.c - RouteTest files: what each key of
 * spec, tests and requests becomes. docs/routetest.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "tests/testbed/runner/paper.h"

/* --- the whole file ---------------------------------------------------------- */

static void test_the_defaults_are_those_of_the_format(void **state)
{
    (void)state;
    struct paper file;
    struct suite_case *step = paper_case(&file, HEAD ONE_TEST);

    assert_str(file.suite.name, "t");
    assert_str(file.suite.spec.namespace, "default");
    assert_true(file.suite.spec.has_sidecar_default);
    assert_int_equal(file.suite.spec.client_count, 1);
    assert_int_equal(file.suite.spec.clients[0].via, VIA_SIDECAR);
    assert_int_equal(step->kind, CASE_REQUEST);
    assert_int_equal(step->repeat, 1);
    assert_int_equal(step->call_count, 1);
    assert_str(step->calls[0].method, "GET");
    assert_str(step->calls[0].uri, "/");
    assert_false(step->calls[0].has_authority);
    paper_fini(&file);
}

static void test_spec_sets_world_and_luck(void **state)
{
    (void)state;
    struct paper file;
    paper_read(&file, HEAD "spec:\n"
                           "  profile: istio-latest\n"
                           "  seed: 42\n"
                           "  defaults: {namespace: shop, from: web, authority: a, port: 80, "
                           "sidecar: false}\n"
                           "  clients:\n"
                           "    other: {via: none, namespace: legacy}\n"
                           "    web: {via: gateway, gateway: in/pub, labels: {x: y}, address: "
                           "10.0.0.1}\n" ONE_TEST);

    const struct world_spec *spec = &file.suite.spec;
    assert_str(spec->profile->name, "istio-latest");
    assert_int_equal(file.suite.seed, 42);
    assert_str(spec->namespace, "shop");
    assert_false(spec->has_sidecar_default);
    assert_int_equal(spec->client_count, 2);
    assert_int_equal(spec->clients[0].via, VIA_NONE);
    assert_str(spec->clients[0].namespace, "legacy");
    assert_str(spec->clients[1].gateway_namespace, "in");
    assert_str(spec->clients[1].gateway_name, "pub");
    assert_str(spec->clients[1].labels[0].value, "y");
    assert_str(spec->clients[1].address, "10.0.0.1");
    const struct call *call = &file.suite.tests[0].cases[0].calls[0];
    assert_int_equal(call->client, 1);
    assert_str(call->authority, "a");
    assert_int_equal(call->port, 80);
    paper_fini(&file);
}

static void test_the_command_line_wins_over_seed_and_profile(void **state)
{
    (void)state;
    struct paper file;
    struct suite_options options = {
        .profile = profile_find(STR("istio-1.0")), .has_seed = true, .seed = 7};
    paper_read_with(&file, HEAD "spec: {profile: istio-latest, seed: 42}\n" ONE_TEST, options);

    assert_true(file.is_good);
    assert_str(file.suite.spec.profile->name, "istio-1.0");
    assert_int_equal(file.suite.seed, 7);
    paper_fini(&file);
}

static void test_the_first_service_is_the_default_authority(void **state)
{
    (void)state;
    struct paper file;
    struct documents mesh = {0};
    struct arena arena;
    struct diag_list diags;
    arena_init(&arena, 4096, 0);
    diag_list_init(&diags, &arena);
    tree_read(STR("mesh.yaml"),
              STR("kind: List\nitems:\n- {kind: Deployment, metadata: {name: d}}\n"
                  "- {kind: Service, metadata: {name: first}}\n---\n"
                  "{kind: Service, metadata: {name: second}}\n"),
              &arena, &mesh, &diags);
    paper_read_with(&file, HEAD "tests: [{name: x, request: [{uri: /}, {authority: null}]}]\n",
                    (struct suite_options){.manifests = &mesh});

    assert_true(file.is_good);
    const struct suite_case *step = &file.suite.tests[0].cases[0];
    assert_int_equal(step->call_count, 2);
    assert_str(step->calls[0].authority, "first");
    assert_false(step->calls[1].has_authority);
    paper_fini(&file);
    arena_fini(&arena);
}

/* --- requests ---------------------------------------------------------------- */

static void test_lists_of_a_request_are_every_combination(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *method;
    } want[] = {{"/a", "GET"}, {"/a", "HEAD"}, {"/b", "GET"}, {"/b", "HEAD"}};
    struct paper file;
    struct suite_case *step = paper_case(
        &file, HEAD "tests: [{name: x, request: {uri: [/a, /b], method: [GET, HEAD]}}]\n");

    assert_int_equal(step->call_count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_str(step->calls[i].uri, want[i].uri);
        assert_str(step->calls[i].method, want[i].method);
    }
    paper_fini(&file);
}

static void test_a_request_has_what_is_written(void **state)
{
    (void)state;
    struct paper file;
    struct suite_case *step =
        paper_case(&file, HEAD "tests:\n"
                               "- name: x\n"
                               "  request:\n"
                               "    uri: /a?x=1\n"
                               "    queryParams: {q: v}\n"
                               "    headers: {Two: [one, two], Big: {size: 3}, Many: {count: 2}}\n"
                               "    body: hello\n"
                               "    chunked: true\n"
                               "    trailers: {t: v}\n"
                               "    http: \"1.0\"\n"
                               "    say: [hi]\n"
                               "    cancelAfter: 300ms\n"
                               "    to: api/0\n"
                               "    port: 81\n");
    const struct call *call = &step->calls[0];

    assert_str(call->uri, "/a?x=1&q=v");
    assert_int_equal(call->header_count, 5);
    assert_str(call->headers[0].name, "Two");
    assert_str(call->headers[1].value, "two");
    assert_str(call->headers[2].value, "aaa");
    assert_str(call->headers[4].name, "Many");
    assert_str(call->body, "hello");
    assert_true(call->is_chunked && call->is_http10 && call->has_cancel);
    assert_str(call->trailers[0].name, "t");
    assert_str(call->say[0], "hi");
    assert_int_equal(call->cancel_after_ns, 300 * NS_MS);
    assert_str(call->to, "api/0");
    assert_int_equal(call->port, 81);
    paper_fini(&file);
}

static void test_one_character_is_one_byte(void **state)
{
    (void)state;
    struct paper file;
    struct suite_case *step =
        paper_case(&file, HEAD "tests: [{name: x, request: {raw: \"\\xff\\u0000\xc3\xa9\"}}]\n");

    assert_true(step->calls[0].has_raw);
    assert_int_equal(step->calls[0].raw.len, 3);
    assert_memory_equal(step->calls[0].raw.ptr, "\xff\0\xe9", 3);
    paper_fini(&file);
}

/* --- cases --------------------------------------------------------------------- */

static void test_cases_are_requests_waits_and_sets(void **state)
{
    (void)state;
    struct paper file;
    paper_read(&file, HEAD "spec: {clients: {a: {via: sidecar}, b: {via: sidecar}}}\n"
                           "tests:\n"
                           "- name: x\n"
                           "  from: b\n"
                           "  cases:\n"
                           "  - {request: {uri: /}, repeat: 3, every: 10ms, keepalive: false, "
                           "settle: 0s}\n"
                           "  - {wait: 2s}\n"
                           "  - {set: {pod: w/0, status: 503}}\n"
                           "  - {request: {uri: /}, from: a, concurrent: {requests: 6, every: "
                           "1ms}}\n"
                           "  expect: {stats: {c: {n: \">=2\"}}, events: []}\n");
    const struct suite_test *test = &file.suite.tests[0];

    assert_int_equal(test->case_count, 4);
    assert_int_equal(test->cases[0].repeat, 3);
    assert_int_equal(test->cases[0].every_ns, 10 * NS_MS);
    assert_int_equal(test->cases[0].settle_ns, 0);
    assert_true(test->cases[0].has_keepalive && !test->cases[0].keepalive);
    assert_int_equal(test->cases[0].calls[0].client, 1);
    assert_int_equal(test->cases[1].kind, CASE_WAIT);
    assert_int_equal(test->cases[1].wait_ns, 2 * NS_SECOND);
    assert_int_equal(test->cases[2].kind, CASE_SET);
    assert_str(test->cases[2].sets[0].pod, "w/0");
    assert_int_equal(test->cases[3].concurrent_count, 6);
    assert_int_equal(test->cases[3].concurrent_every_ns, NS_MS);
    assert_int_equal(test->cases[3].calls[0].client, 0);
    assert_int_equal(test->stat_count, 1);
    assert_int_equal(test->stats[0].order, WANT_AT_LEAST);
    assert_int_equal(test->stats[0].value, 2);
    paper_fini(&file);
}

static void test_a_tests_workloads_are_merged_key_by_key(void **state)
{
    (void)state;
    struct paper file;
    paper_read(&file,
               HEAD "spec: {workloads: {a: {service: s, status: 201}, b: {service: s}}}\n"
                    "tests:\n"
                    "- {name: plain, request: {uri: /}}\n"
                    "- {name: over, workloads: {a: {latency: 1s}, c: {service: t}}, request: {uri: "
                    "/}}\n");

    const struct node *plain = file.suite.tests[0].workloads;
    const struct node *over = file.suite.tests[1].workloads;
    assert_null(node_get(node_get(plain, STR("a")), STR("latency")));
    assert_str(node_get(node_get(over, STR("a")), STR("status"))->text, "201");
    assert_str(node_get(node_get(over, STR("a")), STR("latency"))->text, "1s");
    assert_non_null(node_get(over, STR("b")));
    assert_non_null(node_get(over, STR("c")));
    assert_null(node_get(plain, STR("c")));
    paper_fini(&file);
}

static void test_a_matrix_makes_each_test_several(void **state)
{
    (void)state;
    struct paper file;
    paper_read(&file, HEAD "matrix: {profile: [istio-1.0, istio-latest], seed: [7, 8]}\n"
                           "tests: [{name: x, request: {uri: /}}, {name: y, request: {uri: /}}]\n");
    static const char *const NAMES[] = {
        "x, istio-1.0, seed 7",    "x, istio-1.0, seed 8",    "x, istio-latest, seed 7",
        "x, istio-latest, seed 8", "y, istio-1.0, seed 7",    "y, istio-1.0, seed 8",
        "y, istio-latest, seed 7", "y, istio-latest, seed 8",
    };
    assert_int_equal(file.suite.test_count, COUNT_OF(NAMES));
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        const struct suite_test *test = &file.suite.tests[i];
        assert_str(test->name, NAMES[i]);
        assert_str(test->luck_name, i < 4 ? "x" : "y");
        assert_str(test->profile->name, i % 4 < 2 ? "istio-1.0" : "istio-latest");
        assert_int_equal(test->seed, 7 + i % 2);
    }
    paper_fini(&file);
}

static void test_the_command_line_wins_over_a_matrix(void **state)
{
    (void)state;
    struct paper file;
    paper_read_with(&file,
                    HEAD "matrix: {profile: [istio-1.0, istio-latest], seed: [7, 8]}\n" ONE_TEST,
                    (struct suite_options){
                        .profile = profile_find(STR("istio-latest")), .has_seed = true, .seed = 3});
    assert_true(file.is_good);
    assert_int_equal(file.suite.test_count, 1);
    assert_str(file.suite.tests[0].name, "x");
    paper_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_are_those_of_the_format),
        cmocka_unit_test(test_spec_sets_world_and_luck),
        cmocka_unit_test(test_the_command_line_wins_over_seed_and_profile),
        cmocka_unit_test(test_the_first_service_is_the_default_authority),
        cmocka_unit_test(test_lists_of_a_request_are_every_combination),
        cmocka_unit_test(test_a_request_has_what_is_written),
        cmocka_unit_test(test_one_character_is_one_byte),
        cmocka_unit_test(test_cases_are_requests_waits_and_sets),
        cmocka_unit_test(test_a_tests_workloads_are_merged_key_by_key),
        cmocka_unit_test(test_a_matrix_makes_each_test_several),
        cmocka_unit_test(test_the_command_line_wins_over_a_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
