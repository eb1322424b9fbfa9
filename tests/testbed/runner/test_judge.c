/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_judge.c - one outcome against one expectation: what
 * holds, what does not, and what is said of it. docs/routetest.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/runner/judge.h"
#include "testbed/runner/want_read.h"

/* A world of two pods of one workload and one of another, without proxies. */
static struct world_pod pods[] = {
    {.name = STR_INIT("reviews/0"), .workload = STR_INIT("reviews")},
    {.name = STR_INIT("reviews/1"), .workload = STR_INIT("reviews")},
    {.name = STR_INIT("shadow/0"), .workload = STR_INIT("shadow")},
};
static const struct world world = {
    .pods = pods, .pod_count = COUNT_OF(pods), .spec = {.namespace = STR_INIT("default")}};

static struct header response_headers[] = {
    {STR_INIT("content-length"), STR_INIT("2")},
    {STR_INIT("x-two"), STR_INIT("a")},
    {STR_INIT("date"), STR_INIT("Tue, 01 Jan 2030 00:00:00 GMT")},
    {STR_INIT("X-Two"), STR_INIT("b")},
    {STR_INIT("server"), STR_INIT("envoy")},
};
static struct header trailers[] = {{STR_INIT("t"), STR_INIT("v")}};
static struct header request_headers[] = {
    {STR_INIT("host"), STR_INIT("reviews")},
    {STR_INIT("x-id"), STR_INIT("7")},
};
static struct sighting sightings[] = {
    {.pod = 0,
     .method = STR_INIT("GET"),
     .uri = STR_INIT("/a"),
     .headers = request_headers,
     .header_count = 2},
    {.pod = 2,
     .method = STR_INIT("GET"),
     .uri = STR_INIT("/a"),
     .headers = request_headers,
     .header_count = 2,
     .is_mirror = true},
    {.pod = 1,
     .method = STR_INIT("GET"),
     .uri = STR_INIT("/a"),
     .headers = request_headers,
     .header_count = 2,
     .body = STR_INIT("hi"),
     .trailers = trailers,
     .trailer_count = 1},
};
static const struct route route = {.name = STR_INIT("main")};

/* 503 from the proxy after two attempts, in 1.5 s. */
static struct outcome usual(void)
{
    return (struct outcome){
        .has_response = true,
        .status = 503,
        .reason = STR("Service Unavailable"),
        .headers = response_headers,
        .header_count = COUNT_OF(response_headers),
        .body = STR("no"),
        .body_size = 2,
        .trailers = trailers,
        .trailer_count = 1,
        .interim = {100, 103},
        .interim_count = 2,
        .duration_ns = 1500 * NS_MS,
        .has_record = true,
        .record = {.details = STR("upstream reset"),
                   .transport_failure = STR("delayed connect error: 111"),
                   .attempt_count = 2,
                   .route = &route,
                   .cluster_name = STR("outbound|9080|v1|reviews.default.svc.cluster.local")},
        .flags = STR("URX,UF"),
        .pod = 1,
        .sightings = sightings,
        .sighting_count = COUNT_OF(sightings),
    };
}

struct bench {
    struct arena arena, scratch;
    struct diag_list diags;
    struct regex_set regexes;
    struct reading reading;
    struct expect expect;
    struct complaints complaints;
};

static void bench_init(struct bench *bench, const char *words)
{
    struct documents documents = {0};
    *bench = (struct bench){0};
    arena_init(&bench->arena, 16384, 0);
    arena_init(&bench->scratch, 4096, 0);
    diag_list_init(&bench->diags, &bench->arena);
    tree_read(STR("t.yaml"), str_of(words), &bench->arena, &documents, &bench->diags);
    bench->reading = (struct reading){
        .arena = &bench->arena, .diags = &bench->diags, .unknown_field = UNKNOWN_ERROR};
    struct view view = view_of(&bench->reading, documents.items[0]);
    expect_read(&view, &bench->regexes, &bench->expect);
    if (bench->diags.error_count > 0)
        print_message("%s: %.*s\n", words,
                      STR_FMT(diag_text(&bench->diags.items[0], &bench->arena)));
    assert_int_equal(bench->diags.error_count, 0);
    bench->complaints = (struct complaints){.arena = &bench->arena, .scratch = &bench->scratch};
}

static void bench_fini(struct bench *bench)
{
    regex_set_free(&bench->regexes);
    arena_fini(&bench->scratch);
    arena_fini(&bench->arena);
}

struct row {
    const char *expect;
    const char *where; /* of the only complaint; NULL: it holds */
    const char *expected, *actual;
};

static bool row_is_met(const struct row *row, const struct complaints *got)
{
    if (row->where == NULL)
        return got->count == 0;
    return got->count == 1 && str_eq(got->items[0].where, str_of(row->where)) &&
           str_eq(got->items[0].expected, str_of(row->expected)) &&
           str_eq(got->items[0].actual, str_of(row->actual));
}

static void check(const struct row *rows, size_t count, const struct outcome *outcome,
                  bool is_virtual)
{
    for (size_t i = 0; i < count; i++) {
        struct bench bench;
        bench_init(&bench, rows[i].expect);
        judge_outcome(&bench.expect, outcome, &world, is_virtual, &bench.complaints);
        judge_mirror(&bench.expect, outcome, &world, &bench.complaints);
        bool is_met = row_is_met(&rows[i], &bench.complaints);
        for (uint32_t c = 0; !is_met && c < bench.complaints.count; c++)
            print_message("%s: %.*s | %.*s | %.*s\n", rows[i].expect,
                          STR_FMT(bench.complaints.items[c].where),
                          STR_FMT(bench.complaints.items[c].expected),
                          STR_FMT(bench.complaints.items[c].actual));
        if (!is_met && bench.complaints.count == 0)
            print_message("%s: held\n", rows[i].expect);
        assert_true(is_met);
        bench_fini(&bench);
    }
}

static void test_what_is_not_stated_is_not_judged(void **state)
{
    (void)state;
    static const struct row rows[] = {{"{}", NULL, NULL, NULL},
                                      {"{response: {}}", NULL, NULL, NULL}};
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_status_and_attempts_are_numbers_bounds_and_lists(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {status: 503}}", NULL, NULL, NULL},
        {"{response: {status: [200, 503]}}", NULL, NULL, NULL},
        {"{response: {status: \">=500\"}}", NULL, NULL, NULL},
        {"{response: {status: 200}}", "response.status", "200", "503"},
        {"{response: {status: [200, 404]}}", "response.status", "200 or 404", "503"},
        {"{response: {status: \"<500\"}}", "response.status", "< 500", "503"},
        {"{attempts: 2}", NULL, NULL, NULL},
        {"{attempts: [1, 2]}", NULL, NULL, NULL},
        {"{attempts: 1}", "attempts", "1", "2"},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_texts_hold_by_every_operator_given(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {body: \"no\"}}", NULL, NULL, NULL},
        {"{response: {body: \"nope\"}}", "response.body", "\"nope\"", "\"no\""},
        {"{response: {body: {exact: \"no\"}}}", NULL, NULL, NULL},
        {"{response: {body: {prefix: \"n\"}}}", NULL, NULL, NULL},
        {"{response: {body: {contains: o}}}", NULL, NULL, NULL},
        {"{response: {body: {regex: \"n.\"}}}", NULL, NULL, NULL},
        {"{response: {body: {regex: \"n\"}}}", "response.body", "matching /n/", "\"no\""},
        {"{response: {body: {present: true}}}", NULL, NULL, NULL},
        {"{response: {body: {prefix: \"n\", contains: x}}}", "response.body",
         "beginning with \"n\" containing \"x\"", "\"no\""},
        {"{response: {reason: Service Unavailable}}", NULL, NULL, NULL},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_the_logs_words_have_no_blanks(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {details: upstream_reset}}", NULL, NULL, NULL},
        {"{response: {transportFailure: \"delayed_connect_error:_111\"}}", NULL, NULL, NULL},
        {"{response: {transportFailure: null}}", "response.transportFailure", "nothing",
         "\"delayed_connect_error:_111\""},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_flags_are_any_of_or_exactly(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {flags: UF}}", NULL, NULL, NULL},
        {"{response: {flags: [UC, URX]}}", NULL, NULL, NULL},
        {"{response: {flags: {exactly: [UF, URX]}}}", NULL, NULL, NULL},
        {"{response: {flags: UC}}", "response.flags", "UC", "URX,UF"},
        {"{response: {flags: {exactly: [UF]}}}", "response.flags", "UF", "URX,UF"},
        {"{response: {flags: \"-\"}}", "response.flags", "-", "URX,UF"},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_a_request_that_met_no_proxy_has_no_flags(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{error: connection_refused, response: {flags: \"-\", details: null}}", NULL, NULL, NULL},
        {"{error: connection_refused, response: {status: 200}}", "response.status", "200",
         "nothing"},
        {"{error: connection_refused, destination: {host: reviews}}", "destination",
         "a cluster of the mesh", "none"},
        {"{error: connection_refused, attempts: 0}", NULL, NULL, NULL},
        {"{error: connection_refused, decision: {rule: main}}", "decision.rule", "\"main\"",
         "nothing"},
    };
    struct outcome outcome = {.error = CALL_CONNECTION_REFUSED, .pod = UINT32_MAX};
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_headers_are_lines_and_date_is_the_clocks(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {headers: {Server: envoy}}}", NULL, NULL, NULL},
        {"{response: {headers: {server: other}}}", "response.headers server", "\"other\"",
         "\"envoy\""},
        {"{response: {headers: {missing: x}}}", "response.headers missing", "\"x\"", "absent"},
        {"{response: {headers: {x-two: [a, b]}}}", NULL, NULL, NULL},
        {"{response: {headers: {x-two: a}}}", "response.headers x-two", "\"a\"", "\"a\", \"b\""},
        {"{response: {headers: {x-two: {present: true}}}}", NULL, NULL, NULL},
        {"{response: {headers: {date: whenever}}}", NULL, NULL, NULL},
        {"{response: {absentHeaders: [x-three]}}", NULL, NULL, NULL},
        {"{response: {absentHeaders: [server]}}", "response.headers server", "absent", "\"envoy\""},
        {"{response: {trailers: {t: v}}}", NULL, NULL, NULL},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_exact_headers_are_closed_and_in_order(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {headers: {exactly: {content-length: \"2\", x-two: [a, b], server: envoy}}}}",
         NULL, NULL, NULL},
        {"{response: {headers: {exactly: {content-length: \"2\", x-two: [a, b], date: x, server: "
         "envoy}}}}",
         NULL, NULL, NULL},
        {"{response: {headers: {exactly: {content-length: \"2\", x-two: [a, b]}}}}",
         "response.headers names", "content-length x-two", "content-length x-two server"},
        {"{response: {headers: {exactly: {x-two: [a, b], content-length: \"2\", server: envoy}}}}",
         "response.headers names", "x-two content-length server", "content-length x-two server"},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_durations_are_exact_in_virtual_time(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {duration: 1.5s}}", NULL, NULL, NULL},
        {"{response: {duration: 1502ms}}", "response.duration", "1.502s", "1.5s"},
        {"{response: {duration: \"< 2s\"}}", NULL, NULL, NULL},
        {"{response: {duration: \"< 1.5s\"}}", "response.duration", "< 1.5s", "1.5s"},
        {"{response: {duration: \">= 1.5s\"}}", NULL, NULL, NULL},
        {"{response: {duration: \">= 2s\"}}", "response.duration", ">= 2s", "1.5s"},
        {"{response: {duration: 1s..2s}}", NULL, NULL, NULL},
        {"{response: {duration: 2s..3s}}", "response.duration", "2s..3s", "1.5s"},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_drawn_waits_may_be_on_top_of_a_plain_duration(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {duration: 1.5s}}", NULL, NULL, NULL},
        {"{response: {duration: 1480ms}}", NULL, NULL, NULL},
        {"{response: {duration: 1478ms}}", "response.duration", "1.478s", "1.5s"},
        {"{response: {duration: 1502ms}}", "response.duration", "1.502s", "1.5s"},
        {"{response: {duration: 1s..1490ms}}", "response.duration", "1s..1.49s", "1.5s"},
    };
    struct outcome outcome = usual();
    outcome.record.backoff_ns = 20 * NS_MS;
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_durations_may_be_late_in_real_time(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {duration: 1.4s}}", NULL, NULL, NULL}, /* at most 150 ms more */
        {"{response: {duration: 1.3s}}", "response.duration", "1.3s", "1.5s"},
        {"{response: {duration: 1504ms}}", NULL, NULL, NULL}, /* a clock's grain */
        {"{response: {duration: 1.6s}}", "response.duration", "1.6s", "1.5s"},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, false);

    static const struct row slow[] = {
        {"{response: {duration: 10s}}", NULL, NULL, NULL}, /* a tenth more */
        {"{response: {duration: 9.9s}}", "response.duration", "9.9s", "11s"},
    };
    outcome.duration_ns = 11 * NS_SECOND;
    check(slow, COUNT_OF(slow), &outcome, false);
}

static void test_an_error_that_nobody_expected_is_one(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{}", "error", "none", "connection_reset"},
        {"{error: connection_reset}", NULL, NULL, NULL},
        {"{error: [connection_closed, connection_reset]}", NULL, NULL, NULL},
        {"{error: connection_closed}", "error", "connection_closed", "connection_reset"},
        {"{error: null}", "error", "none", "connection_reset"},
        {"{distribution: {by: status, counts: {connection_reset: 1}}}", NULL, NULL, NULL},
    };
    struct outcome outcome = usual();
    outcome.error = CALL_CONNECTION_RESET;
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_hosts_may_be_short_in_their_namespace(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{destination: {host: reviews, subset: v1, port: 9080}}", NULL, NULL, NULL},
        {"{destination: {host: reviews.default.svc.cluster.local}}", NULL, NULL, NULL},
        {"{destination: {host: ratings}}", "destination.host", "\"ratings\"",
         "\"reviews.default.svc.cluster.local\""},
        {"{destination: {subset: v2}}", "destination.subset", "\"v2\"", "\"v1\""},
        {"{destination: {port: 80}}", "destination.port", "\"80\"", "\"9080\""},
        {"{decision: {rule: main}}", NULL, NULL, NULL},
        {"{decision: {rule: other}}", "decision.rule", "\"other\"", "\"main\""},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_interim_responses_are_all_of_them_in_order(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{response: {interim: [100, 103]}}", NULL, NULL, NULL},
        {"{response: {interim: [103, 100]}}", "response.interim", "103 100", "100 103"},
        {"{response: {interim: [100]}}", "response.interim", "100", "100 103"},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_upstream_is_what_applications_saw_but_for_mirrors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{upstream: [{pod: reviews/0, request: {uri: /a, method: GET, authority: reviews}}, "
         "{workload: reviews, request: {headers: {x-id: \"7\"}, absentHeaders: [x-no], body: hi, "
         "trailers: {t: v}}}]}",
         NULL, NULL, NULL},
        {"{upstream: []}", "upstream", "0 requests reaching an application", "2"},
        {"{upstream: [{}, {pod: reviews/0}]}", "upstream[1].pod", "\"reviews/0\"", "\"reviews/1\""},
        {"{upstream: [{request: {uri: /b}}, {}]}", "upstream[0].uri", "\"/b\"", "\"/a\""},
        {"{upstream: [{request: {headers: {x-id: \"8\"}}}, {}]}", "upstream[0].headers x-id",
         "\"8\"", "\"7\""},
        {"{mirror: {workload: shadow, request: {uri: /a}}}", NULL, NULL, NULL},
        {"{mirror: {workload: reviews}}", "mirror.workload", "\"reviews\"", "\"shadow\""},
        {"{attemptHosts: {reviews: \"2 distinct\"}}", NULL, NULL, NULL},
        {"{attemptHosts: {reviews: \">=3 distinct\"}}", "attemptHosts", ">= 3 distinct", "2"},
        {"{attemptHosts: {shadow: \"0 distinct\"}}", NULL, NULL, NULL},
    };
    struct outcome outcome = usual();
    check(rows, COUNT_OF(rows), &outcome, true);
}

static void test_complaints_have_their_line_and_request(void **state)
{
    (void)state;
    struct bench bench;
    struct outcome outcome = usual();
    bench_init(&bench, "response:\n  status: 200\n");
    bench.complaints.request = STR("GET /a");
    judge_outcome(&bench.expect, &outcome, &world, true, &bench.complaints);
    judge_outcome(&bench.expect, &outcome, &world, true, &bench.complaints);

    assert_int_equal(bench.complaints.count, 1);
    assert_int_equal(bench.complaints.items[0].times, 2);
    assert_int_equal(bench.complaints.items[0].origin.line, 2);
    assert_true(str_eq(bench.complaints.items[0].request, STR("GET /a")));
    bench_fini(&bench);
}

static void test_complaints_have_a_limit(void **state)
{
    (void)state;
    struct bench bench;
    struct outcome outcome = usual();
    bench_init(&bench, "response: {status: 200}\n");
    for (uint32_t i = 0; i < COMPLAINTS_MAX + 5; i++) {
        outcome.status = 300 + i;
        judge_outcome(&bench.expect, &outcome, &world, true, &bench.complaints);
    }
    assert_int_equal(bench.complaints.count, COMPLAINTS_MAX);
    assert_int_equal(bench.complaints.dropped_count, 5);
    assert_int_equal(bench.complaints.said_count, COMPLAINTS_MAX + 5);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_stated_is_not_judged),
        cmocka_unit_test(test_status_and_attempts_are_numbers_bounds_and_lists),
        cmocka_unit_test(test_texts_hold_by_every_operator_given),
        cmocka_unit_test(test_the_logs_words_have_no_blanks),
        cmocka_unit_test(test_flags_are_any_of_or_exactly),
        cmocka_unit_test(test_a_request_that_met_no_proxy_has_no_flags),
        cmocka_unit_test(test_headers_are_lines_and_date_is_the_clocks),
        cmocka_unit_test(test_exact_headers_are_closed_and_in_order),
        cmocka_unit_test(test_durations_are_exact_in_virtual_time),
        cmocka_unit_test(test_drawn_waits_may_be_on_top_of_a_plain_duration),
        cmocka_unit_test(test_durations_may_be_late_in_real_time),
        cmocka_unit_test(test_an_error_that_nobody_expected_is_one),
        cmocka_unit_test(test_hosts_may_be_short_in_their_namespace),
        cmocka_unit_test(test_interim_responses_are_all_of_them_in_order),
        cmocka_unit_test(test_upstream_is_what_applications_saw_but_for_mirrors),
        cmocka_unit_test(test_complaints_have_their_line_and_request),
        cmocka_unit_test(test_complaints_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
