/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/directory.h - names as a pod's DNS would resolve them, and what to
 * tell a person who asked for one that is not there.
 *
 * What a cluster's DNS knows (services by short and long names, headless ones,
 * pods of a StatefulSet, ExternalName's aliases) and Istio's (ServiceEntries), with the search list
 * that every pod has (ndots:5); and literal addresses. Names outside of the mesh are left to the
 * system where that is allowed, and refused otherwise.
 *
 * Pure; reads the world.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "proxy/live/guide.h"
#include "testbed/world/world.h"

struct directory_question {
    const struct world *world;
    struct str namespace; /* of the pod that asks */
    struct str host;
    uint32_t port;
    bool is_external_allowed; /* to leave this machine */
};

/* An ExternalName or a ServiceEntry without address that leads outside of the mesh gets an address
 * where nobody listens, unless it may be dialled: routing rules for it hold all the same. */
struct guide_answer directory_find(const struct directory_question *asked, struct arena *arena);
