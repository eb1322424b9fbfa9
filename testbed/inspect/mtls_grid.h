/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls_grid.h - all clients of a world held against all services: what is
 * computed of each pair, and what a play of it shows the caller.
 *
 * A service has a row for each of its TCP ports; one for each subset whose connections
 * differ; and where its pods do not fare alike, one for each kind of them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "config/resource/mesh.h"
#include "testbed/inspect/mtls.h"
#include "testbed/world/play.h"

struct mtls_cell {
    uint32_t client; /* of the world */
    const struct service *service;
    uint32_t port;
    struct str subset; /* empty: the service itself */
    uint32_t *pods;    /* that fare alike */
    uint32_t pod_count;
    struct str workloads; /* theirs, "reviews-v1, reviews-v2" */
    bool is_whole;        /* all pods of the cluster do */
    const struct cluster *cluster;
    struct mtls_meeting meeting;
    /* Filled by mtls_grid_play. A gateway is not played: its routes decide what is sent, nor
     * who has no pods of ours, nor a subset of bytes. */
    bool is_played;
    struct outcome outcome;
};

struct mtls_grid {
    struct world *world;
    struct mtls_cell *cells; /* by client, then by service */
    uint32_t count, capacity;
};

/* `to`: SERVICE, SERVICE.NAMESPACE or a host; empty: all services. */
struct mtls_grid mtls_grid_of(struct world *world, struct str to, struct arena *arena);
/* "reviews.default:9080", with the subset and the workloads where they matter. */
struct str mtls_cell_target(const struct mtls_cell *cell, struct arena *arena);

/* An engine: begins a play on the world; NULL, and then *why. */
struct mtls_engine {
    struct play *(*begin)(struct world *world, struct play_options options, struct str *why);
    const char *envoy; /* play_options.envoy; with it no pod can be away */
};
/* GET / in each cell, on proxies that are fresh for each client. False: no play could be
 * begun, and *why. */
bool mtls_grid_play(struct mtls_grid *grid, struct mtls_engine engine, uint64_t seed,
                    struct arena *arena, struct str *why);
