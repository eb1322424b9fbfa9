/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_expect.c - what each key of an expectation
 * becomes. docs/routetest.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "tests/testbed/runner/paper.h"

static const struct expect *expect_of(struct paper *file, const char *words)
{
    static char text[4096];
    int length = snprintf(text, sizeof(text),
                          HEAD "tests:\n- name: x\n  request: {uri: /}\n  expect: %s\n", words);
    assert_true(length > 0 && (size_t)length < sizeof(text));
    return &paper_case(file, text)->expect;
}

static void test_texts_have_operators(void **state)
{
    (void)state;
    struct paper file;
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
    paper_fini(&file);
}

static void test_statuses_are_any_of_and_may_be_bounds(void **state)
{
    (void)state;
    struct paper file;
    const struct expect *expect =
        expect_of(&file, "{response: {status: [200, \"<500\"]}, attempts: \">=2\"}");

    assert_int_equal(expect->response.status.count, 2);
    assert_int_equal(expect->response.status.items[1].order, WANT_BELOW);
    assert_int_equal(expect->response.status.items[1].value, 500);
    assert_int_equal(expect->attempts.items[0].order, WANT_AT_LEAST);
    paper_fini(&file);
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
        struct paper file;
        char words[128];
        snprintf(words, sizeof(words), "{response: {duration: %s}}", rows[i].text);
        const struct want_duration *want = &expect_of(&file, words)->response.duration;
        assert_int_equal(want->order, rows[i].order);
        assert_int_equal(want->from_ns, rows[i].from_ns);
        assert_int_equal(want->to_ns, rows[i].to_ns);
        paper_fini(&file);
    }
}

static void test_flags_are_any_of_or_exactly(void **state)
{
    (void)state;
    struct paper any, exactly;
    const struct want_flags *want =
        &expect_of(&any, "{response: {flags: [UC, URX]}}")->response.flags;
    assert_false(want->is_exact);
    assert_int_equal(want->count, 2);
    want = &expect_of(&exactly, "{response: {flags: {exactly: [UF, URX]}}}")->response.flags;
    assert_true(want->is_exact);
    assert_str(want->items[1], "URX");
    paper_fini(&any);
    paper_fini(&exactly);
}

static void test_headers_may_be_closed_and_absent(void **state)
{
    (void)state;
    struct paper file;
    const struct expect *expect =
        expect_of(&file, "{response: {headers: {exactly: {a: x, b: [y, z]}}, absentHeaders: [c]}}");
    const struct want_headers *want = &expect->response.headers;

    assert_true(want->is_exact);
    assert_int_equal(want->count, 2);
    assert_int_equal(want->items[1].line_count, 2);
    assert_str(want->absent[0], "c");
    paper_fini(&file);
}

static void test_errors_are_any_of_and_null_is_none(void **state)
{
    (void)state;
    struct paper list, none;
    const struct expect *expect =
        expect_of(&list, "{error: [connection_closed, connection_reset]}");
    assert_int_equal(expect->error_count, 2);
    assert_int_equal(expect->errors[1], CALL_CONNECTION_RESET);
    expect = expect_of(&none, "{error: null}");
    assert_true(expect->has_error);
    assert_int_equal(expect->errors[0], CALL_OK);
    paper_fini(&list);
    paper_fini(&none);
}

static void test_upstream_is_a_list_or_a_count(void **state)
{
    (void)state;
    struct paper list, empty, count, share;
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
    paper_fini(&list);
    paper_fini(&empty);
    paper_fini(&count);
    paper_fini(&share);
}

static void test_distributions_have_keys_shares_and_rules(void **state)
{
    (void)state;
    struct paper file;
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
    paper_fini(&file);
}

static void test_the_other_expectations(void **state)
{
    (void)state;
    struct paper file;
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
    paper_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_have_operators),
        cmocka_unit_test(test_statuses_are_any_of_and_may_be_bounds),
        cmocka_unit_test(test_durations_are_points_bounds_and_ranges),
        cmocka_unit_test(test_flags_are_any_of_or_exactly),
        cmocka_unit_test(test_headers_may_be_closed_and_absent),
        cmocka_unit_test(test_errors_are_any_of_and_null_is_none),
        cmocka_unit_test(test_upstream_is_a_list_or_a_count),
        cmocka_unit_test(test_distributions_have_keys_shares_and_rules),
        cmocka_unit_test(test_the_other_expectations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
