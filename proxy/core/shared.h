/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/shared.h - what all workers of one proxy share of its clusters:
 * circuit breakers' counts and outlier detection.
 *
 *   snapshot ──1:1──> shared ──for each cluster──> state (breaker, outlier) <── the
 *                                                   next shared, if the cluster stays
 *
 * Made with a snapshot before its engines; counted, and held by each of them. When a
 * configuration is replaced, a cluster that is configured as before keeps its state,
 * also for what is still under way on the old configuration; another one begins anew
 * (as Envoy's do when CDS changes them), but its counters go on.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proxy/core/breaker.h"
#include "proxy/core/health.h"
#include "proxy/core/outlier.h"
#include "proxy/model/snapshot.h"

/* A cluster's, as one snapshot sees it. */
struct shared_cluster {
    const struct cluster *cluster;
    struct breaker *breaker;
    struct outlier *outlier;     /* NULL: it ejects nobody */
    atomic_bool *are_absent;     /* by the endpoint's index: not there, for now */
    atomic_uint change_count;    /* how often endpoints came or went */
    struct outlier_host **hosts; /* by the endpoint's index, with `outlier` */
    const struct health *health; /* NULL with `outlier` */
    struct shared_state *state;
    bool is_kept; /* `before` had the cluster, configured as now */
};

struct shared;

/* cluster_manager.cluster_*: how often clusters came, became other ones, went, and had other
 * endpoints, or endpoints that are told of otherwise (not those that come with a cluster). */
struct shared_changes {
    uint64_t added, modified, removed, updated;
};

/* Holds the snapshot. `before` (may be NULL) is what it takes over from, and is still
 * the caller's to drop. `now_ns`: since 1970; intervals of new detectors begin here. */
struct shared *shared_new(struct snapshot *snapshot, const struct shared *before, uint64_t seed,
                          int64_t now_ns);
/* One thread has all its workers, now and later: breakers count without locking the bus. */
void shared_set_alone(struct shared *shared);
void shared_hold(struct shared *shared);
void shared_drop(struct shared *shared);

struct snapshot *shared_snapshot(const struct shared *shared);
/* Since the proxy began. */
struct shared_changes shared_changes(const struct shared *shared);
const struct shared_cluster *shared_cluster(const struct shared *shared, uint32_t cluster_index);

/* An endpoint goes (is_absent) or comes. Each worker may say so; it happens once. */
void shared_set_absent(struct shared *shared, uint32_t cluster_index, uint32_t endpoint_index,
                       bool is_absent, int64_t now_ns);
bool shared_is_absent(const struct shared_cluster *own, uint32_t endpoint_index);
/* Endpoints that are there. */
uint32_t shared_member_count(const struct shared *shared, uint32_t cluster_index);
/* Endpoints of a cluster that are usable: there, healthy, and not ejected at this moment. */
uint32_t shared_healthy_count(const struct shared *shared, uint32_t cluster_index);
