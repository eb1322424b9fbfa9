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

/* Empty texts and port 0 filter nothing. */
struct proxy_filter {
    struct str name, address, type, fqdn, subset, direction, status, cluster;
    uint32_t port;
    bool is_brief; /* --verbose=false */
};

enum rc proxy_table_clusters(const struct snapshot *snapshot, const struct proxy_filter *filter,
                             struct arena *arena, struct buf *out) MUST_USE;
enum rc proxy_table_listeners(const struct snapshot *snapshot, const struct proxy_filter *filter,
                              struct arena *arena, struct buf *out) MUST_USE;
enum rc proxy_table_routes(const struct snapshot *snapshot, const struct proxy_filter *filter,
                           struct arena *arena, struct buf *out) MUST_USE;
enum rc proxy_table_endpoints(const struct snapshot *snapshot, const struct proxy_filter *filter,
                              struct arena *arena, struct buf *out) MUST_USE;
