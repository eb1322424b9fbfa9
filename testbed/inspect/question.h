/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/question.h - a request as curl takes it, as a call.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "testbed/world/call.h"

struct question {
    struct str url;    /* http[s]://HOST[:PORT][/PATH][?QUERY]; the scheme may be missing */
    struct str method; /* empty: GET, and POST with a body */
    struct str *lines; /* "NAME: VALUE"; "NAME;" has no value, as curl has it */
    uint32_t line_count;
    bool has_body;
    struct str body;
};

/* Does its URL say https? */
bool question_is_tls(const struct question *question);
/* Of such a URL: whom it calls, without the port. */
struct str question_host(const struct question *question);

/* False, and why, when it is none. A Host line is the authority; without one
 * it is the URL's host as written. */
bool question_call(const struct question *question, struct arena *arena, struct call *out,
                   struct str *why);
