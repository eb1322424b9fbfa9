/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/story.h - a trace told in lines: what was asked, what was
 * answered, and which line of YAML said so.
 *
 * A view of the core's trace events; explain and failure reports print it.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/origin.h"
#include "proxy/core/trace.h"
#include "testbed/inspect/sentence.h"
#include "testbed/world/world.h"

/* A line before the trace's own: which listener the request came to. */
struct story_lead {
    bool is_bad;
    struct str subject, words;
    struct origin origin;
};

struct story_options {
    bool has_colour;
    struct str indent;
    const struct world *world;     /* for the names of pods; NULL: addresses */
    struct str profile;            /* whose defaults decided where nobody wrote */
    bool is_framed;                /* request and end are told elsewhere */
    const struct story_lead *lead; /* or NULL */
};

/* The lines of a trace (NULL: none, only the lead). RC_FULL: the buffer's limit. */
enum rc story_write(const struct trace *trace, const struct story_options *options,
                    struct arena *scratch, struct buf *out) MUST_USE;

/* The same as an array of objects. */
void story_write_json(const struct trace *trace, const struct story_options *options,
                      struct arena *scratch, struct json *json);

/* One line that is no event's, and the same as an object. */
enum rc story_write_step(const struct sentence *step, struct str indent, bool has_colour,
                         struct buf *out) MUST_USE;
void story_step_json(const struct sentence *step, struct json *json);
