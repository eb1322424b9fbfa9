/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/authz.h - the filters that decide who may come in: those of
 * AuthorizationPolicy and RequestAuthentication for this proxy.
 *
 * Source: ISTIO.md 6.2, 6.3.
 */
#pragma once

#include "config/translate/context.h"
#include "proxy/model/security.h"

struct authz_filters {
    const struct security *http, *tcp; /* NULL: none */
};

/* Of a sidecar's inbound side, or of a gateway. */
struct authz_filters authz_translate(struct translation *t);
/* Of streams to a service, where its namespace's policies count, too; NULL: none. */
const struct security *authz_to_service(struct translation *t, struct str namespace);
