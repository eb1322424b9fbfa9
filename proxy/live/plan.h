/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/plan.h - a configuration's way to a fleet's workers: which doors
 * go on with the sockets they have, and new sockets for the others.
 *
 * Made on the control thread, before any worker hears of it: so all doors bind
 * or none. Then each worker carries it out, and it becomes what the control
 * thread knows of the proxy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "proxy/live/fleet.h"
#include "proxy/live/worker.h"

/* Where a door listens. */
struct place {
    struct str name;
    struct str bind_address;
    uint32_t bind_port;
    uint32_t port; /* the kernel's, if bind_port is 0 */
};

/* A proxy, as the control thread knows it. */
struct member {
    struct str name;
    struct arena memory; /* of the places */
    struct place *places;
    uint32_t place_count;
    struct shared *shared; /* what its workers share now */
    bool is_there;
};

struct members {
    struct member *items; /* by the proxy's number */
    uint32_t count, capacity;
};

/* A configuration's way to the workers. */
struct plan {
    struct arena memory;
    uint32_t proxy;
    const struct fleet_proxy *facts; /* of one that is added */
    const struct fleet_config *config;
    uint32_t worker_count;
    uint64_t seed;
    struct shared *shared; /* of the configuration; the plan's, then the member's */
    uint32_t *kept;        /* of each door: the index of the one before, or FLEET_NONE */
    int *fds;              /* of each new door: one for each worker */
    uint32_t *ports;
};

/* plan->proxy, config and worker_count are given. Opens what is not there yet.
 * 0, or an errno: *door could not be opened, and nothing is open. */
int plan_make(struct plan *plan, const struct members *members, uint32_t *door);
/* On a worker's thread: doors close, change and open. The caller replaces the
 * snapshot, if there was one before, in the same turn. */
void plan_carry_out(const struct plan *plan, struct worker *worker, struct worker_host *host);
/* All workers have done it: so it is. Gives the plan back. */
void plan_finish(struct plan *plan, struct member *member);
