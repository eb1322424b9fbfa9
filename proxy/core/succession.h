/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/succession.h - what of an engine goes on in the one that takes its place.
 *
 * A cluster that is configured as before (its CDS print is the same: shared.h) goes on as
 * Envoy's does: with its pools and their connections, who waits there, its balancers' turns
 * and their counts of requests. Its endpoints may be other ones: those that stay (the same
 * address, port and locality) keep all that; pools of those that left stay with the engine of
 * before, as do those of clusters that changed or went, until nobody needs them.
 *
 * Requests that are under way end with the engine of before. What it is asked for a pool, the
 * successor answers where the endpoint is still there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/engine.h"

/* An endpoint, as one engine counts it. */
struct endpoint_place {
    struct engine *engine;
    uint32_t cluster_index, endpoint_index;
};

/* Right after `heir` was made in the place of `from`, before anything happens on it. */
void engine_take_over(struct engine *heir, struct engine *from, int64_t now_ns);
/* `older` was succeeded by `from` of engine_take_over: now it is `heir`. */
void engine_follow(struct engine *older, const struct engine *from, struct engine *heir);

/* Is the cluster its successor's now? */
bool engine_has_gone_on(const struct engine *engine, uint32_t cluster_index);
/* Where the cluster is now, and its index there; the engine itself if it did not go on. */
struct engine *engine_successor(struct engine *engine, uint32_t cluster_index,
                                uint32_t *successor_index);
/* The same for an endpoint: if that is not there any more, itself. */
struct endpoint_place engine_place(struct engine *engine, const struct endpoint_place *asked);

/* The heir goes on counting where `from` stopped; `from` ends now. Same thread.
 *
 * Inherited: counters of clusters that both snapshots have, by name, whatever else of them
 * changed, those of endpoints that stayed, and those of the connection managers. Not
 * inherited: counters of clusters that are gone (Envoy drops them with the cluster), and
 * luck. What is shared goes its own way (shared.h). */
void engine_inherit(struct engine *heir, struct engine *from);
