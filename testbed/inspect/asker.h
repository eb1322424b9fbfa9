/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/asker.h - whose request is it: from a name on the command
 * line to a client of a world.
 *
 * POD, WORKLOAD, KIND/NAME, each perhaps with .NAMESPACE, or NAMESPACE/GATEWAY.
 * Without a name it is a stand-in sidecar, called "client".
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "config/yaml/tree.h"
#include "testbed/world/world.h"

struct asker {
    bool is_found;
    struct client_spec client;
    struct str known; /* not found: who there is, "a, b, default/gateway" */
};

/* The pod as a client: a gateway, when a Gateway's selector finds it. */
struct client_spec asker_of_pod(const struct mesh *mesh, const struct pod *pod);

/* `namespace` is the one that a name without a namespace is in. What comes
 * back lives in `arena`. */
struct asker asker_find(const struct documents *documents, struct str name, struct str namespace,
                        struct arena *arena);
