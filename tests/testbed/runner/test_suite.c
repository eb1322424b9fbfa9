/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_suite.c - RouteTest files: what each key becomes,
 * and what is said of a wrong one. docs/routetest.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/runner/suite.h"

#define HEAD "apiVersion: pocketmesh/v1\nkind: RouteTest\nmetadata: {name: t}\n"
#define ONE_TEST "tests: [{name: x, request: {uri: /}}]\n"

struct file {
    struct arena arena;
    struct diag_list diags;
    struct suite suite;
    bool is_good;
};

static void file_read_with(struct file *file, const char *text, struct suite_options options)
{
    struct documents documents = {0};
    arena_init(&file->arena, 65536, 0);
    diag_list_init(&file->diags, &file->arena);
    tree_read(STR("t.yaml"), str_of(text), &file->arena, &documents, &file->diags);
    file->is_good =
        suite_of(&documents, STR("t.yaml"), &options, &file->arena, &file->suite, &file->diags);
}

static void file_fini(struct file *file)
{
    suite_fini(&file->suite);
    arena_fini(&file->arena);
}

static void print_diags(struct file *file)
{
    for (uint32_t i = 0; i < file->diags.count; i++)
        print_message("%u: %.*s\n", file->diags.items[i].origin.line,
                      STR_FMT(diag_text(&file->diags.items[i], &file->arena)));
}

static void file_read(struct file *file, const char *text)
{
    file_read_with(file, text, (struct suite_options){0});
    if (!file->is_good)
        print_diags(file);
    assert_true(file->is_good);
}

static void assert_str(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        print_message("got \"%.*s\", not \"%s\"\n", STR_FMT(got), want);
    assert_true(str_eq(got, str_of(want)));
}

static struct suite_case *case_of(struct file *file, const char *text)
{
    file_read(file, text);
    return &file->suite.tests[0].cases[0];
}

/* --- the whole file ---------------------------------------------------------- */

static void test_the_defaults_are_those_of_the_format(void **state)
{
    (void)state;
    struct file file;
    struct suite_case *step = case_of(&file, HEAD ONE_TEST);

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
    file_fini(&file);
}

static void test_spec_sets_world_and_luck(void **state)
{
    (void)state;
    struct file file;
    file_read(&file, HEAD "spec:\n"
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
    file_fini(&file);
}

static void test_the_command_line_wins_over_seed_and_profile(void **state)
{
    (void)state;
    struct file file;
    struct suite_options options = {
        .profile = profile_find(STR("istio-1.0")), .has_seed = true, .seed = 7};
    file_read_with(&file, HEAD "spec: {profile: istio-latest, seed: 42}\n" ONE_TEST, options);

    assert_true(file.is_good);
    assert_str(file.suite.spec.profile->name, "istio-1.0");
    assert_int_equal(file.suite.seed, 7);
    file_fini(&file);
}

static void test_the_first_service_is_the_default_authority(void **state)
{
    (void)state;
    struct file file;
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
    file_read_with(&file, HEAD "tests: [{name: x, request: [{uri: /}, {authority: null}]}]\n",
                   (struct suite_options){.manifests = &mesh});

    assert_true(file.is_good);
    const struct suite_case *step = &file.suite.tests[0].cases[0];
    assert_int_equal(step->call_count, 2);
    assert_str(step->calls[0].authority, "first");
    assert_false(step->calls[1].has_authority);
    file_fini(&file);
    arena_fini(&arena);
}

/* --- requests ---------------------------------------------------------------- */

static void test_lists_of_a_request_are_every_combination(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *method;
    } want[] = {{"/a", "GET"}, {"/a", "HEAD"}, {"/b", "GET"}, {"/b", "HEAD"}};
    struct file file;
    struct suite_case *step =
        case_of(&file, HEAD "tests: [{name: x, request: {uri: [/a, /b], method: [GET, HEAD]}}]\n");

    assert_int_equal(step->call_count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        assert_str(step->calls[i].uri, want[i].uri);
        assert_str(step->calls[i].method, want[i].method);
    }
    file_fini(&file);
}

static void test_a_request_has_what_is_written(void **state)
{
    (void)state;
    struct file file;
    struct suite_case *step =
        case_of(&file, HEAD "tests:\n"
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
    file_fini(&file);
}

static void test_one_character_is_one_byte(void **state)
{
    (void)state;
    struct file file;
    struct suite_case *step =
        case_of(&file, HEAD "tests: [{name: x, request: {raw: \"\\xff\\u0000\xc3\xa9\"}}]\n");

    assert_true(step->calls[0].has_raw);
    assert_int_equal(step->calls[0].raw.len, 3);
    assert_memory_equal(step->calls[0].raw.ptr, "\xff\0\xe9", 3);
    file_fini(&file);
}

/* --- cases --------------------------------------------------------------------- */

static void test_cases_are_requests_waits_and_sets(void **state)
{
    (void)state;
    struct file file;
    file_read(&file, HEAD "spec: {clients: {a: {via: sidecar}, b: {via: sidecar}}}\n"
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
    file_fini(&file);
}

static void test_a_tests_workloads_are_merged_key_by_key(void **state)
{
    (void)state;
    struct file file;
    file_read(&file,
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
    file_fini(&file);
}

/* --- expectations ---------------------------------------------------------------- */

static const struct expect *expect_of(struct file *file, const char *words)
{
    static char text[4096];
    int length = snprintf(text, sizeof(text),
                          HEAD "tests:\n- name: x\n  request: {uri: /}\n  expect: %s\n", words);
    assert_true(length > 0 && (size_t)length < sizeof(text));
    return &case_of(file, text)->expect;
}

static void test_texts_have_operators(void **state)
{
    (void)state;
    struct file file;
    const struct expect *expect =
        expect_of(&file, "{response: {body: 12, reason: {prefix: O, contains: K, regex: \"O.*\"}, "
                         "details: {present: false}, transportFailure: null}}");
    const struct want_response *want = &expect->response;

    assert_true(want->body.has_exact);
    assert_str(want->body.exact, "12");
    assert_str(want->reason.prefix, "O");
    assert_str(want->reason.contains, "K");
    assert_non_null(want->reason.regex);
    assert_true(want->details.has_present && !want->details.present);
    assert_true(want->transport_failure.is_null);
    file_fini(&file);
}

static void test_statuses_are_any_of_and_may_be_bounds(void **state)
{
    (void)state;
    struct file file;
    const struct expect *expect =
        expect_of(&file, "{response: {status: [200, \"<500\"]}, attempts: \">=2\"}");

    assert_int_equal(expect->response.status.count, 2);
    assert_int_equal(expect->response.status.items[1].order, WANT_BELOW);
    assert_int_equal(expect->response.status.items[1].value, 500);
    assert_int_equal(expect->attempts.items[0].order, WANT_AT_LEAST);
    file_fini(&file);
}

static void test_durations_are_points_bounds_and_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum want_order order;
        int64_t from_ns, to_ns;
    } rows[] = {
        {"15s", WANT_EQUAL, 15 * NS_SECOND, 15 * NS_SECOND},
        {"\"< 2s\"", WANT_BELOW, 2 * NS_SECOND, 2 * NS_SECOND},
        {"\">= 7s\"", WANT_AT_LEAST, 7 * NS_SECOND, 7 * NS_SECOND},
        {"1s..1.5s", WANT_BETWEEN, NS_SECOND, 1500 * NS_MS},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct file file;
        char words[128];
        snprintf(words, sizeof(words), "{response: {duration: %s}}", rows[i].text);
        const struct want_duration *want = &expect_of(&file, words)->response.duration;
        assert_int_equal(want->order, rows[i].order);
        assert_int_equal(want->from_ns, rows[i].from_ns);
        assert_int_equal(want->to_ns, rows[i].to_ns);
        file_fini(&file);
    }
}

static void test_flags_are_any_of_or_exactly(void **state)
{
    (void)state;
    struct file any, exactly;
    const struct want_flags *want =
        &expect_of(&any, "{response: {flags: [UC, URX]}}")->response.flags;
    assert_false(want->is_exact);
    assert_int_equal(want->count, 2);
    want = &expect_of(&exactly, "{response: {flags: {exactly: [UF, URX]}}}")->response.flags;
    assert_true(want->is_exact);
    assert_str(want->items[1], "URX");
    file_fini(&any);
    file_fini(&exactly);
}

static void test_headers_may_be_closed_and_absent(void **state)
{
    (void)state;
    struct file file;
    const struct expect *expect =
        expect_of(&file, "{response: {headers: {exactly: {a: x, b: [y, z]}}, absentHeaders: [c]}}");
    const struct want_headers *want = &expect->response.headers;

    assert_true(want->is_exact);
    assert_int_equal(want->count, 2);
    assert_int_equal(want->items[1].line_count, 2);
    assert_str(want->absent[0], "c");
    file_fini(&file);
}

static void test_errors_are_any_of_and_null_is_none(void **state)
{
    (void)state;
    struct file list, none;
    const struct expect *expect =
        expect_of(&list, "{error: [connection_closed, connection_reset]}");
    assert_int_equal(expect->error_count, 2);
    assert_int_equal(expect->errors[1], CALL_CONNECTION_RESET);
    expect = expect_of(&none, "{error: null}");
    assert_true(expect->has_error);
    assert_int_equal(expect->errors[0], CALL_OK);
    file_fini(&list);
    file_fini(&none);
}

static void test_upstream_is_a_list_or_a_count(void **state)
{
    (void)state;
    struct file list, empty, count, share;
    const struct want_upstream *want =
        &expect_of(&list, "{upstream: [{workload: w, pod: w/0, request: {uri: /x, method: GET, "
                          "authority: a, headers: {h: v}, absentHeaders: [n], body: b}}]}")
             ->upstream;
    assert_true(want->is_list);
    assert_str(want->items[0].pod.exact, "w/0");
    assert_str(want->items[0].uri.exact, "/x");
    assert_str(want->items[0].headers.absent[0], "n");
    want = &expect_of(&empty, "{upstream: []}")->upstream;
    assert_true(want->is_list && want->count == 0);
    want = &expect_of(&count, "{upstream: {requests: 3}}")->upstream;
    assert_int_equal(want->requests.value, 3);
    want = &expect_of(&share, "{upstream: {requests: {of: 10, share: 50%}}}")->upstream;
    assert_true(want->requests.is_share);
    assert_true(want->requests.share == 0.5);
    file_fini(&list);
    file_fini(&empty);
    file_fini(&count);
    file_fini(&share);
}

static void test_distributions_have_keys_shares_and_rules(void **state)
{
    (void)state;
    struct file file;
    const struct expect *expect = expect_of(
        &file, "{distribution: [{by: subset, shares: {v1: 90%, v2: \"> 0.05\"}, confidence: 99%}, "
               "{by: \"header:X-V\", counts: {exactly: {a: 1, b: \">=2\"}}}, "
               "{by: pod, shares: {p: 10%}, tolerance: 1%}]}");

    assert_int_equal(expect->distribution_count, 3);
    const struct want_distribution *first = &expect->distributions[0];
    assert_int_equal(first->by, BY_SUBSET);
    assert_true(first->shares[0].share == 0.9);
    assert_int_equal(first->shares[1].order, WANT_ABOVE);
    assert_true(first->confidence == 0.99);
    const struct want_distribution *second = &expect->distributions[1];
    assert_int_equal(second->by, BY_HEADER);
    assert_str(second->header, "x-v");
    assert_true(second->is_closed);
    assert_int_equal(second->counts[1].order, WANT_AT_LEAST);
    assert_true(expect->distributions[2].has_tolerance);
    assert_true(expect->distributions[2].tolerance == 0.01);
    file_fini(&file);
}

static void test_the_other_expectations(void **state)
{
    (void)state;
    struct file file;
    const struct expect *expect =
        expect_of(&file, "{destination: {host: h, subset: s, port: 80}, decision: {rule: r}, "
                         "attemptHosts: {w: \">=2 distinct\"}, samePod: false, "
                         "mirror: {workload: m, count: {of: 4, share: 25%}}, "
                         "stats: {outbound|80||h: {upstream_rq_total: 3}}, events: []}");

    assert_str(expect->host.exact, "h");
    assert_str(expect->port.exact, "80");
    assert_str(expect->rule.exact, "r");
    assert_int_equal(expect->hosts[0].order, WANT_AT_LEAST);
    assert_int_equal(expect->hosts[0].value, 2);
    assert_true(expect->has_same_pod && !expect->same_pod);
    assert_str(expect->mirror.items[0].workload.exact, "m");
    assert_true(expect->mirror.requests.is_share);
    assert_str(expect->stats[0].cluster, "outbound|80||h");
    assert_int_equal(expect->stats[0].value, 3);
    file_fini(&file);
}

/* --- wrong ones -------------------------------------------------------------------- */

/* Each names the line (from 1) and a part of what is said. */
static void test_what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
        const char *words;
    } rows[] = {
        {"kind: RouteTest\n" ONE_TEST, 1, "RouteTest"},
        {"apiVersion: v1\nkind: Service\n", 1, "RouteTest"},
        {HEAD, 1, "no tests"},
        {HEAD "tests: []\n", 1, "no tests"},
        {HEAD "tests:\n- {name: x, reqest: {uri: /}}\n", 5, "request"},
        {HEAD "tests:\n- {name: x}\n", 5, "either"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, cases: [{wait: 1s}]}\n", 5, "either"},
        {HEAD "tests:\n- {name: x, timeline: [], request: {uri: /}}\n", 5, "not built yet"},
        {HEAD "tests:\n- {name: x, load: {}, request: {uri: /}}\n", 5, "not built yet"},
        {HEAD "tests:\n- {name: x, inject: {}, request: {uri: /}}\n", 5, "not built yet"},
        {HEAD "tests:\n- {name: x, transition: {}, request: {uri: /}}\n", 5, "not built yet"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {tls: {}}}\n", 5, "not built yet"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {breaker: {}}}\n", 5,
         "not built yet"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {events: [{type: eject}]}}\n", 5,
         "not built yet"},
        {HEAD "tests:\n- name: x\n  cases:\n  - {wait: 1s, expect: {}}\n", 7, "expect"},
        {HEAD "tests:\n- name: x\n  cases: [{wait: 1s}]\n  expect: {response: {}}\n", 7,
         "response"},
        {HEAD "spec: {matrix: {}}\n" ONE_TEST, 4, "not built yet"},
        {HEAD "spec: {profile: istio-7}\n" ONE_TEST, 4, "istio-latest"},
        {HEAD "spec: {defaults: {secrets: manifests}}\n" ONE_TEST, 4, "not built yet"},
        {HEAD "spec: {defaults: {from: nobody}}\n" ONE_TEST, 4, "nobody"},
        {HEAD "spec: {clients: {a: {via: gateway}}}\n" ONE_TEST, 4, "NAMESPACE/NAME"},
        {HEAD "spec: {clients: {a: {via: tunnel}}}\n" ONE_TEST, 4, "tunnel"},
        {HEAD "spec: {workloads: {a: {statsu: 200}}}\n" ONE_TEST, 4, "status"},
        {HEAD "spec: {workloads: {a: {cert: expired}}}\n" ONE_TEST, 4, "not built yet"},
        {HEAD "spec: {workloads: {a: {act: explode}}}\n" ONE_TEST, 4, "explode"},
        {HEAD "spec: {workloads: {a: {script: [explode]}}}\n" ONE_TEST, 4, "explode"},
        {HEAD "spec: {workloads: {a: {pods: {one: {status: 1}}}}}\n" ONE_TEST, 4, "one"},
        {HEAD "tests:\n- {name: x, request: {uri: /}}\n- {name: x, request: {uri: /}}\n", 6,
         "two tests"},
        {HEAD "tests:\n- {name: x, request: {raw: \"\xe2\x82\xac\"}}\n", 5, "Latin-1"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, repeat: 0}\n", 5, "repeat"},
        {HEAD
         "tests:\n- {name: x, request: {uri: /}, expect: {response: {body: {regex: \"(\"}}}}\n",
         5, "regular"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {response: {status: many}}}\n", 5,
         "many"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {response: {duration: soon}}}\n", 5,
         "soon"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {error: broken}}\n", 5, "broken"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {distribution: {shares: {}}}}\n", 5,
         "by"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {distribution: {by: mood}}}\n", 5,
         "mood"},
        {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {attemptHosts: {w: two}}}\n", 5,
         "two"},
        {HEAD ONE_TEST "---\n" HEAD ONE_TEST, 6, "one document"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct file file;
        file_read_with(&file, rows[i].text, (struct suite_options){0});
        bool is_said = false;
        for (uint32_t d = 0; d < file.diags.count; d++) {
            struct buf line;
            buf_init(&line, 65536);
            assert_int_equal(diag_print(&file.diags.items[d], false, &line), RC_OK);
            is_said |= file.diags.items[d].origin.line == rows[i].line &&
                       file.diags.items[d].severity == DIAG_ERROR &&
                       str_contains(buf_str(&line), str_of(rows[i].words));
            buf_fini(&line);
        }
        if (!is_said || file.is_good) {
            print_message("row %zu: %s\n", i, rows[i].text);
            print_diags(&file);
        }
        assert_false(file.is_good);
        assert_true(is_said);
        file_fini(&file);
    }
}

static void test_all_errors_come_at_once(void **state)
{
    (void)state;
    struct file file;
    file_read_with(&file,
                   HEAD "spec: {profil: x}\ntests:\n- {name: x, reqest: {}}\n"
                        "- {name: y, request: {ury: /}}\n",
                   (struct suite_options){0});
    assert_true(file.diags.error_count >= 3);
    file_fini(&file);
}

static void test_an_empty_file_is_no_routetest(void **state)
{
    (void)state;
    struct file file;
    file_read_with(&file, "", (struct suite_options){0});
    assert_false(file.is_good);
    assert_int_equal(file.diags.error_count, 1);
    file_fini(&file);
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
        cmocka_unit_test(test_texts_have_operators),
        cmocka_unit_test(test_statuses_are_any_of_and_may_be_bounds),
        cmocka_unit_test(test_durations_are_points_bounds_and_ranges),
        cmocka_unit_test(test_flags_are_any_of_or_exactly),
        cmocka_unit_test(test_headers_may_be_closed_and_absent),
        cmocka_unit_test(test_errors_are_any_of_and_null_is_none),
        cmocka_unit_test(test_upstream_is_a_list_or_a_count),
        cmocka_unit_test(test_distributions_have_keys_shares_and_rules),
        cmocka_unit_test(test_the_other_expectations),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(test_all_errors_come_at_once),
        cmocka_unit_test(test_an_empty_file_is_no_routetest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
