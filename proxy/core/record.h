/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/record.h - what is known of an exchange when it is over: the raw
 * material of access log, reports and tests. Slices live as long as the
 * exchange's arena.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/core/reason.h"
#include "proxy/model/cluster.h"
#include "proxy/model/message.h"
#include "proxy/model/route.h"

#define RECORD_FLAGS_MAX 6 /* more never come together */

struct record {
    int64_t started_ns; /* stream creation */
    int64_t finished_ns;
    enum http_version version;
    struct str method;
    struct str path;      /* the client's: x-envoy-original-path if rewritten */
    struct str authority; /* as sent upstream (rewritten) */
    struct str request_id;
    uint32_t status;                    /* 0: no response was begun */
    enum reason reason;                 /* REASON_NONE when a response was forwarded */
    struct str flags[RECORD_FLAGS_MAX]; /* in order of insertion; none: "-" */
    uint32_t flag_count;
    struct str details; /* RESPONSE_CODE_DETAILS; empty: "-" */
    struct str transport_failure;
    uint64_t bytes_received, bytes_sent; /* bodies */
    uint32_t attempt_count;
    int64_t backoff_ns;                      /* waits between attempts, together */
    const struct virtual_host *virtual_host; /* NULL: none */
    const struct route *route;
    const struct weighted_cluster *weighted; /* the one drawn, or NULL */
    struct str cluster_name;                 /* empty: the log's "-" */
    const struct cluster *cluster;           /* NULL: none, or it does not exist */
    const struct endpoint *endpoint;         /* the last one tried */
};

/* Adds a flag unless it is there already. */
void record_add_flag(struct record *record, struct str flag);
/* "UF,URX", "-" ; in `arena`. */
struct str record_flags(const struct record *record, struct arena *arena);
