/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/inspect/test_story.c - every kind of trace event as a line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "testbed/inspect/story.h"

static const struct header_matcher header_matchers[] = {
    {.name = STR_INIT("end-user"), .match = {.kind = STRING_EXACT, .value = STR_INIT("jason")}},
    {.name = STR_INIT("x-no"),
     .match = {.kind = STRING_PREFIX, .value = STR_INIT("a")},
     .is_inverted = true},
    {.name = STR_INIT("x-re"), .match = {.kind = STRING_REGEX, .value = STR_INIT("[0-9]+")}},
    {.name = STR_INIT("x-there"), .match = {.kind = STRING_PRESENT}},
};
static const struct query_matcher query_matchers[] = {
    {.name = STR_INIT("q"), .match = {.kind = STRING_EXACT, .value = STR_INIT("1")}},
};
static const struct route named = {
    .name = STR_INIT("jason"),
    .match = {.path = {.kind = PATH_EXACT, .value = STR_INIT("/login")},
              .headers = (struct header_matcher *)header_matchers,
              .header_count = COUNT_OF(header_matchers),
              .queries = (struct query_matcher *)query_matchers,
              .query_count = 1}};
static const struct route nameless = {
    .index = 3, .match = {.path = {.kind = PATH_PREFIX, .value = STR_INIT("/api")}}};
static const struct route by_regex = {
    .name = STR_INIT("re"),
    .match = {.path = {.kind = PATH_REGEX, .value = STR_INIT("/r/.*"), .is_ignoring_case = true}}};
static const struct virtual_host host = {.name = STR_INIT("reviews:9080")};
static const struct endpoint endpoint = {.address = STR_INIT("127.1.1.1"), .port = 9080};
static const struct origin here = {STR_INIT("vs.yaml"), 7, 5};

struct row {
    struct trace_event event;
    const char *line; /* of a story of only this, without the newline */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        struct trace trace;
        struct buf out;
        arena_init(&arena, 4096, 0);
        buf_init(&out, 65536);
        trace_init(&trace, &arena, 0);
        *trace_add(&trace, rows[i].event.kind, 0) = rows[i].event;
        struct story_options options = {.profile = STR("istio-latest")};
        assert_int_equal(story_write(&trace, &options, &arena, &out), RC_OK);
        struct str got = str_slice(buf_str(&out), 0, buf_size(&out) - 1);
        if (!str_eq(got, str_of(rows[i].line)))
            print_message("got  \"%.*s\"\nnot  \"%s\"\n", STR_FMT(got), rows[i].line);
        assert_true(str_eq(got, str_of(rows[i].line)));
        buf_fini(&out);
        arena_fini(&arena);
    }
}

static void test_why_a_rule_does_not_match(void **state)
{
    (void)state;
    const struct row rows[] = {
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &named,
          .condition = CONDITION_PATH,
          .text = STR("/x"),
          .origin = here},
         "- rule jason  the path is /x, it must be /login   vs.yaml:7:5"},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &nameless,
          .condition = CONDITION_PATH,
          .text = STR("/x")},
         "- rule 3  the path is /x, it must begin with /api"},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &by_regex,
          .condition = CONDITION_PATH,
          .text = STR("/x")},
         "- rule re  the path is /x, it must match, as a whole, /r/.* (ignoring case)"},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &named,
          .condition = CONDITION_HEADER,
          .index = 0,
          .is_absent = true},
         "- rule jason  the header end-user is absent, it must be \"jason\""},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &named,
          .condition = CONDITION_HEADER,
          .index = 1,
          .text = STR("abc")},
         "- rule jason  the header x-no is \"abc\", it must not begin with \"a\""},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &named,
          .condition = CONDITION_HEADER,
          .index = 2,
          .text = STR("")},
         "- rule jason  the header x-re is \"\", it must match /[0-9]+/ as a whole"},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &named,
          .condition = CONDITION_HEADER,
          .index = 3,
          .is_absent = true},
         "- rule jason  the header x-there is absent, it must be there"},
        {{.kind = TRACE_ROUTE_REJECTED,
          .route = &named,
          .condition = CONDITION_QUERY,
          .text = STR("2")},
         "- rule jason  the query's q is \"2\", it must be \"1\""},
        {{.kind = TRACE_ROUTE_REJECTED, .route = &named, .condition = CONDITION_GRPC},
         "- rule jason  the request is not gRPC"},
    };
    check(rows, COUNT_OF(rows));
}

static void test_what_a_rule_makes_of_a_request(void **state)
{
    (void)state;
    const struct row rows[] = {
        {{.kind = TRACE_REQUEST, .text = STR("GET"), .other = STR("a/b")}, "  GET  a/b"},
        {{.kind = TRACE_NORMALIZED, .text = STR("/a/../b"), .other = STR("/b")},
         "  path  normalized from /a/../b to /b"},
        {{.kind = TRACE_VIRTUAL_HOST, .virtual_host = &host, .text = STR("reviews")},
         "  virtual host  reviews:9080, by its domain \"reviews\""},
        {{.kind = TRACE_NO_VIRTUAL_HOST, .text = STR("x")},
         "! virtual host  none has the domain \"x\""},
        {{.kind = TRACE_ROUTE_CHOSEN, .route = &named}, "+ rule jason  matches"},
        {{.kind = TRACE_NO_ROUTE, .text = STR("/x")}, "! rule  none matches /x"},
        {{.kind = TRACE_CLUSTER_CHOSEN, .text = STR("c")}, "> cluster  c"},
        {{.kind = TRACE_CLUSTER_CHOSEN, .text = STR("c"), .number = 95, .total = 100},
         "> cluster  c (drew 95 of 100)"},
        {{.kind = TRACE_CLUSTER_MISSING, .text = STR("c")},
         "! cluster  does not exist: no such host, port or subset in the mesh"},
        {{.kind = TRACE_HEADER_MUTATED, .text = STR("x"), .other = STR("y"), .number = 1},
         "  header  x: y is set on the request"},
        {{.kind = TRACE_HEADER_MUTATED, .text = STR("x"), .other = STR("y"), .index = 1},
         "  header  x: y is added on the response"},
        {{.kind = TRACE_HEADER_MUTATED, .text = STR("x"), .number = 2, .index = 1},
         "  header  x is taken off the response"},
        {{.kind = TRACE_PATH_REWRITTEN, .text = STR("/a"), .other = STR("/b")},
         "  path  rewritten from /a to /b"},
        {{.kind = TRACE_HOST_REWRITTEN, .text = STR("a"), .other = STR("b")},
         "  host  rewritten from a to b"},
        {{.kind = TRACE_REDIRECTED, .text = STR("http://a/b"), .number = 301},
         "> redirect  301 to http://a/b"},
        {{.kind = TRACE_ANSWERED_DIRECTLY, .number = 418}, "> direct answer  418"},
        {{.kind = TRACE_TIMEOUT_ARMED, .number = 2 * NS_SECOND, .origin = here},
         "  timeout  2s   vs.yaml:7:5"},
        {{.kind = TRACE_TIMEOUT_ARMED, .number = 15 * NS_SECOND},
         "  timeout  15s   default of profile istio-latest"},
    };
    check(rows, COUNT_OF(rows));
}

static void test_endpoints_attempts_and_ends(void **state)
{
    (void)state;
    const struct row rows[] = {
        {{.kind = TRACE_ENDPOINT_PICKED, .endpoint = &endpoint, .number = 2},
         "  endpoint  127.1.1.1:9080, one of 2 usable"},
        {{.kind = TRACE_NO_ENDPOINT}, "! endpoint  the cluster has none: no pod has the labels"},
        {{.kind = TRACE_NO_ENDPOINT, .total = 3}, "! endpoint  none of 3 is usable"},
        {{.kind = TRACE_NO_ENDPOINT, .total = 3, .index = 2},
         "! endpoint  none of 3 is usable: outlier detection has ejected 2"},
        {{.kind = TRACE_EJECTED,
          .endpoint = &endpoint,
          .text = STR("consecutive_5xx"),
          .number = 30 * NS_SECOND,
          .origin = here},
         "! outlier  127.1.1.1:9080 is ejected for 30s: consecutive_5xx   vs.yaml:7:5"},
        {{.kind = TRACE_EJECTED, .endpoint = &endpoint, .text = STR("success_rate")},
         "! outlier  127.1.1.1:9080: success_rate is noticed, not enforced"},
        {{.kind = TRACE_ATTEMPT_OPENED, .index = 1, .endpoint = &endpoint},
         "  attempt 1  to 127.1.1.1:9080"},
        {{.kind = TRACE_ATTEMPT_CONNECTED, .index = 1}, "  attempt 1  on a new connection"},
        {{.kind = TRACE_ATTEMPT_CONNECTED, .index = 1, .number = 1},
         "  attempt 1  on a connection that was kept"},
        {{.kind = TRACE_RESPONSE, .index = 1, .number = 200}, "  attempt 1  answered 200"},
        {{.kind = TRACE_CUT}, "! response  was begun and cannot be ended: the connection is cut"},
        {{.kind = TRACE_CLIENT_GONE}, "! client  has gone"},
        {{.kind = TRACE_TIMEOUT_FIRED, .number = 15 * NS_SECOND},
         "! timeout  15s have passed   default of profile istio-latest"},
        {{.kind = TRACE_LOCAL_REPLY, .number = 301, .reason = REASON_DIRECT_RESPONSE},
         "  proxy  answers 301 by itself: the route answers by itself"},
        {{.kind = TRACE_FINISHED, .number = 200, .text = STR("via_upstream")},
         "  end  200 via_upstream"},
    };
    check(rows, COUNT_OF(rows));
}

/* --- whole stories ------------------------------------------------------------ */

static void sample_trace(struct trace *trace)
{
    trace_add(trace, TRACE_REQUEST, 0)->text = STR("GET");
    struct trace_event *event = trace_add(trace, TRACE_ROUTE_CHOSEN, 0);
    event->route = &named;
    event->origin = here;
    event = trace_add(trace, TRACE_ENDPOINT_PICKED, 0);
    event->endpoint = &endpoint;
    event->number = 1;
    event = trace_add(trace, TRACE_ATTEMPT_OPENED, 0);
    event->index = 1;
    event->endpoint = &endpoint;
    event = trace_add(trace, TRACE_RESPONSE, 1500 * NS_MS);
    event->index = 1;
    event->number = 200;
    trace_add(trace, TRACE_FINISHED, 1500 * NS_MS)->number = 200;
}

static void test_a_framed_story_is_aligned_and_says_nothing_twice(void **state)
{
    (void)state;
    struct arena arena;
    struct trace trace;
    struct buf out;
    arena_init(&arena, 4096, 0);
    buf_init(&out, 65536);
    trace_init(&trace, &arena, 0);
    sample_trace(&trace);
    struct story_lead lead = {.subject = STR("listener"), .words = STR("0.0.0.0_80")};
    struct story_options options = {.indent = STR(".."), .is_framed = true, .lead = &lead};
    assert_int_equal(story_write(&trace, &options, &arena, &out), RC_OK);
    static const char want[] = "..  listener    0.0.0.0_80\n"
                               "..+ rule jason  matches   vs.yaml:7:5\n"
                               "..  endpoint    127.1.1.1:9080, one of 1 usable\n"
                               "..  attempt 1   answered 200 after 1.5s\n";
    if (!str_eq(buf_str(&out), str_of(want)))
        print_message("%.*s", STR_FMT(buf_str(&out)));
    assert_true(str_eq(buf_str(&out), str_of(want)));
    buf_fini(&out);
    arena_fini(&arena);
}

static void test_without_a_trace_there_is_only_the_lead(void **state)
{
    (void)state;
    struct arena arena;
    struct buf out;
    arena_init(&arena, 4096, 0);
    buf_init(&out, 65536);
    struct story_lead lead = {.is_bad = true, .subject = STR("listener"), .words = STR("nobody")};
    struct story_options options = {.has_colour = true, .lead = &lead};
    assert_int_equal(story_write(NULL, &options, &arena, &out), RC_OK);
    assert_true(str_has_prefix(buf_str(&out), STR("\033[31m! listener  nobody\033[0m")));
    buf_fini(&out);
    arena_fini(&arena);
}

static void test_a_full_buffer_is_an_answer(void **state)
{
    (void)state;
    struct arena arena;
    struct trace trace;
    arena_init(&arena, 4096, 0);
    trace_init(&trace, &arena, 0);
    sample_trace(&trace);
    for (size_t max = 0; max < 60; max++) {
        struct buf out;
        struct story_options options = {0};
        buf_init(&out, max);
        assert_int_equal(story_write(&trace, &options, &arena, &out), RC_FULL);
        buf_fini(&out);
    }
    arena_fini(&arena);
}

static void test_events_that_were_not_kept_are_counted(void **state)
{
    (void)state;
    struct arena arena;
    struct trace trace;
    struct buf out;
    arena_init(&arena, 4096, 0);
    buf_init(&out, 65536);
    trace_init(&trace, &arena, 2);
    sample_trace(&trace);
    struct story_options options = {0};
    assert_int_equal(story_write(&trace, &options, &arena, &out), RC_OK);
    assert_true(str_has_suffix(buf_str(&out), STR("  ... and 4 more\n")));
    buf_fini(&out);
    arena_fini(&arena);
}

static void test_json_has_every_event_with_its_place(void **state)
{
    (void)state;
    struct arena arena;
    struct trace trace;
    struct buf out;
    struct json json;
    struct json_value value;
    size_t where;
    arena_init(&arena, 4096, 0);
    buf_init(&out, 65536);
    trace_init(&trace, &arena, 0);
    sample_trace(&trace);
    json_init(&json, &out, 0);
    struct story_options options = {.profile = STR("p")};
    story_write_json(&trace, &options, &arena, &json);
    assert_int_equal(json_read(buf_str(&out), &arena, &value, &where), RC_OK);
    assert_int_equal(value.count, 6);
    assert_true(str_eq(json_get(&value.items[1], STR("kind"))->text, STR("route_chosen")));
    assert_true(str_eq(json_get(&value.items[1], STR("rule"))->text, STR("jason")));
    assert_true(json_get(&value.items[1], STR("line"))->number == 7);
    assert_true(json_get(&value.items[4], STR("atNs"))->number == 1.5e9);
    buf_fini(&out);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_why_a_rule_does_not_match),
        cmocka_unit_test(test_what_a_rule_makes_of_a_request),
        cmocka_unit_test(test_endpoints_attempts_and_ends),
        cmocka_unit_test(test_a_framed_story_is_aligned_and_says_nothing_twice),
        cmocka_unit_test(test_without_a_trace_there_is_only_the_lead),
        cmocka_unit_test(test_a_full_buffer_is_an_answer),
        cmocka_unit_test(test_events_that_were_not_kept_are_counted),
        cmocka_unit_test(test_json_has_every_event_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
