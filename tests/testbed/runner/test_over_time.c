/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_over_time.c - loads as they are written, windows and
 * thresholds as they are judged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/runner/over_time.h"
#include "tests/testbed/runner/paper.h"

static void test_a_timeline_is_in_the_order_of_time(void **state)
{
    (void)state;
    struct paper file;
    const struct suite_case *step =
        paper_case(&file, HEAD "tests:\n- name: x\n  timeline:\n"
                               "  - {at: 2s, set: {pod: a/0, status: 503}}\n"
                               "  - {at: 0s, load: {rate: 30/m, for: 9s, arrivals: poisson, "
                               "keepalive: false, request: {uri: [/a, /b]}}}\n"
                               "  - {at: 1s, load: {clients: 3, thinkTime: 5ms, for: 7s, request: "
                               "{uri: /}}}\n"
                               "  - {at: 2s, request: {uri: /c}, expect: {attempts: 1}}\n"
                               "  - {at: 20s}\n");
    const struct timeline_item *items = step->timeline;

    assert_int_equal(step->kind, CASE_TIMELINE);
    assert_int_equal(step->timeline_count, 5);
    assert_int_equal(items[0].kind, TIMELINE_LOAD);
    assert_int_equal(items[0].load.call_count, 2);
    assert_int_equal(items[0].load.stage_count, 1);
    assert_true(items[0].load.stages[0].per_second > 0.49 &&
                items[0].load.stages[0].per_second < 0.51);
    assert_int_equal(items[0].load.stages[0].for_ns, 9 * NS_SECOND);
    assert_true(items[0].load.is_poisson && !items[0].load.is_keeping);
    assert_int_equal(items[1].load.caller_count, 3);
    assert_int_equal(items[1].load.think_ns, 5 * NS_MS);
    assert_int_equal(items[2].kind, TIMELINE_SET);
    assert_int_equal(items[3].kind, TIMELINE_REQUEST);
    assert_int_equal(items[3].step->expect.attempts.count, 1);
    assert_int_equal(items[4].kind, TIMELINE_NOTHING);
    paper_fini(&file);
}

static void test_percentiles_are_never_too_low_and_hardly_too_high(void **state)
{
    (void)state;
    struct arena arena;
    struct latency_counts counts;
    arena_init(&arena, 65536, 0);
    latency_counts_init(&counts, &arena);
    assert_int_equal(latency_counts_percentile(&counts, 0.5), 0);
    for (int64_t i = 1; i <= 1000; i++)
        latency_counts_add(&counts, i * NS_MS);
    static const struct {
        double share;
        int64_t want_ns;
    } rows[] = {
        {0, NS_MS}, {0.001, NS_MS}, {0.5, 500 * NS_MS}, {0.99, 990 * NS_MS}, {1, NS_SECOND}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t got_ns = latency_counts_percentile(&counts, rows[i].share);
        assert_true(got_ns >= rows[i].want_ns && got_ns <= rows[i].want_ns * 129 / 128);
    }
    arena_fini(&arena);
}

/* A hundred requests, one each 10 ms, the i-th takes i ms; each tenth fails. */
static void fill(struct over_time *over, struct tally *tally, struct complaints *out)
{
    static const struct world world = {0};
    for (uint32_t i = 0; i < 100; i++) {
        struct outcome outcome = {.has_response = true,
                                  .status = i % 10 == 0 ? 503 : 200,
                                  .duration_ns = (i + 1) * NS_MS,
                                  .pod = UINT32_MAX};
        struct over_time_item item = {
            .outcome = &outcome, .world = &world, .started_ns = i * 10 * NS_MS};
        over_time_add(over, &item, out);
        tally_add(tally, &outcome);
    }
}

static const struct {
    const char *expect;
    const char *where; /* of the first complaint; NULL: all holds */
} ROWS[] = {
    {"thresholds: [\"latency.p50 < 52ms\", \"latency.max <= 100ms\", \"latency.min >= 1ms\"]",
     NULL},
    {"thresholds: [\"latency.p50 < 50ms\"]", "thresholds"},
    {"thresholds: [\"latency.mean < 51ms\", \"latency.mean > 50ms\"]", NULL},
    {"thresholds: [\"errors.rate <= 10%\", \"errors <= 10\", \"requests >= 100\"]", NULL},
    {"thresholds: [\"errors.rate < 10%\"]", "thresholds"},
    {"thresholds: [\"errors.rate within 2% of 9%\"]", NULL},
    {"thresholds: [\"share(status=503) within 10% of 10%\"]", NULL},
    {"thresholds: [\"share(status=503) within 10.7% of 21%\"]", "thresholds"},
    /* A hundred draws cannot tell: underpowered. */
    {"thresholds: [\"share(status=503) within 9% of 10%\"]", "thresholds"},
    {"thresholds: [\"share(pod=-) within 1% of 100%\"]", NULL},
    {"thresholds: [\"requests.rate > 80/s\", \"requests.rate < 101/s\"]", NULL},
    {"windows: [{from: 0s, to: 100ms, errors: 1, requests: 10}]", NULL},
    {"windows: [{from: 0s, to: 101ms, errors: 2, requests: 11}]", NULL},
    {"windows: [{from: 0s, to: 1s, errors: \"<10\"}]", "windows 0s..1s errors"},
    {"windows: [{from: 2s, to: 3s, errors: 0}]", "windows 2s..3s"},
    {"windows: [{from: 2s, to: 3s, requests: 0}]", NULL},
    {"windows: [{from: 0s, to: 1s, distribution: {by: status, counts: {200: 90, 503: 10}}}]", NULL},
    {"windows: [{from: 5ms, to: 95ms, response: {status: 200}}]", NULL},
    {"windows: [{from: 0s, to: 95ms, response: {status: 200}}]", "response.status"},
};

static void check(const char *words, const char *where)
{
    struct paper file;
    struct arena arena;
    arena_init(&arena, 65536, 0);
    const char *text = arena_format(&arena,
                                    "%stests: [{name: x, load: {rate: 1/s, for: 1s, request: "
                                    "{uri: /}}, expect: {%s}}]\n%c",
                                    HEAD, words, 0)
                           .ptr;
    const struct expect *expect = &paper_case(&file, text)->expect;
    struct complaints complaints = {.arena = &arena, .scratch = &arena};
    static const struct world world = {0};
    struct tally tally;
    struct over_time over;
    tally_init(&tally, expect, &world, &arena, &arena);
    over_time_init(&over, expect, &world, &arena, &arena);
    fill(&over, &tally, &complaints);
    over_time_judge(&over, &tally, &complaints);
    bool is_met = where == NULL
                      ? complaints.count == 0
                      : complaints.count > 0 && str_eq(complaints.items[0].where, str_of(where));
    for (uint32_t i = 0; !is_met && i < complaints.count; i++)
        print_message("%s: %.*s: %.*s | %.*s\n", words, STR_FMT(complaints.items[i].where),
                      STR_FMT(complaints.items[i].expected), STR_FMT(complaints.items[i].actual));
    if (!is_met)
        print_message("%s\n", words);
    assert_true(is_met);
    paper_fini(&file);
    arena_fini(&arena);
}

static void test_windows_and_thresholds_are_met_or_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        check(ROWS[i].expect, ROWS[i].where);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_timeline_is_in_the_order_of_time),
        cmocka_unit_test(test_percentiles_are_never_too_low_and_hardly_too_high),
        cmocka_unit_test(test_windows_and_thresholds_are_met_or_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
