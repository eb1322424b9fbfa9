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
#include "proxy/core/stats.h"
#include "proxy/model/snapshot.h"

struct engine;

/* Holds the snapshot. Streams of luck come from `seed`. */
struct engine *engine_new(struct snapshot *snapshot, uint64_t seed);
void engine_free(struct engine *engine);

/* Once, before anything else happens: the snapshot's endpoints are there since
 * `now_ns` (0 when it is not called). */
void engine_start(struct engine *engine, int64_t now_ns);

const struct snapshot *engine_snapshot(const struct engine *engine);

/* When engine_step wants to be called; NS_NEVER: not at all. */
int64_t engine_wake_ns(const struct engine *engine);
void engine_step(struct engine *engine, int64_t now_ns);

/* The named streams: "stream" is the one draw that Envoy shares between
 * weights, mirrors and runtime fractions (ENVOY.md 0.3); "uuid" is for
 * x-request-id. */
struct rng *engine_rng_stream(struct engine *engine);
struct rng *engine_rng_uuid(struct engine *engine);

struct cluster_stats *engine_cluster_stats(struct engine *engine, uint32_t cluster_index);
struct http_stats *engine_http_stats(struct engine *engine);

/* The heir goes on counting where `from` stopped; `from` ends now. Same thread.
 *
 * Inherited: counters of clusters that both snapshots have, by name, whatever
 * else of them changed, and those of the connection managers. Not inherited:
 * counters of clusters that are gone (Envoy drops them with the cluster);
 * positions of load balancers, pools, what policies remember of endpoints and
 * luck, which begin anew as with a cluster that Envoy was given again. */
void engine_inherit(struct engine *heir, const struct engine *from);

/* Index into the snapshot's clusters, or UINT32_MAX. */
uint32_t engine_cluster_index(const struct engine *engine, struct str name);

/* By names, for reports and tests: `cluster` "http" means the connection
 * managers. A counter that never moved is 0; false: no such cluster or name. */
bool engine_stat(const struct engine *engine, struct str cluster, struct str name, uint64_t *value);
