/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/test.c - `pocketmesh test`: RouteTest files to verdicts.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/ns.h"
#include "cli/command.h"
#include "cli/words.h"
#include "config/translate/observe.h"
#include "testbed/runner/report.h"
#include "testbed/runner/run.h"
#include "testbed/runner/suite.h"
#include "testbed/world/files.h"

#define REPORT_BYTES_MAX (256u << 20)
/* Of a name in progress: a line must not wrap. */
#define PROGRESS_BYTES 60u

struct test_job {
    struct words words;
    struct str filter_text;
    struct regex_set regexes;
    const struct regex *filter;
    struct str log_text;
    const struct access_log_format *log; /* of --access-log; NULL: none */
    struct documents manifests;
    struct suite *suites;
    uint32_t suite_count, suite_capacity;
    bool is_bad; /* one of them cannot be run */
    struct report report;
    struct buf out;
    uint32_t test_count;
    bool has_progress;
};

static void take_filter(void *user, struct str value)
{
    struct test_job *job = user;
    job->filter_text = value;
}

static void take_log(void *user, struct str value)
{
    struct test_job *job = user;
    job->log_text = value;
}

/* A name, a text, or a JSON object. */
static bool take_log_format(struct test_job *job)
{
    enum access_log_encoding encoding = ACCESS_LOG_TEXT;
    struct access_log_error error;
    struct str text = job->log_text;
    if (text.len == 0)
        return true;
    if (str_eq(text, STR("json")) || text.ptr[0] == '{')
        encoding = ACCESS_LOG_JSON;
    if (str_eq(text, STR("istio")) || str_eq(text, STR("json")))
        text = observe_default_format(encoding);
    else if (str_eq(text, STR("envoy")))
        text = ACCESS_LOG_ENVOY_TEXT;
    job->log = access_log_format_new(encoding, text, &job->words.arena, &error);
    if (job->log == NULL)
        words_complain(&job->words, "--access-log, byte %zu: %.*s", error.at, STR_FMT(error.what));
    return job->log != NULL;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_SECOND + now.tv_nsec;
}

static bool is_route_test(const struct node *document)
{
    const struct node *kind = node_get(document, STR("kind"));
    return kind != NULL && str_eq(kind->text, STR("RouteTest"));
}

static void add_suite(struct test_job *job, const struct documents *documents, struct str path)
{
    struct suite_options options = {.manifests = &job->manifests,
                                    .profile = job->words.profile,
                                    .has_seed = job->words.has_seed,
                                    .seed = job->words.seed};
    struct suite *suite =
        ARENA_PUSH(&job->words.arena, job->suites, job->suite_count, job->suite_capacity);
    job->is_bad |=
        !suite_of(documents, path, &options, &job->words.arena, suite, &job->words.diags);
}

/* The documents of one file, which stand together. */
static struct documents documents_of_file(const struct documents *all, uint32_t first)
{
    struct documents out = {.items = all->items + first};
    struct str file = all->items[first]->origin.file;
    while (first + out.count < all->count &&
           str_eq(all->items[first + out.count]->origin.file, file))
        out.count++;
    return out;
}

/* A file must be a RouteTest; of a folder or a pattern, those that are. */
static void add_path(struct test_job *job, struct str path)
{
    struct documents all = {0};
    uint32_t errors_before = job->words.diags.error_count;
    uint32_t suites_before = job->suite_count;
    files_read(path, STR_EMPTY, &job->words.arena, &all, &job->words.diags);
    if (job->words.diags.error_count > errors_before) {
        job->is_bad = true;
        return;
    }
    for (uint32_t i = 0; i < all.count;) {
        struct documents one = documents_of_file(&all, i);
        if (one.count == all.count || is_route_test(one.items[0]))
            add_suite(job, &one, one.items[0]->origin.file);
        i += one.count;
    }
    if (job->suite_count == suites_before)
        job->is_bad |=
            words_complain(&job->words, "%.*s has no RouteTest files", STR_FMT(path)) != 0;
}

static bool read_suites(struct test_job *job)
{
    for (uint32_t i = 0; i < job->words.plain_count; i++)
        add_path(job, job->words.plain[i]);
    return !words_report(&job->words) && !job->is_bad;
}

static uint32_t wanted_count(const struct test_job *job, const struct suite *suite)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < suite->test_count; i++)
        count += run_is_wanted(&suite->tests[i], job->filter);
    return count;
}

/* What is under way, on a terminal; it goes when the verdict is there. */
static void show_progress(const struct test_job *job, struct str name)
{
    uint32_t done_count = job->report.passed_count + job->report.failed_count;
    if (job->has_progress)
        fprintf(stderr, "\r\033[K  %u of %u  %.*s", done_count + 1, job->test_count,
                (int)(name.len < PROGRESS_BYTES ? name.len : PROGRESS_BYTES), name.ptr);
}

static void hide_progress(const struct test_job *job)
{
    if (job->has_progress)
        fputs("\r\033[K", stderr);
}

static void run_suite(struct test_job *job, const struct suite *suite)
{
    uint32_t count = wanted_count(job, suite);
    if (count == 0)
        return;
    report_suite(&job->report, suite, count);
    struct run_options options = {.engine = job->words.is_live ? RUN_LIVE : RUN_SIM,
                                  .diags = &job->words.diags,
                                  .log = job->log};
    for (uint32_t i = 0; i < suite->test_count; i++) {
        if (!run_is_wanted(&suite->tests[i], job->filter))
            continue;
        struct test_result result;
        int64_t started_ns = now_ns();
        show_progress(job, suite->tests[i].name);
        test_result_of(suite, &suite->tests[i], &options, &result);
        hide_progress(job);
        (void)words_report(&job->words);
        report_test(&job->report, suite, &result, now_ns() - started_ns);
        if (job->words.is_verbose && i == 0 && result.world != NULL)
            words_ignored(mesh_ignored_count(result.world->mesh));
        test_result_fini(&result);
        if (job->report.format == REPORT_TEXT)
            (void)words_write(&job->out);
    }
    report_suite_end(&job->report);
}

static int run_all(struct test_job *job)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->suite_count; i++)
        count += wanted_count(job, &job->suites[i]);
    if (count == 0)
        return words_complain(&job->words,
                              "no test has a name that matches \"%.*s\": nothing to do",
                              STR_FMT(job->filter_text));
    buf_init(&job->out, REPORT_BYTES_MAX);
    job->report.out = &job->out;
    job->report.has_colour = words_has_colour(&job->words, stdout);
    job->test_count = count;
    job->has_progress = !job->words.is_quiet && isatty(STDERR_FILENO) != 0;
    job->report.is_quiet = job->words.is_quiet;
    job->report.engine_name = job->words.is_live ? STR("live") : STR("sim");
    job->report.rerun = job->words.rerun;
    report_begin(&job->report, count);
    for (uint32_t i = 0; i < job->suite_count; i++)
        run_suite(job, &job->suites[i]);
    report_end(&job->report);
    bool is_written = words_write(&job->out);
    buf_fini(&job->out);
    if (!is_written)
        return EXIT_CODE_SURROUNDINGS;
    if (job->words.diags.error_count > 0)
        return EXIT_CODE_INPUT;
    return job->report.failed_count > 0 ? EXIT_CODE_NO : EXIT_CODE_FINE;
}

static bool take_format(struct test_job *job)
{
    static const char *const NAMES[] = {"text", "tap", "junit", "json"};
    if (job->words.output.len == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (str_eq(job->words.output, str_of(NAMES[i]))) {
            job->report.format = (enum report_format)i;
            return true;
        }
    }
    words_complain(&job->words, "-o is text, tap, junit or json, not \"%.*s\"",
                   STR_FMT(job->words.output));
    return false;
}

static bool take_regex(struct test_job *job)
{
    if (job->filter_text.len == 0)
        return true;
    struct str why;
    job->filter = regex_new(&job->regexes, job->filter_text, &job->words.arena, &why);
    if (job->filter == NULL)
        words_complain(&job->words, "--filter is no regular expression: %.*s", STR_FMT(why));
    return job->filter != NULL;
}

static int run_job(struct test_job *job)
{
    if (job->words.plain_count == 0)
        return words_complain(&job->words, "name at least one RouteTest file or folder");
    if (!take_format(job) || !take_regex(job) || !take_log_format(job))
        return EXIT_CODE_INPUT;
    words_documents(&job->words, &job->manifests);
    int code = read_suites(job) ? run_all(job) : EXIT_CODE_INPUT;
    for (uint32_t i = 0; i < job->suite_count; i++)
        suite_fini(&job->suites[i]);
    return code;
}

int cmd_test(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {{"--filter", true, take_filter},
                                                  {"--access-log", true, take_log}};
    struct test_job job = {0};
    words_init(&job.words, "test");
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    regex_set_free(&job.regexes);
    words_fini(&job.words);
    return code;
}
