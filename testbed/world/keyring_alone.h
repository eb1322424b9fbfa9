/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/keyring_alone.h - the secrets of one proxy that is in no pretend
 * world: what istiod and Kubernetes would have delivered to it.
 */
#pragma once

#include "config/translate/translate.h"
#include "proxy/model/secret.h"
#include "proxy/model/snapshot.h"
#include "testbed/world/authority.h"
#include "testbed/world/manifest.h"

struct keyring_alone_wish {
    struct authority *authority;
    const struct proxy_identity *proxy; /* its service account: "default" when it says none */
    struct snapshot *snapshot;          /* of that proxy; it names the secrets */
    struct manifests manifests;
    struct str trust_domain; /* empty: cluster.local */
};
/* With PEM; names are those of keyrings.h. In `arena`, and no longer than the snapshot. */
const struct keyring *keyring_alone(const struct keyring_alone_wish *wish, struct arena *arena);
