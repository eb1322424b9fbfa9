/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/test.c - `pocketmesh test`: RouteTest files to verdicts.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/command.h"
#include "cli/envoy_find.h"
#include "cli/words.h"
#include "config/translate/observe.h"
#include "testbed/runner/crew.h"
#include "testbed/runner/report.h"
#include "testbed/runner/route_case.h"
#include "testbed/runner/run.h"
#include "testbed/runner/suite.h"
#include "testbed/sockets/envoy.h"
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
    const char *envoy;                   /* of --engine envoy: its path */
    struct documents manifests;
    struct suite *suites;
    uint32_t suite_count, suite_capacity;
    bool is_bad; /* one of them cannot be run */
    struct report report;
    struct buf out;
    uint32_t test_count;
    bool has_progress;
    struct str jobs_text;
    uint64_t worker_count; /* tests at once */
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

static void take_jobs(void *user, struct str value)
{
    ((struct test_job *)user)->jobs_text = value;
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
    bool is_good =
        route_case_is_file(documents)
            ? route_case_suite(documents, path, &options, &job->words.arena, suite,
                               &job->words.diags)
            : suite_of(documents, path, &options, &job->words.arena, suite, &job->words.diags);
    job->is_bad |= !is_good;
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

/* A file must be a RouteTest, or have testCases; of a folder or a pattern, those that
 * do. */
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
        if (one.count == all.count || is_route_test(one.items[0]) || route_case_is_file(&one))
            add_suite(job, &one, one.items[0]->origin.file);
        i += one.count;
    }
    if (job->suite_count == suites_before)
        job->is_bad |=
            words_complain(&job->words, "%.*s has no RouteTest files, and none with testCases",
                           STR_FMT(path)) != 0;
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
    uint32_t done_count =
        job->report.passed_count + job->report.failed_count + job->report.unseen_count;
    if (job->has_progress)
        fprintf(stderr, "\r\033[K  %u of %u  %.*s", done_count + 1, job->test_count,
                (int)(name.len < PROGRESS_BYTES ? name.len : PROGRESS_BYTES), name.ptr);
}

static void hide_progress(const struct test_job *job)
{
    if (job->has_progress)
        fputs("\r\033[K", stderr);
}

static void take_diags(struct test_job *job, const struct diag_list *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct diag *diag = &from->items[i];
        diag_add(&job->words.diags, diag->id, diag->origin, diag->path, diag->args[0],
                 diag->args[1], diag->args[2]);
    }
    (void)words_report(&job->words);
}

static void report_item(struct test_job *job, struct crew_item *item, bool is_first)
{
    take_diags(job, &item->diags);
    report_test(&job->report, item->suite, &item->result, item->took_ns);
    if (job->words.is_verbose && is_first && item->result.world != NULL)
        words_ignored(mesh_ignored_count(item->result.world->mesh));
    test_result_fini(&item->result);
    if (job->report.format == REPORT_TEXT)
        (void)words_write(&job->out);
}

/* Every wanted test of all suites, in their order. */
static struct crew_item *list_items(struct test_job *job, uint32_t count)
{
    struct crew_item *items = ARENA_ARRAY(&job->words.arena, struct crew_item, count);
    uint32_t at = 0;
    for (uint32_t i = 0; i < job->suite_count; i++) {
        const struct suite *suite = &job->suites[i];
        for (uint32_t k = 0; k < suite->test_count; k++) {
            if (run_is_wanted(&suite->tests[k], job->filter))
                items[at++] = (struct crew_item){.suite = suite, .test = &suite->tests[k]};
        }
    }
    ASSERT(at == count);
    return items;
}

static void run_items(struct test_job *job, struct crew_item *items, uint32_t count)
{
    struct run_options options = {.engine = job->words.is_envoy  ? RUN_ENVOY
                                            : job->words.is_live ? RUN_LIVE
                                                                 : RUN_SIM,
                                  .log = job->log,
                                  .envoy = job->envoy};
    struct crew *crew = crew_new(items, count, &options, (uint32_t)job->worker_count);
    for (uint32_t i = 0; i < count; i++) {
        bool is_first = i == 0 || items[i].suite != items[i - 1].suite;
        bool is_last = i + 1 == count || items[i].suite != items[i + 1].suite;
        if (is_first)
            report_suite(&job->report, items[i].suite, wanted_count(job, items[i].suite));
        show_progress(job, items[i].test->name);
        struct crew_item *item = crew_take(crew, i);
        hide_progress(job);
        report_item(job, item, is_first);
        if (is_last)
            report_suite_end(&job->report);
    }
    crew_free(crew);
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
    job->report.engine_name = job->words.is_envoy  ? STR("envoy")
                              : job->words.is_live ? STR("live")
                                                   : STR("sim");
    job->report.rerun = job->words.rerun;
    report_begin(&job->report, count);
    run_items(job, list_items(job, count), count);
    job->report.warnings = &job->words.diags;
    report_end(&job->report);
    bool is_written = words_write(&job->out);
    buf_fini(&job->out);
    if (!is_written)
        return EXIT_CODE_SURROUNDINGS;
    if (job->words.diags.error_count > 0)
        return EXIT_CODE_INPUT;
    if (job->report.failed_count > 0)
        return EXIT_CODE_NO;
    return job->words.is_strict && job->report.unseen_count > 0 ? EXIT_CODE_UNSEEN : EXIT_CODE_FINE;
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

/* A real Envoy, which ends when we do. */
static bool take_envoy(struct test_job *job)
{
    struct str why;
    job->envoy = envoy_find(&job->words.arena, &why);
    if (job->envoy != NULL)
        envoys_end_on_signals();
    else
        words_complain(&job->words, "%.*s", STR_FMT(why));
    return job->envoy != NULL;
}

static int run_job(struct test_job *job)
{
    if (job->words.plain_count == 0)
        return words_complain(&job->words, "name at least one RouteTest file or folder");
    if (job->jobs_text.len > 0 &&
        (!str_to_u64(job->jobs_text, CREW_MAX, &job->worker_count) || job->worker_count == 0))
        return words_complain(&job->words, "--jobs is a number from 1 to %u, not \"%.*s\"",
                              CREW_MAX, STR_FMT(job->jobs_text));
    if (!take_format(job) || !take_regex(job) || !take_log_format(job))
        return EXIT_CODE_INPUT;
    if (job->words.is_envoy && job->log != NULL)
        return words_complain(&job->words, "--access-log is of --engine sim and live");
    if (job->words.is_envoy && !take_envoy(job))
        return EXIT_CODE_SURROUNDINGS;
    words_documents(&job->words, &job->manifests);
    int code = read_suites(job) ? run_all(job) : EXIT_CODE_INPUT;
    for (uint32_t i = 0; i < job->suite_count; i++)
        suite_fini(&job->suites[i]);
    return code;
}

int cmd_test(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {{"--filter", .take = take_filter},
                                                  {"--access-log", .take = take_log},
                                                  {"--jobs", .take = take_jobs}};
    struct test_job job = {.worker_count = 1};
    words_init(&job.words, "test");
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    regex_set_free(&job.regexes);
    words_fini(&job.words);
    return code;
}
