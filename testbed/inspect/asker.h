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
#include <stdint.h>

#include "base/arena.h"
#include "config/yaml/tree.h"
#include "testbed/world/world.h"

struct asker {
    bool is_found;
    struct client_spec client;
    struct str known; /* not found: who there is, "a, b, default/gateway" */
};

/* The parts, for those who have a mesh already. */

/* The pod as a client: a gateway, when a Gateway's selector finds it. */
struct client_spec asker_of_pod(const struct mesh *mesh, const struct pod *pod);
/* By POD, WORKLOAD or KIND/NAME, each perhaps with .NAMESPACE; NULL: none. */
const struct pod *asker_pod_named(const struct mesh *mesh, struct str namespace, struct str name);
/* Does the selector mean the pod? An empty one means none. */
bool asker_is_selected(const struct pod *pod, const struct label *labels, uint32_t label_count);
/* "a, b, default/gateway": who there is. */
struct str asker_known(const struct mesh *mesh, struct str namespace, struct arena *arena);

/* `namespace` is the one that a name without a namespace is in. What comes
 * back lives in `arena`. */
struct asker asker_find(const struct documents *documents, struct str name, struct str namespace,
                        struct arena *arena);
