/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/handshake.h - one connection between two sides of the mesh told step by
 * step: what each side is and who said so, the greeting, which filter chain takes it and why
 * not another, what each side shows and how the other finds it, and how it ends.
 *
 * A view of mtls.h's meeting: the same on every engine.
 */
#pragma once

#include "base/arena.h"
#include "testbed/inspect/mtls.h"
#include "testbed/inspect/sentence.h"

struct handshake_story {
    struct sentence *steps;
    uint32_t count, capacity;
};

/* Words live in `arena`. */
struct handshake_story handshake_tell(struct world *world, const struct mtls_question *asked,
                                      const struct mtls_meeting *meeting, struct arena *arena);
/* One more step. */
struct sentence *handshake_say(struct handshake_story *story, enum sentence_mark mark,
                               const char *subject, struct str words, struct arena *arena);
