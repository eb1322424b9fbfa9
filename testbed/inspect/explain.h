/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/explain.h - one request through a mesh, told.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"
#include "testbed/world/call.h"
#include "testbed/world/world.h"

struct explain_question {
    struct documents documents;
    struct str url, from, namespace, method, body;
    struct header *headers;
    uint32_t header_count;
    const struct profile *profile;
};

/* The world and the call that a question means; false when the URL or the
 * client cannot be understood (*why says so) or the manifests have errors (then
 * *why is empty and `diags` says). The world is the caller's to free. */
bool explain_prepare(const struct explain_question *question, struct arena *arena,
                     struct diag_list *diags, struct world **world, struct call *call,
                     struct str *why);

struct explain_style {
    bool has_colour;
    struct str engine_name;
};

/* The story and its end, for people and as one JSON object. */
enum rc explain_write(const struct world *world, const struct call *call,
                      const struct outcome *outcome, const struct explain_style *style,
                      struct arena *scratch, struct buf *out) MUST_USE;
enum rc explain_write_json(const struct world *world, const struct call *call,
                           const struct outcome *outcome, const struct explain_style *style,
                           struct arena *scratch, struct buf *out) MUST_USE;
