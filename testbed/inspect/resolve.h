/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/resolve.h - where a call would be led by a proxy's
 * configuration: listener, filter chain, route table, virtual host, route,
 * cluster.
 *
 * The question and the answer are those of Istio's own simulation package, and
 * so are its limits: of a route only the path is looked at (a regex as a part of
 * it, a segment's prefix as plain text), and of a route's actions only the single
 * cluster. What a request really does is `explain`'s to say.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/model/snapshot.h"

enum resolve_mode { RESOLVE_OUTBOUND, RESOLVE_INBOUND, RESOLVE_GATEWAY };
enum resolve_protocol { RESOLVE_HTTP, RESOLVE_HTTP2, RESOLVE_TCP };
enum resolve_tls { RESOLVE_PLAINTEXT, RESOLVE_TLS, RESOLVE_MTLS };

struct resolve_call {
    enum resolve_mode mode;
    enum resolve_protocol protocol;
    enum resolve_tls tls;
    uint32_t port;
    struct str address, path, host, sni, alpn; /* empty: what usually goes with the rest */
    struct str mtls_secret; /* whose certificate mutual TLS means; empty: the workload's */
};

/* Empty: did not come so far. Slices of the snapshot. */
struct resolve_answer {
    struct str error;
    struct str listener, filter_chain, route_config, virtual_host, route, cluster;
};

struct resolve_answer resolve(const struct snapshot *snapshot, const struct resolve_call *call,
                              struct arena *scratch);
