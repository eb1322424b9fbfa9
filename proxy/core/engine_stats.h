/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine_stats.h - counters of an engine that have a name of their
 * own: of each listener, each connection manager's and TCP proxy's stat prefix,
 * each endpoint.
 *
 * Asked for by name once for a connection, then counted through the pointer;
 * they live as long as the engine. Gauges are rows like counters and go down
 * again; what pools know (connections, waiters) is read from them.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "proxy/core/engine.h"
#include "proxy/core/histogram.h"
#include "proxy/core/stats.h"
#include "proxy/model/listener.h"

enum listener_stat {
#define LISTENER(name) STAT_LISTENER_##name,
#define TCP(name)
#define ENDPOINT(name)
#include "proxy/core/engine_stats.def"
#undef LISTENER
#undef TCP
#undef ENDPOINT
    STAT_LISTENER_COUNT,
};

enum tcp_stat {
#define LISTENER(name)
#define TCP(name) STAT_TCP_##name,
#define ENDPOINT(name)
#include "proxy/core/engine_stats.def"
#undef LISTENER
#undef TCP
#undef ENDPOINT
    STAT_TCP_COUNT,
};

enum endpoint_stat {
#define LISTENER(name)
#define TCP(name)
#define ENDPOINT(name) STAT_ENDPOINT_##name,
#include "proxy/core/engine_stats.def"
#undef LISTENER
#undef TCP
#undef ENDPOINT
    STAT_ENDPOINT_COUNT,
};

struct listener_stats {
    struct str name; /* address_port, as in listener.<name>. */
    uint64_t counters[STAT_LISTENER_COUNT];
    struct histogram length_ms;
    struct ssl_stats *ssl; /* NULL: nobody has spoken TLS */
};

struct tcp_stats {
    struct str prefix;
    uint64_t counters[STAT_TCP_COUNT];
};

struct endpoint_stats {
    uint64_t counters[STAT_ENDPOINT_COUNT];
};

/* What pools of one endpoint hold now. */
struct pool_gauges {
    uint32_t connections, waiters, busy;
};

/* Counts for a cluster, or a listener. */
void engine_note_handshake(struct engine *engine, struct ssl_stats **stats,
                           const struct ssl_handshake *handshake);
void engine_note_tls_failure(struct engine *engine, struct ssl_stats **stats,
                             enum tls_failure failure);

struct listener_stats *engine_listener_stats(struct engine *engine,
                                             const struct listener *listener);
/* Without a prefix: those that engine_http_stats answers. */
struct http_stats *engine_http_stats_of(struct engine *engine, struct str prefix);
struct tcp_stats *engine_tcp_stats(struct engine *engine, struct str prefix);
/* Of all streams: a place for each enum rbac_stat. */
uint64_t *engine_rbac_stats(struct engine *engine);
struct endpoint_stats *engine_endpoint_stats(struct engine *engine, uint32_t cluster_index,
                                             uint32_t endpoint_index);

/* For reading: NULL when nothing was ever counted there. */
const struct listener_stats *engine_find_listener_stats(const struct engine *engine,
                                                        struct str name);
const struct http_stats *engine_find_http_stats(const struct engine *engine, struct str prefix);
const struct tcp_stats *engine_find_tcp_stats(const struct engine *engine, struct str prefix);
const struct endpoint_stats *engine_find_endpoint_stats(const struct engine *engine,
                                                        uint32_t cluster_index,
                                                        uint32_t endpoint_index);
struct pool_gauges engine_pool_gauges(const struct engine *engine, uint32_t cluster_index,
                                      uint32_t endpoint_index);
/* Of all pools of a cluster, also those of original destinations. */
struct pool_gauges engine_cluster_gauges(const struct engine *engine, uint32_t cluster_index);
/* Adds what pools hold, if that is what the counter of TCP sessions lacks. */
void pool_gauges_add(const struct pool_gauges *gauges, struct str name, uint64_t *value);

/* By Envoy's name. False: there is no such counter. */
bool tcp_stats_read(const struct tcp_stats *stats, struct str name, uint64_t *value);

/* "0.0.0.0_80", "[__1]_80": Envoy's name of a listener in its counters. */
struct str listener_stats_name(const struct listener *listener, struct arena *arena);

/* Every counter to zero; gauges and histograms stay, as in Envoy. */
void engine_reset_counters(struct engine *engine);

/* Is it a gauge, by Envoy's name without what stands before the last scope? */
bool stat_is_gauge(struct str name);
