/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/report.c - verdicts in four formats.
 */
#include "testbed/runner/report.h"

#include "base/check.h"
#include "base/map.h"
#include "base/ns.h"
#include "config/resource/label.h"
#include "testbed/inspect/story.h"

#define WARNING_BYTES_MAX (64u * 1024)

/* The buffer of a report has no limit worth a reader's patience. */
#define MUST(call) ASSERT((call) == RC_OK)

static const char *colour(const struct report *report, const char *code)
{
    return report->has_colour ? code : "";
}

/* --- text ------------------------------------------------------------------ */

static void text_complaint(struct report *report, const struct complaint *complaint,
                           struct str request_before)
{
    bool is_new = !str_eq(complaint->request, request_before);
    if (is_new && complaint->request.len > 0)
        MUST(buf_format(report->out, "      %s%.*s%s\n", colour(report, "\033[1m"),
                        STR_FMT(complaint->request), colour(report, "\033[0m")));
    else if (is_new)
        MUST(buf_format(report->out, "      %sall together%s\n", colour(report, "\033[1m"),
                        colour(report, "\033[0m")));
    MUST(buf_format(report->out, "      %.*s\n", STR_FMT(complaint->where)));
    MUST(buf_format(report->out, "        expected  %s%.*s%s\n", colour(report, "\033[32m"),
                    STR_FMT(complaint->expected), colour(report, "\033[0m")));
    MUST(buf_format(report->out, "        actual    %s%.*s%s", colour(report, "\033[31m"),
                    STR_FMT(complaint->actual), colour(report, "\033[0m")));
    if (complaint->times > 1)
        MUST(buf_format(report->out, "  (%llu times)", (unsigned long long)complaint->times));
    MUST(buf_append(report->out, STR("\n")));
    if (complaint->origin.line != 0)
        MUST(buf_format(report->out, "        %sat %.*s:%u:%u%s\n", colour(report, "\033[2m"),
                        STR_FMT(complaint->origin.file), complaint->origin.line,
                        complaint->origin.column, colour(report, "\033[0m")));
}

/* The line that decided where the request went. */
static struct origin blame(const struct test_result *result)
{
    const struct record *record = &result->story.record;
    if (record->weighted != NULL)
        return record->weighted->origin;
    if (record->route != NULL)
        return record->route->origin;
    return record->virtual_host != NULL ? record->virtual_host->origin : (struct origin){0};
}

static void text_story(struct report *report, const struct suite *suite,
                       const struct test_result *result)
{
    struct arena scratch;
    arena_init(&scratch, 16 * 1024, 0);
    const struct profile *profile =
        result->test->profile != NULL ? result->test->profile : suite->spec.profile;
    struct story_options options = {.has_colour = report->has_colour,
                                    .indent = STR("        "),
                                    .world = result->world,
                                    .profile = profile->name};
    MUST(buf_format(report->out, "      the first failing request:\n"));
    MUST(story_write(result->story.trace, &options, &scratch, report->out));
    struct origin origin = blame(result);
    if (origin.line != 0)
        MUST(buf_format(report->out, "      decided by %.*s:%u:%u\n", STR_FMT(origin.file),
                        origin.line, origin.column));
    arena_fini(&scratch);
}

/* The name as --filter wants it. */
static void text_rerun(struct report *report, const struct suite *suite,
                       const struct test_result *result)
{
    MUST(buf_append(report->out, STR("      again: pocketmesh test")));
    if (!suite->is_static)
        MUST(buf_format(report->out, " --engine %.*s", STR_FMT(report->engine_name)));
    /* A matrix's seed is in the name, and would not be there if one were given. */
    if (!result->test->has_seed && !suite->is_static)
        MUST(buf_format(report->out, " --seed %llu", (unsigned long long)suite->seed));
    MUST(buf_format(report->out, "%.*s --filter '^", STR_FMT(report->rerun)));
    for (size_t i = 0; i < result->test->name.len; i++) {
        char c = result->test->name.ptr[i];
        bool is_special = str_find(STR("\\^$.[]|()?*+{}"), c) != STR_NONE;
        if (c == '\'')
            MUST(buf_append(report->out, STR(".")));
        else
            MUST(buf_format(report->out, "%s%c", is_special ? "\\" : "", c));
    }
    MUST(buf_format(report->out, "$' %.*s\n", STR_FMT(suite->path)));
}

static void text_test(struct report *report, const struct suite *suite,
                      const struct test_result *result, int64_t took_ns)
{
    bool is_passed = result->status == TEST_PASSED;
    if (is_passed && report->is_quiet && result->log_count == 0)
        return;
    bool is_unseen = result->status == TEST_UNSEEN;
    MUST(buf_format(report->out, "  %s%s%s %.*s %s(%llu request%s, %lld ms)%s\n",
                    colour(report, is_passed   ? "\033[32m"
                                   : is_unseen ? "\033[33m"
                                               : "\033[31m"),
                    is_passed   ? "ok  "
                    : is_unseen ? "skip"
                                : "FAIL",
                    colour(report, "\033[0m"), STR_FMT(result->test->name),
                    colour(report, "\033[2m"), (unsigned long long)result->request_count,
                    result->request_count == 1 ? "" : "s", (long long)(took_ns / NS_MS),
                    colour(report, "\033[0m")));
    for (uint32_t i = 0; i < result->log_count; i++)
        MUST(buf_format(report->out, "      %.*s\n", STR_FMT(result->log[i].text)));
    if (is_passed)
        return;
    if (is_unseen) {
        MUST(buf_format(report->out, "      not observable: %.*s\n", STR_FMT(result->unseen)));
        return;
    }
    if (result->status == TEST_BROKEN)
        MUST(buf_format(report->out, "      %.*s\n", STR_FMT(result->why_broken)));
    if (result->variant.len > 0)
        MUST(buf_format(report->out, "      %.*s\n", STR_FMT(result->variant)));
    struct str request = STR_EMPTY;
    for (uint32_t i = 0; i < result->complaints.count; i++) {
        text_complaint(report, &result->complaints.items[i], request);
        request = result->complaints.items[i].request;
    }
    if (result->complaints.dropped_count > 0)
        MUST(buf_format(report->out, "      ... and %u more\n", result->complaints.dropped_count));
    if (result->has_story)
        text_story(report, suite, result);
    text_rerun(report, suite, result);
}

/* --- tap ------------------------------------------------------------------- */

static void tap_test(struct report *report, const struct suite *suite,
                     const struct test_result *result)
{
    bool is_unseen = result->status == TEST_UNSEEN;
    bool is_ok = result->status == TEST_PASSED || is_unseen;
    MUST(buf_format(report->out, "%s %u - %.*s: %.*s", is_ok ? "ok" : "not ok",
                    report->passed_count + report->failed_count + report->unseen_count,
                    STR_FMT(suite->name), STR_FMT(result->test->name)));
    if (is_unseen)
        MUST(buf_format(report->out, " # SKIP not observable: %.*s", STR_FMT(result->unseen)));
    MUST(buf_append(report->out, STR("\n")));
    if (result->status == TEST_BROKEN)
        MUST(buf_format(report->out, "# %.*s\n", STR_FMT(result->why_broken)));
    if (!is_ok && result->variant.len > 0)
        MUST(buf_format(report->out, "# %.*s\n", STR_FMT(result->variant)));
    for (uint32_t i = 0; i < result->complaints.count; i++) {
        const struct complaint *complaint = &result->complaints.items[i];
        MUST(buf_format(report->out, "# %.*s%s%.*s: expected %.*s, actual %.*s (%.*s:%u)\n",
                        STR_FMT(complaint->request), complaint->request.len > 0 ? " " : "",
                        STR_FMT(complaint->where), STR_FMT(complaint->expected),
                        STR_FMT(complaint->actual), STR_FMT(complaint->origin.file),
                        complaint->origin.line));
    }
}

/* --- junit ----------------------------------------------------------------- */

static void xml_text(struct report *report, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '<')
            MUST(buf_append(report->out, STR("&lt;")));
        else if (c == '>')
            MUST(buf_append(report->out, STR("&gt;")));
        else if (c == '&')
            MUST(buf_append(report->out, STR("&amp;")));
        else if (c == '"')
            MUST(buf_append(report->out, STR("&quot;")));
        else if (c < 0x20 && c != '\n' && c != '\t')
            MUST(buf_append(report->out, STR("?")));
        else
            MUST(buf_append(report->out, str_slice(text, i, i + 1)));
    }
}

static void junit_test(struct report *report, const struct suite *suite,
                       const struct test_result *result, int64_t took_ns)
{
    MUST(buf_format(report->out, "    <testcase classname=\""));
    xml_text(report, suite->name);
    MUST(buf_format(report->out, "\" name=\""));
    xml_text(report, result->test->name);
    MUST(buf_format(report->out, "\" time=\"%lld.%03lld\"", (long long)(took_ns / NS_SECOND),
                    (long long)(took_ns / NS_MS % 1000)));
    if (result->status == TEST_PASSED) {
        MUST(buf_format(report->out, "/>\n"));
        return;
    }
    if (result->status == TEST_UNSEEN) {
        MUST(buf_format(report->out, ">\n      <skipped message=\"not observable: "));
        xml_text(report, result->unseen);
        MUST(buf_format(report->out, "\"/>\n    </testcase>\n"));
        return;
    }
    MUST(buf_format(report->out, ">\n      <failure message=\""));
    xml_text(report,
             result->complaints.count > 0 ? result->complaints.items[0].where : result->why_broken);
    MUST(buf_format(report->out, "\">"));
    for (uint32_t i = 0; i < result->complaints.count; i++) {
        const struct complaint *complaint = &result->complaints.items[i];
        xml_text(report, complaint->request);
        MUST(buf_format(report->out, "%s", complaint->request.len > 0 ? " " : ""));
        xml_text(report, complaint->where);
        MUST(buf_format(report->out, ": expected "));
        xml_text(report, complaint->expected);
        MUST(buf_format(report->out, ", actual "));
        xml_text(report, complaint->actual);
        MUST(buf_format(report->out, "\n"));
    }
    MUST(buf_format(report->out, "</failure>\n    </testcase>\n"));
}

/* --- json ------------------------------------------------------------------ */

static void json_log(struct json *json, const struct test_result *result)
{
    if (result->log_count == 0)
        return;
    json_key(json, STR("accessLog"));
    json_begin_array(json);
    for (uint32_t i = 0; i < result->log_count; i++) {
        json_begin_object(json);
        json_key_i64(json, STR("case"), result->log[i].case_index);
        json_key_str(json, STR("line"), result->log[i].text);
        json_end_object(json);
    }
    json_end_array(json);
}

static void json_test(struct report *report, const struct suite *suite,
                      const struct test_result *result, int64_t took_ns)
{
    struct json *json = &report->json;
    json_begin_object(json);
    json_key_str(json, STR("name"), result->test->name);
    json_key_bool(json, STR("passed"), result->status == TEST_PASSED);
    json_key_i64(json, STR("requests"), (int64_t)result->request_count);
    json_key_i64(json, STR("tookNs"), took_ns);
    json_key(json, STR("seed"));
    json_u64(json, suite->seed);
    if (result->status == TEST_BROKEN)
        json_key_str(json, STR("error"), result->why_broken);
    if (result->unseen.len > 0)
        json_key_str(json, STR("notObservable"), result->unseen);
    if (result->variant.len > 0)
        json_key_str(json, STR("variant"), result->variant);
    json_log(json, result);
    json_key(json, STR("failures"));
    json_begin_array(json);
    for (uint32_t i = 0; i < result->complaints.count; i++) {
        const struct complaint *complaint = &result->complaints.items[i];
        json_begin_object(json);
        if (complaint->request.len > 0)
            json_key_str(json, STR("request"), complaint->request);
        json_key_str(json, STR("where"), complaint->where);
        json_key_str(json, STR("expected"), complaint->expected);
        json_key_str(json, STR("actual"), complaint->actual);
        json_key(json, STR("times"));
        json_u64(json, complaint->times);
        json_key_str(json, STR("file"), complaint->origin.file);
        json_key_i64(json, STR("line"), complaint->origin.line);
        json_key_i64(json, STR("column"), complaint->origin.column);
        json_end_object(json);
    }
    json_end_array(json);
    if (result->has_story) {
        struct arena scratch;
        arena_init(&scratch, 16 * 1024, 0);
        struct story_options options = {.world = result->world,
                                        .profile = suite->spec.profile->name};
        json_key(json, STR("story"));
        story_write_json(result->story.trace, &options, &scratch, json);
        arena_fini(&scratch);
    }
    json_end_object(json);
}

/* --- the doors ------------------------------------------------------------- */

/* --- warnings ---------------------------------------------------------------- */

/* A line of each, in order of appearance. */
static struct text_list warning_lines(const struct report *report, struct arena *arena)
{
    struct text_list out = {0};
    struct map seen;
    map_init(&seen, arena);
    for (uint32_t i = 0; report->warnings != NULL && i < report->warnings->count; i++) {
        const struct diag *diag = &report->warnings->items[i];
        struct buf line;
        if (diag->severity != DIAG_WARNING)
            continue;
        buf_init(&line, WARNING_BYTES_MAX);
        MUST(diag_print(diag, false, &line));
        struct str text = arena_str(arena, str_trim(buf_str(&line)));
        if (map_set(&seen, text, i) == MAP_NONE)
            text_list_add(&out, text, arena);
        buf_fini(&line);
    }
    return out;
}

static void write_warnings(struct report *report)
{
    struct arena arena;
    arena_init(&arena, 16 * 1024, 0);
    struct text_list lines = warning_lines(report, &arena);
    if (report->format == REPORT_JSON) {
        json_key(&report->json, STR("warnings"));
        json_begin_array(&report->json);
    } else if (report->format == REPORT_JUNIT && lines.count > 0) {
        MUST(buf_format(report->out,
                        "  <testsuite name=\"warnings\" tests=\"0\">\n    <system-err>"));
    }
    for (uint32_t i = 0; i < lines.count; i++) {
        if (report->format == REPORT_JSON)
            json_str(&report->json, lines.items[i]);
        else if (report->format == REPORT_TAP)
            MUST(buf_format(report->out, "# %.*s\n", STR_FMT(lines.items[i])));
        else
            xml_text(report, arena_concat(&arena, lines.items[i], STR("\n")));
    }
    if (report->format == REPORT_JSON)
        json_end_array(&report->json);
    else if (report->format == REPORT_JUNIT && lines.count > 0)
        MUST(buf_format(report->out, "</system-err>\n  </testsuite>\n"));
    arena_fini(&arena);
}

void report_begin(struct report *report, uint32_t test_count)
{
    report->passed_count = report->failed_count = report->suite_count = 0;
    report->unseen_count = 0;
    switch (report->format) {
    case REPORT_TEXT:
        return;
    case REPORT_TAP:
        MUST(buf_format(report->out, "TAP version 13\n1..%u\n", test_count));
        return;
    case REPORT_JUNIT:
        MUST(buf_format(report->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"));
        return;
    case REPORT_JSON:
        json_init(&report->json, report->out, 2);
        json_begin_object(&report->json);
        json_key(&report->json, STR("suites"));
        json_begin_array(&report->json);
        return;
    }
    UNREACHABLE("report_format");
}

void report_suite(struct report *report, const struct suite *suite, uint32_t test_count)
{
    report->suite_count++;
    switch (report->format) {
    case REPORT_TEXT:
        if (!report->is_quiet && suite->is_static)
            MUST(buf_format(
                report->out, "%s%.*s%s  %stestCases: VirtualServices are read, not played%s\n",
                colour(report, "\033[1m"), STR_FMT(suite->path), colour(report, "\033[0m"),
                colour(report, "\033[2m"), colour(report, "\033[0m")));
        else if (!report->is_quiet)
            MUST(buf_format(report->out, "%s%.*s%s  %s%.*s, profile %.*s, seed %llu%s\n",
                            colour(report, "\033[1m"), STR_FMT(suite->path),
                            colour(report, "\033[0m"), colour(report, "\033[2m"),
                            STR_FMT(report->engine_name), STR_FMT(suite->spec.profile->name),
                            (unsigned long long)suite->seed, colour(report, "\033[0m")));
        return;
    case REPORT_TAP:
        return;
    case REPORT_JUNIT:
        MUST(buf_format(report->out, "  <testsuite name=\""));
        xml_text(report, suite->name);
        MUST(buf_format(report->out, "\" tests=\"%u\">\n", test_count));
        return;
    case REPORT_JSON:
        json_begin_object(&report->json);
        json_key_str(&report->json, STR("file"), suite->path);
        json_key_str(&report->json, STR("name"), suite->name);
        json_key_str(&report->json, STR("engine"),
                     suite->is_static ? STR("static") : report->engine_name);
        json_key(&report->json, STR("tests"));
        json_begin_array(&report->json);
        return;
    }
    UNREACHABLE("report_format");
}

void report_test(struct report *report, const struct suite *suite, const struct test_result *result,
                 int64_t took_ns)
{
    if (result->status == TEST_PASSED)
        report->passed_count++;
    else if (result->status == TEST_UNSEEN)
        report->unseen_count++;
    else
        report->failed_count++;
    switch (report->format) {
    case REPORT_TEXT:
        text_test(report, suite, result, took_ns);
        return;
    case REPORT_TAP:
        tap_test(report, suite, result);
        return;
    case REPORT_JUNIT:
        junit_test(report, suite, result, took_ns);
        return;
    case REPORT_JSON:
        json_test(report, suite, result, took_ns);
        return;
    }
    UNREACHABLE("report_format");
}

void report_suite_end(struct report *report)
{
    if (report->format == REPORT_JUNIT)
        MUST(buf_format(report->out, "  </testsuite>\n"));
    if (report->format == REPORT_JSON) {
        json_end_array(&report->json);
        json_end_object(&report->json);
    }
}

void report_end(struct report *report)
{
    switch (report->format) {
    case REPORT_TEXT:
        MUST(buf_format(report->out, "%s%u passed, %u failed",
                        colour(report, report->failed_count == 0 ? "\033[32m" : "\033[31m"),
                        report->passed_count, report->failed_count));
        if (report->unseen_count > 0)
            MUST(buf_format(report->out, ", %u skipped (not observable)", report->unseen_count));
        MUST(buf_format(report->out, "%s\n", colour(report, "\033[0m")));
        return;
    case REPORT_TAP:
        write_warnings(report);
        return;
    case REPORT_JUNIT:
        write_warnings(report);
        MUST(buf_format(report->out, "</testsuites>\n"));
        return;
    case REPORT_JSON:
        json_end_array(&report->json);
        json_key_i64(&report->json, STR("passed"), report->passed_count);
        json_key_i64(&report->json, STR("failed"), report->failed_count);
        if (report->unseen_count > 0)
            json_key_i64(&report->json, STR("skipped"), report->unseen_count);
        write_warnings(report);
        json_end_object(&report->json);
        MUST(buf_append(report->out, STR("\n")));
        return;
    }
    UNREACHABLE("report_format");
}
