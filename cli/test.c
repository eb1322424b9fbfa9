/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/test.c - `pocketmesh test`: RouteTest files to verdicts.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "base/ns.h"
#include "cli/command.h"
#include "cli/words.h"
#include "testbed/runner/report.h"
#include "testbed/runner/run.h"
#include "testbed/runner/suite.h"

#define REPORT_BYTES_MAX (256u << 20)

struct test_job {
    struct words words;
    struct str filter_text;
    struct regex_set regexes;
    const struct regex *filter;
    struct documents manifests;
    struct str *paths; /* files, folders unfolded */
    uint32_t path_count, path_capacity;
    struct suite *suites;
    struct report report;
    struct buf out;
};

static void take_filter(void *user, struct str value)
{
    struct test_job *job = user;
    job->filter_text = value;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_SECOND + now.tv_nsec;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_yaml_name(struct str name)
{
    return str_has_suffix(name, STR(".yaml")) || str_has_suffix(name, STR(".yml"));
}

/* A folder's files; which of them are RouteTests is seen when they are read. */
static void add_path(struct test_job *job, struct str path)
{
    struct arena *arena = &job->words.arena;
    struct stat status;
    struct str copy = arena_str(arena, path);
    if (stat(copy.ptr, &status) != 0 || !S_ISDIR(status.st_mode)) {
        *ARENA_PUSH(arena, job->paths, job->path_count, job->path_capacity) = copy;
        return;
    }
    struct dirent **entries = NULL;
    int count = scandir(copy.ptr, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        struct str name = str_of(entries[i]->d_name);
        if (is_yaml_name(name))
            *ARENA_PUSH(arena, job->paths, job->path_count, job->path_capacity) =
                arena_format(arena, "%.*s/%.*s", STR_FMT(copy), STR_FMT(name));
        free(entries[i]);
    }
    free(entries);
    if (count <= 0)
        words_complain(&job->words, "the folder %.*s has no RouteTest files", STR_FMT(path));
}

static bool read_suites(struct test_job *job)
{
    struct suite_options options = {.manifests = &job->manifests,
                                    .profile = job->words.profile,
                                    .has_seed = job->words.has_seed,
                                    .seed = job->words.seed};
    job->suites = ARENA_ARRAY(&job->words.arena, struct suite, job->path_count);
    bool is_good = true;
    for (uint32_t i = 0; i < job->path_count; i++)
        is_good &= suite_read(job->paths[i], &options, &job->words.arena, &job->suites[i],
                              &job->words.diags);
    return !words_report(&job->words) && is_good;
}

static uint32_t wanted_count(const struct test_job *job, const struct suite *suite)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < suite->test_count; i++)
        count += run_is_wanted(&suite->tests[i], job->filter);
    return count;
}

static void run_suite(struct test_job *job, const struct suite *suite)
{
    uint32_t count = wanted_count(job, suite);
    if (count == 0)
        return;
    report_suite(&job->report, suite, count);
    struct run_options options = {.engine = job->words.is_live ? RUN_LIVE : RUN_SIM,
                                  .diags = &job->words.diags};
    for (uint32_t i = 0; i < suite->test_count; i++) {
        if (!run_is_wanted(&suite->tests[i], job->filter))
            continue;
        struct test_result result;
        int64_t started_ns = now_ns();
        run_test(suite, &suite->tests[i], &options, &result);
        (void)words_report(&job->words);
        report_test(&job->report, suite, &result, now_ns() - started_ns);
        run_test_fini(&result);
        if (job->report.format == REPORT_TEXT)
            (void)words_write(&job->out);
    }
    report_suite_end(&job->report);
}

static int run_all(struct test_job *job)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->path_count; i++)
        count += wanted_count(job, &job->suites[i]);
    if (count == 0)
        return words_complain(&job->words,
                              "no test has a name that matches \"%.*s\": nothing to do",
                              STR_FMT(job->filter_text));
    buf_init(&job->out, REPORT_BYTES_MAX);
    job->report.out = &job->out;
    job->report.has_colour = words_has_colour(&job->words, stdout);
    job->report.is_quiet = job->words.is_quiet;
    job->report.engine_name = job->words.is_live ? STR("live") : STR("sim");
    job->report.rerun = job->words.rerun;
    report_begin(&job->report, count);
    for (uint32_t i = 0; i < job->path_count; i++)
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
    for (uint32_t i = 0; i < job->words.plain_count; i++)
        add_path(job, job->words.plain[i]);
    if (job->words.is_wrong || !take_format(job) || !take_regex(job))
        return EXIT_CODE_INPUT;
    words_documents(&job->words, &job->manifests);
    int code = read_suites(job) ? run_all(job) : EXIT_CODE_INPUT;
    for (uint32_t i = 0; i < job->path_count; i++)
        suite_fini(&job->suites[i]);
    return code;
}

int cmd_test(int argc, char **argv)
{
    static const struct words_option OPTIONS[] = {{"--filter", true, take_filter}};
    struct test_job job = {0};
    words_init(&job.words, "test");
    int code = EXIT_CODE_INPUT;
    if (words_read(&job.words, argc, argv, OPTIONS, COUNT_OF(OPTIONS), &job))
        code = run_job(&job);
    regex_set_free(&job.regexes);
    words_fini(&job.words);
    return code;
}
