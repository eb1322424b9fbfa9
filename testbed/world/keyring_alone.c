/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/keyring_alone.c - see keyring_alone.h.
 */
#include "testbed/world/keyring_alone.h"

#include "testbed/world/keyrings.h"

/* A world with nobody but the proxy. */
const struct keyring *keyring_alone(const struct keyring_alone_wish *wish, struct arena *arena)
{
    struct world_client *client = ARENA_NEW(arena, struct world_client);
    *client = (struct world_client){
        .spec = {.name = wish->proxy->name,
                 .via = wish->proxy->type == PROXY_ROUTER ? VIA_GATEWAY : VIA_SIDECAR,
                 .namespace = wish->proxy->namespace},
        .identity = *wish->proxy,
        .snapshot = wish->snapshot,
    };
    if (client->identity.service_account.len == 0)
        client->identity.service_account = STR("default");
    struct world *world = ARENA_NEW(arena, struct world);
    *world = (struct world){
        .arena = arena,
        .authority = wish->authority,
        .spec = {.trust_domain = wish->trust_domain},
        .clients = client,
        .client_count = 1,
        .manifests = wish->manifests,
    };
    return world_keyring(world, 0, true);
}
