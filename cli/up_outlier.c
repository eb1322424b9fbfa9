/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up_outlier.c - the outlier log of `pocketmesh up`: a line for each ejection, as
 * Envoy's event_log_path has it.
 */
#include "base/buf.h"
#include "cli/up.h"
#include "proxy/core/outlier_log.h"
#include "proxy/live/log_sink.h"

struct up_outlier_log {
    struct log_sink *sink;
    struct log_feed *feeds[FLEET_WORKERS_MAX];
};

void up_take_outlier_log(void *user, struct str value)
{
    struct up_job *job = user;
    if (value.len == 0)
        words_complain(&job->words, "--outlier-log is a file, or - for standard output");
    job->outlier_path = !str_eq(value, STR("-")) ? value : STR("/dev/stdout");
}

/* On the workers' threads. */
static void note(const struct server_outlier *outlier, void *user)
{
    struct up_outlier_log *log = user;
    struct log_feed *feed = log->feeds[outlier->worker];
    struct buf line;
    buf_init(&line, OUTLIER_LOG_LINE_BYTES_MAX);
    if (outlier_log_line(outlier->event, &line) == RC_OK)
        (void)log_feed_say(feed, buf_str(&line));
    else
        log_feed_count_dropped(feed);
    buf_fini(&line);
}

bool up_begin_outlier_log(struct up_job *job, struct town_listener *listener)
{
    struct str why;
    struct str path = job->outlier_path;
    if (path.len == 0)
        return true;
    /* With -o json standard output is the table's. */
    if (job->is_json && str_eq(path, STR("/dev/stdout")))
        path = STR("/dev/stderr");
    struct log_sink *sink = log_sink_open(path, &why);
    if (sink == NULL) {
        words_complain(&job->words, "--outlier-log %.*s: %.*s", STR_FMT(path), STR_FMT(why));
        return false;
    }
    struct up_outlier_log *log = ARENA_NEW(&job->words.arena, struct up_outlier_log);
    log->sink = sink;
    for (uint32_t i = 0; i < job->worker_count; i++)
        log->feeds[i] = log_feed_new(sink);
    job->outlier_log = log;
    listener->on_outlier = note;
    listener->outlier_user = log;
    return true;
}

void up_reopen_outlier_log(struct up_job *job)
{
    if (job->outlier_log != NULL)
        log_sink_reopen(job->outlier_log->sink);
}

void up_end_outlier_log(struct up_job *job)
{
    if (job->outlier_log != NULL)
        log_sink_close(job->outlier_log->sink);
    job->outlier_log = NULL;
}
