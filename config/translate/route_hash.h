/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/route_hash.h - the hash policies of a route: the keys of
 * consistentHash in the DestinationRules of its destinations.
 *
 * Source: ISTIO.md 3.6.
 */
#pragma once

#include "config/resource/http_rule.h"
#include "config/translate/context.h"
#include "proxy/model/route.h"

/* Those of a rule's destinations, one after the other. True: there is one. */
bool route_hash_set(struct translation *t, const struct http_rule *rule,
                    struct forward_action *out);

/* That of a service's port where nobody wrote a rule. */
void route_hash_set_default(struct translation *t, const struct service *service, uint32_t port,
                            struct forward_action *out);
