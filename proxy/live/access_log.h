/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/access_log.h - which exchange is logged where.
 *
 * log_files are the process's open logs, one for each path; a log_book is one
 * worker's: the compiled formats of one snapshot's listeners, and a feed into
 * each file. Writing a line looks nothing up by name.
 *
 *     struct log_files *files = log_files_new();              once
 *     struct log_book *book = log_book_new(files, snapshot, epoch_seconds, &why);
 *                                                             each worker, each snapshot
 *     log_book_note(book, done->record);                      in on_done
 *     log_files_reopen(files);                                on SIGHUP
 *     log_book_free(book); ... log_files_free(files);         writes what is left
 *
 * Several proxies of one process may share log_files: their lines go to one
 * standard output, whole.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/core/record.h"
#include "proxy/live/log_sink.h"
#include "proxy/model/snapshot.h"

struct log_files;
struct log_book;

struct log_files *log_files_new(void);
/* Every book must be freed before. */
void log_files_free(struct log_files *files);
/* Any thread. */
void log_files_reopen(struct log_files *files);
/* Of all files together. */
struct log_sink_stats log_files_stats(struct log_files *files);

/* Holds the snapshot. Opens files that are not open yet. NULL: *why, in
 * `arena`, says which format or file is wrong, with the place in the user's
 * files when there is one. May be called on any thread, one at a time. */
struct log_book *log_book_new(struct log_files *files, struct snapshot *snapshot,
                              int64_t epoch_seconds, struct arena *arena, struct str *why);
void log_book_free(struct log_book *book);

/* The worker's thread only. The record must be of an exchange on the book's
 * snapshot; others (from before a reload) are matched by the listener's name. */
void log_book_note(struct log_book *book, const struct record *record);
