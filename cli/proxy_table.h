/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_table.h - a snapshot in istioctl's tables.
 *
 * Source: ISTIO.md 10.2 to 10.6.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "proxy/model/snapshot.h"

struct proxy_table_style {
    bool is_brief; /* --verbose=false */
    bool is_named; /* `all`: a first column KIND/NAME */
};

/* What proxy_filter_apply left, row by row. */
enum rc proxy_table_clusters(const struct snapshot *snapshot, const struct proxy_table_style *style,
                             struct arena *arena, struct buf *out) MUST_USE;
enum rc proxy_table_listeners(const struct snapshot *snapshot,
                              const struct proxy_table_style *style, struct arena *arena,
                              struct buf *out) MUST_USE;
enum rc proxy_table_routes(const struct snapshot *snapshot, const struct proxy_table_style *style,
                           struct arena *arena, struct buf *out) MUST_USE;
/* Named: with localities in place of outlier checks, as `all` has it. */
enum rc proxy_table_endpoints(const struct snapshot *snapshot,
                              const struct proxy_table_style *style, struct arena *arena,
                              struct buf *out) MUST_USE;
