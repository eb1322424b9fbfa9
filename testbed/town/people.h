/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/people.h - whose proxies a town runs: which pods a program of this
 * machine may be, and which gateways there are.
 *
 * Clients: those of the test file that have a sidecar, and the first pod of each
 * workload, unless it says that it has none. With names (--from), those only.
 * Gateways: for each Gateway, the pod that its selector finds, else a stand-in;
 * Gateways with the same one share it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "testbed/world/world.h"

struct people_question {
    const struct world *world;         /* made without clients */
    const struct client_spec *clients; /* of the test file */
    uint32_t client_count;
    const struct str *from;
    uint32_t from_count;
};

struct people {
    struct client_spec *items;
    uint32_t count, capacity;
    struct str unknown; /* a name of `from` that nobody has; empty: none */
    struct str known;   /* then: who there is */
};

struct people people_of(const struct people_question *asked, struct arena *arena);

/* Is the client the gateway that is called so: by its own name, by that of a
 * Gateway that it serves, or as NAMESPACE/GATEWAY? */
bool people_is_gateway(const struct world *world, const struct world_client *client,
                       struct str name);
