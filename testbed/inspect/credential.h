/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/credential.h - where what a transport socket calls by name comes from: a
 * Secret of the manifests, the mesh, or nowhere.
 *
 * A view of testbed/world/keyrings.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "testbed/world/world.h"

struct credential {
    bool is_absent;       /* it was never delivered */
    struct str words;     /* "shop-cert, Secret/shop-cert.istio-system" */
    struct origin origin; /* of the Secret; line 0: there is none */
};

/* `name` as in a proxy's configuration, "kubernetes://shop-cert"; `client`: whose proxy.
 * Words live in `arena`. */
struct credential credential_of(struct world *world, uint32_t client, struct str name,
                                bool is_authority, struct arena *arena);
