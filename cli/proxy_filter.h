/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_filter.h - what of a snapshot is shown, and in which order, as
 * istioctl has it.
 *
 * Source: ISTIO.md 10.2 to 10.6.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "proxy/model/snapshot.h"

enum proxy_section {
    SECTION_LISTENER,
    SECTION_ROUTE,
    SECTION_CLUSTER,
    SECTION_ENDPOINT,
    SECTION_SECRET,
    SECTION_ALL
};

/* Empty texts and port 0 filter nothing. */
struct proxy_filter {
    struct str name, address, type, fqdn, subset, direction, status, cluster;
    uint32_t port;
    bool is_whole_address; /* `all` compares ADDRESS:PORT of endpoints */
};

/* The parts of DIRECTION|PORT|SUBSET|HOST; of another name only the host, which
 * is all of it. */
struct cluster_key {
    struct str direction, subset, host;
    uint32_t port;
    bool has_parts;
};

struct cluster_key cluster_key_of(struct str name);

/* HTTP, TCP, HTTP+TCP or UNKNOWN. */
struct str proxy_filter_listener_type(const struct listener *listener);

/* A copy with what the section shows: clusters by their name's parts (but for
 * the section of listeners and of routes), route tables by number. It borrows
 * from the snapshot and is not to be dropped. */
void proxy_filter_apply(const struct snapshot *snapshot, enum proxy_section section,
                        const struct proxy_filter *filter, struct arena *arena,
                        struct snapshot *out);
