/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/engine.h - what one worker knows beyond a single request: compiled
 * route tables, load balancers' positions, counters, luck.
 *
 * Built upon one snapshot, which it holds. Belongs to one thread. Its arena
 * holds what is derived (compiled tables) and policy state; both go with it.
 * engine_step has the exchange's shape, for what no request owns (outlier
 * sweeps): told the time, it does what is due.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "proxy/core/lb.h"
#include "proxy/core/shared.h"
#include "proxy/core/stats.h"
#include "proxy/model/message.h"
#include "proxy/model/snapshot.h"

struct engine;

/* Holds the snapshot. Streams of luck come from `seed`. It shares nothing. */
struct engine *engine_new(struct snapshot *snapshot, uint64_t seed);
/* One of several workers: holds `shared`, and the snapshot of it. */
struct engine *engine_new_worker(struct shared *shared, uint64_t seed);
void engine_free(struct engine *engine);

/* Once, before anything else happens: the snapshot's endpoints are there since
 * `now_ns` (0 when it is not called). */
void engine_start(struct engine *engine, int64_t now_ns);

/* The endpoints of that address, in all clusters, go (is_absent) or come at
 * `now_ns`. Sessions of TCP proxies do not see it. */
void engine_set_absent(struct engine *engine, struct str address, bool is_absent, int64_t now_ns);

const struct snapshot *engine_snapshot(const struct engine *engine);
/* What it shares with other workers, or would. */
struct shared *engine_shared(const struct engine *engine);
/* Seconds since 1970 at time 0; before anything happens. */
void engine_set_epoch(struct engine *engine, int64_t seconds);

/* When engine_step wants to be called; NS_NEVER: not at all. */
int64_t engine_wake_ns(const struct engine *engine);
void engine_step(struct engine *engine, int64_t now_ns);

/* --- outlier detection ---------------------------------------------------- */

/* A balancer of the cluster's endpoints that knows who is ejected; luck and memory are
 * the caller's. */
void engine_init_lb(const struct engine *engine, uint32_t cluster_index, struct lb *lb,
                    struct rng *rng, struct arena *arena);
/* What came of an endpoint's service. `code`: the response's status, or 0.
 * endpoint_index LB_NONE (an original destination) is nobody's. Answers with the last
 * thing that it led to (until the next call), or NULL. */
const struct outlier_event *engine_note_result(struct engine *engine, uint32_t cluster_index,
                                               uint32_t endpoint_index, enum outlier_result result,
                                               uint32_t code, int64_t now_ns);
/* The same for a response (ENVOY.md 7.2). */
const struct outlier_event *engine_note_response(struct engine *engine, uint32_t cluster_index,
                                                 uint32_t endpoint_index,
                                                 const struct response_head *head, bool is_grpc,
                                                 int64_t now_ns);
/* The response's status, or what a gRPC server says among its headers as one. */
uint32_t engine_code_of(const struct response_head *head, bool is_grpc);
/* Is it ejected at this moment, whichever worker did it? Takes the detector's lock. */
bool engine_is_ejected(const struct engine *engine, uint32_t cluster_index,
                       uint32_t endpoint_index);
/* What a grpc-status means as one of HTTP; 500: none that is known. */
uint32_t engine_code_of_grpc(struct str said);
/* How many of the cluster's endpoints are ejected at this moment. */
uint32_t engine_ejected_count(const struct engine *engine, uint32_t cluster_index);
/* Is anything there that engine_hear_event or engine_next_event would tell? */
bool engine_has_event(const struct engine *engine);
/* The next of what this engine has ejected or let in, for its own use: it is still there
 * for engine_next_event. False: nothing new. */
bool engine_hear_event(struct engine *engine, struct outlier_event *event);
/* The next of what this engine has ejected or let in; false: nothing new. */
bool engine_next_event(struct engine *engine, struct outlier_event *event);

/* The named streams: "stream" is the one draw that Envoy shares between
 * weights, mirrors and runtime fractions (ENVOY.md 0.3); "uuid" is for
 * x-request-id. */
struct rng *engine_rng_stream(struct engine *engine);
struct rng *engine_rng_uuid(struct engine *engine);

struct cluster_stats *engine_cluster_stats(struct engine *engine, uint32_t cluster_index);
struct http_stats *engine_http_stats(struct engine *engine);

/* Is the cluster configured as the shared state of before had it? */
bool engine_is_kept(const struct engine *engine, uint32_t cluster_index);

/* Index into the snapshot's clusters, or UINT32_MAX. */
uint32_t engine_cluster_index(const struct engine *engine, struct str name);

/* By names, for reports and tests: `cluster` "http" means the connection
 * managers, "tcp" the TCP proxies and their filters, "listener" the ssl.* of all listeners. A
 * counter that never moved is 0; false: no such cluster or name. */
bool engine_stat(const struct engine *engine, struct str cluster, struct str name, uint64_t *value);
/* Is it a number of the whole proxy, the same on each of its engines? Then it is not
 * summed over them. */
bool stat_is_shared(struct str name);
