/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/access_log.h - which exchange is logged where.
 *
 * An access_logger serves any number of proxies on any number of workers. It
 * keeps each distinct pair of file and format once, compiled, and for each
 * worker a feed into each file (log_sink.h); it only grows, so workers read it
 * without a lock while new configurations are learnt.
 *
 *     logger = access_logger_new(worker_count);
 *     access_logger_learn(logger, snapshot, &arena, &why)  before a snapshot is put to work
 *     access_logger_note(logger, done->worker, done->record, done->epoch_seconds)   in on_done
 *     access_logger_reopen(logger);                        on SIGHUP, after a rotation
 *     access_logger_free(logger);                          writes what is left
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/record.h"
#include "proxy/live/log_sink.h"
#include "proxy/model/snapshot.h"

struct access_logger;

struct access_logger *access_logger_new(uint32_t worker_count);
/* No worker may be noting any more. */
void access_logger_free(struct access_logger *logger);

/* Compiles the formats and opens the files of every listener. False: *why, in
 * `arena`, says which format or file is wrong, with the place in the user's
 * files; what was fine before the mistake stays learnt. One thread at a time. */
bool access_logger_learn(struct access_logger *logger, const struct snapshot *snapshot,
                         struct arena *arena, struct str *why);

/* The worker's thread only. An exchange whose listener logs nothing, or was
 * never learnt, leaves no line. Asks for no memory, never waits. */
void access_logger_note(struct access_logger *logger, uint32_t worker, const struct record *record,
                        int64_t epoch_seconds);

/* The thread that learns. */
void access_logger_reopen(struct access_logger *logger);
/* What was noted before is in the files when it returns true. The thread that
 * learns. */
bool access_logger_flush(struct access_logger *logger, int64_t patience_ns);
/* Of all files together. The thread that learns. */
struct log_sink_stats access_logger_stats(struct access_logger *logger);
