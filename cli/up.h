/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up.h - what the files of `pocketmesh up` share.
 *
 *   up.c       the command: words, signals, the loop, the end
 *   up_read.c  the user's files into an era, and what is wrong with them
 *   up_show.c  what listens where, and what an edit did, for people and machines
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "cli/words.h"
#include "testbed/town/register.h"
#include "testbed/town/town.h"
#include "testbed/town/watch.h"

struct up_job {
    struct words words;
    struct str namespace;
    struct str *from;
    uint32_t from_count, from_capacity;
    struct register_wish *wishes;
    uint32_t wish_count, wish_capacity;
    struct str workers_text;
    uint32_t worker_count;
    bool is_watching, is_external_allowed, is_json;
    struct map said;     /* warnings that were printed */
    struct str *watched; /* what the files were read from */
    uint32_t watched_count, watched_capacity;
    struct arena watched_names;
    struct str shown; /* the table as it was printed last; in shown_memory */
    struct arena shown_memory;
    struct town *town;
    struct watch *watch;
    uv_signal_t interrupt, terminate, hangup;
    uv_timer_t patience;
    uint32_t handle_count;
    bool is_draining;
};

/* The files as they are now, brought to life; NULL: something is wrong, and it was
 * said with its place. Warnings that were said before are not repeated. */
struct era *up_read(struct up_job *job);

/* The table, or its JSON, on standard output, unless it is as it was; false: it
 * cannot be written. */
bool up_show(struct up_job *job, const struct registry *registry);
/* What cannot be listened on, each of it. */
void up_show_unbindable(const struct registry *registry);
/* What an edit did, on standard error. */
void up_show_changes(const struct world *before, const struct world *after);
