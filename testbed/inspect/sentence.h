/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/sentence.h - one trace event in words: a subject, what is said
 * of it, and where it was said.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/origin.h"
#include "proxy/core/trace.h"
#include "testbed/world/world.h"

enum sentence_mark {
    SENTENCE_PLAIN,
    SENTENCE_NO,
    SENTENCE_YES,
    SENTENCE_GO,
    SENTENCE_BAD,
};

struct sentence {
    enum sentence_mark mark;
    struct str subject, words;
    struct origin origin;
    bool is_default; /* nobody wrote it: the profile's */
};

struct sentence_context {
    const struct world *world; /* for the names of pods; NULL: addresses */
    struct arena *arena;       /* for the words */
};

struct sentence sentence_of(const struct sentence_context *context,
                            const struct trace_event *event);
