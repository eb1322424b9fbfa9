/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/outcome.h - what a proxy and the applications know of a call,
 * added to what its caller saw.
 *
 * The same for every engine: requests are recognized by their x-request-id, as
 * the proxies log it.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "testbed/world/call.h"
#include "testbed/world/sighting.h"
#include "testbed/world/world.h"

/* A deep copy of what the proxy recorded; `trace` may be NULL. */
void outcome_take_record(struct outcome *outcome, const struct record *record,
                         const struct trace *trace, struct arena *arena);

/* What call.is_counted wants of it: no heads, no addresses. */
void outcome_take_counts(struct outcome *outcome, const struct record *record, struct arena *arena);

/* Its pod, by its record. */
void outcome_take_pod(struct outcome *outcome, const struct world *world);

/* Gives every outcome its sightings, in order, and its pod. A sighting that is
 * nobody's by its id belongs to the only call, if there is only one. */
void outcomes_take_sightings(struct outcome *outcomes, uint32_t outcome_count,
                             const struct sighting_log *log, const struct world *world,
                             struct arena *arena);
