/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/keyrings.h - which secrets a proxy, a caller or an application of a
 * pretend world has: what istiod and Kubernetes would have delivered.
 *
 * Sources of names: ISTIO.md 5.9. What a name leads to:
 *   default                      the proxy's own, spiffe://DOMAIN/ns/NS/sa/SA
 *   ROOTCA                       the mesh's authority
 *   kubernetes://NAME            what the Secret of the manifests holds, if that is PEM
 *   other certificates           the public authority's, for the hosts of their chains
 *   NAME-cacert                  what the Secret holds; for made-up callers the public
 *                                authority, too, as theirs are its certificates
 *   system roots                 the public authority
 *   other files of authorities   the mesh's; the stranger's if its name says so
 */
#pragma once

#include <stdbool.h>

#include "proxy/model/cluster.h"
#include "proxy/model/secret.h"
#include "proxy/model/tls.h"
#include "testbed/world/world.h"

/* Of a client's proxy, whatever its snapshot names. `is_sealed`: with PEM. The same each
 * time; it lives as long as the world. */
const struct keyring *world_keyring(struct world *world, uint32_t client, bool is_sealed);

/* Makes those of all clients; what is wrong with Secrets of the manifests goes to `diags`. */
void world_make_keyrings(struct world *world, struct diag_list *diags);

/* May anybody speak TLS at all? */
bool world_has_tls(const struct world *world);

/* A TLS end that is no proxy: a caller to a gateway, an application. */
struct tls_end {
    struct keyring keyring;
    struct cluster cluster; /* of a caller: its `tls` and name */
    struct upstream_tls client;
    struct downstream_tls server; /* of an application */
};
/* NULL: it speaks plaintext. As long as the world. */
const struct tls_end *world_caller_tls(struct world *world, uint32_t client, bool is_sealed);
/* As it behaves now. */
const struct tls_end *world_pod_tls(struct world *world, uint32_t pod, bool is_sealed);
