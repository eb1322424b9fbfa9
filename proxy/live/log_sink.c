/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/log_sink.c - the writer thread.
 *
 * The lock guards what the sink is asked for (wake, flush, reopen, close) and
 * the list of feeds. A worker takes it only when its feed has just become half
 * full; the writer never holds it while it writes.
 */
#include "proxy/live/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/ns.h"
#include "proxy/live/log_ring.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)
#define FLUSH_INTERVAL_NS NS_SECOND
#define CLOSE_PATIENCE_NS NS_SECOND
#define POLL_MS 50
#define FILE_CHUNK_BYTES (256u * 1024)

struct log_feed {
    struct log_ring ring;
    struct log_sink *sink;
    struct log_feed *next;
};

struct log_sink {
    struct arena memory;
    struct str path; /* ends in NUL */
    int fd;          /* the writer's, once it runs */
    size_t chunk_bytes;
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t wake;    /* somebody wants something */
    uv_cond_t written; /* a round is over */
    /* Under the lock. */
    struct log_feed *feeds;
    bool is_wake_wanted, is_reopen_wanted;
    uint64_t rounds_wanted, rounds_done; /* of log_sink_flush */
    /* Read by the writer while it writes. */
    atomic_bool is_closing;
    int64_t close_by_ns;
    atomic_uint_fast64_t written_bytes, lost_lines, failed_writes;
};

/* --- the file -------------------------------------------------------------- */

static int open_file(const char *path)
{
    if (strcmp(path, "/dev/stdout") == 0)
        return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (strcmp(path, "/dev/stderr") == 0)
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

/* What one write may be of without waiting when poll says that there is room. */
static size_t chunk_of(int fd)
{
    struct stat about;
    bool is_file = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    return is_file ? FILE_CHUNK_BYTES : PIPE_BUF;
}

static void reopen(struct log_sink *sink)
{
    int fd = open_file(sink->path.ptr);
    if (fd < 0) {
        /* The old file is better than none. */
        atomic_fetch_add(&sink->failed_writes, 1);
        return;
    }
    close(sink->fd);
    sink->fd = fd;
    sink->chunk_bytes = chunk_of(fd);
}

/* --- the writer ------------------------------------------------------------- */

static int64_t clock_ns(void)
{
    return (int64_t)uv_hrtime();
}

/* False: the sink is closing and its reader does not read. */
static bool wait_for_room(struct log_sink *sink)
{
    struct pollfd room = {.fd = sink->fd, .events = POLLOUT};
    for (;;) {
        int count = poll(&room, 1, POLL_MS);
        if (count > 0 || (count < 0 && errno != EINTR))
            return true; /* or write says what is wrong */
        if (atomic_load(&sink->is_closing) && clock_ns() >= sink->close_by_ns)
            return false;
    }
}

static bool write_all(struct log_sink *sink, struct str bytes)
{
    while (bytes.len > 0) {
        if (!wait_for_room(sink))
            return false;
        struct str chunk = str_slice(bytes, 0, sink->chunk_bytes);
        ssize_t size = write(sink->fd, chunk.ptr, chunk.len);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0) {
            atomic_fetch_add(&sink->failed_writes, 1);
            return false;
        }
        atomic_fetch_add(&sink->written_bytes, (uint64_t)size);
        bytes = str_from(bytes, (size_t)size);
    }
    return true;
}

static uint64_t line_count(struct str bytes)
{
    uint64_t count = 0;
    for (size_t i = 0; i < bytes.len; i++)
        count += bytes.ptr[i] == '\n';
    return count;
}

/* A feed is written to its end before the next one begins, so that lines stay
 * whole. What cannot be written is lost, so that a feed is never stuck. */
static void drain(struct log_sink *sink, struct log_feed *feed)
{
    size_t left = atomic_load_explicit(&feed->ring.said, memory_order_acquire) -
                  atomic_load_explicit(&feed->ring.taken, memory_order_relaxed);
    bool is_lost = false;
    while (left > 0) {
        struct str bytes = str_slice(log_ring_peek(&feed->ring), 0, left);
        is_lost = is_lost || !write_all(sink, bytes);
        if (is_lost)
            atomic_fetch_add(&sink->lost_lines, line_count(bytes));
        log_ring_take(&feed->ring, bytes.len);
        left -= bytes.len;
    }
}

struct round {
    struct log_feed *feeds;
    uint64_t number;
    bool is_reopening, is_last;
};

/* Sleeps until somebody wants something or a second has passed. */
static struct round next_round(struct log_sink *sink)
{
    uv_mutex_lock(&sink->lock);
    if (!sink->is_wake_wanted)
        (void)uv_cond_timedwait(&sink->wake, &sink->lock, (uint64_t)FLUSH_INTERVAL_NS);
    struct round round = {.feeds = sink->feeds,
                          .number = sink->rounds_wanted,
                          .is_reopening = sink->is_reopen_wanted,
                          .is_last = atomic_load(&sink->is_closing)};
    sink->is_wake_wanted = sink->is_reopen_wanted = false;
    uv_mutex_unlock(&sink->lock);
    return round;
}

static void run(void *user)
{
    struct log_sink *sink = user;
    sigset_t all;
    sigfillset(&all);
    /* Signals are for others; a reader that went away is EPIPE here. */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    struct round round;
    do {
        round = next_round(sink);
        for (struct log_feed *feed = round.feeds; feed != NULL; feed = feed->next)
            drain(sink, feed);
        if (round.is_reopening)
            reopen(sink);
        uv_mutex_lock(&sink->lock);
        sink->rounds_done = round.number;
        uv_cond_broadcast(&sink->written);
        uv_mutex_unlock(&sink->lock);
    } while (!round.is_last);
}

/* --- the doors --------------------------------------------------------------- */

/* The lock is held. */
static void wake(struct log_sink *sink)
{
    sink->is_wake_wanted = true;
    uv_cond_signal(&sink->wake);
}

struct log_sink *log_sink_open(struct str path, struct str *why)
{
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct log_sink *sink = ARENA_NEW(&memory, struct log_sink);
    sink->path = arena_str(&memory, path);
    sink->fd = open_file(sink->path.ptr);
    if (sink->fd < 0) {
        *why = str_of(strerror(errno));
        arena_fini(&memory);
        return NULL;
    }
    sink->chunk_bytes = chunk_of(sink->fd);
    sink->memory = memory;
    int rc = uv_mutex_init(&sink->lock);
    ASSERT(rc == 0);
    rc = uv_cond_init(&sink->wake);
    ASSERT(rc == 0);
    rc = uv_cond_init(&sink->written);
    ASSERT(rc == 0);
    rc = uv_thread_create(&sink->thread, run, sink);
    if (rc == 0)
        return sink;
    *why = str_of(uv_strerror(rc));
    close(sink->fd);
    uv_cond_destroy(&sink->written);
    uv_cond_destroy(&sink->wake);
    uv_mutex_destroy(&sink->lock);
    memory = sink->memory;
    arena_fini(&memory);
    return NULL;
}

void log_sink_close(struct log_sink *sink)
{
    if (sink == NULL)
        return;
    uv_mutex_lock(&sink->lock);
    sink->close_by_ns = clock_ns() + CLOSE_PATIENCE_NS;
    atomic_store(&sink->is_closing, true);
    wake(sink);
    uv_mutex_unlock(&sink->lock);
    uv_thread_join(&sink->thread);
    close(sink->fd);
    uv_cond_destroy(&sink->written);
    uv_cond_destroy(&sink->wake);
    uv_mutex_destroy(&sink->lock);
    struct arena memory = sink->memory;
    arena_fini(&memory);
}

void log_sink_reopen(struct log_sink *sink)
{
    uv_mutex_lock(&sink->lock);
    sink->is_reopen_wanted = true;
    wake(sink);
    uv_mutex_unlock(&sink->lock);
}

bool log_sink_flush(struct log_sink *sink, int64_t patience_ns)
{
    int64_t until_ns = ns_add(clock_ns(), patience_ns);
    uv_mutex_lock(&sink->lock);
    uint64_t wanted = ++sink->rounds_wanted;
    wake(sink);
    while (sink->rounds_done < wanted) {
        int64_t left_ns = until_ns - clock_ns();
        if (left_ns <= 0)
            break;
        (void)uv_cond_timedwait(&sink->written, &sink->lock, (uint64_t)left_ns);
    }
    bool is_done = sink->rounds_done >= wanted;
    uv_mutex_unlock(&sink->lock);
    return is_done;
}

struct log_sink_stats log_sink_stats(struct log_sink *sink)
{
    struct log_sink_stats stats = {.written_bytes = atomic_load(&sink->written_bytes),
                                   .dropped_lines = atomic_load(&sink->lost_lines),
                                   .failed_writes = atomic_load(&sink->failed_writes)};
    uv_mutex_lock(&sink->lock);
    for (struct log_feed *feed = sink->feeds; feed != NULL; feed = feed->next)
        stats.dropped_lines += atomic_load(&feed->ring.dropped_lines);
    uv_mutex_unlock(&sink->lock);
    return stats;
}

struct log_feed *log_feed_new(struct log_sink *sink)
{
    uv_mutex_lock(&sink->lock);
    struct log_feed *feed = ARENA_NEW(&sink->memory, struct log_feed);
    feed->ring.bytes = arena_alloc(&sink->memory, LOG_FEED_BYTES);
    feed->ring.capacity = LOG_FEED_BYTES;
    feed->sink = sink;
    feed->next = sink->feeds;
    sink->feeds = feed;
    uv_mutex_unlock(&sink->lock);
    return feed;
}

bool log_feed_say(struct log_feed *feed, struct str line)
{
    bool is_half_full;
    bool is_said = log_ring_say(&feed->ring, line, &is_half_full);
    if (is_half_full) {
        uv_mutex_lock(&feed->sink->lock);
        wake(feed->sink);
        uv_mutex_unlock(&feed->sink->lock);
    }
    return is_said;
}

void log_feed_count_dropped(struct log_feed *feed)
{
    atomic_fetch_add_explicit(&feed->ring.dropped_lines, 1, memory_order_relaxed);
}
