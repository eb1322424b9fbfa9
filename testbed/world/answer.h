/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/answer.h - the bytes of a stand-in's ordinary answer, exactly:
 * no date, no server, nothing that the test did not say.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "testbed/world/behaviour.h"
#include "testbed/world/outflow.h"
#include "testbed/world/reading.h"

/* What `echo` tells of the request. */
struct answer_echo {
    struct str pod;
    const struct reading_event *head;
    struct str body; /* its beginning */
};

/* Appends head and body to `out` and sets `flow`, which borrows `out`, the
 * answer's body and nothing else. Pauses in the middle of the body when the
 * answer has a body latency. */
void answer_write(const struct answer *answer, const struct answer_echo *echo, bool is_head_method,
                  struct buf *out, struct outflow *flow);

/* Does the connection end with it? */
bool answer_is_closing(const struct answer *answer);
