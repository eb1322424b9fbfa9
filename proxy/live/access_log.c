/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/access_log.c - see access_log.h.
 *
 * `count` is published after the entry it counts, and entries never move or
 * change: that is all that workers need to read them.
 */
#include "proxy/live/access_log.h"

#include <stdatomic.h>
#include <string.h>

#include <uv.h>

#include "base/check.h"
#include "proxy/core/access_log.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)
/* Different formats of one process; each reload of a changed one takes a place. */
#define ENTRIES_MAX 256u

struct log_file {
    struct str path;
    struct log_sink *sink;
    struct log_feed **feeds; /* of each worker */
    struct log_file *next;
};

struct entry {
    struct access_log log; /* copied */
    const struct access_log_format *format;
    const struct log_file *file;
};

struct access_logger {
    struct arena memory;
    uint32_t worker_count;
    char **lines; /* of each worker: LOG_LINE_BYTES_MAX */
    struct log_file *files;
    struct str hostname;
    struct entry entries[ENTRIES_MAX];
    atomic_uint count;
};

struct access_logger *access_logger_new(uint32_t worker_count)
{
    struct arena memory;
    char hostname[UV_MAXHOSTNAMESIZE];
    size_t size = sizeof(hostname);
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct access_logger *logger = ARENA_NEW(&memory, struct access_logger);
    logger->worker_count = worker_count;
    logger->lines = ARENA_ARRAY(&memory, char *, worker_count);
    for (uint32_t i = 0; i < worker_count; i++)
        logger->lines[i] = arena_alloc(&memory, LOG_LINE_BYTES_MAX);
    if (uv_os_gethostname(hostname, &size) == 0)
        logger->hostname = arena_str(&memory, str_of(hostname));
    logger->memory = memory;
    return logger;
}

void access_logger_free(struct access_logger *logger)
{
    if (logger == NULL)
        return;
    for (struct log_file *file = logger->files; file != NULL; file = file->next)
        log_sink_close(file->sink);
    struct arena memory = logger->memory;
    arena_fini(&memory);
}

/* --- learning ---------------------------------------------------------------- */

static bool is_same(const struct access_log *a, const struct access_log *b)
{
    return a->encoding == b->encoding && str_eq(a->path, b->path) && str_eq(a->format, b->format);
}

/* The entry's index, or the count. */
static uint32_t find(const struct access_logger *logger, const struct access_log *log)
{
    uint32_t count = atomic_load_explicit(&logger->count, memory_order_acquire);
    uint32_t i = 0;
    while (i < count && !is_same(&logger->entries[i].log, log))
        i++;
    return i;
}

static struct log_file *file_of(struct access_logger *logger, struct str path, struct str *why)
{
    for (struct log_file *file = logger->files; file != NULL; file = file->next)
        if (str_eq(file->path, path))
            return file;
    struct log_sink *sink = log_sink_open(path, why);
    if (sink == NULL)
        return NULL;
    struct log_file *file = ARENA_NEW(&logger->memory, struct log_file);
    *file = (struct log_file){
        .path = arena_str(&logger->memory, path), .sink = sink, .next = logger->files};
    file->feeds = ARENA_ARRAY(&logger->memory, struct log_feed *, logger->worker_count);
    for (uint32_t i = 0; i < logger->worker_count; i++)
        file->feeds[i] = log_feed_new(sink);
    logger->files = file;
    return file;
}

/* Where the user said so, and what is wrong with it. */
static struct str complain(const struct access_log *log, struct arena *arena, struct str what)
{
    if (log->origin.line == 0)
        return arena_format(arena, "access log %.*s: %.*s", STR_FMT(log->path), STR_FMT(what));
    return arena_format(arena, "%.*s:%u:%u: access log %.*s: %.*s", STR_FMT(log->origin.file),
                        log->origin.line, log->origin.column, STR_FMT(log->path), STR_FMT(what));
}

static bool learn_log(struct access_logger *logger, const struct access_log *log,
                      struct arena *arena, struct str *why)
{
    uint32_t count = atomic_load_explicit(&logger->count, memory_order_relaxed);
    if (find(logger, log) < count)
        return true;
    if (count == ENTRIES_MAX) {
        *why = complain(log, arena, STR("too many different formats since the start"));
        return false;
    }
    struct entry *entry = &logger->entries[count];
    struct access_log_error error;
    struct str system = STR_EMPTY;
    struct str format = log->format.len > 0 ? log->format : ACCESS_LOG_ENVOY_TEXT;
    entry->log = *log;
    entry->log.path = arena_str(&logger->memory, log->path);
    entry->log.format = arena_str(&logger->memory, log->format);
    entry->log.origin = (struct origin){0};
    entry->format = access_log_format_new(log->encoding, arena_str(&logger->memory, format),
                                          &logger->memory, &error);
    if (entry->format == NULL) {
        *why = complain(
            log, arena,
            arena_format(arena, "byte %zu of the format: %.*s", error.at, STR_FMT(error.what)));
        return false;
    }
    entry->file = file_of(logger, log->path, &system);
    if (entry->file == NULL) {
        *why = complain(log, arena, system);
        return false;
    }
    atomic_store_explicit(&logger->count, count + 1, memory_order_release);
    return true;
}

static const struct access_log_list *logs_of(const struct filter_chain *chain)
{
    switch (chain->kind) {
    case CHAIN_HTTP:
        return &chain->http.access_logs;
    case CHAIN_TCP:
        return &chain->tcp.access_logs;
    }
    UNREACHABLE("filter_chain_kind");
}

static bool learn_chain(struct access_logger *logger, const struct filter_chain *chain,
                        struct arena *arena, struct str *why)
{
    const struct access_log_list *logs = logs_of(chain);
    for (uint32_t i = 0; i < logs->count; i++)
        if (!learn_log(logger, &logs->items[i], arena, why))
            return false;
    return true;
}

bool access_logger_learn(struct access_logger *logger, const struct snapshot *snapshot,
                         struct arena *arena, struct str *why)
{
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++)
            if (!learn_chain(logger, &listener->chains[k], arena, why))
                return false;
        if (listener->default_chain != NULL &&
            !learn_chain(logger, listener->default_chain, arena, why))
            return false;
    }
    return true;
}

/* --- noting ------------------------------------------------------------------ */

static void note(struct access_logger *logger, uint32_t worker, const struct entry *entry,
                 const struct access_log_facts *facts)
{
    char *line = logger->lines[worker];
    size_t size = access_log_render(entry->format, facts, line, LOG_LINE_BYTES_MAX);
    struct log_feed *feed = entry->file->feeds[worker];
    if (size > 0)
        (void)log_feed_say(feed, (struct str){line, size});
    else
        log_feed_count_dropped(feed);
}

void access_logger_note(struct access_logger *logger, uint32_t worker, const struct record *record,
                        int64_t epoch_seconds)
{
    ASSERT(worker < logger->worker_count);
    const struct filter_chain *chain = record->downstream.chain;
    if (chain == NULL)
        return;
    const struct access_log_list *logs = logs_of(chain);
    if (logs->count == 0)
        return;
    struct access_log_facts facts = {
        .record = record, .epoch_seconds = epoch_seconds, .hostname = logger->hostname};
    uint32_t count = atomic_load_explicit(&logger->count, memory_order_acquire);
    for (uint32_t i = 0; i < logs->count; i++) {
        uint32_t index = find(logger, &logs->items[i]);
        if (index < count)
            note(logger, worker, &logger->entries[index], &facts);
    }
}

void access_logger_reopen(struct access_logger *logger)
{
    for (struct log_file *file = logger->files; file != NULL; file = file->next)
        log_sink_reopen(file->sink);
}

bool access_logger_flush(struct access_logger *logger, int64_t patience_ns)
{
    bool is_done = true;
    for (struct log_file *file = logger->files; file != NULL; file = file->next)
        is_done = log_sink_flush(file->sink, patience_ns) && is_done;
    return is_done;
}

struct log_sink_stats access_logger_stats(struct access_logger *logger)
{
    struct log_sink_stats sum = {0};
    for (struct log_file *file = logger->files; file != NULL; file = file->next) {
        struct log_sink_stats stats = log_sink_stats(file->sink);
        sum.written_bytes += stats.written_bytes;
        sum.dropped_lines += stats.dropped_lines;
        sum.failed_writes += stats.failed_writes;
    }
    return sum;
}
