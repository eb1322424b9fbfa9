/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/explain.h - one request told from the first byte to the last:
 * who asked, which listener took it, the story of the trace, what came back and
 * what its flags mean.
 *
 * A view: it changes nothing and knows no engine; whoever played the call hands
 * over its outcome.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "testbed/inspect/spread.h"
#include "testbed/world/call.h"
#include "testbed/world/play.h"
#include "testbed/world/world.h"

struct explain_page {
    struct world *world; /* pods' sidecars hear of it when they are first asked about */
    const struct call *call;
    const struct outcome *outcome;
    const struct play_hop *hops; /* what came in to sidecars meanwhile */
    uint32_t hop_count;
    const struct spread *spread; /* of all requests; NULL: there was one */
    struct str engine_name;
    uint64_t seed;
    bool has_colour;
};

/* RC_FULL: the buffer's limit. */
enum rc explain_write(const struct explain_page *page, struct arena *scratch,
                      struct buf *out) MUST_USE;
void explain_write_json(const struct explain_page *page, struct arena *scratch, struct json *json);
