/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/authz_provider.h - who is asked about requests (MeshConfig's
 * extensionProviders), as ext_authz.
 *
 * Source: ISTIO.md 6.3.
 */
#pragma once

#include "config/translate/context.h"
#include "proxy/model/security.h"

/* NULL: there is no such provider, or it cannot be used. */
const struct ext_authz *authz_provider_find(struct translation *t, struct str name);
