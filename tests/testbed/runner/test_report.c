/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_report.c - verdicts as text, TAP, JUnit and JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/ns.h"
#include "config/profile/profile.h"
#include "testbed/runner/report.h"

static const struct suite_test good = {.name = STR_INIT("all is <well>")};
static const struct suite_test bad = {.name = STR_INIT("it's 50% (or so)")};
static struct complaint complaints[] = {
    {.origin = {.file = STR_INIT("t.yaml"), .line = 7, .column = 3},
     .request = STR_INIT("GET a/x"),
     .where = STR_INIT("response.status"),
     .expected = STR_INIT("200"),
     .actual = STR_INIT("503 & \"more\"")},
    {.origin = {.file = STR_INIT("t.yaml"), .line = 8, .column = 3},
     .where = STR_INIT("distribution"),
     .expected = STR_INIT("v1: 90%"),
     .actual = STR_INIT("v1: 10%")},
};

struct page {
    struct arena arena;
    struct suite suite;
    struct trace trace;
    struct buf out;
    struct report report;
};

static const struct route route = {
    .name = STR_INIT("main"), .origin = {.file = STR_INIT("mesh.yaml"), .line = 12, .column = 5}};

static void page_trace(struct page *page)
{
    trace_init(&page->trace, &page->arena, 0);
    struct trace_event *event = trace_add(&page->trace, TRACE_ROUTE_CHOSEN, 0);
    event->route = &route;
    event->origin = route.origin;
}

/* Two tests: one that passed and one that did not. */
static struct str page_write(struct page *page, struct report report)
{
    arena_init(&page->arena, 4096, 0);
    buf_init(&page->out, 1 << 20);
    page->suite = (struct suite){.path = STR("dir/t.yaml"),
                                 .name = STR("a & b"),
                                 .seed = 42,
                                 .spec = {.profile = profile_default()}};
    page_trace(page);
    page->report = report;
    page->report.out = &page->out;
    page->report.engine_name = STR("sim");
    page->report.rerun = STR(" -f mesh/");
    struct test_result passed = {.test = &good, .status = TEST_PASSED, .request_count = 1};
    struct test_result failed = {.test = &bad,
                                 .status = TEST_FAILED,
                                 .request_count = 3,
                                 .complaints = {.items = complaints, .count = 2},
                                 .has_story = true,
                                 .story = {.trace = &page->trace, .record = {.route = &route}}};
    struct test_result broken = {
        .test = &good, .status = TEST_BROKEN, .why_broken = STR("no sockets")};
    report_begin(&page->report, 3);
    report_suite(&page->report, &page->suite, 3);
    report_test(&page->report, &page->suite, &passed, 5 * NS_MS);
    report_test(&page->report, &page->suite, &failed, 1500 * NS_MS);
    report_test(&page->report, &page->suite, &broken, 0);
    report_suite_end(&page->report);
    report_end(&page->report);
    return buf_str(&page->out);
}

static void page_fini(struct page *page)
{
    buf_fini(&page->out);
    arena_fini(&page->arena);
}

static void assert_has(struct str text, const char *part)
{
    if (!str_contains(text, str_of(part)))
        print_message("\"%s\" is not in:\n%.*s\n", part, STR_FMT(text));
    assert_true(str_contains(text, str_of(part)));
}

static void test_text_has_all_that_a_failure_needs(void **state)
{
    (void)state;
    struct page page;
    struct str text = page_write(&page, (struct report){.format = REPORT_TEXT});

    assert_has(text, "dir/t.yaml");
    assert_has(text, "ok   all is <well> (1 request, 5 ms)");
    assert_has(text, "FAIL it's 50% (or so) (3 requests, 1500 ms)");
    assert_has(text, "GET a/x\n");
    assert_has(text, "expected  200\n");
    assert_has(text, "actual    503 & \"more\"\n");
    assert_has(text, "at t.yaml:7:3");
    assert_has(text, "all together\n");
    assert_has(text, "the first failing request:");
    assert_has(text, "rule main");
    assert_has(text, "decided by mesh.yaml:12:5");
    assert_has(text, "again: pocketmesh test --engine sim --seed 42 -f mesh/ --filter '^it.s 50% "
                     "\\(or so\\)$' dir/t.yaml\n");
    assert_has(text, "no sockets");
    assert_true(str_has_suffix(text, STR("\n1 passed, 2 failed\n")));
    assert_int_equal(str_find(text, '\033'), STR_NONE);
    page_fini(&page);
}

static void test_quiet_text_is_failures_and_the_count(void **state)
{
    (void)state;
    struct page page;
    struct str text = page_write(&page, (struct report){.format = REPORT_TEXT, .is_quiet = true});
    assert_false(str_contains(text, STR("ok   ")));
    assert_has(text, "FAIL it's");
    assert_has(text, "1 passed, 2 failed\n");
    page_fini(&page);
}

static void test_colour_comes_only_when_asked(void **state)
{
    (void)state;
    struct page page;
    struct str text = page_write(&page, (struct report){.format = REPORT_TEXT, .has_colour = true});
    assert_has(text, "\033[31mFAIL\033[0m");
    page_fini(&page);
}

static void test_tap_has_a_plan_and_numbers(void **state)
{
    (void)state;
    struct page page;
    struct str text = page_write(&page, (struct report){.format = REPORT_TAP});
    assert_true(str_has_prefix(text, STR("TAP version 13\n1..3\nok 1 - a & b: all is <well>\n")));
    assert_has(text, "not ok 2 - a & b: it's 50% (or so)\n"
                     "# GET a/x response.status: expected 200, actual 503 & \"more\" (t.yaml:7)\n"
                     "# distribution: expected v1: 90%, actual v1: 10% (t.yaml:8)\n");
    assert_has(text, "not ok 3 - a & b: all is <well>\n# no sockets\n");
    page_fini(&page);
}

static void test_junit_is_xml(void **state)
{
    (void)state;
    struct page page;
    struct str text = page_write(&page, (struct report){.format = REPORT_JUNIT});
    assert_has(text, "<testsuite name=\"a &amp; b\" tests=\"3\"");
    assert_has(text, "<testcase classname=\"a &amp; b\" name=\"all is &lt;well&gt;\" "
                     "time=\"0.005\"/>");
    assert_has(text, "<failure message=\"response.status\">");
    assert_has(text, "actual 503 &amp; &quot;more&quot;");
    assert_has(text, "<failure message=\"no sockets\">");
    assert_true(str_has_suffix(text, STR("</testsuites>\n")));
    page_fini(&page);
}

static void test_json_reads_back(void **state)
{
    (void)state;
    struct page page;
    struct json_value value;
    size_t where;
    struct str text = page_write(&page, (struct report){.format = REPORT_JSON});
    assert_int_equal(json_read(text, &page.arena, &value, &where), RC_OK);
    assert_true(json_get(&value, STR("passed"))->number == 1);
    assert_true(json_get(&value, STR("failed"))->number == 2);
    const struct json_value *suite = &json_get(&value, STR("suites"))->items[0];
    const struct json_value *test = &json_get(suite, STR("tests"))->items[1];
    const struct json_value *failure = &json_get(test, STR("failures"))->items[0];
    assert_true(str_eq(json_get(failure, STR("actual"))->text, STR("503 & \"more\"")));
    assert_true(json_get(failure, STR("line"))->number == 7);
    assert_int_equal(json_get(test, STR("story"))->count, 1);
    page_fini(&page);
}

/* What could not be observed is neither passed nor failed, and said by name. */
static void test_what_is_not_observable_is_skipped_by_name(void **state)
{
    (void)state;
    static const struct {
        enum report_format format;
        const char *want;
    } rows[] = {
        {REPORT_TEXT, "skip all is <well> (1 request, 0 ms)\n      not observable: what; ever\n"},
        {REPORT_TEXT, "\n0 passed, 0 failed, 1 skipped (not observable)\n"},
        {REPORT_TAP, "ok 1 - a & b: all is <well> # SKIP not observable: what; ever\n"},
        {REPORT_JUNIT, "<skipped message=\"not observable: what; ever\"/>"},
        {REPORT_JSON, "\"notObservable\": \"what; ever\""},
        {REPORT_JSON, "\"skipped\": 1"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct suite suite = {.name = STR("a & b"), .spec = {.profile = profile_default()}};
        struct report report = {.format = rows[i].format, .out = &out};
        struct test_result unseen = {
            .test = &good, .status = TEST_UNSEEN, .request_count = 1, .unseen = STR("what; ever")};
        report_begin(&report, 1);
        report_suite(&report, &suite, 1);
        report_test(&report, &suite, &unseen, 0);
        report_suite_end(&report);
        report_end(&report);
        assert_has(buf_str(&out), rows[i].want);
        buf_fini(&out);
    }
}

/* A machine's report has no standard error beside it. */
static void test_warnings_stand_in_the_machines_reports(void **state)
{
    (void)state;
    static const struct {
        enum report_format format;
        const char *want;
    } rows[] = {
        {REPORT_TAP, "\n# mesh.yaml:3:5: warning: "},
        {REPORT_JUNIT, "<system-err>mesh.yaml:3:5: warning: "},
        {REPORT_JSON, "\"warnings\": [\n    \"mesh.yaml:3:5: warning: "},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        struct buf out;
        struct diag_list diags;
        struct origin origin = {.file = STR("mesh.yaml"), .line = 3, .column = 5};
        arena_init(&arena, 4096, 0);
        diag_list_init(&diags, &arena);
        for (uint32_t k = 0; k < 2; k++)
            diag_add(&diags, DIAG_KIND_NO_EFFECT, origin, STR_EMPTY, STR("Telemetry"), STR("a/b"),
                     STR_EMPTY);
        buf_init(&out, 1 << 20);
        struct report report = {.format = rows[i].format, .out = &out, .warnings = &diags};
        report_begin(&report, 0);
        report_end(&report);
        struct str text = buf_str(&out);
        assert_has(text, rows[i].want);
        size_t first = str_find_str(text, STR("Telemetry"));
        assert_true(str_find_str(str_from(text, first + 1), STR("Telemetry")) == STR_NONE);
        buf_fini(&out);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_has_all_that_a_failure_needs),
        cmocka_unit_test(test_quiet_text_is_failures_and_the_count),
        cmocka_unit_test(test_colour_comes_only_when_asked),
        cmocka_unit_test(test_tap_has_a_plan_and_numbers),
        cmocka_unit_test(test_junit_is_xml),
        cmocka_unit_test(test_json_reads_back),
        cmocka_unit_test(test_what_is_not_observable_is_skipped_by_name),
        cmocka_unit_test(test_warnings_stand_in_the_machines_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
