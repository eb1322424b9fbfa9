/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/log_sink.h - lines from many threads into one file, without ever
 * making one of them wait.
 *
 *   worker ──feed (ring)──┐
 *   worker ──feed (ring)──┼──> one writer thread ──> file
 *   worker ──feed (ring)──┘
 *
 * A feed belongs to one thread: a ring with one who writes and one who reads,
 * no lock and no memory asked for per line. The writer comes at least once a
 * second, and at once when a feed is half full. When the file is too slow, a
 * feed runs full: then whole lines are DROPPED, and counted; nobody waits.
 *
 * A reader of standard output that has gone away (EPIPE) costs its lines, not
 * the process: the writer thread does not take SIGPIPE.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define LOG_FEED_BYTES (1024u * 1024) /* of each feed; a power of two */
#define LOG_LINE_BYTES_MAX (64u * 1024)

struct log_sink;
struct log_feed;

struct log_sink_stats {
    uint64_t written_bytes;
    uint64_t dropped_lines; /* by full feeds, too long, or because writing failed */
    uint64_t failed_writes;
};

/* Opens (appends to) a file, or /dev/stdout, /dev/stderr, and starts the writer. NULL:
 * *why is the system's word ("Permission denied"), a static text. */
struct log_sink *log_sink_open(struct str path, struct str *why);
/* Writes what is there, waits at most a second for a reader that does not
 * read, and ends. All feeds of it are gone with it. */
void log_sink_close(struct log_sink *sink);

/* Opens the file by its name again, as after a rotation; any thread. What was
 * said before goes to the old one. */
void log_sink_reopen(struct log_sink *sink);
/* Everything that was said before this call is written when it returns, or
 * `patience_ns` have passed: false. */
bool log_sink_flush(struct log_sink *sink, int64_t patience_ns);
struct log_sink_stats log_sink_stats(struct log_sink *sink);

/* A way to the sink for one thread; may be made on another. It lives as long
 * as the sink. */
struct log_feed *log_feed_new(struct log_sink *sink);

/* One whole line with its newline. Never waits. False: dropped. */
bool log_feed_say(struct log_feed *feed, struct str line);
/* A line that could not be made: longer than LOG_LINE_BYTES_MAX. */
void log_feed_count_dropped(struct log_feed *feed);
